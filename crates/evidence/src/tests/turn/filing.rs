//! The private side while one log follows another.

use std::path::PathBuf;

use super::*;

#[tokio::test]
async fn lists_and_erasures_go_on_while_an_exchange_of_the_half_year_before_is_open() {
    let desk = Desk::with_half_years();
    let (evidence, handle) = desk.start();
    let first = desk.exchange(&evidence).await;
    let long = desk.open(&evidence);
    desk.clock.set(LATER_MS);
    until(|| evidence.origin().ends_with("2026h2")).await;
    let second = desk.exchange(&evidence).await;
    let part = evidence
        .seal_part(&long, &Outcome::default())
        .await
        .unwrap();
    let found = desk.accesses(&evidence, CITIZEN).await.found;
    let expected = [&part, &second, &first].map(Receipt::seq);
    let mut seqs = seqs(&found);
    seqs.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(seqs, expected);

    // With the three the list that was made of them.
    let erased = evidence.erase(&desk.disclosure(), &person(CITIZEN)).await;
    assert_eq!(whole(erased), 4);
    let found = desk.accesses(&evidence, CITIZEN).await.found;
    assert!(found.records.is_empty(), "{found:?}");
    // What ends after the erasure was recorded after it.
    let last = evidence.seal(long, &Outcome::default()).await.unwrap();
    let found = desk.accesses(&evidence, CITIZEN).await.found;
    assert_eq!(super::seqs(&found), [last.seq()]);
    assert_eq!(&*found.records[0].origin, desk.log("2026h1").origin);
    assert_eq!(opened(&found.records[0], "sub"), Some(CITIZEN));
    handle.close().await.unwrap();
    desk.holds("2026h1", &[first, part, last]);
    desk.holds("2026h2", &[second]);
}

#[tokio::test]
async fn an_older_log_that_cannot_be_filed_holds_up_no_filing_of_the_newest() {
    let desk = Desk::with_half_years();
    let (evidence, handle) = desk.start();
    let first = desk.exchange(&evidence).await;
    handle.close().await.unwrap();
    desk.clock.set(LATER_MS);
    desk.start().1.close().await.unwrap();
    std::fs::remove_dir_all(desk.config.index_dir()).unwrap();
    let (old, new) = (desk.log("2026h1").dir, desk.log("2026h2").dir);
    let segment = segment::path(&old, 0);
    let sound = std::fs::read(&segment).unwrap();
    let mut torn = sound.clone();
    let place = torn.windows(6).position(|it| it == b"ACCESS").unwrap();
    torn[place] ^= 1;
    std::fs::write(&segment, &torn).unwrap();

    let (evidence, handle) = desk.start();
    let found = desk.search(&evidence, about(CITIZEN)).await;
    assert!(!found.complete && found.records.is_empty(), "{found:?}");
    // If the newest were read again, it would not be there.
    let (wal, away) = (new.join("wal"), new.join("away"));
    std::fs::rename(&wal, &away).unwrap();
    let second = desk.exchange(&evidence).await;
    let found = desk.search(&evidence, about(CITIZEN)).await;
    assert!(!found.complete);
    assert!(seqs(&found).contains(&second.seq()), "{found:?}");
    std::fs::rename(&away, &wal).unwrap();

    std::fs::write(&segment, &sound).unwrap();
    let records = evidence.records();
    until(|| records.is_all_there_is()).await;
    let found = desk.search(&evidence, about(CITIZEN)).await;
    assert!(found.complete);
    assert!(seqs(&found).contains(&first.seq()), "{found:?}");
    handle.close().await.unwrap();
}

/// Makes the last checkpoint of a log unreadable as soon as it is shown, until it was missed.
#[derive(Debug)]
struct Spoiler {
    dir: PathBuf,
    shown: Mutex<Option<Vec<u8>>>,
    missed: AtomicBool,
}

impl Spoiler {
    fn file(&self) -> PathBuf {
        self.dir.join("checkpoint")
    }
}

impl Observer for Spoiler {
    fn published(&self, _: u64) {
        let mut shown = self.shown.lock().unwrap();
        let missed = self.missed.load(Ordering::SeqCst);
        if !missed && shown.is_none() && matches!(crate::link::end(&self.dir), Ok(Some(_))) {
            *shown = Some(std::fs::read(self.file()).unwrap());
            std::fs::write(self.file(), "no checkpoint").unwrap();
        }
    }

    fn not_turned(&self, _: &Error) {
        if let Some(shown) = self.shown.lock().unwrap().take() {
            std::fs::write(self.file(), shown).unwrap();
            self.missed.store(true, Ordering::SeqCst);
        }
    }
}

#[tokio::test]
async fn an_older_log_whose_end_cannot_be_read_is_filed_all_the_same() {
    let desk = Desk::with_half_years();
    let spoiler = Arc::new(Spoiler {
        dir: desk.log("2026h1").dir,
        shown: Mutex::default(),
        missed: AtomicBool::new(false),
    });
    let observer = Arc::clone(&spoiler) as Arc<dyn Observer>;
    let alarm = Alarm::new(|error| panic!("{error}"));
    let (evidence, handle) = desk.start_seen_by(observer, alarm).unwrap();
    desk.exchange(&evidence).await;
    desk.clock.set(LATER_MS);
    until(|| evidence.origin().ends_with("2026h2")).await;
    until(|| spoiler.missed.load(Ordering::SeqCst)).await;
    let records = evidence.records();
    until(|| records.is_all_there_is()).await;
    let erased = evidence.erase(&desk.disclosure(), &person(CITIZEN)).await;
    assert_eq!(whole(erased), 1);
    handle.close().await.unwrap();
}
