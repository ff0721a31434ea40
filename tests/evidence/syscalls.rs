//! Every system call of the log's threads may fail, or be the last thing the process does.
//!
//! The matrix: {EIO, ENOSPC, KILL} at each occurrence of each call of each thread that has to do with
//! files of the log, within a run of 200 exchanges, and within one that turns to the next half-year.
//! Which those are is counted in runs in which nothing fails; in every other run strace has that one
//! thread alone, from its beginning. Afterwards the log verifies, a new start goes on with it, and every
//! receipt that was given is in it, once. `LIENTHONG_TEST_FULL=1` takes every occurrence, `=2/5` the
//! second fifth of them; otherwise some of each call are taken.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use evidence::keys::PublicKeys;
use evidence::note::SignedCheckpoint;
use evidence::verify::{self, ReceiptText, Trust, VerifyError, Witnessed};

use crate::recorder::{Thread, Traced, record};
use crate::strace;

/// What the threads of the log call to change files.
const CALLS: [&str; 12] = [
    "openat",
    "pwrite64",
    "write",
    "fdatasync",
    "fsync",
    "rename",
    "mkdir",
    "ftruncate",
    "fallocate",
    "flock",
    "unlinkat",
    "close",
];

const ACTIONS: [&str; 3] = ["error=EIO", "error=ENOSPC", "signal=KILL"];
/// How many runs there are at once: they mostly wait.
const WORKERS: usize = 4;
/// How many runs tell how often a call is made.
const UNDISTURBED: usize = 5;
/// How often an occurrence is tried that a run did not have, or had elsewhere: how much is published at a
/// time depends on time, and so does the number of calls.
const TRIES: usize = 3;

/// The log as a stranger finds it; `none` if there is no checkpoint yet.
pub(crate) fn sound(dir: &Path) -> Option<Result<u64, VerifyError>> {
    if !dir.join("checkpoint").exists() {
        return None;
    }
    let lock = std::fs::read_to_string(lock_store(dir)).unwrap();
    let trust = Trust {
        keys: PublicKeys::read(dir).unwrap().of_checkpoints(),
        older: vec![Witnessed {
            from: "the lock store".to_owned(),
            checkpoint: SignedCheckpoint::parse(&lock).unwrap(),
        }],
    };
    let whole = verify::whole(dir, &trust, |_| ());
    Some(whole.map(|(_, report)| report.census.leaves))
}

/// The lock store of a log: beside its directory, or beside that of the node if it has others.
fn lock_store(dir: &Path) -> PathBuf {
    let own = dir.with_added_extension("head");
    let (node, name) = (dir.parent().unwrap(), dir.file_name().unwrap());
    let of_node = node.with_added_extension(name).with_added_extension("head");
    if own.exists() { own } else { of_node }
}

/// A kind of run.
struct Row {
    name: &'static str,
    arguments: &'static [&'static str],
    /// How it is run afterwards.
    again: &'static [&'static str],
    /// Which of so many occurrences of a call are taken, if not all.
    some: fn(usize) -> Vec<usize>,
}

/// Every log of a run.
fn logs(home: &Path) -> Vec<PathBuf> {
    let dir = home.join("log");
    let half_years = verify::half_years(&dir).unwrap();
    if half_years.is_empty() {
        vec![dir]
    } else {
        half_years
    }
}

fn check(row: &Row, home: &Path, receipts: &[String], what: &str) {
    for log in logs(home) {
        match sound(&log) {
            None => assert!(receipts.is_empty(), "{what}: receipts without a checkpoint"),
            Some(verified) => drop(verified.unwrap_or_else(|error| panic!("{what}: {error}"))),
        }
    }
    let again = record(home, row.again, Traced::Nothing);
    assert_eq!(again.receipts.len(), 10, "{what}: it does not go on");
    let all = receipts.iter().chain(&again.receipts);
    let all: Vec<_> = all
        .map(|text| ReceiptText::from_json(text.as_bytes()).unwrap())
        .collect();
    let mut accepted = 0;
    for log in logs(home) {
        let verified = sound(&log).unwrap();
        verified.unwrap_or_else(|error| panic!("{what}, after a new start: {error}"));
        let checkpoint = std::fs::read_to_string(log.join("checkpoint")).unwrap();
        let origin = checkpoint.lines().next().unwrap();
        let own = all.iter().filter(|receipt| receipt.origin == origin);
        let own: Vec<_> = own.cloned().collect();
        let seqs: BTreeSet<u64> = own.iter().map(|receipt| receipt.seq).collect();
        assert_eq!(
            seqs.len(),
            own.len(),
            "{what}: two receipts name one record"
        );
        let keys = PublicKeys::read(&log).unwrap().receipt;
        let report = verify::receipts(&log, &keys, own).unwrap();
        assert_eq!(report.refused, [], "{what}");
        accepted += report.accepted as usize;
    }
    assert_eq!(accepted, receipts.len() + 10, "{what}");
}

/// Where each thread makes each call on a file of the log, counted among all its calls of that name, in
/// the one of several runs in which nothing fails that has the fewest of them: what every run has.
type Occurrences = BTreeMap<(Thread, &'static str), Vec<usize>>;

fn occurrences(row: &Row) -> Occurrences {
    let calls = format!("trace={}", CALLS.join(","));
    let threads: Vec<_> = threads(row, &calls).into_iter().collect();
    let runs = threads.iter().flat_map(|thread| [thread; UNDISTURBED]);
    let runs = in_many(&runs.collect::<Vec<_>>(), |thread| {
        let home = tempfile::tempdir().unwrap();
        let traced = Traced::One(thread, &["-y", "-e", &calls]);
        let run = record(home.path(), row.arguments, traced);
        check(row, home.path(), &run.receipts, "nothing fails");
        let places = CALLS.map(|call| (call, on_the_log(&run.trace, call, home.path())));
        Some(((*thread).clone(), places))
    });
    let mut all = Occurrences::new();
    for (thread, places) in runs {
        for (call, places) in places {
            let fewest = all
                .entry((thread.clone(), call))
                .or_insert_with(|| places.clone());
            if places.len() < fewest.len() {
                *fewest = places;
            }
        }
    }
    all.retain(|_, places| !places.is_empty());
    all
}

/// The places of those calls that have to do with a file below a directory, from 1 on.
fn on_the_log(trace: &str, call: &str, home: &Path) -> Vec<usize> {
    let calls = trace.lines().filter(|line| is_of(line, call));
    let calls = (1..).zip(calls);
    let on_it = calls.filter(|(_, line)| line.contains(home.to_str().unwrap()));
    on_it.map(|(place, _)| place).collect()
}

/// The threads that have to do with files of the log.
fn threads(row: &Row, calls: &str) -> BTreeSet<Thread> {
    let home = tempfile::tempdir().unwrap();
    let traced = Traced::All(&["-y", "-e", calls]);
    let run = record(home.path(), row.arguments, traced);
    let expected: usize = row.arguments[0].parse().unwrap();
    assert_eq!(run.receipts.len(), expected);
    let home = home.path().to_str().unwrap();
    let (mut numbers, mut all) = (BTreeMap::new(), BTreeSet::new());
    for line in run.trace.lines() {
        // `4711<evidence> fdatasync(5</tmp/…>) = 0`
        let (number, rest) = line.split_once('<').unwrap();
        let (name, call) = rest.split_once('>').unwrap();
        let begun: &mut Vec<String> = numbers.entry(name.to_owned()).or_default();
        if !begun.iter().any(|it| it == number) {
            begun.push(number.to_owned());
        }
        if call.contains(home) {
            let place = begun.iter().position(|it| it == number).unwrap() + 1;
            let name = name.to_owned();
            all.insert(Thread { name, place });
        }
    }
    all
}

/// True for a line of strace that begins that call.
fn is_of(line: &str, call: &str) -> bool {
    line.strip_prefix(call)
        .is_some_and(|rest| rest.starts_with('('))
}

/// One run that fails.
struct Case {
    thread: Thread,
    call: &'static str,
    /// Which of those on files of the log.
    number: usize,
    /// Where that is among all of them.
    place: usize,
    action: &'static str,
}

/// Which part of all occurrences is taken, and of how many; none if some are.
fn part() -> Option<(usize, usize)> {
    let full = std::env::var("LIENTHONG_TEST_FULL").ok()?;
    let part = full.split_once('/').unwrap_or(("1", "1"));
    Some((part.0.parse().unwrap(), part.1.parse().unwrap()))
}

/// Every occurrence, or some of each call.
fn cases(row: &Row, all: &Occurrences) -> Vec<Case> {
    let part = part();
    let mut cases = Vec::new();
    for ((thread, call), places) in all {
        let some = (row.some)(places.len());
        let numbered = (1..).zip(places);
        for (number, &place) in numbered.filter(|(it, _)| part.is_some() || some.contains(it)) {
            // What a failed close says is nothing that can be mended.
            let actions = ACTIONS.iter();
            for action in actions.filter(|it| *call != "close" || **it == "signal=KILL") {
                cases.push(Case {
                    thread: thread.clone(),
                    call,
                    number,
                    place,
                    action,
                });
            }
        }
    }
    if let Some((number, of)) = part {
        // However often a call is made, each occurrence is in the same part.
        cases.retain(|case| case.number % of == number % of);
    }
    cases
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Thread { name, place } = &self.thread;
        let (call, number, action) = (self.call, self.number, self.action);
        write!(f, "{name} {place}: {call} {number} {action}")
    }
}

/// Lets it happen; false if no run had such an occurrence.
fn happens(row: &Row, case: &Case) -> bool {
    let (call, mut place) = (case.call, case.place);
    for _ in 0..TRIES {
        let home = tempfile::tempdir().unwrap();
        let inject = format!("inject={call}:{}:when={place}", case.action);
        let trace = format!("trace={call}");
        let traced = Traced::One(&case.thread, &["-y", "-e", &trace, "-e", &inject]);
        let run = record(home.path(), row.arguments, traced);
        check(
            row,
            home.path(),
            &run.receipts,
            &format!("{}: {case}", row.name),
        );
        let places = on_the_log(&run.trace, call, home.path());
        let is_it = places.get(case.number - 1) == Some(&place);
        if is_it && (run.trace.contains("INJECTED") || run.trace.contains("SIGKILL")) {
            return true;
        }
        // Other calls came between, such as those that wake somebody.
        place = *places.get(case.number - 1).unwrap_or(&case.place);
    }
    false
}

#[test]
fn no_failing_call_loses_or_doubles_a_record() {
    fails_everywhere(&Row {
        name: "one log",
        arguments: &["200", "paced"],
        again: &["10"],
        some: |count| vec![1, 2, count.div_ceil(2), count],
    });
}

#[test]
fn no_failing_call_at_the_turn_of_a_half_year_loses_or_doubles_a_record() {
    fails_everywhere(&Row {
        name: "a turn",
        arguments: &["40", "turn"],
        again: &["10", "turned"],
        some: |count| vec![count.div_ceil(2)],
    });
}

fn fails_everywhere(row: &Row) {
    strace::must_be_there();
    let all = occurrences(row);
    for (thread, call) in [
        ("evidence", "pwrite64"),
        ("evidence", "fdatasync"),
        ("evidence", "fallocate"),
        ("evidence-public", "write"),
        ("evidence-public", "fsync"),
        ("evidence-public", "rename"),
        ("evidence-public", "mkdir"),
        ("evidence-privat", "pwrite64"),
    ] {
        let mut of = all
            .keys()
            .filter(|(it, of)| it.name == thread && *of == call);
        assert!(of.next().is_some(), "{thread} makes no {call}: {all:?}");
    }
    for ((Thread { name, place }, call), places) in &all {
        println!(
            "{}: {name} {place}: {call} {} times",
            row.name,
            places.len()
        );
    }
    let cases = cases(row, &all);
    let missed = in_many(&cases, |case| {
        (!happens(row, case)).then(|| case.to_string())
    });
    let (hits, all) = (cases.len() - missed.len(), cases.len());
    println!(
        "{}: {hits} of {all} occurrences injected; not there in {TRIES} runs: {missed:?}",
        row.name
    );
    assert!(missed.len() * 50 <= all, "{missed:?}");
}

/// What comes of each of them, several at once.
fn in_many<T: Sync, R: Send>(all: &[T], of: impl Fn(&T) -> Option<R> + Sync) -> Vec<R> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = of(one);
                    results.lock().unwrap().extend(result);
                }
            });
        }
    });
    results.into_inner().unwrap()
}
