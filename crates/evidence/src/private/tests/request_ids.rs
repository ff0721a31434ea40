//! Request ids of several nodes over one server.

use std::sync::Arc;
use std::time::Duration;

use exchange::RequestId;
use postmaster::{Postmaster, Stop};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use super::config;
use crate::Config;
use crate::keys::make_dir;
use crate::private::databases;
use crate::private::request_ids::shared::{REMOVE, Table};
use crate::private::request_ids::tests::{SECOND, Told, deps, desk, record};
use crate::private::request_ids::{ContentTag, RequestIds, RequestTag, Ruling};

/// Nodes with one database, as if each had a machine.
struct Nodes {
    configs: Vec<Config>,
    _dirs: Vec<TempDir>,
}

impl Nodes {
    fn new(server: &Postmaster, name: &str) -> Self {
        server.create(name).unwrap();
        let dirs: Vec<_> = (0..2).map(|_| tempfile::tempdir().unwrap()).collect();
        let configs = dirs.iter().zip(1..).map(|(dir, number)| Config {
            origin: format!("log.example/gw-{number}"),
            ..config(dir.path(), server, name)
        });
        let configs: Vec<_> = configs.collect();
        for config in &configs {
            make_dir(&config.keys_dir()).unwrap();
        }
        drop(databases::keyring(&configs[0]).unwrap());
        let [one, two] = [0, 1].map(|it| databases::master(&configs[it]));
        std::fs::copy(one, two).unwrap();
        Self {
            configs,
            _dirs: dirs,
        }
    }

    fn start(&self, node: usize, kept: Duration, told: &Arc<Told>) -> RequestIds {
        let open = || RequestIds::open(&self.configs[node], deps(kept, told)).unwrap();
        apart(open)
    }

    fn both(&self) -> [RequestIds; 2] {
        [0, 1].map(|it| self.start(it, 100 * SECOND, &Arc::default()))
    }

    /// How many ids are in the table.
    fn rows(&self) -> usize {
        let count = || {
            let access = super::access(&self.configs[0]);
            let db = super::Postgres::open(&access, super::Durability::Full, SECOND);
            let rows = super::Database::rows(&mut db.unwrap(), "SELECT tag FROM request_id", &[]);
            rows.map_or(0, |rows| rows.len())
        };
        apart(count)
    }
}

/// Does something that blocks, apart from the runtime of a test.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

/// A fresh id, and what is asked under it; the same at both nodes.
fn question(ids: &RequestIds) -> (RequestTag, ContentTag) {
    let tag = ids.tag(&desk(), RequestId::fresh());
    (tag, ids.content("lookup", b"one"))
}

const FRESH: Option<Ruling> = Some(Ruling::Granted(None));

pub(super) fn a_claim_is_seen_by_the_other_node(server: &Postmaster) {
    let nodes = Nodes::new(server, "claims");
    let [one, two] = nodes.both();
    Runtime::new().unwrap().block_on(async {
        let (tag, content) = question(&one);
        let other = two.content("lookup", b"two");
        assert_eq!(one.claim(tag, content).await, FRESH);
        assert_eq!(two.claim(tag, content).await, Some(Ruling::Running));
        assert_eq!(two.claim(tag, other).await, Some(Ruling::Reused));
        one.end(tag, Some(record(7)));
        let again = until(&two, tag, content, &Ruling::Granted(Some(record(7)))).await;
        assert!(again < SECOND, "{again:?}");
        assert_eq!(one.claim(tag, other).await, Some(Ruling::Reused));
        // Without an answer, the record of the first one stays.
        two.end(tag, None);
        until(&one, tag, content, &Ruling::Granted(Some(record(7)))).await;
        one.end(tag, Some(record(8)));
        until(&two, tag, content, &Ruling::Granted(Some(record(8)))).await;
    });
    one.close();
    two.close();
}

/// Claims again and again until that is the ruling; how long it took.
async fn until(
    ids: &RequestIds,
    tag: RequestTag,
    content: ContentTag,
    ruling: &Ruling,
) -> Duration {
    let begun = Instant::now();
    loop {
        let said = ids.claim(tag, content).await;
        if said.as_ref() == Some(ruling) {
            return begun.elapsed();
        }
        assert_eq!(said, Some(Ruling::Running));
        assert!(begun.elapsed() < 20 * SECOND, "{ruling:?} does not come");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(super) fn of_two_that_claim_at_once_one_is_granted(server: &Postmaster) {
    let nodes = Nodes::new(server, "at_once");
    let [one, two] = nodes.both();
    Runtime::new().unwrap().block_on(async {
        for _ in 0..60 {
            let asked: Vec<_> = (0..10).map(|_| question(&one)).collect();
            let reversed: Vec<_> = asked.iter().rev().copied().collect();
            let (first, second) = tokio::join!(claims(&one, &asked), claims(&two, &reversed));
            for pair in first.iter().zip(second.iter().rev()) {
                let running = Some(Ruling::Running);
                let is_one = pair == (&FRESH, &running);
                assert!(is_one || pair == (&running, &FRESH), "{pair:?}");
            }
        }
    });
    one.close();
    two.close();
}

/// Claims all of them at once.
async fn claims(ids: &RequestIds, all: &[(RequestTag, ContentTag)]) -> Vec<Option<Ruling>> {
    let tasks = all.iter().map(|(tag, content)| {
        let (ids, tag, content) = (ids.clone(), *tag, *content);
        tokio::spawn(async move { ids.claim(tag, content).await })
    });
    let mut said = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        said.push(task.await.unwrap());
    }
    said
}

pub(super) fn a_claim_of_a_node_that_is_gone_ends(server: &Postmaster) {
    let nodes = Nodes::new(server, "gone");
    let [one, two] = nodes.both();
    Runtime::new().unwrap().block_on(async {
        let [first, second] = [question(&one), question(&one)];
        for (tag, content) in [first, second] {
            assert_eq!(one.claim(tag, content).await, FRESH);
        }
        one.close(); // without an end, as a kill
        let (tag, content) = first;
        assert_eq!(two.claim(tag, content).await, Some(Ruling::Running));
        // The node itself knows better when it is back.
        let one = nodes.start(0, 100 * SECOND, &Arc::default());
        let (tag, content) = second;
        assert_eq!(one.claim(tag, content).await, FRESH);
        one.close();
        let (tag, content) = first;
        let took = until(&two, tag, content, &Ruling::Granted(None)).await;
        assert!(took < 3 * SECOND, "{took:?}");
    });
    two.close();
}

pub(super) fn old_rows_are_removed(server: &Postmaster) {
    let nodes = Nodes::new(server, "old");
    let ids = nodes.start(0, SECOND, &Arc::default());
    Runtime::new().unwrap().block_on(async {
        let (tag, content) = question(&ids);
        assert_eq!(ids.claim(tag, content).await, FRESH);
        ids.end(tag, Some(record(7)));
        for _ in 0..500 {
            let (tag, content) = question(&ids);
            ids.end(tag, None);
            assert_eq!(ids.claim(tag, content).await, FRESH);
        }
        assert!(nodes.rows() > 0);
        let begun = Instant::now();
        while nodes.rows() > 0 {
            assert!(begun.elapsed() < 20 * SECOND, "{} are left", nodes.rows());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // What is over its time is fresh, whether it was removed or not.
        let other = ids.content("lookup", b"two");
        assert_eq!(ids.claim(tag, other).await, FRESH);
    });
    ids.close();
}

/// However young they are.
pub(super) fn of_too_many_rows_the_oldest_are_removed(server: &Postmaster) {
    let nodes = Nodes::new(server, "many_ids");
    let ids = nodes.start(0, 1_000 * SECOND, &Arc::default());
    Runtime::new().unwrap().block_on(async {
        let asked: Vec<_> = (0..500).map(|_| question(&ids)).collect();
        claims(&ids, &asked[..250]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        claims(&ids, &asked[250..]).await;
    });
    ids.close();
    let access = super::access(&nodes.configs[0]);
    let mut db = super::open(server, "many_ids");
    let mut table = Table::open(&nodes.configs[0], &access).unwrap();
    db.run("ANALYZE request_id", &[]).unwrap();
    assert!(!table.clean(1_000 * SECOND, 500).unwrap());
    assert_eq!(nodes.rows(), 500);
    assert!(table.clean(1_000 * SECOND, 499).unwrap());
    assert_eq!(nodes.rows(), 300);
    db.run("ANALYZE request_id", &[]).unwrap();
    assert!(!table.clean(1_000 * SECOND, 499).unwrap());
    let left = "SELECT COUNT(*) FROM request_id WHERE used > (SELECT MIN(used) FROM request_id)";
    let left = db.rows(left, &[]).unwrap()[0][0].number();
    assert!(left >= 250, "the younger half is there: {left}");
    db.run("SET enable_seqscan = off", &[]).unwrap();
    let plan = REMOVE.replace("$1", "1000").replace("$2", "9");
    let plan = db.rows(&format!("EXPLAIN {plan}"), &[]).unwrap();
    let plan = format!("{plan:?}");
    assert!(plan.contains("Index Cond: (used <="), "{plan}");
}

/// Ends with the server running.
pub(super) fn without_the_server_nobody_waits(server: &mut Postmaster) {
    let nodes = Nodes::new(server, "without");
    let told = Arc::<Told>::default();
    let one = nodes.start(0, 100 * SECOND, &told);
    let two = nodes.start(1, 100 * SECOND, &Arc::default());
    Runtime::new().unwrap().block_on(async {
        let (tag, content) = question(&one);
        assert_eq!(one.claim(tag, content).await, FRESH);
        one.end(tag, Some(record(1)));
        server.stop(Stop::Immediate).unwrap();
        let begun = Instant::now();
        let mut while_away = Vec::new();
        for _ in 0..100 {
            let (tag, content) = question(&one);
            assert_eq!(one.claim(tag, content).await, None);
            one.end(tag, Some(record(2)));
            while_away.push((tag, content));
        }
        assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
        told.wait_for("not stored");
        server.start().unwrap();
        told.wait_for("stored again");
        // What was used meanwhile is known to the other node.
        let (tag, content) = while_away[99];
        let known = Ruling::Granted(Some(record(2)));
        // What has waited is stored round by round.
        tokio::time::sleep(SECOND / 2).await;
        assert_eq!(two.claim(tag, content).await, Some(known));
        let other = one.content("lookup", b"two");
        assert_eq!(one.claim(tag, other).await, Some(Ruling::Reused));
    });
    one.close();
    two.close();
}
