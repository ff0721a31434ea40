//! `recorder DIR N [paced|turn|turned]`: records N exchanges in the log of a directory, ten at a time, and
//! prints each receipt as soon as it has it. Ends by a signal when the log cannot be written, as a
//! gateway does.
//!
//! With `paced`, and with `turn`, every ten are public before the next come, so that the threads of the
//! log make the same calls in each run; once that fails, nothing more is waited for. With `turn` there
//! is a log for each half-year, and one ends when half of the exchanges are recorded; with `turned` it
//! is over.
//!
//! For tests that let system calls fail: after `ready` it waits for a line on standard input, and
//! behind that only the threads of the log call what is made to fail. Receipts are printed with
//! `writev`.
#![expect(
    clippy::unwrap_used,
    reason = "a tool of tests: what cannot be set up ends it"
)]

use std::io::{IoSlice, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use evidence::{Alarm, Attempt, Config, Deps, Evidence, NoObserver, Outcome, SourceOutcome, keys};
use exchange::{
    AgencyCode, Caller, Clock, Criticality, FieldSet, Identifier, IdentifierKind, MatchHints,
    PurposeCode, Request, RequestId, Source, SourceSet, SourceState, Subject, SystemClock,
    SystemId,
};
use jiff::Timestamp;
use tests::receipt_text as text;
use tokio::time::{Instant, sleep};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().unwrap();
    let count: usize = arguments.next().unwrap().parse().unwrap();
    let mode = arguments.next();
    let mode = mode.as_deref();
    let (origin, now) = match mode {
        Some("turn") => ("audit.gw.example/gw-1/{half-year}", TURN_MS - 2_000),
        Some("turned") => ("audit.gw.example/gw-1/{half-year}", TURN_MS),
        _ => ("audit.gw.example/gw-1/2026h2", 0),
    };
    let calendar = Arc::new(Calendar(AtomicI64::new(now)));
    let config = Config {
        reserve_bytes: 0,
        reserve_percent: 0,
        segment_bytes: 64 << 10,
        publish_ms: 1,
        ..Config::new(dir, origin, "gw-1")
    };
    let log = config.at_start(&*calendar).unwrap();
    let deps = Deps {
        keys: keys::create_if_missing(&log).unwrap(),
        clock: Arc::clone(&calendar) as _,
        observer: Arc::new(NoObserver),
        witnesses: None,
        version: "0.0.0",
        policy: [7; 32],
        on_fatal: Alarm::new(|_| std::process::abort()),
    };
    say("ready\n");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let Ok((evidence, handle)) = Evidence::start(config, deps) else {
        std::process::exit(1);
    };
    let (desk, mut patient) = (Desk::new(), matches!(mode, Some("paced" | "turn")));
    for ten in 0..count / 10 {
        if mode == Some("turn") && ten == count / 20 {
            calendar.0.store(TURN_MS, Ordering::SeqCst);
            patient &= turned(&evidence).await;
        }
        let last = desk.ten(&evidence).await;
        patient = patient && published(&evidence, last).await;
    }
    if handle.close().await.is_err() {
        std::process::exit(1);
    }
}

/// The wall clock, or one that is turned by hand.
#[derive(Debug)]
struct Calendar(AtomicI64);

impl Clock for Calendar {
    fn now(&self) -> Timestamp {
        match self.0.load(Ordering::SeqCst) {
            0 => SystemClock.now(),
            ms => Timestamp::from_millisecond(ms).unwrap(),
        }
    }
}

/// The beginning of the second half of 2026 in Vietnam.
const TURN_MS: i64 = 1_782_838_800_000;

/// Waits until the log of the next half-year has begun; false if that takes long.
async fn turned(evidence: &Evidence) -> bool {
    let began = Instant::now();
    while !evidence.origin().ends_with("2026h2") {
        if began.elapsed() > PATIENCE * 10 {
            return false;
        }
        sleep(Duration::from_millis(2)).await;
    }
    true
}

/// Looks now and then whether a record is under a checkpoint; false if that takes long, or nobody has it.
/// Whoever waits is woken by a write of the thread that publishes, which comes when it comes.
async fn published(evidence: &Evidence, seq: Option<u64>) -> bool {
    let Some(seq) = seq else {
        return false;
    };
    let (shown, began) = (evidence.checkpoints(), Instant::now());
    let is_under = || {
        let text = shown.borrow();
        let size = text
            .as_ref()
            .and_then(|text| text.lines().nth(1)?.parse().ok());
        size.is_some_and(|size: u64| size > seq)
    };
    while !is_under() {
        if began.elapsed() > PATIENCE {
            return false;
        }
        sleep(Duration::from_millis(1)).await;
    }
    true
}

/// How long what usually takes some milliseconds is waited for.
const PATIENCE: Duration = Duration::from_millis(200);

fn say(text: &str) {
    let written = std::io::stdout()
        .lock()
        .write_vectored(&[IoSlice::new(text.as_bytes())]);
    assert_eq!(written.unwrap(), text.len());
    std::io::stdout().flush().unwrap();
}

/// One question, asked again and again.
struct Desk {
    caller: Caller,
    request: Request,
    sources: [SourceOutcome; 1],
}

impl Desk {
    fn new() -> Self {
        let mask = FieldSet::of(Source::Tax);
        let id = Identifier::parse(IdentifierKind::Personal, "999099000001", 2026);
        Self {
            caller: Caller::new(
                AgencyCode::parse("G18").unwrap(),
                SystemId::parse("tax-web").unwrap(),
                &"ab".repeat(32),
            ),
            request: Request {
                context: exchange::CallContext {
                    id: RequestId::parse("0190163d-8694-739b-aea5-966c26f8ad91").unwrap(),
                    purpose: PurposeCode::parse("TAX_REG").unwrap(),
                    agreement: None,
                    procedure: None,
                    dossier: None,
                    officer: None,
                    consent: None,
                    criticality: Criticality::BackOffice,
                    reason: None,
                },
                subject: Subject {
                    identifier: id.unwrap(),
                    hints: MatchHints::default(),
                },
                mask,
                required: SourceSet::EMPTY,
                dry_run: false,
            },
            sources: [SourceOutcome {
                source: Source::Tax,
                state: SourceState::Ok,
                released: mask,
                masked: FieldSet::EMPTY,
                as_of: None,
                record: Some([9; 32]),
            }],
        }
    }

    /// Ten exchanges; the place of the last record that there is a receipt of.
    async fn ten(&self, evidence: &Evidence) -> Option<u64> {
        let opened: Vec<_> = (0..10).map(|_| self.open(evidence)).collect();
        let sealed = opened
            .into_iter()
            .map(|open| self.seal(evidence, open.unwrap()));
        let sealed: Vec<_> = sealed.collect();
        let mut last = None;
        for sealed in sealed {
            // Without a receipt the alarm is about to ring.
            if let Ok(receipt) = sealed.await {
                say(&text(&receipt));
                last = Some(receipt.seq());
            }
        }
        last
    }

    fn open(&self, evidence: &Evidence) -> Result<evidence::Open, exchange::Fault> {
        evidence.open(&Attempt {
            caller: &self.caller,
            request: &self.request,
            criticality: self.request.criticality,
            visibility: exchange::Visibility::Citizen,
            flags: exchange::FlagSet::NONE,
            repeats: None,
            agreement: "A-113",
            policy: &[7; 32],
        })
    }

    fn seal(&self, evidence: &Evidence, open: evidence::Open) -> evidence::Sealing {
        let outcome = Outcome {
            sources: &self.sources,
            failure: None,
            ..Outcome::default()
        };
        evidence.seal(open, &outcome)
    }
}
