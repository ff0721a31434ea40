//! A log that is set back, or loses a part, does not go on as if nothing had happened.

use std::path::Path;

use crate::logs::{Log, check, copy_tree, size_of};

/// A log of 300 records, copied when it had 30.
async fn grown() -> (Log, tempfile::TempDir) {
    let log = Log::new();
    let yesterday = tempfile::tempdir().unwrap();
    let mut open = log.open(0).await;
    open.grow(30).await;
    copy_tree(log.dir(), yesterday.path());
    open.grow(300).await;
    open.crash();
    (log, yesterday)
}

fn remove(path: &Path) {
    if path.is_dir() {
        std::fs::remove_dir_all(path).unwrap();
    } else {
        std::fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn yesterdays_directory_is_not_written_on() {
    let (log, yesterday) = grown().await;
    remove(log.dir());
    copy_tree(yesterday.path(), log.dir());
    let before = std::fs::read(log.dir().join("wal/0000000000000000.seg")).unwrap();
    let error = log.try_open().unwrap_err().to_string();
    assert!(
        error.starts_with("AuditRollbackDetected: the lock store "),
        "{error}"
    );
    assert!(
        error.contains("with 300 records, but it has only 30"),
        "{error}"
    );
    let after = std::fs::read(log.dir().join("wal/0000000000000000.seg")).unwrap();
    assert!(before == after, "it was written on");
}

#[tokio::test]
async fn a_lock_store_that_is_gone_or_older_stops_the_log() {
    let (log, yesterday) = grown().await;
    let lock = log.config.lock_file();
    std::fs::copy(yesterday.path().join("checkpoint"), &lock).unwrap();
    let error = log.try_open().unwrap_err().to_string();
    assert!(
        error.contains("AuditRollbackDetected: its checkpoint "),
        "{error}"
    );
    assert!(
        error.contains("with 300 records, but the lock store"),
        "{error}"
    );
    remove(&lock);
    let error = log.try_open().unwrap_err().to_string();
    assert!(error.contains("is missing"), "{error}");
}

/// Opens a log that goes on from what its lock store knows, and ends it as a crash would.
async fn go_on(log: &Log) {
    let lock = std::fs::read_to_string(log.config.lock_file()).unwrap();
    let size = lock.lines().nth(1).unwrap().parse().unwrap();
    log.open_at(size, 1).await.crash();
}

/// A crash between the lock store and the file `checkpoint`, at every file that lies between.
#[tokio::test]
async fn what_was_signed_but_not_shown_is_shown() {
    let (log, yesterday) = grown().await;
    let old = yesterday.path();
    for lost in [
        &["tile/0/001.p", "tile/entries/001.p"][..],
        &["tile/1"],
        &[],
    ] {
        for lost in lost {
            remove(&log.dir().join(lost));
        }
        std::fs::copy(old.join("checkpoint"), log.dir().join("checkpoint")).unwrap();
        copy_tree(&old.join("tile"), &log.dir().join("tile"));
        go_on(&log).await;
        if let Some(said) = check(log.dir(), &log.vkeys(), &[]) {
            said.unwrap();
        }
        std::fs::copy(log.config.lock_file(), log.dir().join("checkpoint")).unwrap();
    }
    // All of it, as long as the write-ahead log goes back to the first record.
    remove(&log.dir().join("checkpoint"));
    remove(&log.dir().join("tile"));
    go_on(&log).await;
    if let Some(said) = check(log.dir(), &log.vkeys(), &[]) {
        said.unwrap();
    }
}

#[tokio::test]
async fn a_damaged_right_edge_is_named() {
    let (log, _) = grown().await;
    for (file, problem) in [
        ("tile/0/001.p/44", "another root than the tiles"),
        ("tile/1/000.p/1", "another root than the tiles"),
        ("tile/entries/001.p/44", "another entry than its tile says"),
        ("checkpoint", "the signature of a known key does not fit"),
    ] {
        let path = log.dir().join(file);
        let right = std::fs::read(&path).unwrap();
        let mut wrong = right.clone();
        // Another letter, also in base64.
        let at = right.len() / 5;
        wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
        std::fs::write(&path, wrong).unwrap();
        let error = log.try_open().unwrap_err().to_string();
        assert!(error.contains(problem), "{file}: {error}");
        remove(&path);
        let error = log.try_open();
        assert!(
            file == "checkpoint" || error.unwrap_err().to_string().contains(file),
            "{file}"
        );
        std::fs::write(&path, right).unwrap();
    }
}

/// Another history under the same keys and of the same length, behind the public log of this one.
#[tokio::test]
async fn a_write_ahead_log_with_other_records_is_not_gone_on_with() {
    let (log, yesterday) = grown().await;
    let other = Log::new();
    remove(other.dir());
    remove(&other.config.lock_file());
    copy_tree(&log.dir().join("private"), &other.dir().join("private"));
    let mut open = other.open(0).await;
    open.grow(300).await;
    open.crash();
    let (wal, fork) = (log.dir().join("wal"), other.dir().join("wal"));
    remove(&wal);
    copy_tree(&fork, &wal);
    let error = log.try_open().unwrap_err().to_string();
    assert!(
        error.contains("with 300 records, but its records are others"),
        "{error}"
    );
    // Also where what is shown is older than what was signed; and nothing is written before.
    remove(&log.dir().join("tile"));
    copy_tree(&yesterday.path().join("tile"), &log.dir().join("tile"));
    std::fs::copy(
        yesterday.path().join("checkpoint"),
        log.dir().join("checkpoint"),
    )
    .unwrap();
    let error = log.try_open().unwrap_err().to_string();
    assert!(
        error.contains("with 300 records, but its records are others"),
        "{error}"
    );
    assert!(!log.dir().join("tile/0/000").exists(), "it was written on");
}

#[tokio::test]
async fn records_that_nobody_knows_to_have_been_shown_are_not_gone_on_with() {
    let (log, _) = grown().await;
    remove(&log.dir().join("checkpoint"));
    remove(&log.config.lock_file());
    let error = log.try_open().unwrap_err().to_string();
    assert!(
        error.contains("neither its checkpoint nor its lock store"),
        "{error}"
    );
}

/// What cannot be published is published later: the disk is full, then it is not.
#[tokio::test]
async fn a_publisher_that_fails_goes_on_when_it_can() {
    use std::os::unix::fs::symlink;
    let log = Log::new();
    let mut open = log.open(0).await;
    open.grow(10).await;
    // Writing to this device fails as a full disk does.
    let tmp = log.config.lock_file().with_added_extension("tmp");
    symlink("/dev/full", &tmp).unwrap();
    open.record(40).await;
    log.failed.once_more().await;
    assert_eq!(size_of(log.dir()), 10);
    remove(&tmp);
    open.grow(60).await;
    // The other file that is replaced: the lock store is ahead of it then.
    let tmp = log.dir().join("checkpoint.tmp");
    symlink("/dev/full", &tmp).unwrap();
    open.record(90).await;
    log.failed.once_more().await;
    assert_eq!(size_of(log.dir()), 60);
    remove(&tmp);
    open.grow(100).await;
    // A log that ends while it cannot publish ends all the same.
    symlink("/dev/full", &tmp).unwrap();
    open.record(120).await;
    let closed = tokio::time::timeout(std::time::Duration::from_secs(5), open.close());
    closed.await.unwrap();
    remove(&tmp);
    log.open_at(121, 1).await.crash();
    if let Some(said) = check(log.dir(), &log.vkeys(), &[]) {
        said.unwrap();
    }
}
