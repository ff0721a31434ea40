//! The lock stores of half-years: beside the directory of the node, so that no copy of that brings
//! them back.

use std::fs;

use super::*;
use crate::Observer;

impl Desk {
    /// A copy of the whole directory of the node; not of what lies beside it.
    fn copied(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        copy_tree(self.path(), copy.path());
        copy
    }

    fn restore(&self, copy: &TempDir) {
        fs::remove_dir_all(self.path()).unwrap();
        copy_tree(copy.path(), self.path());
    }

    /// Why it does not start.
    fn refused(&self) -> String {
        let started = self.try_start(Alarm::new(|error| panic!("{error}")));
        started.unwrap_err().to_string()
    }

    async fn runs(&self) {
        let (evidence, handle) = self.start();
        self.exchange(&evidence).await;
        handle.close().await.unwrap();
    }

    /// Puts the lock store of a half-year where versions before had it.
    fn set_back_lock_store(&self, epoch: &str) -> (PathBuf, PathBuf) {
        let beside = self.log(epoch).lock_file();
        let within = self.path().join(format!("{epoch}.head"));
        fs::rename(&beside, &within).unwrap();
        (within, beside)
    }
}

#[tokio::test]
async fn yesterdays_directory_is_refused_by_the_lock_store_alone() {
    let desk = Desk::with_half_years();
    desk.runs().await;
    let yesterday = desk.copied();
    desk.runs().await;
    let today = desk.copied();
    desk.restore(&yesterday);
    let error = desk.refused();
    assert!(error.contains("AuditRollbackDetected"), "{error}");
    assert!(error.contains("log.2026h1.head knows this log"), "{error}");
    assert_eq!(desk.kinds_of("2026h1").len(), 3, "it was written on");
    desk.restore(&today);
    desk.runs().await;
}

#[tokio::test]
async fn a_directory_from_before_the_turn_is_refused_behind_it() {
    let desk = Desk::with_half_years();
    desk.runs().await;
    let before = desk.copied();
    desk.clock.set(LATER_MS);
    desk.runs().await;
    desk.restore(&before);
    let error = desk.refused();
    assert!(error.contains("log.2026h1.head knows this log"), "{error}");
}

/// Remembers what was moved.
#[derive(Debug, Default)]
struct Moves(Mutex<Vec<(PathBuf, PathBuf)>>);

impl Observer for Moves {
    fn lock_store_moved(&self, from: &Path, to: &Path) {
        self.0.lock().unwrap().push((from.into(), to.into()));
    }
}

#[tokio::test]
async fn a_lock_store_within_the_directory_is_taken_over_once() {
    let desk = Desk::with_half_years();
    desk.runs().await;
    desk.clock.set(LATER_MS);
    desk.runs().await;
    // Of a log that has ended, and of the one that is written.
    let moved = ["2026h1", "2026h2"].map(|epoch| desk.set_back_lock_store(epoch));
    let yesterday = desk.copied();
    let moves = Arc::<Moves>::default();
    let log = desk.config.at_start(&*desk.clock).unwrap();
    let deps = Deps {
        keys: keys::create_if_missing(&log).unwrap(),
        clock: Arc::clone(&desk.clock) as Arc<dyn Clock>,
        observer: Arc::clone(&moves) as Arc<dyn Observer>,
        witnesses: None,
        version: "0.1.0",
        policy: desk.policy,
        on_fatal: Alarm::new(|error| panic!("{error}")),
    };
    let (evidence, handle) = Evidence::start(desk.config.clone(), deps).unwrap();
    desk.exchange(&evidence).await;
    handle.close().await.unwrap();
    assert_eq!(*moves.0.lock().unwrap(), moved);
    for (within, beside) in &moved {
        assert!(beside.exists() && !within.exists());
    }
    // The one that comes back with an old copy is not asked.
    desk.restore(&yesterday);
    let error = desk.refused();
    assert!(error.contains("log.2026h2.head knows this log"), "{error}");
}

#[tokio::test]
async fn without_any_lock_store_records_are_not_written_on() {
    let desk = Desk::with_half_years();
    desk.runs().await;
    fs::remove_file(desk.log("2026h1").lock_file()).unwrap();
    let error = desk.refused();
    assert!(error.contains("log.2026h1.head is missing"), "{error}");
}
