//! How long an exchange waits for its record, and what the record costs.
//!
//! `cargo run --workspace --example commit_bench -- [EXCHANGES] [AT_ONCE] [DIR]`. Each exchange is
//! opened, yields once as if an agency were asked, and is sealed. Not a load test of the gateway.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "an example prints, and ends at the first error"
)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evidence::{
    Alarm, Attempt, Config, Deps, Evidence, Observer, Outcome, SourceOutcome, keys, verify,
};
use exchange::{
    AgencyCode, Caller, Criticality, FieldSet, Identifier, IdentifierKind, MatchHints, OfficerId,
    PurposeCode, Request, RequestId, Source, SourceSet, SourceState, Subject, SystemClock,
    SystemId,
};
use tokio::time::Instant;

/// Keeps every measurement.
#[derive(Debug, Default)]
struct Stopwatch {
    waits: Mutex<Vec<Duration>>,
    syncs: Mutex<Vec<Duration>>,
    leaves: Mutex<Vec<u32>>,
}

impl Observer for Stopwatch {
    fn commit_wait(&self, wait: Duration) {
        self.waits.lock().unwrap().push(wait);
    }

    fn synced(&self, took: Duration) {
        self.syncs.lock().unwrap().push(took);
    }

    fn batch(&self, leaves: u32) {
        self.leaves.lock().unwrap().push(leaves);
    }
}

fn main() {
    let mut words = std::env::args().skip(1);
    let mut number = |default| words.next().map_or(default, |word| word.parse().unwrap());
    let (exchanges, at_once): (u64, u64) = (number(50_000), number(64));
    let base = words.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = base.join(format!("commit-bench-{}", std::process::id()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measure(&dir, exchanges, at_once));
    std::fs::remove_dir_all(dir).unwrap();
}

async fn measure(dir: &Path, exchanges: u64, at_once: u64) {
    let stopwatch = Arc::new(Stopwatch::default());
    let config = Config {
        reserve_bytes: 0,
        reserve_percent: 0,
        ..Config::new(dir, "bench.example/gw-1/2026h1", "gw-1")
    };
    let deps = Deps {
        keys: keys::create_if_missing(&config).unwrap(),
        clock: Arc::new(SystemClock),
        observer: Arc::clone(&stopwatch) as Arc<dyn Observer>,
        version: env!("CARGO_PKG_VERSION"),
        on_fatal: Alarm::new(|error| println!("fatal: {error}")),
    };
    let (evidence, handle) = Evidence::start(config, deps).unwrap();
    let (cpu, began) = (cpu_ns(), Instant::now());
    let clients: Vec<_> = (0..at_once)
        .map(|_| tokio::spawn(client(evidence.clone(), exchanges / at_once)))
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let (cpu, took) = (cpu_ns() - cpu, began.elapsed());
    handle.close().await.unwrap();
    print(&stopwatch, cpu, took);
    let began = Instant::now();
    let report = verify::directory(dir, |_| ()).unwrap();
    let took = began.elapsed();
    println!(
        "verified {} leaves, {} bytes in {took:?}",
        report.leaves, report.bytes
    );
}

async fn client(evidence: Evidence, exchanges: u64) {
    let caller = Caller::new(
        AgencyCode::parse("G18").unwrap(),
        SystemId::parse("tax-web").unwrap(),
        &"ab".repeat(32),
    );
    let request = request();
    let sources = [SourceOutcome {
        source: Source::Tax,
        state: SourceState::Ok,
        released: FieldSet::of(Source::Tax),
        as_of: None,
        record: Some([9; 32]),
    }];
    let outcome = Outcome {
        sources: &sources,
        failure: None,
    };
    for _ in 0..exchanges {
        let attempt = Attempt {
            caller: &caller,
            request: &request,
            criticality: request.criticality,
            agreement: "A-113",
            policy: &[7; 32],
        };
        let open = evidence.open(&attempt).unwrap();
        tokio::task::yield_now().await;
        evidence.seal(open, &outcome).await.unwrap();
    }
}

fn request() -> Request {
    Request {
        id: RequestId::fresh(),
        purpose: PurposeCode::parse("TAX_REG").unwrap(),
        agreement: None,
        procedure: None,
        dossier: None,
        officer: Some(OfficerId::parse("CB-0417").unwrap()),
        consent: None,
        criticality: Criticality::BackOffice,
        reason: None,
        subject: Subject {
            identifier: Identifier::parse(IdentifierKind::Personal, "999099000001", 2026).unwrap(),
            hints: MatchHints::default(),
        },
        mask: FieldSet::of(Source::Tax),
        required: SourceSet::EMPTY,
        dry_run: false,
    }
}

fn print(stopwatch: &Stopwatch, cpu_ns: u64, took: Duration) {
    let waits = sorted(&stopwatch.waits);
    let syncs = sorted(&stopwatch.syncs);
    let leaves = sorted(&stopwatch.leaves);
    let records = waits.len() as u64;
    println!(
        "{records} records in {took:?}, {} at the median per batch",
        at(&leaves, 50)
    );
    println!(
        "commit wait p50 {:?} p99 {:?}",
        at(&waits, 50),
        at(&waits, 99)
    );
    println!(
        "fdatasync   p50 {:?} p99 {:?}, {} of them",
        at(&syncs, 50),
        at(&syncs, 99),
        syncs.len()
    );
    println!("CPU {} ns per record, all threads", cpu_ns / records.max(1));
}

fn sorted<T: Ord + Clone>(list: &Mutex<Vec<T>>) -> Vec<T> {
    let mut list = list.lock().unwrap().clone();
    list.sort_unstable();
    list
}

fn at<T: Clone>(sorted: &[T], percent: usize) -> T {
    let place = sorted.len() * percent / 100;
    sorted.get(place.min(sorted.len() - 1)).unwrap().clone()
}

/// The CPU time of every thread of this process.
fn cpu_ns() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let times = tasks.map(|task| {
        let text = std::fs::read_to_string(task.unwrap().path().join("schedstat"));
        let text = text.unwrap_or_default();
        let first = text.split(' ').next().unwrap_or_default();
        first.parse::<u64>().unwrap_or_default()
    });
    times.sum()
}
