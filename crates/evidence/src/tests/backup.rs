//! A copy that is made while the log is written is a log.

use std::fs;

use super::*;
use crate::back_up;
use crate::verify;

fn leaves_of(dir: &Path) -> u64 {
    verify::directory(dir, |_| ()).unwrap().census.leaves
}

#[tokio::test]
async fn a_hole_in_what_was_read_early_is_not_copied() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    for _ in 0..9 {
        desk.exchange(&evidence).await;
    }
    drop(handle);
    let read = copy(desk.path());
    let path = segment::path(read.path(), 0);
    let ends = batch_ends(read.path());
    let mut bytes = fs::read(&path).unwrap();
    let middle = ends.len() / 2;
    bytes[ends[middle] + 8..ends[middle + 1]].fill(0);
    fs::write(&path, bytes).unwrap();
    assert!(
        verify::directory(read.path(), |_| ()).is_err(),
        "a hole is damage"
    );

    let out = tempfile::tempdir().unwrap();
    back_up(read.path(), out.path()).unwrap();
    let copied = leaves_of(out.path());
    assert!((2..10).contains(&copied), "{copied}");
    // The next copy goes on with it.
    back_up(desk.path(), out.path()).unwrap();
    assert_eq!(leaves_of(out.path()), leaves_of(desk.path()));
}

#[tokio::test]
async fn what_is_closed_is_copied_once() {
    let mut desk = Desk::new();
    desk.config.segment_bytes = 4096;
    let (evidence, handle) = desk.start();
    while segment::list(desk.path()).unwrap().len() < 3 {
        desk.exchange(&evidence).await;
    }
    handle.close().await.unwrap();
    let out = tempfile::tempdir().unwrap();
    let all = back_up(desk.path(), out.path()).unwrap();
    let of_last = back_up(desk.path(), out.path()).unwrap();
    assert!(of_last < all - 4096, "{of_last} of {all}");
    assert_eq!(leaves_of(out.path()), leaves_of(desk.path()));
}
