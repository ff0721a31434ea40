//! The calls: an enquiry, and the polls of its dossier.
//!
//! Not here: the login (`line`), what a response says (`hearing`), how far a dossier is (`dossier`), what a number
//! means (`vendor`).
//!
//! *Invariants:* every await ends at the deadline of the question; a dossier that hangs is a
//! timeout; a call is sent twice at most, and only because the session was over.

mod dossier;
pub(super) mod hearing;
mod line;
mod vendor;

use std::sync::Arc;
use std::time::Duration;

use adapter::{Agency, Answer, BoxFuture, Client, Context, Miss, Question, Session, confirm};
use api::Record;
use bytes::Bytes;
use exchange::{CitizenId, Source, SourceState};
use http::header::{AUTHORIZATION, HeaderValue};
use tokio::time::{Instant, sleep_until};

use self::dossier::{Pauses, Stage};
use self::hearing::{Asked, hear};
use self::line::{Line, bearer};
use super::config::Config;
use super::{translate, wire};

/// The register, as the gateway asks it.
#[derive(Debug)]
pub(crate) struct CivilStatus {
    line: Arc<Line>,
    session: Session<Line>,
    cap: Duration,
}

impl CivilStatus {
    /// The register behind a client, with nothing asked so far.
    pub(crate) fn new(client: Client, config: Config, cap: Duration) -> Self {
        let line = Arc::new(Line { client, config });
        Self {
            session: Session::new(Arc::clone(&line), cap),
            line,
            cap,
        }
    }

    /// Registers the dossier, waits for its result, and translates it.
    async fn enquire(&self, question: &Question<'_>) -> Result<Answer, Miss> {
        let context = &question.context;
        let request_id = context.request.id.to_string();
        let body = wire::enquiry(question, &request_id);
        let asked = Asked::Enquiry(&request_id);
        let heard = self.call(asked, body, context).await;
        let heard = heard.inspect_err(|miss| self.line.client.distrust(miss));
        let (reply, attempts) = heard?;
        let dossier = reply.ma_ho_so.clone();
        let reply = self.completed(reply, context).await;
        let answer = reply.and_then(|reply| answer(question, reply, dossier));
        match answer.inspect_err(|miss| self.line.client.distrust(miss)) {
            Ok(answer) => Ok(Answer { attempts, ..answer }),
            Err(miss) => Err(miss.after(attempts)),
        }
    }

    /// The reply with the records: this one, or the one that comes when the dossier is done.
    async fn completed(
        &self,
        first: wire::Reply,
        context: &Context<'_>,
    ) -> Result<wire::Reply, Miss> {
        let mut stage = Stage::Awaiting.after(&first)?;
        if stage == Stage::Completed && first.ket_qua.is_some() {
            return Ok(first);
        }
        let Some(id) = first.ma_ho_so.as_ref().map(wire::Code::as_str) else {
            return Err(Miss::invalid("DOSSIER_STATE", "a dossier without an id"));
        };
        let mut pauses = Pauses::new();
        let mut wish = first.thu_lai_sau_ms;
        loop {
            match stage {
                Stage::Completed => break,
                Stage::NeedsSupplement => return Err(stuck("NEEDS_SUPPLEMENT")),
                Stage::Failed => return Err(stuck("DOSSIER_FAILED")),
                Stage::Awaiting | Stage::Polling => {
                    pause(pauses.next(wish), context.deadline).await?;
                    let reply = self.poll(Asked::Status(id), id, context).await?;
                    stage = stage.after(&reply)?;
                    wish = reply.thu_lai_sau_ms;
                }
            }
        }
        let reply = self.poll(Asked::Result(id), id, context).await?;
        stage.after(&reply)?;
        Ok(reply)
    }

    /// Asks about a dossier. Time that runs out here is the dossier's fault.
    async fn poll(
        &self,
        asked: Asked<'_>,
        id: &str,
        context: &Context<'_>,
    ) -> Result<wire::Reply, Miss> {
        match self.call(asked, wire::dossier(id), context).await {
            Ok((reply, _)) => Ok(reply),
            Err(miss) if miss.state == SourceState::Timeout => Err(hung()),
            Err(miss) => Err(miss),
        }
    }

    /// Sends a question, in a session.
    async fn call(
        &self,
        asked: Asked<'_>,
        body: Bytes,
        context: &Context<'_>,
    ) -> Result<(wire::Reply, u32), Miss> {
        let body = &body;
        let ask = |token: Arc<str>| async move {
            let mut request = self.line.post(asked.path(), body.clone())?;
            let headers = request.headers_mut();
            headers.insert(AUTHORIZATION, bearer(&token)?);
            if let Some(Ok(parent)) = context.traceparent.map(HeaderValue::from_str) {
                headers.insert("traceparent", parent);
            }
            hear(
                asked,
                &self.line.client.send(request, context.deadline).await?,
            )
        };
        self.session.with(context.deadline, ask).await
    }
}

impl Agency for CivilStatus {
    fn source(&self) -> Source {
        Source::CivilStatus
    }

    fn cap(&self) -> Duration {
        self.cap
    }

    fn ask<'a>(&'a self, question: &'a Question<'a>) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(self.enquire(question))
    }
}

/// The answer in a reply with records, if it is about the subject.
fn answer(
    question: &Question<'_>,
    reply: wire::Reply,
    dossier: Option<wire::Code>,
) -> Result<Answer, Miss> {
    let records = reply.ket_qua.map(|records| records.0.danh_sach);
    let mut records = records.unwrap_or_default().into_iter();
    let Some(wire::Object(citizen)) = records.next() else {
        // Who knows nobody says 201; a dossier that is done and empty is a defect.
        return Err(Miss::invalid(
            "NO_RECORD",
            "a dossier done without a record",
        ));
    };
    if records.next().is_some() {
        return Err(Miss::ambiguous());
    }
    let held = citizen.so_dinh_danh.as_deref().unwrap_or_default();
    let previous = citizen.so_dinh_danh_cu.iter().flatten();
    let confirmed = confirm(&question.subject, held, previous.map(String::as_str))?;
    let adoption = translate::adoption(&citizen, &question.fields);
    let mut record = Record::CivilStatus(Box::new(translate::record(citizen)));
    record.retain(&question.fields);
    let as_of = reply.thoi_diem_du_lieu.as_deref();
    Ok(Answer {
        record,
        as_of: as_of.and_then(|time| time.trim().parse().ok()),
        upstream_request_id: dossier.and_then(|id| kept(id, &question.subject)),
        in_force: confirmed.in_force(),
        adoption,
        attempts: 1,
    })
}

/// The id of a dossier, unless it is no plain id or holds the number of the subject: it goes into
/// records and logs.
fn kept(id: wire::Code, subject: &CitizenId) -> Option<String> {
    let id = id.into_string();
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b':');
    let plain = (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(plain);
    (plain && !id.contains(subject.reveal())).then_some(id)
}

/// Waits before the next look at a dossier, if there is time for one.
async fn pause(length: Duration, deadline: Instant) -> Result<(), Miss> {
    let until = Instant::now() + length;
    if until >= deadline {
        return Err(hung());
    }
    sleep_until(until).await;
    Ok(())
}

fn hung() -> Miss {
    let detail = "the dossier was registered, but was not done before the deadline";
    Miss::new(SourceState::Timeout, "DOSSIER_HUNG", detail)
}

fn stuck(reason: &'static str) -> Miss {
    Miss::unavailable(reason, "the dossier ended without a result")
}

/// The longest id of a dossier that is kept.
const LONGEST_ID: usize = 64;
