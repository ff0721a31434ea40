//! The calls: an enquiry, the polls of its dossier, and the session they need.
//!
//! Not here: what a response says (`hearing`), how far a dossier is (`dossier`), what a number
//! means (`vendor`).
//!
//! *Invariants:* every await ends at the deadline of the question; a dossier that hangs is a
//! timeout; a call is sent twice at most, and only because the session was over.

mod dossier;
mod hearing;
mod vendor;

use std::time::Duration;

use adapter::{
    Agency, Answer, BoxFuture, Client, Confirmed, Context, Miss, Question, Session,
    confirm,
};
use api::Record;
use bytes::Bytes;
use exchange::{CitizenId, Source, SourceState};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::Request;
use http_body_util::Full;
use tokio::time::{Instant, sleep_until};

use self::dossier::{Pauses, Stage};
use self::hearing::{Asked, Heard, hear, hear_login};
use super::config::Config;
use super::{translate, wire};

/// The register, as the gateway asks it.
#[derive(Debug)]
pub(crate) struct CivilStatus {
    client: Client,
    session: Session,
    config: Config,
    cap: Duration,
}

impl CivilStatus {
    /// The register behind a client, with nothing asked so far.
    pub(crate) fn new(client: Client, config: Config, cap: Duration) -> Self {
        Self {
            client,
            session: Session::default(),
            config,
            cap,
        }
    }

    /// Registers the dossier, waits for its result, and translates it.
    async fn enquire(&self, question: &Question<'_>, attempts: &mut u32) -> Result<Answer, Miss> {
        let context = &question.context;
        let request_id = context.request.id.to_string();
        let body = wire::enquiry(question, &request_id);
        let asked = Asked::Enquiry(&request_id);
        let reply = self.call(asked, body, context, attempts).await?;
        let dossier = reply.ma_ho_so.clone();
        let reply = self.completed(reply, context).await?;
        answer(question, reply, dossier)
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
        let reply = self.call(asked, wire::dossier(id), context, &mut 0).await;
        reply.map_err(|miss| {
            if miss.state == SourceState::Timeout {
                hung()
            } else {
                miss
            }
        })
    }

    /// Sends a question, and once again if the session turns out to be over.
    async fn call(
        &self,
        asked: Asked<'_>,
        body: Bytes,
        context: &Context<'_>,
        sent: &mut u32,
    ) -> Result<wire::Reply, Miss> {
        for _ in 0..2 {
            let login = || self.login(context.deadline);
            let token = self.session.token(context.deadline, login).await?;
            let mut request = self.post(asked.path(), body.clone())?;
            let headers = request.headers_mut();
            headers.insert(AUTHORIZATION, bearer(&token)?);
            if let Some(Ok(parent)) = context.traceparent.map(HeaderValue::from_str) {
                headers.insert("traceparent", parent);
            }
            *sent += 1;
            let response = self.client.send(request, context.deadline).await?;
            match hear(asked, &response)? {
                Heard::Reply(reply) => return Ok(reply),
                Heard::SessionOver => self.session.expire(&token).await,
            }
        }
        let detail = "the register ends every session at once";
        Err(Miss::unavailable("SESSION_EXPIRED", detail))
    }

    /// Logs in: a token and its life.
    async fn login(&self, deadline: Instant) -> Result<(String, Duration), Miss> {
        let body = wire::login(&self.config.user, self.config.secret.reveal());
        let request = self.post(wire::LOGIN, body)?;
        let response = self.client.send(request, deadline).await?;
        let token = hear_login(&response)?;
        let life = Duration::from_secs(token.expires_in.clamp(1, LONGEST_LIFE_S));
        Ok((token.token, life))
    }

    fn post(&self, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>, Miss> {
        Request::post(self.client.address(path))
            .header(CONTENT_TYPE, JSON)
            .header(ACCEPT, JSON)
            .body(Full::new(body))
            .map_err(|error| Miss::unavailable("ADDRESS", error.to_string()))
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
        Box::pin(async move {
            let mut attempts = 0;
            let outcome = self.enquire(question, &mut attempts).await;
            match outcome {
                Ok(answer) => Ok(Answer { attempts, ..answer }),
                Err(miss) => Err(miss.after(attempts)),
            }
        })
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
        return Err(Miss::invalid("NO_RECORD", "a dossier done without a record"));
    };
    if records.next().is_some() {
        return Err(Miss::ambiguous());
    }
    let held = citizen.so_dinh_danh.as_deref().unwrap_or_default();
    let previous = citizen.so_dinh_danh_cu.iter().flatten();
    let confirmed = confirm(&question.subject, held, previous.map(String::as_str))?;
    let mut record = Record::CivilStatus(Box::new(translate::record(citizen)));
    record.retain(&question.fields);
    let as_of = reply.thoi_diem_du_lieu.as_deref();
    Ok(Answer {
        record,
        as_of: as_of.and_then(|time| time.trim().parse().ok()),
        upstream_request_id: dossier.and_then(|id| kept(id, &question.subject)),
        superseded: confirmed == Confirmed::Superseded,
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

/// The header that carries the token; nothing shows its value.
fn bearer(token: &str) -> Result<HeaderValue, Miss> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| Miss::invalid("LOGIN_ANSWER", "a token that fits no header"))?;
    value.set_sensitive(true);
    Ok(value)
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The longest life of a token that is believed: a day.
const LONGEST_LIFE_S: u64 = 86_400;
/// The longest id of a dossier that is kept.
const LONGEST_ID: usize = 64;
