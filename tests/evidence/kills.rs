//! Killed again and again while it records as fast as it can, a log loses and doubles nothing.
//!
//! `LIENTHONG_TEST_FULL=1` kills it a thousand times.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use evidence::keys::PublicKeys;
use evidence::verify::{self, ReceiptText};
use rustix::process::{Pid, Signal, kill_process};

use crate::syscalls::sound;

/// Runs the recorder until it is killed; the receipts it gave before.
fn killed_after(home: &Path, time: Duration) -> Vec<String> {
    let mut recorder = Command::new(env!("CARGO_BIN_EXE_recorder"))
        .arg(home.join("log"))
        .arg("1000000")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(recorder.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    recorder.stdin.take().unwrap().write_all(b"\n").unwrap();
    let pid = Pid::from_child(&recorder);
    let killer = std::thread::spawn(move || {
        std::thread::sleep(time);
        kill_process(pid, Signal::KILL).unwrap();
    });
    let mut receipts = String::new();
    said.read_to_string(&mut receipts).unwrap();
    killer.join().unwrap();
    recorder.wait().unwrap();
    let mut receipts: Vec<_> = receipts.split_inclusive('\n').collect();
    // What was cut off within a line was not given.
    receipts.retain(|line| line.ends_with('\n'));
    receipts.into_iter().map(str::to_owned).collect()
}

#[test]
fn no_kill_loses_or_doubles_a_record() {
    let full = std::env::var_os("LIENTHONG_TEST_FULL").is_some();
    let rounds: u64 = if full { 1_000 } else { 40 };
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("log");
    let (mut receipts, mut random) = (Vec::new(), 0x9e37_79b9_7f4a_7c15_u64);
    for round in 1..=rounds {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        receipts.extend(killed_after(
            home.path(),
            Duration::from_millis(random % 200),
        ));
        if (round % 50 == 0 || round == rounds)
            && let Some(verified) = sound(&dir)
        {
            verified.unwrap_or_else(|error| panic!("after {round} kills: {error}"));
        }
    }
    let all = receipts.iter();
    let all = all.map(|text| ReceiptText::from_json(text.as_bytes()).unwrap());
    let all: Vec<_> = all.collect();
    let seqs: std::collections::HashSet<u64> = all.iter().map(|receipt| receipt.seq).collect();
    assert_eq!(seqs.len(), all.len(), "two receipts name one record");
    let keys = PublicKeys::read(&dir).unwrap().receipt;
    let report = verify::receipts(&dir, &keys, all).unwrap();
    println!("{rounds} kills, {} receipts", report.accepted);
    assert_eq!(report.refused, []);
    assert!(report.accepted >= rounds, "hardly anything was recorded");
}
