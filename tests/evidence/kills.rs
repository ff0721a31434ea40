//! Killed again and again while it records as fast as it can, a log loses and doubles nothing.
//!
//! `LIENTHONG_TEST_FULL=1` kills it a thousand times.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use evidence::Config;
use evidence::keys::{self, PublicKeys, Rotation};
use evidence::verify::{self, ReceiptText};
use rustix::process::{Pid, Signal, kill_process};

use crate::syscalls::sound;

/// Runs the recorder until it is killed, and does something else meanwhile; the receipts it gave
/// before.
fn killed_after(home: &Path, time: Duration, meanwhile: impl FnOnce()) -> Vec<String> {
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
    let reader = std::thread::spawn(move || {
        let mut receipts = String::new();
        said.read_to_string(&mut receipts).unwrap();
        receipts
    });
    meanwhile();
    let receipts = reader.join().unwrap();
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
            || (),
        ));
        if (round % 50 == 0 || round == rounds)
            && let Some(verified) = sound(&dir)
        {
            verified.unwrap_or_else(|error| panic!("after {round} kills: {error}"));
        }
    }
    let accepted = all_there(&dir, &receipts);
    println!("{rounds} kills, {accepted} receipts");
    assert!(accepted >= rounds, "hardly anything was recorded");
}

/// Every receipt is right and its record there, once; how many there are.
fn all_there(dir: &Path, receipts: &[String]) -> u64 {
    let all = receipts.iter();
    let all = all.map(|text| ReceiptText::from_json(text.as_bytes()).unwrap());
    let all: Vec<_> = all.collect();
    let seqs: std::collections::HashSet<u64> = all.iter().map(|receipt| receipt.seq).collect();
    assert_eq!(seqs.len(), all.len(), "two receipts name one record");
    let keys = PublicKeys::read(dir).unwrap().of_receipts();
    let report = verify::receipts(dir, &keys, all).unwrap();
    assert_eq!(report.refused, []);
    report.accepted
}

/// Keys rotate while the log is killed again and again: begun if none is under way, else finished.
#[test]
fn no_kill_during_a_rotation_loses_a_record_or_a_key() {
    let full = std::env::var_os("LIENTHONG_TEST_FULL").is_some();
    let rounds: u64 = if full { 200 } else { 16 };
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("log");
    let config = Config::new(&dir, "audit.gw.example/gw-1/2026h2", "gw-1");
    let (mut receipts, mut asked) = (Vec::new(), 0);
    for round in 0..4 * rounds {
        // On a busy machine the kill often comes before the step.
        if round >= rounds && asked >= rounds / 2 {
            break;
        }
        // From before the keeper looks to well behind the change.
        let time = Duration::from_millis(450 + (round * 37) % 400);
        receipts.extend(killed_after(home.path(), time, || {
            let rotate = |rotation| keys::rotate(&config, rotation);
            let step = rotate(Rotation::Finish).or_else(|_| rotate(Rotation::Begin));
            asked += u64::from(step.is_ok());
        }));
        if round % 4 == 3
            && let Some(verified) = sound(&dir)
        {
            verified.unwrap_or_else(|error| panic!("after {round} rounds: {error}"));
        }
    }
    let accepted = all_there(&dir, &receipts);
    let changes = verify::directory(&dir, |_| ()).unwrap().census.keys.len();
    println!("{rounds} kills, {asked} steps, {changes} KEY records, {accepted} receipts");
    assert!(accepted >= rounds, "hardly anything was recorded");
    assert!(
        asked >= rounds / 2 && changes >= 4,
        "{asked} steps, {changes} KEY records"
    );
}
