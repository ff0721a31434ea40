//! A whole gate: policy, record, and one office per source.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapter::guard::{self, Guarded};
use adapter::{Agency, Answer, BoxFuture, Context, Miss, Question, Resolution};
use admission::{Admission, Policy};
use api::{Record, v1};
use evidence::{Evidence, Shelf};
use exchange::{
    AgencyCode, Caller, CitizenId, Clock, Closed, Criticality, Field, FieldSet, Identifier,
    IdentifierKind, MatchHints, PurposeCode, Request, RequestId, Source, SourceSet, SourceState,
    Subject, Switch, SystemClock, SystemId,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::{Call, Deps, Gate, Listed, Observer, Switches, Synthetic};

/// A gate, its record and where that is.
pub(super) struct World {
    pub(super) gate: Arc<Gate>,
    pub(super) seen: Arc<Seen>,
    pub(super) switches: Arc<Switches>,
    log: evidence::Handle,
    dir: TempDir,
}

impl World {
    pub(super) fn new(offices: impl IntoIterator<Item = Office>) -> Self {
        Self::keeping(offices, Duration::from_secs(60))
    }

    /// The same, which remembers verdicts for that long.
    pub(super) fn keeping(offices: impl IntoIterator<Item = Office>, kept: Duration) -> Self {
        let dir = TempDir::new().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let config = config(dir.path());
        let files = Shelf::new(&config);
        let (evidence, log) = record(config, &clock);
        let policy = Policy::parse(POLICY.as_bytes()).unwrap();
        let seen = Arc::new(Seen::default());
        let switches = Arc::new(Switches::default());
        let guard = guard::Config::default();
        let offices = offices.into_iter();
        let offices = offices.map(|office| Guarded::new(Arc::new(office), &guard));
        let gate = Gate::new(Deps {
            admission: Arc::new(Admission::new(policy, Arc::clone(&clock))),
            records: Arc::new(evidence.clone()),
            evidence,
            log: files,
            agencies: offices.collect(),
            clock,
            observer: Arc::clone(&seen) as _,
            protected: Arc::new(Listed::load(&protected(dir.path())).unwrap()),
            canaries: Arc::new(Listed::load(&canaries(dir.path())).unwrap()),
            switches: Arc::clone(&switches),
            synthetic: Synthetic::Served,
            verification_step: Duration::from_millis(20),
            verdicts_kept: kept,
        });
        let gate = Arc::new(gate);
        Self {
            gate,
            seen,
            switches,
            log,
            dir,
        }
    }

    /// Ends as the program does, and returns every record in order.
    pub(super) async fn close(self) -> Vec<Value> {
        self.gate.finish().await;
        self.log.close().await.unwrap();
        leaves(self.dir.path())
    }
}

fn config(dir: &Path) -> evidence::Config {
    evidence::Config {
        segment_bytes: 1 << 20,
        reserve_bytes: 0,
        reserve_percent: 0,
        ..evidence::Config::new(dir, "log.lienthong.example/test", "n1")
    }
}

fn record(config: evidence::Config, clock: &Arc<dyn Clock>) -> (Evidence, evidence::Handle) {
    let deps = evidence::Deps {
        keys: evidence::keys::create_if_missing(&config).unwrap(),
        clock: Arc::clone(clock),
        observer: Arc::new(evidence::NoObserver),
        witnesses: None,
        version: "test",
        policy: [7; 32],
        on_fatal: evidence::Alarm::new(|error| panic!("{error}")),
    };
    Evidence::start(config, deps).unwrap()
}

/// Somebody whom nobody has a reason to ask about.
pub(super) const CANARY: &str = "999099000077";

/// Somebody who is highly protected.
pub(super) const PROTECTED: &str = "999099000088";

fn protected(dir: &Path) -> PathBuf {
    let file = dir.join("protected");
    std::fs::write(&file, PROTECTED).unwrap();
    file
}

fn canaries(dir: &Path) -> PathBuf {
    let file = dir.join("canaries");
    std::fs::write(&file, format!("# planted\n{CANARY}\n")).unwrap();
    file
}

/// Which sources were counted, and how they ended; who asked about a canary; what was closed; which
/// sources were asked once for several; and which were not asked for a remembered verdict.
#[derive(Debug, Default)]
pub(super) struct Seen(
    Mutex<Vec<(Source, SourceState)>>,
    Mutex<Vec<String>>,
    Mutex<Vec<(Source, Closed)>>,
    Mutex<Vec<Source>>,
    Mutex<Vec<Source>>,
);

impl Seen {
    pub(super) fn all(&self) -> Vec<(Source, SourceState)> {
        self.0.lock().unwrap().clone()
    }

    pub(super) fn hits(&self) -> Vec<String> {
        self.1.lock().unwrap().clone()
    }

    pub(super) fn joined(&self) -> Vec<Source> {
        self.3.lock().unwrap().clone()
    }

    pub(super) fn remembered(&self) -> Vec<Source> {
        self.4.lock().unwrap().clone()
    }

    pub(super) fn closed(&self) -> Vec<(Source, Closed)> {
        self.2.lock().unwrap().clone()
    }
}

impl Observer for Seen {
    fn source(&self, _caller: &Caller, source: Source, state: SourceState, _took: Duration) {
        self.0.lock().unwrap().push((source, state));
    }

    fn joined(&self, source: Source) {
        self.3.lock().unwrap().push(source);
    }

    fn remembered(&self, source: Source) {
        self.4.lock().unwrap().push(source);
    }

    fn closed(&self, _caller: &Caller, _request: &RequestId, source: Source, why: Closed) {
        self.2.lock().unwrap().push((source, why));
    }

    fn canary(&self, caller: &Caller, request: &RequestId) {
        let hit = format!("{} {} {request}", caller.agency(), caller.system());
        self.1.lock().unwrap().push(hit);
    }
}

/// An office that answers at once, never, or when it is told to.
#[derive(Debug)]
pub(super) struct Office {
    source: Source,
    manner: Manner,
    /// Rung when it is asked for a record.
    asked: Arc<Notify>,
    /// Until when each question must be answered.
    heard: Arc<Mutex<Vec<Instant>>>,
    resolves: &'static [IdentifierKind],
    resolution: fn() -> Result<Resolution, Miss>,
    /// A number that was replaced, and the one in force.
    moved: Option<(&'static str, &'static str)>,
}

/// How an office answers.
#[derive(Debug)]
enum Manner {
    Answers,
    KnowsNobody,
    Hangs,
    /// Until it is released.
    Waits(Arc<Notify>),
}

impl Office {
    /// An office that answers at once.
    pub(super) fn answers(source: Source) -> Self {
        Self {
            source,
            manner: Manner::Answers,
            asked: Arc::default(),
            heard: Arc::default(),
            resolves: &[],
            resolution: || Err(Miss::not_served()),
            moved: None,
        }
    }

    /// The office, which says that about numbers of its kind.
    pub(super) fn resolving(self, resolution: fn() -> Result<Resolution, Miss>) -> Self {
        let resolves: &[_] = if self.source == Source::Tax {
            &[IdentifierKind::TaxCode]
        } else {
            &[IdentifierKind::Legacy]
        };
        Self {
            resolves,
            resolution,
            ..self
        }
    }

    /// The office, which knows that one number was replaced by another.
    pub(super) fn moved(self, old: &'static str, new: &'static str) -> Self {
        let moved = Some((old, new));
        Self { moved, ..self }
    }

    /// An office that holds no record of anybody.
    pub(super) fn knows_nobody(source: Source) -> Self {
        Self {
            manner: Manner::KnowsNobody,
            ..Self::answers(source)
        }
    }

    /// An office that never answers.
    pub(super) fn hangs(source: Source) -> Self {
        Self {
            manner: Manner::Hangs,
            ..Self::answers(source)
        }
    }

    /// An office that answers when it is released.
    pub(super) fn waits(source: Source) -> Self {
        Self {
            manner: Manner::Waits(Arc::default()),
            ..Self::answers(source)
        }
    }

    /// By which an office that waits is released.
    pub(super) fn released(&self) -> Arc<Notify> {
        let Manner::Waits(release) = &self.manner else {
            panic!("{:?}", self.manner);
        };
        Arc::clone(release)
    }

    /// Until when each question had to be answered that it was asked.
    pub(super) fn heard(&self) -> Arc<Mutex<Vec<Instant>>> {
        Arc::clone(&self.heard)
    }

    /// Rings when the office is asked for a record.
    pub(super) fn asked(&self) -> Arc<Notify> {
        Arc::clone(&self.asked)
    }
}

impl Agency for Office {
    fn source(&self) -> Source {
        self.source
    }

    fn cap(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn ask<'a>(&'a self, question: &'a Question<'a>) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async move {
            self.asked.notify_one();
            self.heard.lock().unwrap().push(question.context.deadline);
            match &self.manner {
                Manner::Answers => {
                    let moved = self.moved.filter(|it| it.0 == question.subject.reveal());
                    let in_force = moved.and_then(|(_, new)| CitizenId::from_agency(new));
                    let answer = answer(self.source, &question.subject);
                    Ok(Answer { in_force, ..answer })
                }
                Manner::KnowsNobody => Err(Miss::not_found()),
                Manner::Hangs => std::future::pending().await,
                Manner::Waits(release) => {
                    release.notified().await;
                    Ok(answer(self.source, &question.subject))
                }
            }
        })
    }

    fn resolves(&self) -> &'static [IdentifierKind] {
        self.resolves
    }

    fn resolve<'a>(
        &'a self,
        _identifier: &'a Identifier,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Resolution, Miss>> {
        Box::pin(async {
            self.heard.lock().unwrap().push(context.deadline);
            if let Manner::Waits(release) = &self.manner {
                release.notified().await;
            }
            (self.resolution)()
        })
    }
}

fn answer(source: Source, subject: &CitizenId) -> Answer {
    let personal_id = subject.reveal().to_owned();
    let record = if source == Source::Tax {
        Record::Tax(Box::new(v1::TaxRecord {
            personal_id,
            tax_code: "0100233488".to_owned(),
            ..Default::default()
        }))
    } else {
        Record::Population(Box::new(v1::PopulationRecord {
            personal_id,
            sex: v1::Sex::Female.into(),
            ..Default::default()
        }))
    };
    Answer {
        record,
        as_of: None,
        upstream_request_id: None,
        in_force: None,
        adoption: FieldSet::EMPTY,
        attempts: 1,
    }
}

/// A switch by its name.
pub(super) fn switch(text: &str) -> Switch {
    Switch::parse(text).unwrap()
}

/// A caller with ten seconds.
pub(super) fn call() -> Call {
    Call {
        caller: Caller::new(
            AgencyCode::parse("H55").unwrap(),
            SystemId::parse("desk").unwrap(),
            &"ab".repeat(32),
        ),
        deadline: Instant::now() + Duration::from_secs(10),
        repeats: None,
    }
}

/// A question about the person of that number.
pub(crate) fn named(kind: IdentifierKind, number: &str, paths: &[&str]) -> Arc<Request> {
    let request = Request {
        context: exchange::CallContext {
            id: RequestId::fresh(),
            purpose: PurposeCode::parse("TAX_CHECK").unwrap(),
            agreement: None,
            procedure: None,
            dossier: None,
            officer: None,
            consent: None,
            criticality: Criticality::BackOffice,
            reason: None,
        },
        subject: Subject {
            identifier: Identifier::parse(kind, number, 2026).unwrap(),
            hints: MatchHints::default(),
        },
        mask: paths
            .iter()
            .filter_map(|p| Field::from_path(p))
            .collect::<FieldSet>(),
        required: SourceSet::EMPTY,
        dry_run: false,
    };
    Arc::new(request)
}

/// Every whole record of a log, in order.
fn leaves(dir: &Path) -> Vec<Value> {
    let mut segments: Vec<_> = std::fs::read_dir(dir.join("wal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    segments.sort();
    let bytes: Vec<u8> = segments
        .iter()
        .flat_map(|path| std::fs::read(path).unwrap())
        .collect();
    let starts = bytes.windows(BEGINNING.len()).enumerate();
    let starts = starts.filter(|(_, window)| *window == BEGINNING);
    // The head of an attempt is no whole JSON, and no record.
    let read = |(at, _)| {
        let mut values = serde_json::Deserializer::from_slice(&bytes[at..]).into_iter();
        values.next().and_then(Result::ok)
    };
    starts.filter_map(read).collect()
}

/// How every record begins.
const BEGINNING: &[u8] = br#"{"v":1,"#;

/// What may be asked in these tests.
pub(crate) const POLICY: &str = r#"
[[purpose]]
code = "TAX_CHECK"
title_vi = "Kiểm tra thuế"
title_en = "Tax check"
legal_basis = "Luật 26/2023/QH15"

[[purpose]]
code = "TAX_AUDIT"
title_vi = "Thanh tra thuế"
title_en = "Tax audit"
legal_basis = "Luật 26/2023/QH15"

[[agreement]]
id = "A-1"
agency = "H55"
systems = ["desk", "kiosk"]
purposes = ["TAX_CHECK", "TAX_AUDIT"]
fields = ["tax", "population.sex", "population.personal_id"]
verify = ["population.death"]
duties = ["LIST_ACCESSES", "SEARCH_RECORDS"]
visibility = "DELAYED"
delay_days = 30
valid_from = 2020-01-01
valid_to = 2099-12-31
second_factor = false

[[agreement]]
id = "A-2"
agency = "G03"
systems = ["auditor"]
purposes = ["TAX_AUDIT"]
duties = ["ERASE_SUBJECT"]
valid_from = 2020-01-01
valid_to = 2099-12-31

# So slow that what is spent in a test stays spent.
[quota]
requests_per_minute = 6
burst = 1000
"#;
