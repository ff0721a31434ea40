//! What a crash leaves, and what the next start makes of it.

use std::fs;

use super::*;
use crate::recover::Recovered;
use crate::verify;

fn recover(dir: &Path, desk: &Desk) -> Result<Recovered, Error> {
    Recovered::read(dir, &desk.config.origin)
}

/// A desk after three exchanges and a crash, and the last segment's batch ends.
async fn crashed() -> (Desk, Vec<usize>, Vec<u8>) {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    for _ in 0..3 {
        desk.exchange(&evidence).await;
    }
    drop(handle);
    let ends = batch_ends(desk.path());
    let bytes = segment::read(desk.path(), 0).unwrap();
    (desk, ends, bytes)
}

async fn restart(dir: &Path, desk: &Desk) {
    let mut again = Desk::new();
    again.config.dir = dir.to_owned();
    again.clock.set(desk.clock.now().as_millisecond());
    let (evidence, handle) = again.start();
    again.exchange(&evidence).await;
    handle.close().await.unwrap();
}

#[tokio::test]
async fn a_last_batch_cut_anywhere_is_dropped_and_nothing_before_it() {
    let (desk, ends, bytes) = crashed().await;
    let [.., before, end] = ends[..] else {
        panic!()
    };
    let copy = copy(desk.path());
    let path = segment::path(copy.path(), 0);
    let whole = recover(copy.path(), &desk).unwrap().chain;
    for cut in before..end {
        fs::write(&path, &bytes[..cut]).unwrap();
        let recovered = recover(copy.path(), &desk).unwrap();
        assert_eq!(recovered.used, before as u64, "cut at {cut}");
        assert_eq!(recovered.chain.seq, whole.seq - 1, "cut at {cut}");
        assert_eq!(recovered.torn > 0, cut > before, "cut at {cut}");
    }
}

#[tokio::test]
async fn a_last_batch_garbled_anywhere_is_dropped_and_nothing_before_it() {
    let (desk, ends, bytes) = crashed().await;
    let [.., before, end] = ends[..] else {
        panic!()
    };
    let copy = copy(desk.path());
    let path = segment::path(copy.path(), 0);
    for at in before..end {
        let mut garbled = bytes.clone();
        // Not to zero: a last byte of zero is taken for what nobody has written.
        garbled[at] ^= if garbled[at] == 0x41 { 0x42 } else { 0x41 };
        fs::write(&path, &garbled).unwrap();
        let recovered = recover(copy.path(), &desk).unwrap();
        assert_eq!(recovered.used, before as u64, "garbled at {at}");
        // What ends in zeros is taken to end before them.
        let written = garbled[..end].iter().rposition(|byte| *byte != 0).unwrap() + 1;
        assert_eq!(recovered.torn, (written - before) as u64, "garbled at {at}");
    }
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_a_leaf_says_so() {
    let (desk, ends, bytes) = crashed().await;
    let [.., before, end] = ends[..] else {
        panic!()
    };
    for cut in [before + 1, (before + end) / 2, end - 1] {
        let copy = copy(desk.path());
        fs::write(segment::path(copy.path(), 0), &bytes[..cut]).unwrap();
        assert!(verify::directory(copy.path(), |_| ()).unwrap().torn_bytes > 0);
        restart(copy.path(), &desk).await;

        let leaves = leaves(copy.path());
        let at = leaves
            .iter()
            .position(|leaf| leaf["t"] == "RECOVERY")
            .unwrap();
        assert_eq!(leaves[at]["last_seq"].as_u64(), Some(at as u64 - 1));
        let torn = leaves[at]["bytes"].as_u64().unwrap();
        assert!((1..=(cut - before) as u64).contains(&torn));
        let report = verify::directory(copy.path(), |_| ()).unwrap();
        assert_eq!((report.torn_bytes, report.open_attempts), (0, 0));
    }
}

#[tokio::test]
async fn a_damage_before_the_last_batch_is_no_torn_tail() {
    let (desk, ends, bytes) = crashed().await;
    let copy = copy(desk.path());
    let path = segment::path(copy.path(), 0);
    for at in (0..ends[ends.len() - 3]).step_by(7) {
        let mut garbled = bytes.clone();
        garbled[at] ^= 0x41;
        fs::write(&path, &garbled).unwrap();
        let read = recover(copy.path(), &desk);
        assert!(matches!(read, Err(Error::Damaged(_))), "garbled at {at}");
    }
}

#[tokio::test]
async fn an_attempt_without_its_leaf_becomes_unknown() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    let (lost, _sealed) = (desk.open(&evidence), desk.exchange(&evidence).await);
    drop(handle);
    drop(lost);
    assert_eq!(
        verify::directory(desk.path(), |_| ())
            .unwrap()
            .open_attempts,
        1
    );
    desk.clock.set(NOW_MS + 60_000);
    desk.start().1.close().await.unwrap();

    let leaves = leaves(desk.path());
    assert_eq!(
        kinds(desk.path()),
        ["START", "ACCESS ALLOW", "ACCESS UNKNOWN", "START", "STOP"]
    );
    assert_eq!(leaves[2]["rid"], leaves[1]["rid"]);
    assert_eq!(leaves[2]["ts"].as_i64(), Some(NOW_MS + 60_000));
    assert_eq!(leaves[2]["opened"].as_i64(), Some(NOW_MS));
    assert!(leaves[2]["sub"].as_str().unwrap().starts_with("c:"));
    assert_eq!(
        verify::directory(desk.path(), |_| ())
            .unwrap()
            .open_attempts,
        0
    );
}

#[tokio::test]
async fn an_attempt_is_found_again_many_segments_later() {
    let mut desk = Desk::new();
    desk.config.segment_bytes = 2048;
    let (evidence, handle) = desk.start();
    let lost = desk.open(&evidence);
    for _ in 0..12 {
        desk.exchange(&evidence).await;
    }
    drop(handle);
    drop(lost);
    assert!(segment::list(desk.path()).unwrap().len() > 4);
    desk.start().1.close().await.unwrap();
    let unknown = kinds(desk.path())
        .iter()
        .filter(|k| *k == "ACCESS UNKNOWN")
        .count();
    assert_eq!(unknown, 1);
    verify::directory(desk.path(), |_| ()).unwrap();
}

#[tokio::test]
async fn a_new_segment_torn_before_its_first_batch_is_begun_again() {
    let mut desk = Desk::new();
    desk.config.segment_bytes = 1;
    let (evidence, handle) = desk.start();
    let lost = desk.open(&evidence);
    for _ in 0..3 {
        desk.exchange(&evidence).await;
    }
    drop(handle);
    drop(lost);
    let last = *segment::list(desk.path()).unwrap().last().unwrap();
    let bytes = segment::read(desk.path(), last).unwrap();
    let head = batch_ends(desk.path())[0];
    for cut in [0, 1, head - 1, head, head + 1, head + 40, bytes.len() - 1] {
        let copy = copy(desk.path());
        fs::write(segment::path(copy.path(), last), &bytes[..cut]).unwrap();
        restart(copy.path(), &desk).await;
        let report = verify::directory(copy.path(), |_| ()).unwrap();
        assert_eq!(report.open_attempts, 0, "cut at {cut}");
        assert!(
            kinds(copy.path()).contains(&"ACCESS UNKNOWN".to_owned()),
            "cut at {cut}"
        );
    }
}

#[tokio::test]
async fn a_log_of_another_origin_is_not_continued() {
    let (desk, ..) = crashed().await;
    let read = Recovered::read(desk.path(), "audit.gw.example/gw-2/2026h1");
    assert!(matches!(read, Err(Error::Origin { .. })), "{read:?}");
}
