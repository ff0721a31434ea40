//! Following a dossier until it is done: in the hands of a question, and on nobody's behalf.
//!
//! *Invariant:* whoever looks on nobody's behalf asks how far a dossier is, and never for its result.

use std::time::Duration;

use adapter::dossier::{Dossier, Enquiry, Held, LOST, Opened, Seen, State, Taken, UNDER_WAY};
use adapter::{Answer, Miss, Question};
use bytes::Bytes;
use exchange::{Source, SourceState};
use serde::Deserialize;
use tokio::time::{Instant, sleep_until};

use super::dossier::{Pauses, after};
use super::hearing::Asked;
use super::{CivilStatus, Errand, answer, kept};
use crate::civil_status::wire;

/// A dossier that is followed: its id, how far it is, and when to look again.
struct Followed<'a> {
    id: &'a str,
    state: State,
    wish_ms: Option<u64>,
}

impl CivilStatus {
    /// Goes on with the dossier that the same question has left under way. None if there is none, or the
    /// register does not know it any more: then one is registered.
    pub(super) async fn joined(&self, question: &Question<'_>) -> Option<Result<Answer, Miss>> {
        if self.dossiers.is_empty() {
            return None;
        }
        let mut held = self.dossiers.join(self.tag(question)?)?;
        let id = held.dossier().code.clone();
        let followed = Followed {
            id: &id,
            state: held.dossier().state,
            wish_ms: Some(0),
        };
        let followed = self.followed(followed, Some(&mut held), (&question.context).into());
        let reply = match followed.await {
            Err(miss) if miss.reason == LOST => {
                // What another server has is not lost.
                if held.dossier().address == self.line.client.name() {
                    held.finish();
                }
                return None;
            }
            reply => settled(reply, Some(held)),
        };
        let dossier = wire::Code::from(id);
        Some(reply.and_then(|reply| answer(question, reply, Some(dossier))))
    }

    /// The reply with the records: this one, or the one that comes when the dossier is done.
    pub(super) async fn completed(
        &self,
        first: wire::Reply,
        body: &[u8],
        question: &Question<'_>,
    ) -> Result<wire::Reply, Miss> {
        let state = after(State::Sent, &first)?;
        if state == State::Completed && first.ket_qua.is_some() {
            return Ok(first);
        }
        let Some(id) = first.ma_ho_so.clone() else {
            return Err(Miss::invalid("DOSSIER_STATE", "a dossier without an id"));
        };
        let mut held = self.held(&id, state, body, question);
        let followed = Followed {
            id: id.as_str(),
            state,
            wish_ms: first.thu_lai_sau_ms,
        };
        let followed = self.followed(followed, held.as_mut(), (&question.context).into());
        settled(followed.await, held)
    }

    /// Puts a dossier into the hands of its question; none if its id says something of the person.
    fn held(
        &self,
        id: &wire::Code,
        state: State,
        body: &[u8],
        question: &Question<'_>,
    ) -> Option<Held> {
        let context = &question.context;
        let class = context.request.criticality;
        Some(self.dossiers.hold(Opened {
            source: Source::CivilStatus,
            taken: self.taken(kept(id.clone(), question.subject.reveal())?),
            tag: self.tag(question)?,
            caller: context.caller,
            request: context.request.id,
            class,
            ttl: self.line.config.dossiers.ttl(class),
            state,
            enquiry: Enquiry::new(body),
        }))
    }

    /// A dossier of that id, which is here.
    fn taken(&self, code: String) -> Taken {
        let address = self.line.client.name();
        Taken { code, address }
    }

    /// Where the dossier is that the same question has left under way.
    pub(super) fn address(&self, question: &Question<'_>) -> Option<String> {
        if self.dossiers.is_empty() {
            return None;
        }
        self.dossiers.address(self.tag(question)?)
    }

    /// What the question stands for: its enquiry without the id of the request.
    fn tag(&self, question: &Question<'_>) -> Option<adapter::dossier::Tag> {
        let caller = question.context.caller;
        let enquiry = wire::enquiry(question, "");
        self.dossiers.tag(Source::CivilStatus, caller, &enquiry)
    }

    /// Waits until a dossier is done, and fetches its result.
    async fn followed(
        &self,
        mut it: Followed<'_>,
        mut held: Option<&mut Held>,
        errand: Errand<'_>,
    ) -> Result<wire::Reply, Miss> {
        let mut pauses = Pauses::new();
        while it.state.is_asked() {
            pause(pauses.next(it.wish_ms), &it, errand.deadline).await?;
            let reply = self.poll(Asked::Status(it.id), &it, errand).await?;
            it.state = after(it.state, &reply)?;
            it.wish_ms = reply.thu_lai_sau_ms;
            if let Some(held) = held.as_mut() {
                held.is_now(it.state);
            }
        }
        if it.state == State::NeedsSupplement {
            return Err(stuck(SUPPLEMENT));
        }
        if it.state != State::Completed {
            return Err(stuck(FAILED));
        }
        let reply = self.poll(Asked::Result(it.id), &it, errand).await?;
        after(it.state, &reply)?;
        Ok(reply)
    }

    /// Asks about a dossier. Time that runs out here is the dossier's fault.
    async fn poll(
        &self,
        asked: Asked<'_>,
        it: &Followed<'_>,
        errand: Errand<'_>,
    ) -> Result<wire::Reply, Miss> {
        match self.call(asked, wire::dossier(it.id), errand).await {
            Ok((reply, _)) => Ok(reply),
            Err(miss) if miss.state == SourceState::Timeout => Err(under_way(it.wish_ms)),
            Err(miss) => Err(miss),
        }
    }

    /// How far a dossier is, on nobody's behalf.
    pub(super) async fn look_at(&self, dossier: &Dossier, deadline: Instant) -> Result<Seen, Miss> {
        let (asked, body) = (Asked::Status(&dossier.code), wire::dossier(&dossier.code));
        let (reply, _) = self.call(asked, body, alone(deadline)).await?;
        let state = after(dossier.state, &reply)?;
        Ok(Seen { taken: None, state })
    }

    /// Sends an enquiry again, under its own id.
    pub(super) async fn send_again(
        &self,
        enquiry: &Enquiry,
        deadline: Instant,
    ) -> Result<Seen, Miss> {
        let sent: Sent<'_> = serde_json::from_slice(enquiry.reveal())
            .map_err(|_| Miss::unavailable("ENQUIRY", "an enquiry that is none"))?;
        let body = Bytes::copy_from_slice(enquiry.reveal());
        let asked = Asked::Enquiry(sent.ma_yeu_cau);
        let reply = match self.call(asked, body, alone(deadline)).await {
            Ok((reply, _)) => reply,
            // That is an answer, for whoever asks.
            Err(miss) if miss.state.is_answer() => {
                let (taken, state) = (None, State::Completed);
                return Ok(Seen { taken, state });
            }
            Err(miss) => return Err(miss),
        };
        let state = after(State::Sent, &reply)?;
        let code = reply.ma_ho_so.and_then(|id| kept(id, sent.so_dinh_danh));
        let none = || Miss::invalid("DOSSIER_STATE", "a dossier without an id");
        Ok(Seen {
            taken: Some(self.taken(code.ok_or_else(none)?)),
            state,
        })
    }
}

/// What an enquiry that is sent again says of itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a> {
    ma_yeu_cau: &'a str,
    so_dinh_danh: &'a str,
}

/// Leaves a dossier under way if more is to come of it, or ends it.
fn settled(reply: Result<wire::Reply, Miss>, held: Option<Held>) -> Result<wire::Reply, Miss> {
    let is_left = reply.as_ref().is_err_and(|miss| {
        let is_over = [LOST, FAILED, SUPPLEMENT].contains(&miss.reason);
        let is_away = matches!(
            miss.state,
            SourceState::Timeout | SourceState::RateLimited | SourceState::Unavailable
        );
        is_away && !is_over
    });
    if let Some(held) = held.filter(|_| !is_left) {
        held.finish();
    }
    reply
}

/// A call that is part of no question.
const fn alone(deadline: Instant) -> Errand<'static> {
    Errand {
        deadline,
        traceparent: None,
    }
}

/// Waits before the next look at a dossier, if there is time for one.
async fn pause(length: Duration, it: &Followed<'_>, deadline: Instant) -> Result<(), Miss> {
    let until = Instant::now() + length;
    if until >= deadline {
        return Err(under_way(it.wish_ms));
    }
    sleep_until(until).await;
    Ok(())
}

/// The dossier is not done, and when to come again: when the register says, or in a while.
fn under_way(wish_ms: Option<u64>) -> Miss {
    let again = wish_ms.filter(|ms| *ms > 0).map(Duration::from_millis);
    let detail = "the dossier was registered, but was not done before the deadline";
    Miss {
        retry_after: Some(again.unwrap_or(A_WHILE).clamp(SHORTEST, LONGEST)),
        ..Miss::new(SourceState::Timeout, UNDER_WAY, detail)
    }
}

fn stuck(reason: &'static str) -> Miss {
    Miss::refused(reason, "the dossier ended without a result")
}

/// The reason of a dossier that lacks something.
const SUPPLEMENT: &str = "NEEDS_SUPPLEMENT";
/// The reason of a dossier that failed.
const FAILED: &str = "DOSSIER_FAILED";
/// When to come again if the register does not say.
const A_WHILE: Duration = Duration::from_secs(5);
/// Within these bounds what it says counts.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(3_600);
