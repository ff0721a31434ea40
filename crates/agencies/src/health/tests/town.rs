//! A simulated ministry and the adapter that asks it, with a clock to set.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use adapter::{Agency, Answer, Context, Miss, Question};
use api::{Record, v1};
use exchange::{
    AgencyCode, Caller, CitizenId, Clock, Criticality, FieldSet, Identifier, MatchHints,
    PurposeCode, Request, RequestId, Source, SourceSet, Subject, SystemId,
};
use identity::TrustDomain;
use identity::pki::Authority;
use jiff::Timestamp;
use sim::{Asked, Handle, Stage, StageConfig, World};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::health::ENTRY;
use crate::{Deps, Problem, Settings, Site};

/// The trace of every question.
pub(super) const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A clock that stands until it is moved.
#[derive(Debug)]
pub(super) struct Hands(AtomicI64);

impl Hands {
    pub(super) fn advance(&self, seconds: u32) {
        self.0.fetch_add(i64::from(seconds), Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// The ministry, the adapter, and what they share.
pub(super) struct Town {
    pub(super) agency: Arc<dyn Agency>,
    pub(super) handle: Handle,
    pub(super) world: Arc<World>,
    pub(super) clock: Arc<Hands>,
    pub(super) stanza: toml::Table,
    pub(super) site: Site,
    _folder: TempDir,
}

impl Town {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut Site)) -> Self {
        let folder = TempDir::new().unwrap();
        let start: Timestamp = "2026-10-01T01:00:00Z".parse().unwrap();
        let clock = Arc::new(Hands(AtomicI64::new(start.as_second())));
        let domain = TrustDomain::parse("sandbox.test").unwrap();
        let pki = folder.path().join("pki");
        let authority = Authority::create(&pki, "Test", &domain, clock.clone()).unwrap();
        let world = Arc::new(World::new(7));
        let mut site = Site {
            root: folder.path().into(),
            folder: PathBuf::from("health"),
            authority: Arc::new(authority),
            world: world.clone(),
            clock: clock.clone(),
            prepared: 0,
        };
        change(&mut site);
        let stage = Stage::bind(&StageConfig::loopback(Source::Health))
            .await
            .unwrap();
        let mut stanza = (ENTRY.simulator.provision)(&site).unwrap();
        let url = (ENTRY.simulator.url)(stage.address());
        stanza.insert("url".into(), url.into());
        let handle = (ENTRY.simulator.start)(stage, &site).unwrap();
        let agency = connect(&stanza, &site).unwrap();
        Self {
            agency,
            handle,
            world,
            clock,
            stanza,
            site,
            _folder: folder,
        }
    }

    /// Asks with time to spare.
    pub(super) async fn ask(&self, subject: &str, fields: FieldSet) -> Result<Answer, Miss> {
        self.ask_within(subject, fields, Duration::from_secs(20))
            .await
    }

    pub(super) async fn ask_within(
        &self,
        subject: &str,
        fields: FieldSet,
        time: Duration,
    ) -> Result<Answer, Miss> {
        ask(&*self.agency, subject, fields, time).await
    }

    /// The record, which must be there.
    pub(super) async fn record(&self, subject: &str, fields: FieldSet) -> v1::HealthRecord {
        let record = self.ask(subject, fields).await.unwrap().record;
        let Record::Health(record) = record else {
            panic!("another source");
        };
        *record
    }

    /// The questions that the ministry noted, without logins.
    pub(super) fn asked(&self) -> Vec<Asked> {
        let mut entries = self.handle.journal().entries();
        entries.retain(|entry| entry.subject.is_some());
        entries
    }

    /// How often a token was asked for.
    pub(super) fn logins(&self) -> usize {
        let entries = self.handle.journal().entries();
        entries
            .iter()
            .filter(|entry| entry.subject.is_none())
            .count()
    }
}

/// The adapter of a stanza.
pub(super) fn connect(stanza: &toml::Table, site: &Site) -> Result<Arc<dyn Agency>, Vec<Problem>> {
    let deps = Deps::of(site.clock.clone());
    (ENTRY.connect)(Settings::new(stanza.clone(), &site.root)?, &deps)
}

/// Asks one adapter one question.
pub(super) async fn ask(
    agency: &dyn Agency,
    subject: &str,
    fields: FieldSet,
    time: Duration,
) -> Result<Answer, Miss> {
    let asked = Asking::new(subject, fields, time);
    agency.ask(&asked.question()).await
}

/// What a question borrows.
pub(super) struct Asking {
    caller: Caller,
    request: Request,
    subject: CitizenId,
    fields: FieldSet,
    deadline: Instant,
}

impl Asking {
    pub(super) fn new(subject: &str, fields: FieldSet, time: Duration) -> Self {
        let agency = AgencyCode::parse("H55").unwrap();
        let subject = id(subject);
        Self {
            caller: Caller::new(agency, SystemId::parse("desk").unwrap(), "00"),
            request: Request {
                context: exchange::CallContext {
                    id: RequestId::fresh(),
                    purpose: PurposeCode::parse("KCB").unwrap(),
                    agreement: None,
                    procedure: None,
                    dossier: None,
                    officer: None,
                    consent: None,
                    criticality: Criticality::CitizenWaiting,
                    reason: None,
                },
                subject: Subject {
                    identifier: Identifier::Personal(subject),
                    hints: MatchHints::default(),
                },
                mask: fields,
                required: SourceSet::EMPTY,
                dry_run: false,
            },
            subject,
            fields,
            deadline: Instant::now() + time,
        }
    }

    pub(super) fn question(&self) -> Question<'_> {
        Question {
            subject: self.subject,
            hints: &self.request.subject.hints,
            fields: self.fields,
            context: Context {
                caller: &self.caller,
                request: &self.request,
                agreement: "A-1",
                deadline: self.deadline,
                traceparent: Some(TRACE),
            },
        }
    }
}

pub(super) fn id(text: &str) -> CitizenId {
    CitizenId::from_agency(text).unwrap()
}

/// Every field of the health book.
pub(super) fn all() -> FieldSet {
    FieldSet::of(Source::Health)
}
