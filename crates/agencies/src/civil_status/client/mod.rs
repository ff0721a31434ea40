//! The calls: an enquiry, and the polls of its dossier.
//!
//! Not here: the login (`line`), what a response says (`hearing`), following a dossier (`following`), how far
//! it is (`dossier`), what a number means (`vendor`).
//!
//! *Invariants:* every await ends at the deadline of the question; a dossier that is not done by then stays in
//! the register, and the same question goes on with it; a call is sent twice at most, and only because the
//! session was over.

mod dossier;
mod following;
pub(super) mod hearing;
mod line;
mod vendor;

use std::sync::Arc;
use std::time::Duration;

use adapter::dossier::{Dossier, Enquiry, Register, Seen};
use adapter::{
    Agency, Answer, BoxFuture, Client, Context, Miss, Question, Session, boxed, confirm,
};
use api::Record;
use bytes::Bytes;
use exchange::Source;
use http::header::{AUTHORIZATION, HeaderValue};
use tokio::time::Instant;

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
    /// What questions have left under way.
    dossiers: Arc<Register>,
}

impl CivilStatus {
    /// The register behind a client, with nothing asked so far.
    pub(crate) fn new(
        client: Client,
        config: Config,
        cap: Duration,
        dossiers: &Arc<Register>,
    ) -> Self {
        let line = Arc::new(Line { client, config });
        Self {
            session: Session::new(Arc::clone(&line), cap),
            line,
            cap,
            dossiers: Arc::clone(dossiers),
        }
    }

    /// Goes on with the dossier that the same question has left under way, or registers one; waits for its
    /// result, and translates it.
    async fn enquire(&self, question: &Question<'_>) -> Result<Answer, Miss> {
        let ended = match self.joined(question).await {
            Some(ended) => ended,
            None => self.registered(question).await,
        };
        ended.inspect_err(|miss| self.line.client.distrust(miss))
    }

    /// Registers a dossier, and waits for its result.
    async fn registered(&self, question: &Question<'_>) -> Result<Answer, Miss> {
        let context = &question.context;
        let request_id = context.request.id.to_string();
        let body = wire::enquiry(question, &request_id);
        let asked = Asked::Enquiry(&request_id);
        let (first, attempts) = self.call(asked, body.clone(), context.into()).await?;
        let dossier = first.ma_ho_so.clone();
        let reply = self.completed(first, &body, question).await;
        match reply.and_then(|reply| answer(question, reply, dossier)) {
            Ok(answer) => Ok(Answer { attempts, ..answer }),
            Err(miss) => Err(miss.after(attempts)),
        }
    }

    /// Sends a question, in a session.
    async fn call(
        &self,
        asked: Asked<'_>,
        body: Bytes,
        errand: Errand<'_>,
    ) -> Result<(wire::Reply, u32), Miss> {
        let body = &body;
        let ask = |token: Arc<str>| async move {
            let mut request = self.line.post(asked.path(), body.clone())?;
            let headers = request.headers_mut();
            headers.insert(AUTHORIZATION, bearer(&token)?);
            if let Some(Ok(parent)) = errand.traceparent.map(HeaderValue::from_str) {
                headers.insert("traceparent", parent);
            }
            hear(
                asked,
                &self.line.client.send(request, errand.deadline).await?,
            )
        };
        self.session.with(errand.deadline, ask).await
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
        boxed(|| self.enquire(question))
    }

    fn left_at(&self, question: &Question<'_>) -> Option<String> {
        self.address(question)
    }

    fn look<'a>(
        &'a self,
        dossier: &'a Dossier,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Seen, Miss>> {
        Box::pin(self.look_at(dossier, deadline))
    }

    fn resend<'a>(
        &'a self,
        enquiry: &'a Enquiry,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Seen, Miss>> {
        Box::pin(self.send_again(enquiry, deadline))
    }
}

/// Until when a call is waited for, and what it is part of.
#[derive(Clone, Copy)]
struct Errand<'a> {
    deadline: Instant,
    traceparent: Option<&'a str>,
}

impl<'a> From<&Context<'a>> for Errand<'a> {
    fn from(context: &Context<'a>) -> Self {
        Self {
            deadline: context.deadline,
            traceparent: context.traceparent,
        }
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
        upstream_request_id: dossier.and_then(|id| kept(id, question.subject.reveal())),
        in_force: confirmed.in_force(),
        adoption,
        attempts: 1,
    })
}

/// The id of a dossier, unless it is no plain id or holds the number of the subject: it goes into
/// records and logs.
fn kept(id: wire::Code, number: &str) -> Option<String> {
    let id = id.into_string();
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b':');
    let plain = (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(plain);
    (plain && !id.contains(number)).then_some(id)
}

/// The longest id of a dossier that is kept.
const LONGEST_ID: usize = 64;
