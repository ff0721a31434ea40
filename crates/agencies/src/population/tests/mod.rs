//! The adapter against samples, against its own simulator over real sockets, and against the
//! written wire.

mod document;
mod faults;
mod fixtures;
mod property;
mod records;
mod stranger;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adapter::{Agency, Answer, Context, Miss, Question, Resolution};
use api::{Record, v1};
use exchange::{
    AgencyCode, Caller, CitizenId, FieldSet, Identifier, MatchHints, Request, RequestId, Source,
    SourceSet, Subject, SystemClock, SystemId,
};
use identity::TrustDomain;
use identity::pki::Authority;
use sim::{FaultKind, Handle, Knob, KnobSettings, Stage, StageConfig, World};
use tokio::time::Instant;

use super::ENTRY;
use crate::{Deps, Settings, Site};

/// A simulator and the adapter that is configured for it.
struct Pair {
    handle: Handle,
    agency: Arc<dyn Agency>,
    world: Arc<World>,
    _folder: tempfile::TempDir,
}

/// What a test asks beside the number.
struct Ask {
    hints: MatchHints,
    fields: FieldSet,
    procedure: Option<&'static str>,
    officer: Option<&'static str>,
    within: Duration,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            hints: MatchHints::default(),
            fields: FieldSet::of(Source::Population),
            procedure: None,
            officer: None,
            within: Duration::from_secs(5),
        }
    }
}

fn id(text: &str) -> CitizenId {
    CitizenId::from_agency(text).unwrap()
}

fn authority(root: &Path, clock: &Arc<dyn exchange::Clock>) -> Authority {
    let domain = TrustDomain::parse("sandbox.test").unwrap();
    Authority::create(&root.join("pki"), "test", &domain, Arc::clone(clock)).unwrap()
}

fn site(root: &Path) -> Site {
    let clock: Arc<dyn exchange::Clock> = Arc::new(SystemClock);
    Site {
        root: root.to_owned(),
        folder: "population".into(),
        authority: Arc::new(authority(root, &clock)),
        world: Arc::new(World::new(7)),
        clock,
        prepared: 16,
    }
}

impl Pair {
    async fn start() -> Self {
        Self::start_with(|_, _| {}).await
    }

    /// Starts both, with a stanza that the test may change.
    async fn start_with(change: impl FnOnce(&mut toml::Table, &Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = site(folder.path());
        let mut stanza = (ENTRY.simulator.provision)(&site).unwrap();
        let config = StageConfig::loopback(Source::Population);
        let stage = Stage::bind(&config).await.unwrap();
        let url = (ENTRY.simulator.url)(stage.address());
        stanza.insert("url".into(), url.into());
        change(&mut stanza, folder.path());
        let handle = (ENTRY.simulator.start)(stage, &site).unwrap();
        let settings = Settings::new(stanza, folder.path()).unwrap();
        let clock = Arc::clone(&site.clock);
        let agency = (ENTRY.connect)(settings, &Deps::of(clock)).unwrap();
        Self {
            handle,
            agency,
            world: site.world,
            _folder: folder,
        }
    }

    fn knob(&self, fault: FaultKind) {
        let knob = Knob {
            fault,
            subject: None,
            probability: 1.0,
            count: None,
        };
        let settings = KnobSettings {
            faults: vec![knob],
            ..KnobSettings::default()
        };
        self.handle.knobs().set(&settings).unwrap();
    }

    async fn ask(&self, subject: &str, ask: Ask) -> Result<Answer, Miss> {
        let subject = id(subject);
        let request = request(Identifier::Personal(subject), &ask);
        let caller = caller();
        let question = Question {
            subject,
            hints: &ask.hints,
            fields: ask.fields,
            context: context(&caller, &request, ask.within),
        };
        self.agency.ask(&question).await
    }

    async fn resolve(&self, identifier: Identifier) -> Result<Resolution, Miss> {
        let request = request(identifier.clone(), &Ask::default());
        let caller = caller();
        let context = context(&caller, &request, Duration::from_secs(5));
        self.agency.resolve(&identifier, &context).await
    }

    /// The operations of the journal, in order.
    fn operations(&self) -> Vec<String> {
        let entries = self.handle.journal().entries();
        entries.into_iter().map(|entry| entry.operation).collect()
    }
}

fn caller() -> Caller {
    let agency = AgencyCode::parse("H55").unwrap();
    Caller::new(agency, SystemId::parse("desk").unwrap(), "00")
}

fn request(identifier: Identifier, ask: &Ask) -> Request {
    Request {
        context: exchange::CallContext {
            id: RequestId::fresh(),
            purpose: exchange::PurposeCode::parse("TEST").unwrap(),
            agreement: None,
            procedure: ask
                .procedure
                .map(|it| exchange::ProcedureCode::parse(it).unwrap()),
            dossier: None,
            officer: ask
                .officer
                .map(|it| exchange::OfficerId::parse(it).unwrap()),
            consent: None,
            criticality: exchange::Criticality::default(),
            reason: None,
        },
        subject: Subject {
            identifier,
            hints: ask.hints.clone(),
        },
        mask: ask.fields,
        required: SourceSet::EMPTY,
        dry_run: false,
    }
}

fn context<'a>(caller: &'a Caller, request: &'a Request, within: Duration) -> Context<'a> {
    Context {
        caller,
        request,
        agreement: "A-1",
        deadline: Instant::now() + within,
        traceparent: Some(TRACEPARENT),
    }
}

fn population(record: Record) -> Box<v1::PopulationRecord> {
    let Record::Population(record) = record else {
        panic!("a record of {:?}", record.source())
    };
    record
}

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
