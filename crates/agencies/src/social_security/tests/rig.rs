//! An adapter and the agency it asks, in one line.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adapter::{Agency, Answer, Context, Miss, Question, Resolution};
use api::{Record, v1};
use exchange::{
    AgencyCode, Caller, CitizenId, Criticality, FieldSet, Identifier, MatchHints, PurposeCode,
    Request, RequestId, Source, SourceSet, Subject, SystemClock, SystemId,
};
use identity::TrustDomain;
use identity::pki::Authority;
use sim::{FaultKind, Handle, Knob, KnobSettings, Stage, StageConfig, World};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::social_security::ENTRY;
use crate::{Deps, Settings, Site};

/// The seed of every test.
const SEED: u64 = 7;

/// Longer than any answer takes that is not meant to be late.
pub(super) const SOON: Duration = Duration::from_secs(10);

/// An adapter that asks a simulator, or a server that is somebody else's.
pub(super) struct Rig {
    pub(super) agency: Arc<dyn Agency>,
    pub(super) simulator: Option<Handle>,
    folder: TempDir,
}

impl Rig {
    /// An adapter of its own simulator.
    pub(super) async fn simulated() -> Self {
        Self::simulated_with("").await
    }

    /// The same, with more keys in the stanza.
    pub(super) async fn simulated_with(keys: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = site(folder.path());
        let mut stanza = (ENTRY.simulator.provision)(&site).unwrap();
        let stage = Stage::bind(&StageConfig::loopback(Source::SocialSecurity))
            .await
            .unwrap();
        let simulator = (ENTRY.simulator.start)(stage, &site).unwrap();
        let url = (ENTRY.simulator.url)(simulator.address());
        stanza.insert("url".into(), url.into());
        stanza.extend(keys.parse::<toml::Table>().unwrap());
        Self {
            agency: connect(stanza, &folder),
            simulator: Some(simulator),
            folder,
        }
    }

    /// An adapter of a server that is there already.
    pub(super) fn of(stanza: &str, password: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), password).unwrap();
        Self {
            agency: connect(stanza.parse().unwrap(), &folder),
            simulator: None,
            folder,
        }
    }

    /// The password that its simulator asks for.
    pub(super) fn password(&self) -> String {
        let file = self.folder.path().join("social_security/password");
        std::fs::read_to_string(file).unwrap()
    }

    /// Its simulator.
    pub(super) fn simulator(&self) -> &Handle {
        self.simulator.as_ref().unwrap()
    }

    /// Switches one fault on, for so many questions.
    pub(super) fn break_with(&self, fault: FaultKind, count: Option<u64>) {
        let knob = Knob {
            fault,
            subject: None,
            probability: 1.0,
            count,
        };
        let settings = KnobSettings {
            faults: vec![knob],
            ..Default::default()
        };
        self.simulator().knobs().set(&settings).unwrap();
    }

    /// Asks about somebody.
    pub(super) async fn ask(&self, id: &str, fields: FieldSet) -> Result<Answer, Miss> {
        self.ask_within(SOON, id, fields).await
    }

    /// Asks with a deadline.
    pub(super) async fn ask_within(
        &self,
        time: Duration,
        id: &str,
        fields: FieldSet,
    ) -> Result<Answer, Miss> {
        let (caller, request) = (caller(), request());
        let question = Question {
            subject: citizen(id),
            hints: &MatchHints::default(),
            fields,
            context: context(&caller, &request, time),
        };
        self.agency.ask(&question).await
    }

    /// Asks whose a number is.
    pub(super) async fn resolve(&self, identifier: &Identifier) -> Result<Resolution, Miss> {
        let (caller, request) = (caller(), request());
        let context = context(&caller, &request, SOON);
        self.agency.resolve(identifier, &context).await
    }

    /// How often an operation was asked of the simulator.
    pub(super) fn count(&self, operation: &str) -> usize {
        let entries = self.simulator().journal().entries();
        let asked = entries.iter().filter(|asked| asked.operation == operation);
        asked.count()
    }

    /// The fields of the last question that reached the simulator.
    pub(super) fn last_fields(&self) -> BTreeSet<String> {
        let entries = self.simulator().journal().entries();
        entries.last().unwrap().fields.iter().cloned().collect()
    }
}

/// The citizens of every test.
pub(super) fn world() -> World {
    World::new(SEED)
}

/// A personal number.
pub(super) fn citizen(id: &str) -> CitizenId {
    CitizenId::from_agency(id).unwrap()
}

/// All fields of the source.
pub(super) fn everything() -> FieldSet {
    FieldSet::of(Source::SocialSecurity)
}

/// The record of an answer.
pub(super) fn record(answer: &Answer) -> &v1::SocialSecurityRecord {
    let Record::SocialSecurity(record) = &answer.record else {
        panic!("a record of {}", answer.record.source());
    };
    record
}

fn connect(stanza: toml::Table, folder: &TempDir) -> Arc<dyn Agency> {
    let deps = Deps::of(Arc::new(SystemClock));
    let settings = Settings::new(stanza, folder.path()).unwrap();
    (ENTRY.connect)(settings, &deps).unwrap()
}

/// A site with a new authority below a folder.
pub(super) fn site(folder: &Path) -> Site {
    let domain = TrustDomain::parse("sandbox.example").unwrap();
    let clock = Arc::new(SystemClock);
    let pki = folder.join("pki");
    let authority = Authority::create(&pki, "Test", &domain, clock.clone()).unwrap();
    Site {
        root: folder.to_owned(),
        folder: "social_security".into(),
        authority: Arc::new(authority),
        world: Arc::new(world()),
        clock,
        prepared: 0,
    }
}

fn caller() -> Caller {
    let agency = AgencyCode::parse("G18").unwrap();
    Caller::new(agency, SystemId::parse("desk").unwrap(), "00")
}

fn request() -> Request {
    Request {
        context: exchange::CallContext {
            id: RequestId::fresh(),
            purpose: PurposeCode::parse("TEST").unwrap(),
            agreement: None,
            procedure: None,
            dossier: None,
            officer: None,
            consent: None,
            criticality: Criticality::BackOffice,
            reason: None,
        },
        subject: Subject {
            identifier: Identifier::Personal(citizen("999099000001")),
            hints: MatchHints::default(),
        },
        mask: everything(),
        required: SourceSet::EMPTY,
        dry_run: false,
    }
}

fn context<'a>(caller: &'a Caller, request: &'a Request, time: Duration) -> Context<'a> {
    Context {
        caller,
        request,
        agreement: "A-1",
        deadline: Instant::now() + time,
        traceparent: None,
    }
}
