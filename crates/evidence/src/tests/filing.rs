//! A stop while what a crash has left is still being filed.

use std::sync::mpsc;

use exchange::{Opened, Query};
use rusqlite::Connection;

use super::private::{about, opened};
use super::*;
use crate::alarm::Siren;
use crate::private::{Filer, Intake, Private, Progress};
use crate::publish::{Ended, News, Published};
use crate::writer::{self, Queue};

const RECORDS: u64 = 200;

impl Desk {
    /// The names of the intake keys.
    fn intake_keys(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.config.keys_dir()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut keys: Vec<_> = names.filter(|name| name.starts_with("intake.")).collect();
        keys.sort_unstable();
        keys
    }

    fn filed(&self) -> u64 {
        let index = Connection::open(self.config.index_dir().join("index.db")).unwrap();
        let next = index.query_row("SELECT next FROM filed", [], |row| row.get::<_, i64>(0));
        next.unwrap().try_into().unwrap()
    }

    /// The thread that files, of a log that has ended whole, and is published.
    fn filer_of_ended(&self) -> Filer {
        let published = Arc::<Published>::default();
        published.advance(News {
            reached: writer::end_of(&self.config).unwrap(),
            ..News::default()
        });
        published.end(Ended::Whole);
        let private = Private::default();
        private.lead(&self.config.origin);
        Filer {
            config: self.config.clone(),
            intake: Arc::new(Intake::open(&self.config.keys_dir()).unwrap()),
            observer: Arc::new(NoObserver),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            begun_ms: 0,
            siren: Siren::new(Alarm::new(|error| panic!("{error}"))),
            queue: Arc::new(Queue::new(1, 0)),
            progress: Progress::new(published),
            private,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_mid_catch_up_leaves_the_rest_and_its_keys_to_the_next_start() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    for _ in 0..RECORDS {
        desk.exchange(&evidence).await;
    }
    drop(handle); // as a crash: nothing but the START is published and filed
    drop(evidence);
    let keys = desk.intake_keys();
    let filer = desk.filer_of_ended();
    let (ends, ended) = mpsc::channel();
    // So long ago that no key is too young to go.
    let began = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
    std::thread::spawn(move || {
        filer.run(began);
        ends.send(()).unwrap();
    });
    let ended = ended.recv_timeout(Duration::from_secs(30));
    assert!(ended.is_ok(), "it hangs");
    let filed = desk.filed();
    assert!((1..RECORDS).contains(&filed), "{filed} filed");
    let left = desk.intake_keys();
    assert!(keys.iter().all(|key| left.contains(key)), "{left:?}");

    let (evidence, handle) = desk.start();
    let query = Query {
        limit: 500,
        ..about(CITIZEN)
    };
    let found = desk.search(&evidence, query).await;
    assert_eq!(found.records.len() as u64, RECORDS);
    let opens = |record: &Opened| opened(record, "sub") == Some(CITIZEN);
    assert!(found.records.iter().all(opens));
    handle.close().await.unwrap();
}
