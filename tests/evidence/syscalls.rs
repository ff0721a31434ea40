//! Every system call of the log's threads may fail, or be the last thing the process does.
//!
//! The matrix: {EIO, ENOSPC, KILL} at each occurrence of each call within a run of 200 exchanges.
//! Afterwards the log verifies, a new start goes on with it, and every receipt that was given is in
//! it, once. `LIENTHONG_TEST_FULL=1` takes every occurrence; otherwise the first ones of each call,
//! where files are made, and then one in so many.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use evidence::keys::PublicKeys;
use evidence::note::SignedCheckpoint;
use evidence::verify::{self, ReceiptText, Trust, VerifyError, Witnessed};

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
const EXCHANGES: &str = "200";

/// A run of the recorder under strace.
struct Run {
    receipts: Vec<String>,
    /// What strace wrote.
    trace: String,
}

/// Runs the recorder; strace follows it from before it opens the log.
fn record(home: &Path, count: &str, strace: &[&str]) -> Run {
    let mut recorder = Command::new(env!("CARGO_BIN_EXE_recorder"))
        .arg(home.join("log"))
        .arg(count)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(recorder.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    let trace = home.join("trace");
    let follower = (!strace.is_empty()).then(|| follow(recorder.id(), &trace, strace));
    recorder.stdin.take().unwrap().write_all(b"\n").unwrap();
    let mut receipts = String::new();
    said.read_to_string(&mut receipts).unwrap();
    recorder.wait().unwrap();
    if let Some(mut follower) = follower {
        follower.wait().unwrap();
    }
    Run {
        receipts: receipts.lines().map(str::to_owned).collect(),
        trace: std::fs::read_to_string(trace).unwrap_or_default(),
    }
}

/// Attaches strace, and waits until it has.
fn follow(pid: u32, trace: &Path, how: &[&str]) -> Child {
    let mut strace = Command::new("strace")
        .args(["-f", "-qq", "-p", &pid.to_string(), "-o"])
        .arg(trace)
        .args(how)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = PathBuf::from(format!("/proc/{pid}/status"));
    loop {
        let text = std::fs::read_to_string(&status).unwrap();
        if text
            .lines()
            .any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
        {
            return strace;
        }
        if let Some(ended) = strace.try_wait().unwrap() {
            panic!("strace cannot attach ({ended})");
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// The log as a stranger finds it; `none` if there is no checkpoint yet.
pub(crate) fn sound(dir: &Path) -> Option<Result<u64, VerifyError>> {
    if !dir.join("checkpoint").exists() {
        return None;
    }
    let lock = dir.with_added_extension("head");
    let lock = std::fs::read_to_string(lock).unwrap();
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

fn check(home: &Path, receipts: &[String], what: &str) {
    let dir = home.join("log");
    match sound(&dir) {
        None => assert!(receipts.is_empty(), "{what}: receipts without a checkpoint"),
        Some(verified) => drop(verified.unwrap_or_else(|error| panic!("{what}: {error}"))),
    }
    let again = record(home, "10", &[]);
    assert_eq!(again.receipts.len(), 10, "{what}: it does not go on");
    let verified = sound(&dir).unwrap();
    verified.unwrap_or_else(|error| panic!("{what}, after a new start: {error}"));
    let all = receipts.iter().chain(&again.receipts);
    let all = all.map(|text| ReceiptText::from_json(text.as_bytes()).unwrap());
    let keys = PublicKeys::read(&dir).unwrap().receipt;
    let report = verify::receipts(&dir, &keys, all).unwrap();
    assert_eq!(report.refused, [], "{what}");
    assert_eq!(report.accepted as usize, receipts.len() + 10, "{what}");
}

/// How often each call is made by the thread that makes it most.
fn occurrences() -> BTreeMap<&'static str, usize> {
    let home = tempfile::tempdir().unwrap();
    let trace = format!("trace={}", CALLS.join(","));
    let run = record(home.path(), EXCHANGES, &["-e", &trace]);
    assert_eq!(run.receipts.len(), 200);
    check(home.path(), &run.receipts, "nothing fails");
    let mut counts: BTreeMap<(&str, &'static str), usize> = BTreeMap::new();
    for line in run.trace.lines() {
        let (thread, rest) = line.split_once(' ').unwrap();
        let call = rest.trim_start().split('(').next().unwrap();
        if let Some(call) = CALLS.iter().find(|it| **it == call) {
            *counts.entry((thread, call)).or_default() += 1;
        }
    }
    let mut most = BTreeMap::new();
    for ((_, call), count) in counts {
        let known = most.entry(call).or_default();
        *known = count.max(*known);
    }
    most
}

#[test]
fn no_failing_call_loses_or_doubles_a_record() {
    if Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        println!("no strace: `cargo xtask test` installs it");
        return;
    }
    let full = std::env::var_os("LIENTHONG_TEST_FULL").is_some();
    let most = occurrences();
    for call in [
        "openat",
        "pwrite64",
        "write",
        "fdatasync",
        "fsync",
        "rename",
        "mkdir",
    ] {
        assert!(most.contains_key(call), "{call} is never called: {most:?}");
    }
    let (mut runs, mut hits) = (0, 0);
    for (call, count) in &most {
        let step = if full { 1 } else { count.div_ceil(6).max(1) };
        let first = if full { *count } else { 4 };
        let mut places = (1..=*count).filter(|place| *place <= first || place % step == 0);
        // How often is published depends on time: beyond its end a run has nothing to fail.
        let ended = places.find(|place| !fails(call, *place, &mut runs, &mut hits));
        assert!(
            ended.is_none_or(|place| place > 1),
            "{call} cannot be made to fail"
        );
    }
    println!("{runs} runs, {hits} with a failure: {most:?}");
}

/// Fails one occurrence of a call in every way; false if the run had no such occurrence.
fn fails(call: &str, place: usize, runs: &mut usize, hits: &mut usize) -> bool {
    let mut all = true;
    for action in ACTIONS {
        // What a failed close says is nothing that can be mended.
        if call == "close" && action != "signal=KILL" {
            continue;
        }
        let home = tempfile::tempdir().unwrap();
        let what = format!("{call} {place} {action}");
        let inject = format!("inject={call}:{action}:when={place}");
        let trace = format!("trace={call}");
        let run = record(home.path(), EXCHANGES, &["-e", &trace, "-e", &inject]);
        check(home.path(), &run.receipts, &what);
        let hit = run.trace.contains("INJECTED") || run.trace.contains("SIGKILL");
        (*runs, *hits) = (*runs + 1, *hits + usize::from(hit));
        all &= hit;
    }
    all
}
