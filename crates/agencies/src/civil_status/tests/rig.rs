//! A question to ask, and a simulated register to ask it of.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adapter::dossier::Register;
use adapter::{Agency, Answer, Context, Miss, Question};
use api::v1::CivilStatusRecord;
use exchange::{
    AgencyCode, Caller, CitizenId, Clock, Criticality, Field, FieldSet, Identifier, MatchHints,
    OfficerId, ProcedureCode, PurposeCode, Request, RequestId, Source, SourceSet, Subject,
    SystemClock, SystemId,
};
use identity::TrustDomain;
use identity::pki::Authority;
use sim::{Handle, KnobSettings, Stage, StageConfig, World};
use tokio::time::Instant;

use super::super::ENTRY;
use crate::{Deps, Settings, Site};

/// A question and everything it borrows.
pub(super) struct Asker {
    caller: Caller,
    request: Request,
    pub(super) subject: CitizenId,
    pub(super) hints: MatchHints,
    pub(super) fields: FieldSet,
    pub(super) within: Duration,
    pub(super) traceparent: Option<&'static str>,
}

/// A question about everything, with three seconds to answer it.
pub(super) fn about(number: &str) -> Asker {
    let subject = CitizenId::from_agency(number).unwrap();
    let fields = FieldSet::of(Source::CivilStatus);
    let caller = Caller::new(
        AgencyCode::parse("G18").unwrap(),
        SystemId::parse("desk").unwrap(),
        "00",
    );
    let request = Request {
        context: exchange::CallContext {
            id: RequestId::fresh(),
            purpose: PurposeCode::parse("MARRIAGE_REGISTRATION").unwrap(),
            agreement: None,
            procedure: ProcedureCode::parse("2.000815.000.00.00.H55").ok(),
            dossier: None,
            officer: OfficerId::parse("CB-17").ok(),
            consent: None,
            criticality: Criticality::default(),
            reason: None,
        },
        subject: Subject {
            identifier: Identifier::Personal(subject),
            hints: MatchHints::default(),
        },
        mask: fields,
        required: SourceSet::EMPTY,
        dry_run: false,
    };
    Asker {
        caller,
        request,
        subject,
        hints: MatchHints::default(),
        fields,
        within: Duration::from_secs(3),
        traceparent: None,
    }
}

impl Asker {
    /// The same question about these fields alone.
    pub(super) fn only(mut self, fields: &[Field]) -> Self {
        self.fields = fields.iter().copied().collect();
        self
    }

    /// The same question with less time.
    pub(super) fn within_ms(mut self, ms: u64) -> Self {
        self.within = Duration::from_millis(ms);
        self
    }

    /// The id of the request.
    pub(super) fn request_id(&self) -> String {
        self.request.id.to_string()
    }

    /// Asks.
    pub(super) async fn ask(&self, agency: &dyn Agency) -> Result<Answer, Miss> {
        let question = Question {
            subject: self.subject,
            hints: &self.hints,
            fields: self.fields,
            context: Context {
                caller: &self.caller,
                request: &self.request,
                agreement: "A-1",
                deadline: Instant::now() + self.within,
                traceparent: self.traceparent,
            },
        };
        agency.ask(&question).await
    }
}

/// The record in an answer.
pub(super) fn record(answer: Answer) -> CivilStatusRecord {
    let api::Record::CivilStatus(record) = answer.record else {
        panic!("a record of {}", answer.record.source());
    };
    *record
}

/// A simulated register, and the adapter that asks it.
pub(super) struct Simulated {
    pub(super) handle: Handle,
    pub(super) agency: Arc<dyn Agency>,
    pub(super) dossiers: Arc<Register>,
    pub(super) site: Site,
    _folder: tempfile::TempDir,
}

impl Simulated {
    /// The same, of whose dossiers those are kept that questions leave under way.
    pub(super) async fn keeping() -> Self {
        let this = Self::start().await;
        this.dossiers.open(&[7; 32], Vec::new());
        this
    }

    /// Provisions and starts a register, and connects to it.
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let domain = TrustDomain::parse("sandbox.test").unwrap();
        let ca = folder.path().join("ca");
        let authority = Authority::create(&ca, "Test CA", &domain, Arc::clone(&clock)).unwrap();
        let site = Site {
            root: folder.path().to_owned(),
            folder: "agencies/civil_status".into(),
            authority: Arc::new(authority),
            world: Arc::new(World::new(7)),
            clock,
            prepared: 0,
        };
        let stanza = (ENTRY.simulator.provision)(&site).unwrap();
        let config = StageConfig::loopback(Source::CivilStatus);
        let stage = Stage::bind(&config).await.unwrap();
        let url = (ENTRY.simulator.url)(stage.address());
        let handle = (ENTRY.simulator.start)(stage, &site).unwrap();
        let (agency, dossiers) = connect(&url, stanza, &site.root);
        Self {
            handle,
            agency,
            dossiers,
            site,
            _folder: folder,
        }
    }

    /// Turns the knobs.
    pub(super) fn set(&self, knobs: &str) {
        let settings: KnobSettings = serde_json::from_str(knobs).unwrap();
        self.handle.knobs().set(&settings).unwrap();
    }

    /// The operations that were asked for, in order.
    pub(super) fn operations(&self) -> Vec<String> {
        let entries = self.handle.journal().entries();
        entries.into_iter().map(|asked| asked.operation).collect()
    }
}

/// The adapter for a register at that address, and what its questions leave under way.
pub(super) fn connect(
    url: &str,
    mut stanza: toml::Table,
    root: &Path,
) -> (Arc<dyn Agency>, Arc<Register>) {
    stanza.insert("url".into(), url.into());
    let settings = Settings::new(stanza, root).unwrap();
    let deps = Deps::of(Arc::new(SystemClock));
    ((ENTRY.connect)(settings, &deps).unwrap(), deps.dossiers)
}
