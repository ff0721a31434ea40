//! The desk: one request in, one answer out, misbehaving as knobs and personas say.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use exchange::{CitizenId, Clock, FieldSet, PartialDate, Source, name_key};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response, Uri};
use sim::{
    Asked, FaultKind, Fuse, Journal, Knobs, Means, Person, Persona, Prepared, Stage, Trait, World,
    misbehave,
};

use super::ACCOUNT;
use super::door::Door;
use super::question::{LookUp, Question};
use super::render;
use super::say::{self, Refusal};
use crate::Site;
use crate::population::translate;

/// A procedure that nobody licensed, and an officer without the right: fault 004 and fault 005.
const UNLICENSED: &str = "CHUA-CAP-PHEP";
const WITHOUT_RIGHT: &str = "KHONG-QUYEN";

/// The request that an answer to another one names.
const OTHER_REQUEST: &str = "018f0000-0000-7000-8000-000000000000";

/// The state of the simulator.
#[derive(Debug)]
pub(super) struct Desk {
    door: Door,
    world: Arc<World>,
    clock: Arc<dyn Clock>,
    journal: Arc<Journal>,
    knobs: Arc<Knobs>,
    prepared: Prepared<Key>,
    turn: AtomicBool,
}

/// What a rendered citizen depends on.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    id: CitizenId,
    fields: FieldSet,
    name: Box<str>,
    birth_date: Box<str>,
}

/// Answers a request.
pub(super) async fn serve(
    State(desk): State<Arc<Desk>>,
    Extension(fuse): Extension<Fuse>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    if !desk.door.is_signed(&uri, &headers) {
        return desk.refuse(Refusal::Credentials).map(Body::from);
    }
    match Question::read(&body) {
        Ok(_) if !is_soap(&headers) => desk.refuse(Refusal::Request).map(Body::from),
        Ok(Question::LogIn { account }) => desk.log_in(&account).map(Body::from),
        Ok(Question::LookUp(question)) => desk.look_up(&question, &headers, &fuse).await,
        Err(_) => desk.refuse(Refusal::Request).map(Body::from),
    }
}

/// True for a `SOAPAction` and one of the two content types.
fn is_soap(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let mime = kind.and_then(|kind| kind.split(';').next());
    let is_xml = mime.is_some_and(|mime| matches!(mime.trim(), "text/xml" | "application/xml"));
    is_xml && headers.contains_key("soapaction")
}

impl Desk {
    pub(super) fn new(stage: &Stage, site: &Site, secret: String) -> Self {
        Self {
            door: Door::new(secret, Arc::clone(&site.clock)),
            world: Arc::clone(&site.world),
            clock: Arc::clone(&site.clock),
            journal: Arc::clone(stage.journal()),
            knobs: Arc::clone(stage.knobs()),
            prepared: Prepared::new(site.prepared),
            turn: AtomicBool::new(false),
        }
    }

    fn refuse(&self, refusal: Refusal) -> Response<Bytes> {
        say::fault(refusal, self.knobs.again(), self.clock.now(), &self.turn)
    }

    fn log_in(&self, account: &str) -> Response<Bytes> {
        self.journal
            .record(|| Asked::new(self.clock.now(), "DangNhap", None));
        if account != ACCOUNT {
            return self.refuse(Refusal::Credentials);
        }
        match self.door.open() {
            Some(session) => say::session(&session),
            None => self.refuse(Refusal::Server),
        }
    }

    async fn look_up(&self, question: &LookUp, headers: &HeaderMap, fuse: &Fuse) -> Response<Body> {
        let ids = self.ids(question);
        let fault = ids.first().and_then(|id| self.knobs.decide(id));
        let refusal = self.refusal(question, &ids, fault);
        let outcome = refusal.map(Refusal::name);
        self.record(question, headers, ids.first(), outcome, fault);
        self.knobs.pause(ids.first()).await;
        if let Some(refusal) = refusal {
            return self.refuse(refusal).map(Body::from);
        }
        let citizens: Vec<Bytes> = match (fault, ids.as_slice()) {
            (Some(FaultKind::NotFound), _) => Vec::new(),
            (Some(FaultKind::WrongPerson), [id, ..]) => self.stranger(id, question),
            _ => ids
                .iter()
                .filter_map(|id| self.citizen(id, question))
                .collect(),
        };
        let now = self.clock.now();
        let answers = match fault {
            Some(FaultKind::WrongRequest) => OTHER_REQUEST,
            _ => &question.request_id,
        };
        let answer = say::citizens(answers, now, &citizens);
        let means = Means {
            fuse,
            again: self.knobs.again(),
            journal: &self.journal,
            clock: &*self.clock,
        };
        misbehave(fault, answer, means).await
    }

    /// The number asked for, or those behind a legacy number.
    fn ids(&self, question: &LookUp) -> Vec<CitizenId> {
        match CitizenId::from_agency(&question.personal_id) {
            Some(id) => vec![id],
            None => self.world.by_legacy(&question.legacy_id),
        }
    }

    /// Why the question is refused, if it is.
    fn refusal(
        &self,
        question: &LookUp,
        ids: &[CitizenId],
        fault: Option<FaultKind>,
    ) -> Option<Refusal> {
        let (session, subject) = (question.session.as_str(), ids.first());
        if !self.door.is_open(session, subject) {
            return Some(Refusal::SessionOver);
        }
        let is_sealed = |id| Persona::of(id).is_some_and(|it| it.data_trait() == Trait::Sealed);
        if let (Some(true), Some(subject)) = (fault.map(FaultKind::ends_session), subject) {
            self.door.end(session, subject);
        }
        match fault {
            Some(FaultKind::SessionExpired | FaultKind::SessionRefused) => {
                Some(Refusal::SessionOver)
            }
            Some(FaultKind::ServerError) => Some(Refusal::Server),
            Some(FaultKind::TimeoutAsAnswer) => Some(Refusal::Timeout),
            Some(FaultKind::NotFoundAsFailure) => Some(Refusal::Unknown),
            Some(FaultKind::RateLimited) => Some(Refusal::RateLimit),
            Some(FaultKind::Maintenance) => Some(Refusal::Maintenance),
            _ if question.account != ACCOUNT => Some(Refusal::Credentials),
            _ if question.service == UNLICENSED => Some(Refusal::Procedure),
            _ if question.officer == WITHOUT_RIGHT => Some(Refusal::Officer),
            _ if ids.iter().any(is_sealed) => Some(Refusal::Sealed),
            _ => None,
        }
    }

    fn record(
        &self,
        question: &LookUp,
        headers: &HeaderMap,
        subject: Option<&CitizenId>,
        refusal: Option<&str>,
        fault: Option<FaultKind>,
    ) {
        self.journal.record(|| {
            let field = |element: &String| match translate::field(element) {
                Some(field) => field.path().to_owned(),
                None => element.clone(),
            };
            let traceparent = headers.get("traceparent").and_then(|it| it.to_str().ok());
            let known = subject.is_some_and(|id| self.world.view(id, Source::Population).is_some());
            let outcome = match (refusal, fault) {
                (Some(refusal), _) => refusal.to_owned(),
                (None, Some(fault)) => fault.name().to_owned(),
                (None, None) if known => "ok".to_owned(),
                (None, None) => "not_found".to_owned(),
            };
            Asked {
                fields: question.elements.iter().map(field).collect(),
                traceparent: traceparent.map(str::to_owned),
                headers: vec![
                    ("MaYeuCau".into(), question.request_id.clone()),
                    ("MaDVC".into(), question.service.clone()),
                    ("MaCanBo".into(), question.officer.clone()),
                ],
                outcome,
                ..Asked::new(self.clock.now(), "TraCuuThongTinCongDan", subject)
            }
        });
    }

    /// A citizen, rendered; none if nobody has the number or what is known of them differs.
    fn citizen(&self, id: &CitizenId, question: &LookUp) -> Option<Bytes> {
        let key = Key {
            id: *id,
            fields: question.fields,
            name: question.name.as_str().into(),
            birth_date: question.birth_date.as_str().into(),
        };
        let rendered = self.prepared.get_or_render(key, || {
            let person = self.world.view(id, Source::Population);
            let person = person.filter(|person| matches(person, question));
            let text = person.map(|person| render::citizen(&person, id, &question.fields));
            text.unwrap_or_default().into()
        });
        (!rendered.is_empty()).then_some(rendered)
    }

    /// Somebody else: the next serial that somebody has.
    fn stranger(&self, id: &CitizenId, question: &LookUp) -> Vec<Bytes> {
        let head = id.reveal().get(..6).unwrap_or_default();
        let others = (1..100).filter_map(|step| {
            let serial = (id.serial() + step) % 1_000_000;
            CitizenId::from_agency(&format!("{head}{serial:06}"))
        });
        let mut people = others.filter_map(|other| {
            let person = self.world.view(&other, Source::Population)?;
            let differs = person.personal_id != *id;
            differs.then(|| render::citizen(&person, &person.personal_id, &question.fields))
        });
        people.next().map(Bytes::from).into_iter().collect()
    }
}

/// True if name and birth date, where given, are the person's. Which of them differs is not said.
fn matches(person: &Person, question: &LookUp) -> bool {
    let name = &question.name;
    let same_name = name.is_empty() || name_key(name) == name_key(&person.name.full());
    let date = PartialDate::parse(&question.birth_date);
    let same_date = date.is_none_or(|date| date.agrees_with(&person.birth_date));
    same_name && same_date
}
