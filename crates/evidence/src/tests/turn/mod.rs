//! The turn from the log of one half-year to the next: at a start, and under load.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use exchange::Query;

use super::private::{about, opened, person, seqs, whole};
use super::*;
use crate::keys::PublicKeys;
use crate::link::Before;
use crate::verify::{self, PublicReport, ReceiptText, Trust};

mod filing;
mod gaps;
mod links;
mod lock;
mod retention;

/// 12 July 2026.
pub(super) const LATER_MS: i64 = NOW_MS + 146 * 24 * 3_600 * 1_000;

impl Desk {
    /// A node with a log for each half-year.
    fn with_half_years() -> Self {
        let mut desk = Self::published();
        desk.config.origin = "audit.gw.example/gw-1/{half-year}".to_owned();
        desk
    }

    /// The log of a half-year.
    fn log(&self, epoch: &str) -> Config {
        self.config.of(epoch.parse().unwrap())
    }

    fn kinds_of(&self, epoch: &str) -> Vec<String> {
        kinds(&self.log(epoch).dir)
    }

    /// Both forms of the log of a half-year verify, and these receipts are in it.
    fn holds(&self, epoch: &str, receipts: &[Receipt]) {
        let dir = self.log(epoch).dir;
        let keys = PublicKeys::read(&dir).unwrap();
        let trust = Trust {
            keys: keys.log,
            ..Trust::default()
        };
        verify::whole(&dir, &trust, |_| ()).unwrap();
        let texts = receipts.iter().map(ReceiptText::from);
        let report = verify::receipts(&dir, &keys.receipt, texts).unwrap();
        assert_eq!(report.refused, []);
        assert_eq!(report.accepted, receipts.len() as u64);
    }

    /// The old log names the new one at its end, and that one the old one's last checkpoint.
    fn links(&self, old: &str, new: &str) {
        let (old, new) = (self.log(old), self.log(new));
        let last = leaves(&old.dir).pop().unwrap();
        assert_eq!(
            (&last["t"], &last["next"]["log"]),
            (&"STOP".into(), &new.origin.clone().into())
        );
        let keys = PublicKeys::read(&new.dir).unwrap();
        for key in keys.log.iter().chain(&keys.receipt) {
            let named = last["next"]["keys"].as_array().unwrap();
            assert!(named.contains(&key.to_string().into()));
        }
        let end = crate::link::end(&old.dir).unwrap().unwrap();
        assert_eq!(end.checkpoint().size, leaves(&old.dir).len() as u64);
        let expected = serde_json::to_value(Before::at(&end)).unwrap();
        let all = leaves(&new.dir);
        assert_eq!(
            (&all[0]["t"], &all[0]["prev"]["log"]),
            (&"START".into(), &old.origin.into())
        );
        assert!(all.iter().any(|leaf| leaf["prev"] == expected), "{all:?}");
    }
}

#[tokio::test]
async fn a_start_begins_the_log_of_its_half_year_and_ends_the_one_before() {
    let desk = Desk::with_half_years();
    let (evidence, handle) = desk.start();
    let first = desk.exchange(&evidence).await;
    assert_eq!(first.origin(), "audit.gw.example/gw-1/2026h1");
    handle.close().await.unwrap();
    desk.clock.set(LATER_MS);
    let (evidence, handle) = desk.start();
    let second = desk.exchange(&evidence).await;
    assert_eq!(second.origin(), "audit.gw.example/gw-1/2026h2");
    handle.close().await.unwrap();

    desk.holds("2026h1", &[first]);
    desk.holds("2026h2", &[second]);
    desk.links("2026h1", "2026h2");
    assert_eq!(
        desk.kinds_of("2026h1"),
        ["START", "ACCESS ALLOW", "STOP", "START", "STOP"]
    );
    assert_eq!(desk.kinds_of("2026h2"), ["START", "ACCESS ALLOW", "STOP"]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_opens_no_older_log() {
    let desk = Desk::with_half_years();
    desk.clock.set(LATER_MS);
    desk.start().1.close().await.unwrap();
    desk.clock.set(NOW_MS);
    let (evidence, handle) = desk.start();
    let receipt = desk.exchange(&evidence).await;
    assert_eq!(receipt.origin(), "audit.gw.example/gw-1/2026h2");
    handle.close().await.unwrap();
    assert!(!desk.log("2026h1").dir.exists());
    let begins = desk.log("2026h2");
    let begins = leaves(&begins.dir)[0]["ts"].as_i64().unwrap();
    assert!(begins >= LATER_MS, "{begins}");
}

#[tokio::test]
async fn what_a_crash_left_open_is_recorded_and_found_a_half_year_later() {
    let desk = Desk::with_half_years();
    let (evidence, handle) = desk.start();
    let open = desk.open(&evidence);
    let sealed = desk.exchange(&evidence).await;
    drop(handle); // as a crash
    drop(open);
    drop(evidence);
    desk.clock.set(LATER_MS);
    let (evidence, handle) = desk.start();
    let found = desk.accesses(&evidence, CITIZEN).await.found;
    assert_eq!(seqs(&found), [sealed.seq() + 1, sealed.seq()]);
    for record in &found.records {
        assert_eq!(&*record.origin, "audit.gw.example/gw-1/2026h1");
        assert_eq!(opened(record, "sub"), Some(CITIZEN));
    }
    handle.close().await.unwrap();
    assert_eq!(
        desk.kinds_of("2026h1"),
        ["START", "ACCESS ALLOW", "ACCESS UNKNOWN", "START", "STOP"]
    );
    desk.links("2026h1", "2026h2");
}

/// What callers were told while the calendar turned.
struct Load {
    receipts: BTreeMap<String, Vec<Receipt>>,
}

/// Exchanges in many tasks, of which each goes on until it has a receipt of that log.
async fn under_load(desk: &Desk, evidence: &Evidence, until: &str) -> Load {
    let is_told = AtomicBool::new(false);
    let one = async || {
        let mut receipts = Vec::new();
        loop {
            let open = desk.open(evidence);
            tokio::time::sleep(Duration::from_millis(1)).await;
            let sources = [tax()];
            let outcome = Outcome {
                sources: &sources,
                ..Outcome::default()
            };
            let receipt = evidence.seal(open, &outcome).await.unwrap();
            let is_last = receipt.origin() == until;
            receipts.push(receipt);
            if receipts.len() == 20 && !is_told.swap(true, Ordering::SeqCst) {
                desk.clock.set(LATER_MS);
            }
            if is_last {
                return receipts;
            }
        }
    };
    let all = futures(std::iter::repeat_with(one).take(32)).await;
    let mut receipts = BTreeMap::<_, Vec<_>>::new();
    for receipt in all.into_iter().flatten() {
        let origin = receipt.origin().to_owned();
        receipts.entry(origin).or_default().push(receipt);
    }
    Load { receipts }
}

/// Waits for all of them, at once.
async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|cx| {
        for (one, done) in waiting.iter_mut().filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(value) = one.as_mut().poll(cx) {
                *done = Some(value);
            }
        }
        match waiting.iter().all(|(_, done)| done.is_some()) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    waiting.into_iter().filter_map(|(_, done)| done).collect()
}

async fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never became so");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn at_the_turn_of_the_half_year_no_exchange_fails_and_no_receipt_is_lost() {
    let desk = Desk::with_half_years();
    let (evidence, handle) = desk.start();
    let (old, new) = (desk.log("2026h1"), desk.log("2026h2"));
    let long = desk.open(&evidence);
    let load = under_load(&desk, &evidence, &new.origin).await;
    // What was begun before ends where it was begun, also long after.
    assert!(crate::link::end(&old.dir).unwrap().is_none());
    let part = evidence
        .seal_part(&long, &Outcome::default())
        .await
        .unwrap();
    let last = evidence.seal(long, &Outcome::default()).await.unwrap();
    assert_eq!((part.origin(), last.origin()), (&*old.origin, &*old.origin));
    let is_linked = || kinds(&new.dir).contains(&"LINK".to_owned());
    until(|| crate::link::end(&old.dir).unwrap().is_some()).await;
    until(is_linked).await;
    handle.close().await.unwrap();

    let names: Vec<&String> = load.receipts.keys().collect();
    assert_eq!(names, [&old.origin, &new.origin]);
    for (epoch, log, more) in [("2026h1", &old, 2), ("2026h2", &new, 0)] {
        let receipts = &load.receipts[&log.origin];
        desk.holds(epoch, receipts);
        // Each is there once, and in no other log: there are as many records as receipts.
        let kinds = desk.kinds_of(epoch);
        let answered = kinds.iter().filter(|kind| *kind == "ACCESS ALLOW");
        assert_eq!(answered.count(), receipts.len() + more);
        assert_eq!(
            kinds.iter().filter(|kind| kind.contains("UNKNOWN")).count(),
            0
        );
    }
    desk.links("2026h1", "2026h2");
    assert!(desk.kinds_of("2026h2").contains(&"LINK".to_owned()));
}

#[tokio::test]
async fn records_of_the_half_year_before_are_found_and_erased_with_the_others() {
    let desk = Desk::with_half_years();
    let (evidence, handle) = desk.start();
    let first = desk.exchange(&evidence).await;
    desk.clock.set(LATER_MS);
    until(|| evidence.origin().ends_with("2026h2")).await;
    let second = desk.exchange(&evidence).await;
    let found = desk.accesses(&evidence, CITIZEN).await;
    let places = |records: &[exchange::Opened]| -> Vec<(String, u64)> {
        let places = records.iter().map(|it| (it.origin.to_string(), it.seq));
        places.collect()
    };
    let both: Vec<_> = [&second, &first]
        .map(|it| (it.origin().to_owned(), it.seq()))
        .into();
    assert_eq!(places(&found.found.records), both);
    assert_eq!(found.total, 2);
    for (record, receipt) in found.found.records.iter().zip([&second, &first]) {
        assert_eq!(crate::tree::leaf_hash(&record.leaf), receipt.leaf_hash());
        assert_eq!(opened(record, "sub"), Some(CITIZEN));
        let log = crate::Shelf::new(&desk.config).files(&record.origin);
        let (proof, leaf) = verify::prove(&mut log.unwrap(), record.seq)
            .unwrap()
            .unwrap();
        assert_eq!(leaf, record.leaf);
        let keys = desk.config.named(&record.origin).unwrap();
        let keys = PublicKeys::read(&keys.dir).unwrap();
        proof.verify(&receipt.leaf_hash(), &keys.log).unwrap();
    }
    let erased = evidence.erase(&desk.disclosure(), &person(CITIZEN)).await;
    // Of both half-years: with the two lookups the list that was made of them.
    assert_eq!(whole(erased), 3);
    let found = desk.search(&evidence, about(CITIZEN)).await;
    assert!(found.records.is_empty());
    handle.close().await.unwrap();
    desk.holds("2026h1", &[first]);
    desk.holds("2026h2", &[second]);
}

#[tokio::test]
async fn the_index_of_all_half_years_is_made_again_when_it_is_missing() {
    let desk = Desk::with_half_years();
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    handle.close().await.unwrap();
    desk.clock.set(LATER_MS);
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    handle.close().await.unwrap();
    std::fs::remove_dir_all(desk.config.index_dir()).unwrap();
    let (evidence, handle) = desk.start();
    let found = desk.search(&evidence, about(CITIZEN)).await;
    assert!(found.complete);
    assert_eq!(found.records.len(), 2);
    handle.close().await.unwrap();
}

#[tokio::test]
async fn the_next_log_can_be_known_a_fortnight_before() {
    let desk = Desk::with_half_years();
    let (evidence, handle) = desk.start();
    let next = desk.log("2026h2");
    let midnight = i64::try_from(next_midnight(&next)).unwrap();
    desk.clock.set(midnight - 15 * 24 * 3_600_000);
    desk.exchange(&evidence).await;
    assert!(!next.dir.exists());
    desk.clock.set(midnight - 13 * 24 * 3_600_000);
    until(|| next.dir.join("checkpoint").exists()).await;
    assert_eq!(shown(&next.dir), 0);
    let keys = PublicKeys::read(&next.dir).unwrap();
    let receipt = desk.exchange(&evidence).await;
    assert!(receipt.origin().ends_with("2026h1"));
    desk.clock.set(midnight);
    until(|| evidence.origin().ends_with("2026h2")).await;
    desk.exchange(&evidence).await;
    handle.close().await.unwrap();
    assert_eq!(PublicKeys::read(&next.dir).unwrap(), keys);
    desk.links("2026h1", "2026h2");
}

fn next_midnight(log: &Config) -> u64 {
    let name = log.dir.file_name().unwrap().to_str().unwrap();
    name.parse::<crate::private::Epoch>().unwrap().begins()
}

#[tokio::test]
async fn refusals_that_were_counted_before_the_turn_are_recorded_behind_it() {
    static REQUEST: std::sync::LazyLock<Request> = std::sync::LazyLock::new(request);
    let desk = Desk::with_half_years();
    let (evidence, handle) = desk.start();
    for _ in 0..15 {
        drop(
            evidence
                .refuse(&desk.refusal(Some(&REQUEST)))
                .await
                .unwrap(),
        );
    }
    desk.clock.set(LATER_MS);
    until(|| evidence.origin().ends_with("2026h2")).await;
    handle.close().await.unwrap();
    let denied = |kind: &&String| *kind == "DENIED DENY";
    assert_eq!(desk.kinds_of("2026h1").iter().filter(denied).count(), 10);
    let new = leaves(&desk.log("2026h2").dir);
    let summary: Vec<&Value> = new
        .iter()
        .filter(|it| it["t"] == "DENIED_SUMMARY")
        .collect();
    assert_eq!(summary.len(), 1);
    assert_eq!(summary[0]["n"], 5);
}

#[tokio::test]
async fn an_index_that_is_asked_for_by_agency_shows_both_half_years() {
    let desk = Desk::with_half_years();
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    desk.clock.set(LATER_MS);
    until(|| evidence.origin().ends_with("2026h2")).await;
    desk.exchange(&evidence).await;
    let by_agency = Query {
        agency: Some(AgencyCode::parse("G18").unwrap()),
        limit: 50,
        ..Query::default()
    };
    let found = desk.search(&evidence, by_agency).await;
    let origins: Vec<&str> = found.records.iter().map(|it| &*it.origin).collect();
    assert_eq!(
        origins,
        [
            "audit.gw.example/gw-1/2026h2",
            "audit.gw.example/gw-1/2026h1"
        ]
    );
    handle.close().await.unwrap();
}

#[tokio::test]
async fn the_keys_of_a_half_year_rotate_and_those_of_the_one_before_stay() {
    let desk = Desk::with_half_years();
    desk.start().1.close().await.unwrap();
    let old = desk.log("2026h1");
    let before = PublicKeys::read(&old.dir).unwrap();
    desk.clock.set(LATER_MS);
    let (evidence, handle) = desk.start();
    let first = desk.exchange(&evidence).await;
    let newest = desk.config.newest().unwrap().unwrap();
    assert_eq!(newest.origin, desk.log("2026h2").origin);
    let wanted = keys::rotate(&newest, keys::Rotation::Replace).unwrap();
    until(|| keys::are_in_force(&newest, &wanted).unwrap()).await;
    let second = desk.exchange(&evidence).await;
    handle.close().await.unwrap();

    let listed = PublicKeys::read(&newest.dir).unwrap();
    assert_eq!(listed.log, wanted.public().log);
    let trust = Trust {
        keys: listed.of_checkpoints(),
        ..Trust::default()
    };
    verify::whole(&newest.dir, &trust, |_| ()).unwrap();
    let texts = [&first, &second].map(ReceiptText::from);
    let report = verify::receipts(&newest.dir, &listed.of_receipts(), texts).unwrap();
    assert_eq!((report.accepted, report.refused), (2, Vec::new()));
    assert_eq!(PublicKeys::read(&old.dir).unwrap(), before);
    keys::Keys::load(&old).unwrap();
    // The older one names keys of the newer that do not sign any more.
    let (old, new) = (desk.report("2026h1"), desk.report("2026h2"));
    let all = [listed.of_checkpoints(), listed.of_receipts()].concat();
    let follows = verify::follows(&old, &new, &all).unwrap();
    assert_eq!(follows, verify::Follows::Linked);
}
