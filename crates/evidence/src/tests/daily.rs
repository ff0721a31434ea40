//! The root of the index, once a day: that it is recorded, and that what was left out of the index shows.

use super::private::{OTHER, about, person, whole};
use super::rotation::until;
use super::*;

const DAY_MS: i64 = 24 * 3_600 * 1_000;

fn roots(desk: &Desk) -> Vec<Value> {
    let mut all = leaves(desk.path());
    all.retain(|leaf| leaf["t"] == "INDEX_ROOT");
    all
}

/// A day about two persons, of which the index is then changed, and the first record of the next.
async fn day(change: impl FnOnce(&Desk)) -> Desk {
    let mut desk = Desk::published();
    let (evidence, handle) = desk.start();
    for number in [CITIZEN, OTHER, CITIZEN] {
        desk.about(IdentifierKind::Personal, number);
        desk.exchange(&evidence).await;
    }
    desk.search(&evidence, about(CITIZEN)).await;
    change(&desk);
    desk.clock.set(NOW_MS + DAY_MS);
    desk.exchange(&evidence).await;
    desk.search(&evidence, about(CITIZEN)).await;
    until(|| !roots(&desk).is_empty()).await;
    handle.close().await.unwrap();
    desk
}

#[tokio::test]
async fn the_first_record_of_a_day_brings_the_root_of_the_one_before() {
    let desk = day(|_| ()).await;
    let first = kinds(desk.path())
        .iter()
        .position(|kind| kind == "INDEX_ROOT");
    let all = roots(&desk);
    assert_eq!(all.len(), 1);
    // START, three answers, and the search of the day, which is about one of the two; and the officer.
    assert_eq!((&all[0]["upto"], &all[0]["n"]), (&5.into(), &3.into()));
    assert_eq!(all[0]["day"], "2026-02-16");
    assert!(first > Some(5));
    desk.verifies();

    // Another start on the same day finds it recorded.
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    desk.search(&evidence, about(CITIZEN)).await;
    desk.exchange(&evidence).await;
    desk.search(&evidence, about(CITIZEN)).await;
    handle.close().await.unwrap();
    assert_eq!(roots(&desk).len(), 1);

    let made = crate::reindex(&desk.config, |_| ()).unwrap();
    let root = made.root.unwrap();
    assert!(root.agrees, "{root:?}");
    assert_eq!((root.tags, root.changes_since), (3, 0));
}

#[tokio::test]
async fn an_access_that_was_left_out_of_the_index_shows_when_it_is_made_again() {
    let desk = day(|desk| {
        let index = desk.config.index_dir().join("index.db");
        let index = rusqlite::Connection::open(index).unwrap();
        index.busy_timeout(Duration::from_secs(10)).unwrap();
        let gone = index.execute("DELETE FROM mark WHERE seq = 3", []).unwrap();
        assert!(gone > 0);
    })
    .await;
    let made = crate::reindex(&desk.config, |_| ()).unwrap();
    let root = made.root.unwrap();
    assert!(!root.agrees, "{root:?}");
    assert_eq!(root.changes_since, 0);
}

#[tokio::test]
async fn an_erasure_is_told_from_what_was_left_out() {
    let desk = day(|_| ()).await;
    let (evidence, handle) = desk.start();
    // What this run promises comes later than its start.
    desk.clock.set(NOW_MS + DAY_MS + 1);
    let (disclosure, other) = (desk.disclosure(), person(OTHER));
    assert!(whole(evidence.erase(&disclosure, &other).await) > 0);
    handle.close().await.unwrap();
    let root = crate::reindex(&desk.config, |_| ()).unwrap().root.unwrap();
    assert!(!root.agrees && root.changes_since > 0, "{root:?}");
}
