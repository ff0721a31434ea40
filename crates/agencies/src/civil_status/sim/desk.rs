//! The desk of the simulated register: who comes, what they get, and what is noted of it.
//!
//! Faults apply to enquiries: that is where a subject is named. Not here: the shape of an answer
//! (`reply`), the records (`render`).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::routing::post;
use axum::{Extension, Router};
use bytes::Bytes;
use exchange::{CitizenId, Clock, FieldSet};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Response, StatusCode};
use sim::{Asked, FaultKind, Fuse, Journal, Knobs, Means, Stage, misbehave};

use super::super::wire;
use super::dossiers::{Dossier, Dossiers};
use super::form::{DossierRef, Enquiry, Login, Refused, read};
use super::records::Records;
use super::reply;
use super::tokens::Tokens;
use crate::Site;

/// The simulated register.
pub(super) struct Desk {
    clock: Arc<dyn Clock>,
    journal: Arc<Journal>,
    knobs: Arc<Knobs>,
    tokens: Tokens,
    dossiers: Dossiers,
    records: Records,
}

/// The paths of the wire.
pub(super) fn router(desk: Arc<Desk>) -> Router {
    let path = |path| format!("/{path}");
    Router::new()
        .route(&path(wire::LOGIN), post(log_in))
        .route(&path(wire::ENQUIRE), post(enquire))
        .route(&path(wire::STATUS), post(look))
        .route(&path(wire::RESULT), post(fetch))
        .with_state(desk)
}

async fn log_in(State(desk): State<Arc<Desk>>, body: Bytes) -> Response<Body> {
    desk.knobs.pause(None).await;
    let now = desk.clock.now();
    desk.journal.record(|| Asked::new(now, "login", None));
    let token = read::<Login>(&body)
        .ok()
        .and_then(|login| desk.tokens.give(&login.tai_khoan, &login.mat_khau, now));
    let answer = match token {
        Some(token) => reply::token(&token),
        None => reply::session_over(StatusCode::UNAUTHORIZED),
    };
    answer.map(Body::from)
}

async fn enquire(
    State(desk): State<Arc<Desk>>,
    Extension(fuse): Extension<Fuse>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let enquiry = Enquiry::read(&body);
    let subject = enquiry.as_ref().ok().map(|enquiry| &enquiry.subject);
    desk.knobs.pause(subject).await;
    if !desk.admits(&headers) {
        return reply::session_over(StatusCode::UNAUTHORIZED).map(Body::from);
    }
    let enquiry = match enquiry {
        Ok(enquiry) => enquiry,
        Err(number) => return desk.refuse(wire::ENQUIRE, number).map(Body::from),
    };
    let fault = desk.knobs.decide(&enquiry.subject);
    let (answer, fault) = desk.answer(&enquiry, fault, &headers);
    let means = Means {
        fuse: &fuse,
        again: desk.knobs.again(),
        journal: &desk.journal,
        clock: &*desk.clock,
    };
    misbehave(fault, answer, means).await
}

async fn look(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    desk.knobs.pause(None).await;
    desk.dossier(wire::STATUS, &headers, &body).map(Body::from)
}

async fn fetch(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    desk.knobs.pause(None).await;
    desk.dossier(wire::RESULT, &headers, &body).map(Body::from)
}

impl Desk {
    /// A desk on that stage, for one account.
    pub(super) fn new(stage: &Stage, site: &Site, user: &str, secret: &str) -> Self {
        Self {
            clock: Arc::clone(&site.clock),
            journal: Arc::clone(stage.journal()),
            knobs: Arc::clone(stage.knobs()),
            tokens: Tokens::new(user, secret),
            dossiers: Dossiers::new(site.clock.now()),
            records: Records::new(Arc::clone(&site.world), site.prepared),
        }
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let header = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = header.and_then(|header| header.strip_prefix("Bearer "));
        token.is_some_and(|token| self.tokens.takes(token, self.clock.now()))
    }

    /// The answer to an enquiry, and the fault that is left for the connection to commit.
    fn answer(
        &self,
        enquiry: &Enquiry,
        fault: Option<FaultKind>,
        headers: &HeaderMap,
    ) -> (Response<Bytes>, Option<FaultKind>) {
        let subject = &enquiry.subject;
        let hidden = [FaultKind::NotFound, FaultKind::NotFoundAsFailure];
        let hides = fault.is_some_and(|fault| hidden.contains(&fault));
        let known = !hides && self.records.holds(enquiry);
        self.note(wire::ENQUIRE, subject, &enquiry.fields, headers, |asked| {
            asked.outcome = outcome(fault, known);
        });
        if let Some(FaultKind::SessionExpired | FaultKind::SessionRefused) = fault {
            return (expired(subject), None);
        }
        match fault {
            Some(FaultKind::TimeoutAsAnswer) => return (reply::refused(TIMEOUT), None),
            // It does not say whom it does not find.
            Some(FaultKind::NotFoundAsFailure) => return (reply::refused(NOTHING_FOUND), fault),
            _ => {}
        }
        if !known {
            return (reply::not_found(&enquiry.request_id), fault);
        }
        let answers = match fault {
            Some(FaultKind::WrongRequest) => OTHER_REQUEST,
            _ => &enquiry.request_id,
        };
        let answered = match fault {
            Some(FaultKind::WrongPerson) => self.records.somebody_else(subject),
            _ => *subject,
        };
        let id = self.dossiers.next_id();
        if is_polled(subject) {
            let hangs = fault == Some(FaultKind::Hang);
            let dossier = Dossier {
                subject: *subject,
                answered,
                fields: enquiry.fields,
                looks: (!hangs).then_some(looks(subject)),
            };
            self.dossiers.open(&id, dossier);
            let received = reply::received(answers, &id);
            return (received, fault.filter(|_| !hangs));
        }
        let result = self.records.result(&answered, &enquiry.fields);
        let now = self.clock.now();
        let done = reply::done(Some(answers), &id, now, &result);
        (done, fault)
    }

    /// The answer to a question about a dossier.
    fn dossier(&self, path: &'static str, headers: &HeaderMap, body: &[u8]) -> Response<Bytes> {
        if !self.admits(headers) {
            return reply::session_over(StatusCode::UNAUTHORIZED);
        }
        let id = match read::<DossierRef>(body) {
            Ok(dossier) => dossier.ma_ho_so,
            Err(number) => return self.refuse(path, number),
        };
        let asks_for_result = path == wire::RESULT;
        let found = if asks_for_result {
            self.dossiers.get(&id)
        } else {
            let hangs = |subject: &_| self.knobs.still(FaultKind::Hang, subject);
            self.dossiers.look(&id, hangs)
        };
        let Some(dossier) = found else {
            return self.refuse(path, NOTHING_FOUND);
        };
        self.note(path, &dossier.subject, &dossier.fields, headers, |_| ());
        match (dossier.looks == Some(0), asks_for_result) {
            (true, true) => {
                let result = self.records.result(&dossier.answered, &dossier.fields);
                reply::done(None, &id, self.clock.now(), &result)
            }
            (true, false) => reply::state(&id, 4, None),
            (false, true) => self.refuse(path, INCOMPLETE),
            (false, false) if dossier.looks.is_none() => reply::state(&id, 1, None),
            (false, false) => reply::state(&id, 3, Some(10)),
        }
    }

    fn refuse(&self, path: &'static str, number: Refused) -> Response<Bytes> {
        let now = self.clock.now();
        self.journal.record(|| Asked {
            outcome: format!("refused with {number}"),
            ..Asked::new(now, operation(path), None)
        });
        reply::refused(number)
    }

    fn note(
        &self,
        path: &'static str,
        subject: &CitizenId,
        fields: &FieldSet,
        headers: &HeaderMap,
        more: impl FnOnce(&mut Asked),
    ) {
        let now = self.clock.now();
        self.journal.record(|| {
            let mut asked = Asked::new(now, operation(path), Some(subject));
            asked.fields = fields.iter().map(|field| field.path().to_owned()).collect();
            let parent = headers
                .get("traceparent")
                .and_then(|value| value.to_str().ok());
            asked.traceparent = parent.map(str::to_owned);
            more(&mut asked);
            asked
        });
    }
}

/// The two ways in which a session is said to be over; which one, the year of birth decides.
fn expired(subject: &CitizenId) -> Response<Bytes> {
    reply::session_over(if subject.birth_year() % 2 == 0 {
        StatusCode::UNAUTHORIZED
    } else {
        StatusCode::OK
    })
}

/// One dossier in four is not answered at once.
fn is_polled(subject: &CitizenId) -> bool {
    subject.serial() % 4 == 3
}

/// How many looks a dossier takes that is polled for: one or two.
fn looks(subject: &CitizenId) -> u8 {
    1 + u8::from(subject.serial() % 8 == 7)
}

fn outcome(fault: Option<FaultKind>, known: bool) -> String {
    let name = fault.map(FaultKind::name);
    name.unwrap_or(if known { "ok" } else { "not_found" })
        .to_owned()
}

/// The last segment of a path.
fn operation(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The request that a reply to another one names.
const OTHER_REQUEST: &str = "018f0000-0000-7000-8000-000000000000";
const INCOMPLETE: Refused = 200;
const NOTHING_FOUND: Refused = 201;
/// A number that stands in no list.
const TIMEOUT: Refused = 504;
