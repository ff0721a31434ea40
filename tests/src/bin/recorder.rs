//! `recorder DIR N`: records N exchanges in the log of a directory, ten at a time, and prints each
//! receipt as soon as it has it. Ends by a signal when the log cannot be written, as a gateway does.
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

use evidence::{Alarm, Attempt, Config, Deps, Evidence, NoObserver, Outcome, SourceOutcome, keys};
use exchange::{
    AgencyCode, Caller, Criticality, FieldSet, Identifier, IdentifierKind, MatchHints, PurposeCode,
    Request, RequestId, Source, SourceSet, SourceState, Subject, SystemClock, SystemId,
};
use tests::receipt_text as text;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().unwrap();
    let count: usize = arguments.next().unwrap().parse().unwrap();
    let config = Config {
        reserve_bytes: 0,
        reserve_percent: 0,
        segment_bytes: 64 << 10,
        publish_ms: 1,
        ..Config::new(dir, "audit.gw.example/gw-1/2026h2", "gw-1")
    };
    let deps = Deps {
        keys: keys::create_if_missing(&config).unwrap(),
        clock: Arc::new(SystemClock),
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
    let desk = Desk::new();
    for _ in 0..count / 10 {
        let opened: Vec<_> = (0..10).map(|_| desk.open(&evidence)).collect();
        let sealed: Vec<_> = opened
            .into_iter()
            .map(|open| desk.seal(&evidence, open.unwrap()))
            .collect();
        for sealed in sealed {
            // Without a receipt the alarm is about to ring.
            if let Ok(receipt) = sealed.await {
                say(&text(&receipt));
            }
        }
    }
    if handle.close().await.is_err() {
        std::process::exit(1);
    }
}

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
                as_of: None,
                record: Some([9; 32]),
            }],
        }
    }

    fn open(&self, evidence: &Evidence) -> Result<evidence::Open, exchange::Fault> {
        evidence.open(&Attempt {
            caller: &self.caller,
            request: &self.request,
            criticality: self.request.criticality,
            visibility: exchange::Visibility::Citizen,
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
