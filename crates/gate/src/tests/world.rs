//! A whole gate: policy, record, and one office per source.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adapter::guard::{self, Guarded};
use admission::{Admission, Policy};
use evidence::{Evidence, Shelf};
use exchange::{
    AgencyCode, Caller, Clock, Criticality, Field, FieldSet, Identifier, IdentifierKind,
    MatchHints, PurposeCode, Request, RequestId, SourceSet, Subject, Switch, SystemClock, SystemId,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

use super::office::Office;
use super::seen::Seen;
use crate::{Call, Deps, Gate, Listed, Switches, Synthetic};

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
