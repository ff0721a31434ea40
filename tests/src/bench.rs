//! One agency's adapter wired to its simulator, over a real socket.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use adapter::{Agency, Answer, Context, Miss, Question, Resolution};
use agencies::{Deps, Entry, Settings, Site};
use exchange::{
    AgencyCode, Caller, CitizenId, Clock, Criticality, FieldSet, Identifier, MatchHints,
    PurposeCode, Request, RequestId, SourceSet, Subject, SystemClock, SystemId,
};
use identity::TrustDomain;
use identity::pki::Authority;
use sim::{Handle, Stage, StageConfig, World};
use tempfile::TempDir;
use tokio::time::Instant;

/// An agency on the bench: its simulator, and the adapter that asks it.
#[derive(Debug)]
pub struct Bench {
    /// The adapter.
    pub agency: Arc<dyn Agency>,
    /// The simulator.
    pub sim: Handle,
    /// The citizens.
    pub world: Arc<World>,
    stanza: toml::Table,
    dir: TempDir,
}

/// How a question is asked.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The fields; all of the source if left out.
    pub fields: Option<FieldSet>,
    /// How long to wait.
    pub within: Duration,
    /// The trace it belongs to.
    pub traceparent: Option<&'a str>,
}

impl Default for Ask<'_> {
    fn default() -> Self {
        Self {
            fields: None,
            within: Duration::from_secs(5),
            traceparent: None,
        }
    }
}

impl Bench {
    /// Starts an agency's simulator and connects its adapter.
    pub async fn start(entry: &Entry) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let domain = TrustDomain::parse("sandbox.lienthong.example").unwrap();
        let pki = dir.path().join("pki");
        let authority = Authority::create(&pki, "test CA", &domain, Arc::clone(&clock)).unwrap();
        let world = Arc::new(World::new(1));
        let site = Site {
            root: dir.path().to_owned(),
            folder: PathBuf::from(entry.source.name()),
            authority: Arc::new(authority),
            world: Arc::clone(&world),
            clock: Arc::clone(&clock),
            prepared: 0,
        };
        std::fs::create_dir_all(site.file("")).unwrap();
        let mut stanza = (entry.simulator.provision)(&site).unwrap();
        let stage = Stage::bind(&StageConfig::loopback(entry.source))
            .await
            .unwrap();
        stanza.insert("url".into(), (entry.simulator.url)(stage.address()).into());
        let sim = (entry.simulator.start)(stage, &site).unwrap();
        let agency = connect(entry, stanza.clone(), &dir);
        Self {
            agency,
            sim,
            world,
            stanza,
            dir,
        }
    }

    /// A second adapter of the same agency, told another address.
    pub fn elsewhere(&self, entry: &Entry, port: u16) -> Arc<dyn Agency> {
        let mut stanza = self.stanza.clone();
        let url = stanza.get("url").unwrap().as_str().unwrap();
        let mut url: url::Url = url.parse().unwrap();
        url.set_port(Some(port)).unwrap();
        stanza.insert("url".into(), url.to_string().into());
        connect(entry, stanza, &self.dir)
    }

    /// Asks about a citizen.
    pub async fn ask(&self, id: &str, ask: Ask<'_>) -> Result<Answer, Miss> {
        ask_agency(&*self.agency, id, ask).await
    }

    /// Resolves a number.
    pub async fn resolve(&self, identifier: Identifier) -> Result<Resolution, Miss> {
        let (caller, request) = (caller(), request(identifier));
        let context = context(&caller, &request, Ask::default());
        let identifier = &request.subject.identifier;
        self.agency.resolve(identifier, &context).await
    }
}

/// Asks an agency about a citizen.
pub async fn ask_agency(agency: &dyn Agency, id: &str, ask: Ask<'_>) -> Result<Answer, Miss> {
    let subject = CitizenId::from_agency(id).expect("a personal id");
    let (caller, request) = (caller(), request(Identifier::Personal(subject)));
    let question = Question {
        subject,
        hints: &MatchHints::default(),
        fields: ask.fields.unwrap_or_else(|| FieldSet::of(agency.source())),
        context: context(&caller, &request, ask),
    };
    agency.ask(&question).await
}

fn connect(entry: &Entry, stanza: toml::Table, dir: &TempDir) -> Arc<dyn Agency> {
    let deps = Deps::of(Arc::new(SystemClock));
    let settings = Settings::new(stanza, dir.path()).unwrap();
    (entry.connect)(settings, &deps).unwrap()
}

fn caller() -> Caller {
    let agency = AgencyCode::parse("H55").unwrap();
    let system = SystemId::parse("one-stop-desk").unwrap();
    Caller::new(agency, system, &"0".repeat(64))
}

fn request(identifier: Identifier) -> Request {
    Request {
        context: exchange::CallContext {
            id: RequestId::fresh(),
            purpose: PurposeCode::parse("ONE_STOP_DESK").unwrap(),
            agreement: None,
            procedure: None,
            dossier: None,
            officer: None,
            consent: None,
            criticality: Criticality::CitizenWaiting,
            reason: None,
        },
        subject: Subject {
            identifier,
            hints: MatchHints::default(),
        },
        mask: FieldSet::all(),
        required: SourceSet::EMPTY,
        dry_run: false,
    }
}

fn context<'a>(caller: &'a Caller, request: &'a Request, ask: Ask<'a>) -> Context<'a> {
    Context {
        caller,
        request,
        agreement: "A-101",
        deadline: Instant::now() + ask.within,
        traceparent: ask.traceparent,
    }
}
