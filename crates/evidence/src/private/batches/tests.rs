//! The store of jobs: the same over both databases, and expiry at a time of the tests' own.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

use exchange::{AgencyCode, RequestId, SystemClock, SystemId};
use jiff::Timestamp;

use super::*;

const LEASE: Duration = Duration::from_secs(60);

fn key(system: &str) -> BatchKey {
    BatchKey {
        agency: AgencyCode::parse("H55").unwrap(),
        system: SystemId::parse(system).unwrap(),
        id: RequestId::fresh(),
    }
}

fn job(key: &BatchKey, content: &str, items: usize) -> NewBatch {
    let text = |text: String| Zeroizing::new(text.into_bytes());
    NewBatch {
        key: key.clone(),
        certificate: "ab".to_owned(),
        content: text(content.to_owned()),
        plan: text("plan of 999099000001".to_owned()),
        items: (0..items).map(|it| text(format!("item {it}"))).collect(),
        lasts_ms: 3_600_000,
    }
}

fn step(state: BatchState, first: u64, ends: &[(u64, &str)]) -> Arc<Step> {
    let ends = ends.iter().map(|(place, result)| BatchEnd {
        place: *place,
        result: Zeroizing::new(result.as_bytes().to_vec()),
        is_answered: *result != "failed",
    });
    Arc::new(Step {
        state,
        reason: "MAINTENANCE".to_owned(),
        next_try: Timestamp::from_second(1_900_000_000).ok(),
        first,
        ends: ends.collect(),
        lets_go: false,
    })
}

fn texts(results: &[KeptResult]) -> Vec<String> {
    let text = |it: &KeptResult| String::from_utf8(it.result.to_vec()).unwrap();
    results.iter().map(text).collect()
}

/// Two nodes with one store.
fn nodes(config: &Config) -> [BatchStore; 2] {
    let other = Config {
        origin: "log.example/other".to_owned(),
        ..config.clone()
    };
    [config, &other].map(|it| BatchStore::new(it, Arc::new(SystemClock)))
}

/// What holds over any database.
pub(in crate::private) async fn suite(config: &Config) {
    a_job_is_taken_once(config).await;
    one_node_runs_a_job_and_keeps_its_results(config).await;
    of_a_node_that_is_gone_another_takes_the_job(config).await;
    a_job_that_is_cancelled_takes_no_more_results(config).await;
    a_page_is_no_larger_than_it_may_be(config).await;
}

#[expect(clippy::cognitive_complexity, reason = "one story")]
async fn a_job_is_taken_once(config: &Config) {
    let [store, other] = nodes(config);
    let key = key("once");
    assert_eq!(store.find(&key).await.unwrap(), None);
    let create = async |content| store.create(job(&key, content, 40), 2).await.unwrap();
    assert_eq!(create("a").await, Created::New);
    assert_eq!(create("a").await, Created::Known);
    assert_eq!(create("b").await, Created::Reused);
    let kept = other.find(&key).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.total), (BatchState::Queued, 40));
    assert_eq!((kept.succeeded, kept.failed, kept.next_try), (0, 0, None));
    let more = [(); 2].map(|()| BatchKey {
        id: RequestId::fresh(),
        ..key.clone()
    });
    let created = store.create(job(&more[0], "c", 1), 2).await.unwrap();
    assert_eq!(created, Created::New);
    let created = store.create(job(&more[1], "d", 1), 2).await.unwrap();
    assert_eq!(created, Created::TooMany);
    for key in [&key, &more[0]] {
        store.cancel(key).await.unwrap();
    }
}

#[expect(clippy::cognitive_complexity, reason = "one story")]
async fn one_node_runs_a_job_and_keeps_its_results(config: &Config) {
    let [store, other] = nodes(config);
    let key = key("runs");
    store.create(job(&key, "a", 3), 9).await.unwrap();
    let [Ok(due)] = &*store.claim(9, LEASE).await.unwrap() else {
        panic!("not claimed");
    };
    assert_eq!(due.job.key, key);
    assert_eq!(&*due.certificate, "ab");
    assert_eq!(due.plan.as_slice(), b"plan of 999099000001");
    assert_eq!(due.items.len(), 3);
    assert_eq!(
        (due.items[2].0, due.items[2].1.as_slice()),
        (2, &b"item 2"[..])
    );
    assert!(other.claim(9, LEASE).await.unwrap().is_empty());
    let two = step(BatchState::Paused, 1, &[(2, "two"), (0, "failed")]);
    assert!(store.keep(&key, &two, LEASE).await.unwrap());
    assert!(
        !other.keep(&key, &two, LEASE).await.unwrap(),
        "it is not its"
    );
    let kept = other.find(&key).await.unwrap().unwrap();
    assert_eq!(
        (kept.state, &*kept.reason),
        (BatchState::Paused, "MAINTENANCE")
    );
    assert_eq!((kept.succeeded, kept.failed), (1, 1));
    assert_eq!(kept.next_try, Timestamp::from_second(1_900_000_000).ok());
    let last = step(BatchState::Succeeded, 3, &[(1, "one")]);
    assert!(store.keep(&key, &last, LEASE).await.unwrap());
    assert!(!store.keep(&key, &last, LEASE).await.unwrap(), "it is over");
    let (results, is_more) = other.results(&key, 0, 9, 1 << 20).await.unwrap();
    assert_eq!(
        (texts(&results), is_more),
        (vec!["two".into(), "failed".into(), "one".into()], false)
    );
    store.cancel(&key).await.unwrap();
    let kept = store.find(&key).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.succeeded), (BatchState::Succeeded, 2));
    // It may be fetched for a day.
    let left = kept.expires.duration_since(kept.created).as_secs();
    assert!((86_400..86_500).contains(&left), "{left}");
}

#[expect(clippy::cognitive_complexity, reason = "one story")]
async fn of_a_node_that_is_gone_another_takes_the_job(config: &Config) {
    let [store, other] = nodes(config);
    let key = key("gone");
    store.create(job(&key, "a", 2), 9).await.unwrap();
    assert_eq!(store.claim(9, LEASE).await.unwrap().len(), 1);
    let one = step(BatchState::Running, 1, &[(0, "zero")]);
    assert!(store.keep(&key, &one, Duration::ZERO).await.unwrap());
    let [Ok(due)] = &*other.claim(9, LEASE).await.unwrap() else {
        panic!("not claimed");
    };
    // What has its result is not asked again.
    assert_eq!(due.items.len(), 1);
    assert_eq!(due.items[0].0, 1);
    let late = step(BatchState::Running, 2, &[(1, "late")]);
    assert!(!store.keep(&key, &late, LEASE).await.unwrap());
    let (results, _) = store.results(&key, 0, 9, 1 << 20).await.unwrap();
    assert_eq!(texts(&results), ["zero"]);
    // A node that starts again does not wait for its own lease.
    assert!(other.claim(9, LEASE).await.unwrap().is_empty());
    other.let_go().await.unwrap();
    assert_eq!(other.claim(9, LEASE).await.unwrap().len(), 1);
    other.cancel(&key).await.unwrap();
}

async fn a_job_that_is_cancelled_takes_no_more_results(config: &Config) {
    let [store, _] = nodes(config);
    let key = key("cancelled");
    store.create(job(&key, "a", 2), 9).await.unwrap();
    store.claim(9, LEASE).await.unwrap();
    let one = step(BatchState::Running, 1, &[(0, "zero")]);
    assert!(store.keep(&key, &one, LEASE).await.unwrap());
    store.cancel(&key).await.unwrap();
    let two = step(BatchState::Running, 2, &[(1, "one")]);
    assert!(!store.keep(&key, &two, LEASE).await.unwrap());
    let kept = store.find(&key).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.succeeded), (BatchState::Cancelled, 1));
    let (results, _) = store.results(&key, 0, 9, 1 << 20).await.unwrap();
    assert_eq!(texts(&results), ["zero"]);
    assert!(store.claim(9, LEASE).await.unwrap().is_empty());
}

async fn a_page_is_no_larger_than_it_may_be(config: &Config) {
    let [store, _] = nodes(config);
    let key = key("pages");
    store.create(job(&key, "a", 4), 9).await.unwrap();
    store.claim(9, LEASE).await.unwrap();
    let all = ["aaaa", "bbbb", "cccc", "dddd"];
    let all: Vec<_> = (0..).zip(all).collect();
    let all = step(BatchState::Succeeded, 1, &all);
    assert!(store.keep(&key, &all, LEASE).await.unwrap());
    let page = async |after, limit, bytes| {
        let (results, is_more) = store.results(&key, after, limit, bytes).await.unwrap();
        (texts(&results).join(" "), is_more)
    };
    assert_eq!(page(0, 2, 1 << 20).await, ("aaaa bbbb".into(), true));
    assert_eq!(page(2, 2, 1 << 20).await, ("cccc dddd".into(), false));
    assert_eq!(page(1, 9, 1).await, ("bbbb".into(), true));
    assert_eq!(page(4, 9, 1 << 20).await, (String::new(), false));
}

/// A clock that tests set, in milliseconds since 1970.
#[derive(Debug)]
struct Set(AtomicI64);

impl Clock for Set {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(SeqCst)).unwrap()
    }
}

fn config(dir: &Path) -> Config {
    Config::new(dir, "log.example/1", "n1")
}

#[tokio::test]
async fn a_node_that_stands_alone_keeps_jobs_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    suite(&config(dir.path())).await;
    let files = std::fs::read_dir(dir.path().join("index")).unwrap();
    let files = files.map(|it| it.unwrap().path());
    let files = files.filter(|it| it.to_str().unwrap().contains(FILE));
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|it| it == text);
        assert!(!holds(b"999099000001") && !holds(b"item 1") && !holds(b"zero"));
    }
}

#[tokio::test]
async fn what_takes_too_long_is_ended_and_what_is_over_is_destroyed() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config {
        batch_results_s: std::num::NonZeroU32::new(10).unwrap(),
        ..config(dir.path())
    };
    let clock = Arc::new(Set(AtomicI64::new(1_800_000_000_000)));
    let store = BatchStore::new(&config, Arc::clone(&clock) as _);
    let key = key("late");
    store.create(job(&key, "a", 2), 9).await.unwrap();
    store.claim(9, LEASE).await.unwrap();
    let one = step(BatchState::Running, 1, &[(0, "zero")]);
    assert!(store.keep(&key, &one, LEASE).await.unwrap());
    clock.0.fetch_add(3_599_999, SeqCst);
    assert_eq!(store.sweep().await.unwrap(), [(BatchState::Running, 1)]);
    clock.0.fetch_add(1, SeqCst);
    assert_eq!(store.sweep().await.unwrap(), [(BatchState::Failed, 1)]);
    let kept = store.find(&key).await.unwrap().unwrap();
    assert_eq!((&*kept.reason, kept.succeeded), ("DEADLINE_EXCEEDED", 1));
    let results = async || store.results(&key, 0, 9, 9).await.unwrap().0.len();
    assert_eq!(results().await, 1);
    clock.0.fetch_add(9_999, SeqCst);
    assert_eq!(store.sweep().await.unwrap(), [(BatchState::Failed, 1)]);
    clock.0.fetch_add(1, SeqCst);
    assert_eq!(
        store.find(&key).await.unwrap(),
        None,
        "before it is destroyed"
    );
    assert_eq!(results().await, 1);
    assert_eq!(store.sweep().await.unwrap(), []);
    assert_eq!(results().await, 0);
    let created = store.create(job(&key, "b", 1), 9).await.unwrap();
    assert_eq!(created, Created::New);
}

#[tokio::test]
async fn a_row_of_a_later_version_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let [store, _] = nodes(&config(dir.path()));
    let key = key("later");
    store.create(job(&key, "a", 1), 9).await.unwrap();
    let change = |it: &mut Opened| it.db.run("UPDATE batch_job SET state = 'ASLEEP'", &[]);
    store.0.with(change).await.unwrap();
    let error = store.find(&key).await.unwrap_err().to_string();
    assert!(
        error.contains("holds a batch job of a later version"),
        "{error}"
    );
}

#[tokio::test]
async fn a_job_that_cannot_be_read_does_not_keep_others_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let [store, _] = nodes(&config(dir.path()));
    for name in ["damaged", "later", "sound"] {
        store.create(job(&key(name), name, 1), 9).await.unwrap();
    }
    let change = |it: &mut Opened| {
        let damaged = "UPDATE batch_job SET plan = certificate WHERE system = 'damaged'";
        it.db.run(damaged, &[])?;
        let later = "UPDATE batch_job SET request = 'of another kind' WHERE system = 'later'";
        it.db.run(later, &[])
    };
    store.0.with(change).await.unwrap();
    let claimed = store.claim(9, LEASE).await.unwrap();
    let sound: Vec<_> = claimed.iter().flatten().collect();
    assert_eq!((claimed.len(), sound.len()), (3, 1));
    assert_eq!(sound[0].job.key.system.as_str(), "sound");
    assert!(
        store.claim(9, LEASE).await.unwrap().is_empty(),
        "not at every look"
    );
}
