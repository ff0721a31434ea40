//! Whatever is changed in a log, `lienthong audit verify` says so, and where.

use std::path::{Path, PathBuf};

use tests::{Ran, run};

use crate::logs::{Log, copy_tree};

/// A log of 600 records, and a copy of its directory when it had 300.
async fn grown() -> (Log, tempfile::TempDir) {
    let log = Log::new();
    let yesterday = tempfile::tempdir().unwrap();
    let mut open = log.open(0).await;
    open.grow(300).await;
    copy_tree(log.dir(), yesterday.path());
    open.grow(600).await;
    open.crash();
    (log, yesterday)
}

fn verify(dir: &Path, more: &[&str]) -> Ran {
    let dir = dir.display().to_string();
    run(&[&["audit", "verify", &dir], more].concat())
}

fn refused(dir: &Path, more: &[&str]) -> String {
    let ran = verify(dir, more);
    assert_eq!(ran.code, 1, "{ran:?}");
    ran.err
}

/// Every file of the log, its keys aside, by its path.
fn files(dir: &Path, below: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        if path == Path::new("private") {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            files(dir, &path, out);
        } else {
            out.push(path);
        }
    }
}

/// What a verifier does not read: the file that is held, the segment to come, and the index, which is
/// made of the rest and tested beside the keys.
fn is_idle(path: &Path) -> bool {
    let text = path.to_str().unwrap();
    text == "lock" || text == "wal/spare" || text.starts_with("index/")
}

/// What an older checkpoint had, and a newer form holds as well.
fn is_of_an_older_size(path: &Path) -> bool {
    let text = path.to_str().unwrap();
    text.contains(".p/") && !text.ends_with(".p/88") && !text.ends_with("1/000.p/2")
}

#[tokio::test]
async fn a_whole_log_verifies() {
    let (log, yesterday) = grown().await;
    let old = yesterday.path().join("checkpoint").display().to_string();
    let ran = verify(log.dir(), &["--old", &old]);
    assert_eq!(ran.code, 0, "{ran:?}");
    // Two full tiles, one partial, and one above; yesterday's checkpoint, and the lock store's.
    let says = "checkpoint over 600 records, signed by 2 keys; 4 tiles, 2 older checkpoints";
    assert!(ran.out.contains(says), "{ran:?}");
    assert!(ran.out.contains("600 records, 0 to 599, no gap"), "{ran:?}");
}

#[tokio::test]
async fn a_changed_byte_of_any_file_is_found_and_so_is_a_missing_file() {
    let (log, _) = grown().await;
    let mut all = Vec::new();
    files(log.dir(), Path::new(""), &mut all);
    all.retain(|path| !is_idle(path));
    let kinds = [
        "checkpoint",
        "keys",
        "tile/0",
        "tile/1",
        "tile/entries",
        "wal",
    ];
    for kind in kinds {
        assert!(all.iter().any(|path| path.starts_with(kind)), "{kind}");
    }
    assert!(all.iter().any(|path| is_of_an_older_size(path)), "{all:?}");
    for file in &all {
        let path = log.dir().join(file);
        let right = std::fs::read(&path).unwrap();
        // The end of a segment may be what a crash has torn: not its last batch.
        let len = right.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        for at in [0, len / 3, len / 2, len - len / 8 - 1] {
            let mut wrong = right.clone();
            wrong[at] ^= 0x21;
            std::fs::write(&path, &wrong).unwrap();
            let said = verify(log.dir(), &[]);
            assert_eq!(said.code, 1, "{} at {at}: {said:?}", file.display());
        }
        std::fs::remove_file(&path).unwrap();
        let said = verify(log.dir(), &[]);
        let code = i32::from(!is_of_an_older_size(file));
        assert_eq!(said.code, code, "{} is missing: {said:?}", file.display());
        std::fs::write(&path, right).unwrap();
    }
    assert_eq!(verify(log.dir(), &[]).code, 0);
}

#[tokio::test]
async fn what_is_found_is_named() {
    let (log, yesterday) = grown().await;
    let at = |path: &str| log.dir().join(path);
    let bundle = std::fs::read(at("tile/entries/001")).unwrap();
    let len = |from: usize| 2 + usize::from(u16::from_be_bytes([bundle[from], bundle[from + 1]]));
    let (first, second) = (len(0), len(len(0)));
    assert_eq!(first, second, "two records of the same kind");
    let mut swapped = bundle.clone();
    swapped[..first].copy_from_slice(&bundle[first..first + second]);
    swapped[first..first + second].copy_from_slice(&bundle[..first]);
    std::fs::write(at("tile/entries/001"), swapped).unwrap();
    let said = refused(log.dir(), &[]);
    assert!(
        said.contains("tile/0/001 is not what its entries say"),
        "{said}"
    );
    std::fs::write(at("tile/entries/001"), bundle).unwrap();

    std::fs::rename(at("tile/0/000"), at("away")).unwrap();
    let said = refused(log.dir(), &[]);
    assert!(said.contains("tile/0/000 is missing"), "{said}");
    std::fs::rename(at("away"), at("tile/0/000")).unwrap();

    std::fs::write(at("tile/1/000.p/1"), [7; 32]).unwrap();
    let said = refused(log.dir(), &[]);
    assert!(
        said.contains("tile/1/000.p/1 is not what the log has there"),
        "{said}"
    );
    std::fs::remove_file(at("tile/1/000.p/1")).unwrap();

    // Yesterday's directory is sound in itself. What does not fit is what others know of today.
    let today = log.dir().with_added_extension("today");
    std::fs::copy(at("checkpoint"), &today).unwrap();
    std::fs::remove_dir_all(log.dir()).unwrap();
    copy_tree(yesterday.path(), log.dir());
    let said = refused(log.dir(), &[]);
    assert!(said.contains("set back: the lock store"), "{said}");
    assert!(
        said.contains("knows 600 records, it has only 300"),
        "{said}"
    );
    std::fs::remove_file(log.config.lock_file()).unwrap();
    assert_eq!(verify(log.dir(), &[]).code, 0);
    let said = refused(log.dir(), &["--old", today.to_str().unwrap()]);
    assert!(
        said.contains("log.today knows 600 records, it has only 300"),
        "{said}"
    );
}

/// Other records under the real keys: whoever holds the keys can make a sound log, but not one that
/// agrees with what it has shown before.
#[tokio::test]
async fn a_log_that_was_written_anew_with_its_real_keys_is_found() {
    let (log, yesterday) = grown().await;
    let other = Log::new();
    std::fs::remove_dir_all(other.dir()).unwrap();
    std::fs::remove_file(other.config.lock_file()).unwrap();
    copy_tree(&log.dir().join("private"), &other.dir().join("private"));
    let mut open = other.open(0).await;
    open.grow(650).await;
    open.crash();
    assert_eq!(verify(other.dir(), &[]).code, 0);
    let vkeys = log.vkeys();
    let old = yesterday.path().join("checkpoint").display().to_string();
    let said = refused(other.dir(), &["--vkey", &vkeys[0], "--old", &old]);
    assert!(
        said.contains("knows 300 records, these are others"),
        "{said}"
    );
}

#[tokio::test]
async fn what_is_not_checked_is_said() {
    let (log, _) = grown().await;
    let nothing = log.dir().join("nothing").display().to_string();
    std::fs::write(&nothing, "").unwrap();
    let said = refused(log.dir(), &["--receipt", &nothing]);
    assert!(said.contains("nothing holds no receipt"), "{said}");

    let unchecked = "no lock store is beside the log";
    let said = verify(log.dir(), &[]);
    assert!(!said.out.contains(unchecked), "{said:?}");
    let held = evidence::lock_files(log.dir());
    assert!(!held.is_empty());
    for file in held {
        std::fs::remove_file(file).unwrap();
    }
    let said = verify(log.dir(), &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains(unchecked), "{said:?}");

    std::fs::remove_file(log.dir().join("keys")).unwrap();
    let said = refused(log.dir(), &[]);
    assert!(said.contains("keys is missing"), "{said}");
}
