//! Logs of the sizes at which a tree gains or fills a tile.

use std::path::{Path, PathBuf};

use crate::logs::{Log, check, size_of};

const SIZES: [u64; 10] = [0, 1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 100_000];

/// The log at each size, its checkpoints, and every older one against each: signatures by both
/// keys, every entry, every tile, the root, consistency, fifty entries proved by tiles.
#[tokio::test]
async fn the_go_toolchain_reads_our_logs_of_every_size() {
    let log = Log::new();
    let vkeys = log.vkeys();
    assert_eq!(vkeys.len(), 2);
    let kept = tempfile::tempdir().unwrap();
    let mut olds: Vec<PathBuf> = Vec::new();
    let mut open = None;
    for size in SIZES {
        if size > 0 && open.is_none() {
            open = Some(log.open(0).await);
        }
        if let Some(open) = &mut open {
            open.grow(size).await;
        }
        assert_eq!(size_of(log.dir()), size);
        let old = kept.path().join(size.to_string());
        std::fs::copy(log.dir().join("checkpoint"), &old).unwrap();
        olds.push(old);
        let more: Vec<(&str, &Path)> = olds.iter().map(|old| ("-old", old.as_path())).collect();
        let Some(said) = check(log.dir(), &vkeys, &more) else {
            return;
        };
        let said = said.unwrap();
        assert!(said.starts_with(&format!("size {size} root ")), "{said}");
        let olds = olds.len();
        assert!(
            said.ends_with(&format!("keys 2 olds {olds} proofs 0\n")),
            "{said}"
        );
    }
}

/// A log that was closed by crashes again and again has no seam.
#[tokio::test]
async fn the_go_toolchain_reads_a_log_that_was_ended_and_begun_again() {
    let log = Log::new();
    let mut size = 0;
    for more in [3, 250, 5, 600, 0] {
        let mut open = log.open(size).await;
        open.grow(size + 1 + more).await;
        size = open.crash();
        let Some(said) = check(log.dir(), &log.vkeys(), &[]) else {
            return;
        };
        let said = said.unwrap();
        assert!(
            said.starts_with(&format!("size {size} root ")),
            "{size}: {said}"
        );
    }
}

/// The checker can say no.
#[tokio::test]
async fn the_go_toolchain_finds_what_was_changed() {
    let log = Log::new();
    let mut open = log.open(0).await;
    open.grow(300).await;
    open.crash();
    let vkeys = log.vkeys();
    for (file, problem) in [
        ("tile/entries/000", "the entries have root"),
        ("tile/entries/001.p/44", "the entries have root"),
        ("tile/0/000", "is not what its entries say"),
        ("tile/1/000.p/1", "is not what its entries say"),
        ("checkpoint", "checkpoint: "),
    ] {
        let path = log.dir().join(file);
        let right = std::fs::read(&path).unwrap();
        let mut wrong = right.clone();
        // Not a length, and not the name of the log: a letter of an entry, or of the root.
        let at = right.len() / 3;
        wrong[at] ^= 1;
        std::fs::write(&path, wrong).unwrap();
        let Some(said) = check(log.dir(), &vkeys, &[]) else {
            return;
        };
        let said = said.unwrap_err();
        assert!(said.contains(problem), "{file}: {said}");
        std::fs::write(&path, right).unwrap();
    }
    for (stranger, problem) in [
        ("notes", "does not belong to a log"),
        ("tile/0/000.tmp", "does not belong to a log"),
        ("tile/0/00", "does not belong to a log"),
        ("tile/0/000.p/0", "does not belong to a log"),
        ("tile/entries/000.p/256", "does not belong to a log"),
        ("tile/2/000.p/1", "does not belong to a log of 300 entries"),
        ("tile/0/001", "does not belong to a log of 300 entries"),
        (
            "tile/entries/001.p/45",
            "does not belong to a log of 300 entries",
        ),
        ("tile/0/000.p/7", "is not the beginning of what follows it"),
        ("tile/entries/000.p/7", "ends within an entry"),
    ] {
        let path = log.dir().join(stranger);
        let folder = path.parent().unwrap();
        let is_new = !folder.exists();
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(&path, [9; 224]).unwrap();
        let said = check(log.dir(), &vkeys, &[]).unwrap().unwrap_err();
        assert!(said.contains(problem), "{stranger}: {said}");
        std::fs::remove_file(&path).unwrap();
        if is_new {
            std::fs::remove_dir(folder).unwrap();
        }
    }
    let others = Log::new().vkeys();
    assert!(check(log.dir(), &others, &[]).unwrap().is_err());
    assert!(check(log.dir(), &vkeys, &[]).unwrap().is_ok());
}
