//! The trail of a node that stands alone, and the thread that writes it.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use exchange::{AgencyCode, SystemClock, SystemId};
use tempfile::TempDir;

use super::embedded::Embedded;
use super::thread::Round;
use super::*;
use crate::keys::make_dir;
use crate::private::sql::{Database as _, Durability, Value};
use crate::private::sqlite::Sqlite;

/// What is told, as words.
#[derive(Debug, Default)]
pub(in crate::private) struct Told(Mutex<Vec<String>>);

impl Told {
    pub(in crate::private) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn say(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    /// Waits until that is told.
    pub(in crate::private) fn wait_for(&self, what: &str) {
        let begun = Instant::now();
        while !self.0.lock().unwrap().iter().any(|it| it == what) {
            assert!(begun.elapsed() < 20 * SECOND, "{what} is never told");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Observer for Told {
    fn request_ids_stored(&self, again: bool) {
        self.say(if again { "stored again" } else { "stored" });
    }

    fn request_ids_not_stored(&self, _: &Error, is_first: bool) {
        self.say(if is_first { "not stored" } else { "still not" });
    }

    fn request_ids_lost(&self, count: u64) {
        self.say(format!("lost {count}"));
    }
}

pub(in crate::private) fn deps(kept: Duration, told: &Arc<Told>) -> RequestIdDeps {
    RequestIdDeps {
        kept,
        lasts: SECOND,
        clock: Arc::new(SystemClock),
        observer: Arc::clone(told) as _,
    }
}

pub(in crate::private) fn desk() -> Caller {
    let agency = AgencyCode::parse("H55").unwrap();
    Caller::new(agency, SystemId::parse("one-stop-desk").unwrap(), "ab")
}

pub(in crate::private) fn record(seq: u64) -> RecordAt {
    let log = "audit.gw.example/gw-1".into();
    RecordAt { log, seq }
}

pub(in crate::private) const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3_600);
const NOW_MS: u64 = 1_800_000_000_000;

fn config(dir: &TempDir) -> Config {
    let config = Config::new(dir.path(), "log.example/1", "n1");
    make_dir(&config.keys_dir()).unwrap();
    config
}

fn claim(number: u32, content: u8) -> Claim {
    let mut tag = [0; 16];
    tag[..4].copy_from_slice(&number.to_le_bytes());
    Claim {
        tag: RequestTag(tag),
        content: ContentTag([content; 16]),
        begun: Instant::now(),
        asked: None,
    }
}

/// A round of claims, all with records.
fn round(claims: Vec<Claim>) -> Round {
    let ends = claims.iter().enumerate().map(|(seq, claim)| End {
        tag: claim.tag,
        record: Some(record(seq as u64)),
    });
    Round {
        ends: ends.collect(),
        claims,
        ..Round::default()
    }
}

#[test]
fn what_was_written_is_read_at_the_next_start_as_it_was_last() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    let mut trail = Embedded::open(&config).unwrap();
    let first = round((0..100).map(|it| claim(it, 1)).collect());
    trail.write(&first, NOW_MS - 2_000).unwrap();
    // The first is asked again, the second with other content when its time was over.
    let again = Round {
        claims: vec![claim(0, 1), claim(1, 2)],
        ..Round::default()
    };
    trail.write(&again, NOW_MS - 1_000).unwrap();
    // Two rows without a claim.
    for seq in [7, 8] {
        let ends = vec![End {
            tag: claim(2, 1).tag,
            record: Some(record(seq)),
        }];
        let ends = Round {
            ends,
            ..Round::default()
        };
        trail.write(&ends, NOW_MS).unwrap();
        drop(trail);
        trail = Embedded::open(&config).unwrap();
    }
    let past = recall(&mut trail, NOW_MS, DAY);
    let of = |number| {
        let tag = claim(number, 0).tag;
        let own = past.iter().filter(move |it| tag_of(it) == tag);
        own.cloned().collect::<Vec<_>>()
    };
    let used = |number, content, ago| Past::Used {
        tag: claim(number, content).tag,
        content: ContentTag([content; 16]),
        left: DAY - ago,
    };
    let answered = |number, seq| Past::Answered(claim(number, 0).tag, record(seq));
    let (first, again) = (2 * SECOND, SECOND);
    assert_eq!(
        of(0),
        [used(0, 1, first), answered(0, 0), used(0, 1, again)]
    );
    assert_eq!(
        of(1),
        [used(1, 1, first), answered(1, 1), used(1, 2, again)]
    );
    let third = [
        used(2, 1, first),
        answered(2, 2),
        answered(2, 7),
        answered(2, 8),
    ];
    assert_eq!(of(2), third);
    assert_eq!(past.len(), 2 * 100 + 2 + 2);
    // What is older is not told.
    let used = recall(&mut trail, NOW_MS + 1, 2 * SECOND);
    let used = used.iter().filter(|it| matches!(it, Past::Used { .. }));
    assert_eq!(used.count(), 2);
}

/// What a trail tells.
fn recall(trail: &mut Embedded, now_ms: u64, kept: Duration) -> Vec<Past> {
    let mut past = Vec::new();
    trail.recall(now_ms, kept, &mut |it| past.push(it)).unwrap();
    past
}

fn tag_of(past: &Past) -> RequestTag {
    match past {
        Past::Used { tag, .. } | Past::Answered(tag, _) => *tag,
    }
}

#[test]
fn old_rows_are_removed_in_small_steps() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    let mut trail = Embedded::open(&config).unwrap();
    for number in 0..100 {
        let at = NOW_MS + u64::from(number);
        trail.write(&round(vec![claim(number, 1)]), at).unwrap();
    }
    let left = || {
        let db = Sqlite::open(&config.index_dir().join("request-ids.db"), Durability::Full);
        let rows = db.unwrap().rows("SELECT COUNT(*) FROM request_steps", &[]);
        rows.unwrap()[0][0].number()
    };
    let later = |ms| NOW_MS + 2_000 + ms;
    assert!(!trail.clean(NOW_MS + 99, 2 * SECOND).unwrap());
    assert_eq!(left(), 100);
    assert!(trail.clean(later(90), 2 * SECOND).unwrap(), "64 at once");
    assert_eq!(left(), 36);
    assert!(!trail.clean(later(90), 2 * SECOND).unwrap());
    assert_eq!(left(), 10);
    // As many as are remembered stay, however young the others are.
    let rest = (0..RequestIds::MOST as u32 - 5).map(|it| claim(it, 1));
    trail.write(&round(rest.collect()), later(90)).unwrap();
    trail.clean(later(90), DAY).unwrap();
    assert_eq!(left(), 6);
}

#[test]
fn what_a_later_version_has_written_is_not_misread() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    let mut trail = Embedded::open(&config).unwrap();
    trail.write(&round(vec![claim(1, 1)]), NOW_MS).unwrap();
    let path = config.index_dir().join("request-ids.db");
    let mut db = Sqlite::open(&path, Durability::Full).unwrap();
    for (number, steps) in [(5, vec![9; 80]), (6, vec![1; 20]), (7, Vec::new())] {
        let row = [Value::Int(number), Value::Bytes(steps)];
        let sql = "INSERT INTO request_steps (number, at_ms, steps) VALUES ($1, 1, $2)";
        db.run(sql, &row).unwrap();
    }
    let mut trail = Embedded::open(&config).unwrap();
    assert_eq!(recall(&mut trail, NOW_MS, DAY).len(), 2);
    trail.write(&round(vec![claim(2, 1)]), NOW_MS).unwrap();
    assert_eq!(recall(&mut trail, NOW_MS, DAY).len(), 4);
}

#[tokio::test]
async fn no_id_and_no_content_stands_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let ids = RequestIds::open(&config(&dir), deps(DAY, &Arc::default())).unwrap();
    let (id, person) = (RequestId::fresh(), b"999099000001");
    let (tag, content) = (ids.tag(&desk(), id), ids.content("lookup", person));
    assert_eq!(ids.claim(tag, content).await, None);
    ids.end(tag, Some(record(7)));
    ids.close();
    let mut read = 0;
    for file in files(&dir.path().join("index")) {
        let bytes = fs::read(&file).unwrap();
        let has = |what: &[u8]| bytes.windows(what.len()).any(|it| it == what);
        let hash = crate::tree::sha256(&[person]);
        for hidden in [
            &person[..],
            id.uuid().as_bytes(),
            &hash[..8],
            b"one-stop-desk",
        ] {
            assert!(!has(hidden), "{} has {hidden:?}", file.display());
        }
        assert!(!has(id.to_string().as_bytes()));
        read += usize::from(has(&tag.0) && has(&content.0) && has(b"audit.gw.example/gw-1"));
    }
    assert!(read > 0, "nothing was written");
}

fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let all = fs::read_dir(dir).unwrap();
    all.map(|it| it.unwrap().path()).collect()
}

#[tokio::test]
async fn a_disk_that_fails_is_told_and_tried_again_and_keeps_nobody_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let (config, told) = (config(&dir), Arc::<Told>::default());
    let ids = RequestIds::open(&config, deps(DAY, &told)).unwrap();
    // Whoever opens it now finds no table, and can make none.
    let path = config.index_dir().join("request-ids.db");
    let mut db = Sqlite::open(&path, Durability::Full).unwrap();
    db.run("DROP TABLE request_steps", &[]).unwrap();
    db.run("CREATE TABLE request_steps (other BIGINT)", &[])
        .unwrap();
    told.take();
    let tag = ids.tag(&desk(), RequestId::fresh());
    let content = ids.content("lookup", b"one");
    assert_eq!(ids.claim(tag, content).await, None);
    told.wait_for("not stored");
    told.wait_for("still not");
    for _ in 0..20_000 {
        ids.claim(tag, content).await;
    }
    db.run("DROP TABLE request_steps", &[]).unwrap();
    told.wait_for("stored again");
    ids.close();
    let told = told.take();
    let lost = told.iter().filter_map(|it| it.strip_prefix("lost "));
    let lost: u64 = lost.map(|it| it.parse::<u64>().unwrap()).sum();
    assert!(lost > 3_000, "{told:?}");
    let ids = RequestIds::open(&config, deps(DAY, &Arc::default())).unwrap();
    let mut used = Vec::new();
    ids.recall(|past| used.push(tag_of(&past))).unwrap();
    assert!(used.iter().all(|it| *it == tag) && !used.is_empty());
    let mut again = 0;
    ids.recall(|_| again += 1).unwrap();
    assert_eq!(again, 0, "it is told once");
}
