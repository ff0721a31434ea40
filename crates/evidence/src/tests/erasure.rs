//! Erasures that are cut: by a deadline, by the end of the process, by databases that do not let them.

use std::sync::atomic::AtomicU64;

use rusqlite::Connection;

use super::private::{about, person, seqs, whole};
use super::*;
use crate::Erased;

/// Keeps others from writing to a database while it is there.
fn hold(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

impl Desk {
    fn database(&self, name: &str) -> PathBuf {
        match name {
            "keyring" => self.config.keys_dir().join("keyring.db"),
            _ => self.config.index_dir().join("index.db"),
        }
    }

    fn count(&self, name: &str, what: &str) -> i64 {
        let database = Connection::open(self.database(name)).unwrap();
        let sql = format!("SELECT COUNT(*) FROM {what}");
        database.query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    /// The numbers of records in what was recorded of erasures: none in what is before them.
    fn erased(&self) -> Vec<Option<u64>> {
        let all = leaves(self.path()).into_iter();
        let erasures = all.filter(|it| it["act"] == "ERASE");
        erasures.map(|it| it["n"].as_u64()).collect()
    }
}

async fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..4_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never became so");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_promised_is_done_by_the_next_start() {
    let desk = Desk::published();
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    desk.exchange(&evidence).await;
    assert_eq!(
        desk.search(&evidence, about(CITIZEN)).await.records.len(),
        2
    );
    let held = hold(&desk.database("index"));
    let erased = evidence.erase(&desk.disclosure(), &person(CITIZEN)).await;
    assert_eq!(erased.unwrap(), Erased::Promised);
    drop(handle); // as a crash
    drop(evidence);
    drop(held);
    assert_eq!(desk.count("keyring", "to_erase"), 1);
    assert_eq!(desk.erased(), [None]);

    desk.clock.set(NOW_MS + 60_000);
    let (evidence, handle) = desk.start();
    until(|| desk.erased().len() == 2).await;
    // With the two the search that found them.
    assert_eq!(desk.erased(), [None, Some(3)]);
    let found = desk.search(&evidence, about(CITIZEN)).await;
    assert!(found.complete && found.records.is_empty(), "{found:?}");
    until(|| desk.count("keyring", "to_clean") == 0).await;
    assert_eq!(desk.count("keyring", "to_erase"), 0);
    // What is recorded afterwards stays.
    let anew = desk.exchange(&evidence).await;
    handle.close().await.unwrap();
    desk.clock.set(NOW_MS + 120_000);
    let (evidence, handle) = desk.start();
    let found = desk.search(&evidence, about(CITIZEN)).await;
    assert!(seqs(&found).contains(&anew.seq()), "{found:?}");
    handle.close().await.unwrap();
    assert_eq!(desk.erased(), [None, Some(3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_promised_is_refused_and_not_done_later() {
    let desk = Desk::published();
    let (evidence, handle) = desk.start();
    let receipt = desk.exchange(&evidence).await;
    assert_eq!(desk.accesses(&evidence, CITIZEN).await.total, 1);
    let held = hold(&desk.database("keyring"));
    let refused = evidence.erase(&desk.disclosure(), &person(CITIZEN)).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.reason, exchange::Reason::AuditUnavailable);
    drop(held);
    let found = desk.accesses(&evidence, CITIZEN).await.found;
    assert_eq!(seqs(&found), [receipt.seq()]);
    handle.close().await.unwrap();
    assert_eq!(desk.erased(), [None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_whose_files_cannot_be_cleaned_tells_how_much_it_was() {
    let desk = Desk::published();
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    assert_eq!(
        desk.search(&evidence, about(CITIZEN)).await.records.len(),
        1
    );
    // Who reads keeps the journal from being emptied.
    let reader = Connection::open(desk.database("index")).unwrap();
    reader
        .execute_batch("BEGIN; SELECT COUNT(*) FROM mark")
        .unwrap();
    let erased = evidence.erase(&desk.disclosure(), &person(CITIZEN)).await;
    assert_eq!(erased.unwrap(), Erased::Keys(2));
    assert_eq!(desk.count("keyring", "to_clean"), 1);
    drop(reader);
    until(|| desk.count("keyring", "to_clean") == 0).await;
    handle.close().await.unwrap();
    assert_eq!(desk.erased(), [None, Some(2)]);
}

/// Counts what could not be filed.
#[derive(Debug, Default)]
struct Failures(AtomicU64);

impl Observer for Failures {
    fn not_filed(&self, _: &Error) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// The first try fails at its end: nothing is left in the index to be counted again.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_is_tried_again_counts_what_it_found_first() {
    let desk = Desk::published();
    let failures = Arc::new(Failures::default());
    let observer = Arc::clone(&failures) as Arc<dyn Observer>;
    let alarm = Alarm::new(|error| panic!("{error}"));
    let (evidence, handle) = desk.start_seen_by(observer, alarm).unwrap();
    desk.exchange(&evidence).await;
    assert_eq!(
        desk.search(&evidence, about(CITIZEN)).await.records.len(),
        1
    );
    let sql = "CREATE TRIGGER stop BEFORE INSERT ON to_clean BEGIN SELECT RAISE(ABORT, 'no'); END";
    let keyring = Connection::open(desk.database("keyring")).unwrap();
    keyring.execute_batch(sql).unwrap();
    let number = person(CITIZEN);
    let disclosure = desk.disclosure();
    let erasing = evidence.erase(&disclosure, &number);
    let mends = async {
        until(|| failures.0.load(Ordering::SeqCst) > 0).await;
        keyring.execute_batch("DROP TRIGGER stop").unwrap();
    };
    let (erased, ()) = tokio::join!(erasing, mends);
    assert_eq!(whole(erased), 2);
    handle.close().await.unwrap();
    assert_eq!(desk.erased(), [None, Some(2)]);
}
