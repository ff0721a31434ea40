//! Tests of the log as a whole: a directory, a clock that is set by hand, synthetic questions.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use exchange::{
    AgencyCode, Caller, Clock, Criticality, Field, FieldSet, FlagSet, Identifier, IdentifierKind,
    MatchHints, OfficerId, PurposeCode, Request, RequestId, Source, SourceSet, SourceState,
    Subject, SystemId, Visibility,
};
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::chain::Chain;
use crate::frame::Kind;
use crate::scan::Scan;
use crate::{
    Alarm, Attempt, Config, Deps, Error, Evidence, Handle, NoObserver, Observer, Open, Outcome,
    Receipt, Refusal, SourceOutcome, keys, segment,
};

mod backup;
mod batch;
mod cosign;
mod crash;
mod daily;
mod erasure;
mod filing;
mod floods;
mod golden;
mod model;
mod nodes;
mod policies;
mod private;
mod proof;
mod receipts;
mod road;
mod rotation;
mod scrub;
mod signers;
mod tamper;
mod turn;
mod versions;

/// 16 February 2026.
const NOW_MS: i64 = 1_771_234_567_890;
const CITIZEN: &str = "999099000001";
const OFFICER: &str = "CB-0417";
const POLICY: [u8; 32] = [7; 32];

/// A clock that is set by hand. It stands for a second and then goes on, so that no test that takes
/// long sees a clock that was stopped.
#[derive(Debug)]
struct TestClock(Mutex<(i64, Instant)>);

impl TestClock {
    fn new(ms: i64) -> Self {
        Self(Mutex::new((ms, Instant::now())))
    }

    fn set(&self, ms: i64) {
        *self.0.lock().unwrap() = (ms, Instant::now());
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let (ms, since) = *self.0.lock().unwrap();
        let late = since.elapsed().saturating_sub(Duration::from_secs(1));
        Timestamp::from_millisecond(ms + late.as_millis() as i64).unwrap()
    }
}

/// A directory that holds a log, and a question to record in it.
struct Desk {
    /// Removed when the desk goes.
    _dir: TempDir,
    config: Config,
    clock: Arc<TestClock>,
    caller: Caller,
    request: Request,
    policy: [u8; 32],
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            reserve_bytes: 0,
            reserve_percent: 0,
            segment_bytes: 64 << 10,
            // Once at the start and once at the end, so that a crash leaves something to publish.
            publish_ms: 3_600_000,
            ..Config::new(
                dir.path().join("log"),
                "audit.gw.example/gw-1/2026h1",
                "gw-1",
            )
        };
        Self {
            _dir: dir,
            config,
            clock: Arc::new(TestClock::new(NOW_MS)),
            caller: Caller::new(
                AgencyCode::parse("G18").unwrap(),
                SystemId::parse("tax-web").unwrap(),
                &"ab".repeat(32),
            ),
            request: request(),
            policy: POLICY,
        }
    }

    fn path(&self) -> &Path {
        &self.config.dir
    }

    fn try_start(&self, alarm: Alarm) -> Result<(Evidence, Handle), Error> {
        self.start_seen_by(Arc::new(NoObserver), alarm)
    }

    fn start_seen_by(
        &self,
        observer: Arc<dyn Observer>,
        alarm: Alarm,
    ) -> Result<(Evidence, Handle), Error> {
        let log = self.config.at_start(&*self.clock)?;
        let deps = Deps {
            keys: keys::create_if_missing(&log)?,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            observer,
            witnesses: None,
            version: "0.1.0",
            policy: self.policy,
            on_fatal: alarm,
        };
        let before = shown(&log.dir);
        let started = Evidence::start(self.config.clone(), deps)?;
        // The start is published at once; what follows, only at the end.
        for _ in 0..1_000 {
            if shown(&log.dir) > before {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(started)
    }

    /// How many records are under the latest checkpoint.
    fn shown(&self) -> u64 {
        shown(&self.config.dir)
    }

    fn start(&self) -> (Evidence, Handle) {
        self.try_start(Alarm::new(|error| panic!("{error}")))
            .unwrap()
    }

    fn attempt(&self) -> Attempt<'_> {
        Attempt {
            caller: &self.caller,
            request: &self.request,
            criticality: self.request.criticality,
            agreement: "A-113",
            policy: &self.policy,
            visibility: Visibility::Citizen,
            flags: FlagSet::NONE,
            repeats: None,
        }
    }

    fn refusal(&self, request: Option<&'static Request>) -> Refusal<'_> {
        Refusal {
            caller: &self.caller,
            asked: request.map(crate::Asked::Question),
            reason: exchange::Reason::QuotaExceeded,
            policy: &POLICY,
        }
    }

    /// Both forms of the log verify.
    fn verifies(&self) {
        let trust = crate::verify::Trust {
            keys: keys::PublicKeys::read(self.path()).unwrap().log,
            ..crate::verify::Trust::default()
        };
        crate::verify::whole(self.path(), &trust, |_| ()).unwrap();
    }

    fn open(&self, evidence: &Evidence) -> Open {
        evidence.open(&self.attempt()).unwrap()
    }

    /// One whole exchange.
    async fn exchange(&self, evidence: &Evidence) -> Receipt {
        let open = self.open(evidence);
        let sources = [tax()];
        let outcome = Outcome {
            sources: &sources,
            failure: None,
            ..Outcome::default()
        };
        evidence.seal(open, &outcome).await.unwrap()
    }
}

/// How many records are under the latest checkpoint.
fn shown(dir: &Path) -> u64 {
    let text = std::fs::read_to_string(dir.join("checkpoint"));
    let text = text.unwrap_or_default();
    let size = text.lines().nth(1).and_then(|size| size.parse().ok());
    size.unwrap_or_default()
}

fn request() -> Request {
    Request {
        context: exchange::CallContext {
            id: RequestId::parse("0190163d-8694-739b-aea5-966c26f8ad91").unwrap(),
            purpose: PurposeCode::parse("TAX_REG").unwrap(),
            agreement: None,
            procedure: None,
            dossier: None,
            officer: Some(OfficerId::parse(OFFICER).unwrap()),
            consent: None,
            criticality: Criticality::BackOffice,
            reason: None,
        },
        subject: Subject {
            identifier: Identifier::parse(IdentifierKind::Personal, CITIZEN, 2026).unwrap(),
            hints: MatchHints::default(),
        },
        mask: FieldSet::of(Source::Tax),
        required: SourceSet::EMPTY,
        dry_run: false,
    }
}

/// The tax store answered with one field.
fn tax() -> SourceOutcome {
    SourceOutcome {
        source: Source::Tax,
        state: SourceState::Ok,
        released: [Field::from_path("tax.tax_code").unwrap()]
            .into_iter()
            .collect(),
        masked: FieldSet::EMPTY,
        as_of: Some(Timestamp::from_millisecond(NOW_MS - 1000).unwrap()),
        record: Some([9; 32]),
    }
}

/// Every leaf of the log, as far as it is whole.
fn leaves(dir: &Path) -> Vec<Value> {
    let mut out = Vec::new();
    let mut chain = Chain::default();
    for number in segment::list(dir).unwrap() {
        let bytes = segment::read(dir, number).unwrap();
        let (mut scan, head) = Scan::new(&bytes, number).unwrap();
        assert_eq!(head.chain, chain);
        let mut frames = Vec::new();
        while let Ok(true) = scan.next(&mut chain, &mut frames) {
            let of_leaves = frames.iter().filter(|frame| frame.kind == Kind::Leaf);
            out.extend(
                of_leaves
                    .map(|leaf| serde_json::from_slice::<Value>(leaf.body().unwrap().1).unwrap()),
            );
        }
    }
    out
}

/// The types and decisions of the leaves, in order: `START`, `ACCESS ALLOW`.
fn kinds(dir: &Path) -> Vec<String> {
    let all = leaves(dir);
    let word = |leaf: &Value, key: &str| leaf[key].as_str().map(str::to_owned);
    all.iter()
        .map(|leaf| match (word(leaf, "t"), word(leaf, "dec")) {
            (Some(t), Some(dec)) => format!("{t} {dec}"),
            (t, _) => t.unwrap_or_default(),
        })
        .collect()
}

/// Where the batches of the last segment end.
fn batch_ends(dir: &Path) -> Vec<usize> {
    let number = *segment::list(dir).unwrap().last().unwrap();
    let bytes = segment::read(dir, number).unwrap();
    let (mut scan, head) = Scan::new(&bytes, number).unwrap();
    let (mut chain, mut frames, mut ends) = (head.chain, Vec::new(), vec![scan.at()]);
    while let Ok(true) = scan.next(&mut chain, &mut frames) {
        ends.push(scan.at());
    }
    ends
}

/// A copy of a log: its directory, keys and all, and its lock store.
struct Copy {
    /// Removed when the copy goes.
    _dir: TempDir,
    path: PathBuf,
}

impl Copy {
    fn path(&self) -> &Path {
        &self.path
    }
}

fn copy(dir: &Path) -> Copy {
    let to = tempfile::tempdir().unwrap();
    let path = to.path().join("log");
    copy_tree(dir, &path);
    let head = dir.with_added_extension("head");
    if head.exists() {
        std::fs::copy(head, path.with_added_extension("head")).unwrap();
    }
    Copy { _dir: to, path }
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}
