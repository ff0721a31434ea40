//! A log that was changed is not accepted.

use std::fs;

use super::*;
use crate::verify::{self, VerifyError};

mod cut;
mod private;

/// Three segments: the verifier must find a change in every byte of the first two.
async fn rolled() -> (Desk, usize) {
    let mut desk = Desk::new();
    desk.config.segment_bytes = 2048;
    let (evidence, handle) = desk.start();
    while segment::list(desk.path()).unwrap().len() < 3 {
        desk.exchange(&evidence).await;
    }
    handle.close().await.unwrap();
    let bytes = segment::read(desk.path(), 0).unwrap();
    (desk, bytes.len())
}

#[tokio::test]
async fn no_byte_of_a_finished_segment_can_change() {
    let (desk, len) = rolled().await;
    let path = segment::path(desk.path(), 0);
    let bytes = fs::read(&path).unwrap();
    verify::directory(desk.path(), |_| ()).unwrap();
    for at in 0..len {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        fs::write(&path, &changed).unwrap();
        let read = verify::directory(desk.path(), |_| ());
        assert!(
            matches!(read, Err(VerifyError::Damaged(_))),
            "byte {at}: {read:?}"
        );
    }
}

#[tokio::test]
async fn no_part_of_a_finished_segment_can_be_missing() {
    let (desk, len) = rolled().await;
    let path = segment::path(desk.path(), 0);
    let bytes = fs::read(&path).unwrap();
    for cut in (0..len).step_by(13) {
        fs::write(&path, &bytes[..cut]).unwrap();
        let read = verify::directory(desk.path(), |_| ());
        assert!(
            matches!(read, Err(VerifyError::Damaged(_))),
            "cut at {cut}: {read:?}"
        );
    }
    fs::remove_file(&path).unwrap();
    assert!(verify::directory(desk.path(), |_| ()).is_err());
}

#[tokio::test]
async fn a_changed_leaf_is_found_even_with_its_checksum_made_to_fit() {
    let (desk, _) = rolled().await;
    let path = segment::path(desk.path(), 0);
    let mut bytes = fs::read(&path).unwrap();
    let (scan, _) = Scan::new(&bytes, 0).unwrap();
    let at = scan.at();
    let (_, frame, _) = crate::frame::split_first_mut(&mut bytes[at..]).unwrap();
    let node = frame.windows(4).position(|w| w == b"gw-1").unwrap();
    frame[node] = b'x';
    crate::frame::finish(frame, 0);
    fs::write(&path, &bytes).unwrap();
    let read = verify::directory(desk.path(), |_| ()).unwrap_err();
    assert!(read.to_string().contains("running hash"), "{read}");
}

#[tokio::test]
async fn a_report_counts_what_is_there() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    evidence.refuse(&desk.refusal(None)).await.unwrap();
    handle.close().await.unwrap();
    let mut seen = 0;
    let report = verify::directory(desk.path(), |progress| seen = progress.leaves).unwrap();
    assert_eq!((report.census.leaves, seen, report.segments), (4, 4, 1));
    assert_eq!(report.seqs, Some((0, 3)));
    assert_eq!(report.origin, desk.config.origin);
    assert_eq!(report.census.by_type["ACCESS"], 1);
    assert_eq!((report.open_attempts, report.torn_bytes), (0, 0));
}

#[test]
fn a_directory_without_a_log_is_none() {
    let empty = tempfile::tempdir().unwrap();
    let read = verify::directory(empty.path(), |_| ());
    assert!(matches!(read, Err(VerifyError::NoLog(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_sound_at_every_moment_while_it_is_written() {
    let mut desk = Desk::new();
    desk.config.segment_bytes = 16 << 10;
    let (evidence, handle) = desk.start();
    let dir = desk.path().to_owned();
    let writing = tokio::spawn(async move {
        for _ in 0..100 {
            let all: Vec<_> = (0..4).map(|_| desk.open(&evidence)).collect();
            for open in all {
                evidence.seal(open, &Outcome::default()).await.unwrap();
            }
        }
        desk
    });
    let mut seen = 0;
    while !writing.is_finished() {
        let read = tokio::task::block_in_place(|| verify::directory(&dir, |_| ()));
        let leaves = read.unwrap().census.leaves;
        assert!(leaves >= seen);
        seen = leaves;
    }
    let _desk = writing.await.unwrap();
    handle.close().await.unwrap();
    assert_eq!(verify::directory(&dir, |_| ()).unwrap().census.leaves, 402);
}
