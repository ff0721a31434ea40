//! Several nodes with one PostgreSQL, and a database that goes and comes back.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc;

use exchange::{Fault, Reason};
use postmaster::{Postmaster, Stop};

use super::private::{about, opened, person, proves, seqs, whole};
use super::*;
use crate::Erased;
use crate::keys::{make_dir, secret};

const OTHER: &str = "999099000002";

/// A node of those that have a database, and with it a master key.
fn node(server: &Postmaster, database: &str, number: u8) -> Desk {
    let mut desk = Desk::published();
    let file = desk.path().with_file_name("database");
    std::fs::write(&file, server.address(database)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    desk.config.database = Some(file);
    desk.config.node = format!("gw-{number}");
    desk.config.origin = format!("audit.gw.example/gw-{number}/2026h1");
    desk
}

/// Gives a node the master key of another.
fn share_key(from: &Desk, to: &Desk) {
    let [from, to] = [from, to].map(|desk| {
        make_dir(&desk.config.keys_dir()).unwrap();
        desk.config.keys_dir().join("keyring.key")
    });
    secret::read_or_make(&from).unwrap();
    std::fs::copy(from, to).unwrap();
}

fn alarm() -> (Alarm, mpsc::Receiver<String>) {
    let (rings, rung) = mpsc::channel();
    let alarm = Alarm::new(move |error| rings.send(error.to_string()).unwrap());
    (alarm, rung)
}

/// Tries again until it is so, for half a minute.
async fn until<T>(what: &str, mut is_so: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end {
        if let Some(found) = is_so().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

fn is_unavailable<T>(done: &Result<T, Fault>) -> bool {
    let fault = done.as_ref().err();
    fault.is_some_and(|fault| fault.reason == Reason::AuditUnavailable)
}

/// Two nodes that have recorded something about the same person, and found each other's.
struct Pair {
    one: Desk,
    two: Desk,
    first: (Evidence, Handle),
    second: (Evidence, Handle),
}

async fn pair(server: &Postmaster) -> Pair {
    let (one, two) = (node(server, "pair", 1), node(server, "pair", 2));
    share_key(&one, &two);
    let (first, second) = (one.start(), two.start());
    one.exchange(&first.0).await;
    two.exchange(&second.0).await;
    // What the other node records is filed in its own time.
    let found = until("both are found", async || {
        let found = one.search(&first.0, about(CITIZEN)).await;
        let of_two = found.records.iter().any(|it| it.origin.contains("gw-2"));
        of_two.then_some(found)
    })
    .await;
    for record in &found.records {
        let own = *record.origin == *one.config.origin;
        assert!(own || *record.origin == *two.config.origin, "{record:?}");
        assert_eq!(opened(record, "sub"), Some(CITIZEN));
        proves(record);
        let leaf: Value = serde_json::from_slice(&record.leaf).unwrap();
        assert_eq!(leaf["node"], if own { "gw-1" } else { "gw-2" });
    }
    Pair {
        one,
        two,
        first,
        second,
    }
}

async fn what_is_erased_on_one_node_is_erased_on_both(pair: &Pair) {
    let (one, two) = (&pair.one, &pair.two);
    let (first, disclosure) = (&pair.first.0, one.patient());
    let erased = first.erase(&disclosure, &person(CITIZEN)).await;
    assert!(whole(erased) >= 2);
    let found = two.accesses(&pair.second.0, CITIZEN).await;
    assert!(found.found.records.is_empty(), "{found:?}");
    // A new record has a new key. The erasure was before it by any clock.
    two.clock.set(NOW_MS + 60_000);
    let anew = two.exchange(&pair.second.0).await;
    let found = two.accesses(&pair.second.0, CITIZEN).await;
    assert_eq!(seqs(&found.found), [anew.seq()]);
    assert_eq!(opened(&found.found.records[0], "sub"), Some(CITIZEN));
}

async fn an_index_that_is_made_again_leaves_the_other_nodes_records(pair: Pair) {
    let Pair {
        one,
        two,
        first,
        second,
    } = pair;
    first.1.close().await.unwrap();
    let config = one.config.clone();
    let made = tokio::task::spawn_blocking(move || crate::reindex(&config, |_| ()));
    let made = made.await.unwrap().unwrap();
    assert_eq!(made.records, leaves(one.path()).len() as u64);
    let by_agency = exchange::Query {
        agency: Some(AgencyCode::parse("G18").unwrap()),
        limit: 100,
        ..exchange::Query::default()
    };
    let found = two.search(&second.0, by_agency).await;
    for node in [&one, &two] {
        let of_node = |it: &&exchange::Opened| *it.origin == *node.config.origin;
        assert!(found.records.iter().filter(of_node).count() > 1);
    }
    second.1.close().await.unwrap();
    one.verifies();
    two.verifies();
}

async fn what_another_node_has_not_filed_is_erased_as_well(server: &Postmaster) {
    let (one, mut two) = (node(server, "late", 1), node(server, "late", 2));
    share_key(&one, &two);
    // What it records after its start is published, and filed, at its end.
    two.config.publish_ms = 3_600_000;
    let ((first, first_handle), (second, second_handle)) = (one.start(), two.start());
    two.exchange(&second).await;
    one.clock.set(NOW_MS + 10_000);
    let erased = first.erase(&one.patient(), &person(CITIZEN)).await;
    assert_eq!(whole(erased), 0);
    two.clock.set(NOW_MS + 20_000);
    let anew = two.exchange(&second).await;
    second_handle.close().await.unwrap();
    let found = one.accesses(&first, CITIZEN).await;
    assert_eq!(seqs(&found.found), [anew.seq()]);
    first_handle.close().await.unwrap();
    two.verifies();
}

async fn a_database_that_is_down_holds_up_no_exchange(server: &mut Postmaster) {
    let mut desk = node(server, "away", 1);
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    let found = desk.accesses(&evidence, CITIZEN).await;
    assert_eq!(found.found.records.len(), 1);
    server.stop(Stop::Fast).unwrap();
    let shown = desk.shown();
    for _ in 0..3 {
        desk.exchange(&evidence).await;
    }
    desk.request.subject.identifier = person(OTHER);
    desk.exchange(&evidence).await;
    nothing_is_found_or_erased(&desk, &evidence).await;
    // Without its lock store nothing more is shown.
    assert!(desk.shown() <= shown + 1, "{} after {shown}", desk.shown());
    server.start().unwrap();
    everything_is_made_up_for(&desk, &evidence).await;
    handle.close().await.unwrap();
    desk.verifies();
}

async fn nothing_is_found_or_erased(desk: &Desk, evidence: &Evidence) {
    let (disclosure, query) = (desk.disclosure(), about(CITIZEN));
    let found = evidence.search(&disclosure, &query).await;
    assert!(is_unavailable(&found), "{found:?}");
    let found = evidence.accesses(&disclosure, &query).await;
    assert!(is_unavailable(&found), "{found:?}");
    let began = Instant::now();
    let erased = evidence.erase(&disclosure, &person(OTHER)).await;
    assert!(is_unavailable(&erased), "{erased:?}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

/// What was refused while the database was down is not done behind anybody's back.
async fn everything_is_made_up_for(desk: &Desk, evidence: &Evidence) {
    let found = until("everything is filed", async || {
        let query = about(CITIZEN);
        let found = evidence.accesses(&desk.disclosure(), &query).await.ok()?;
        (found.found.records.len() == 4).then_some(found)
    })
    .await;
    for record in &found.found.records {
        assert_eq!(opened(record, "sub"), Some(CITIZEN));
    }
    assert_eq!(desk.accesses(evidence, OTHER).await.total, 1);
    let erased = evidence.erase(&desk.patient(), &person(OTHER)).await;
    assert!(whole(erased) >= 1);
    let found = desk.accesses(evidence, OTHER).await;
    assert!(found.found.records.is_empty(), "{found:?}");
}

async fn an_erasure_that_is_cut_is_tried_again(server: &mut Postmaster) {
    let desk = node(server, "cut", 1);
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    assert_eq!(desk.accesses(&evidence, CITIZEN).await.total, 1);
    let client = connect(server, "cut").await;
    let hold = "BEGIN; LOCK TABLE erased IN SHARE MODE";
    client.batch_execute(hold).await.unwrap();
    let watch = connect(server, "cut").await;
    let cut = async {
        until("it waits", async || {
            let waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
            let waits = watch.query(waits, &[]).await.unwrap();
            (!waits.is_empty()).then_some(())
        })
        .await;
        server.stop(Stop::Immediate).unwrap();
        server.start().unwrap();
    };
    let (disclosure, number) = (desk.patient(), person(CITIZEN));
    let (erased, ()) = tokio::join!(evidence.erase(&disclosure, &number), cut);
    assert!(whole(erased) >= 1);
    let found = desk.accesses(&evidence, CITIZEN).await;
    assert!(found.found.records.is_empty(), "{found:?}");
    handle.close().await.unwrap();
}

/// Somebody else cleans a table, so that it cannot be cleaned now.
async fn a_table_that_cannot_be_cleaned_holds_up_no_erasure(server: &Postmaster) {
    let desk = node(server, "clean", 1);
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    assert_eq!(desk.accesses(&evidence, CITIZEN).await.total, 1);
    let client = connect(server, "clean").await;
    let hold = "BEGIN; LOCK TABLE mark IN SHARE UPDATE EXCLUSIVE MODE";
    client.batch_execute(hold).await.unwrap();
    let erased = evidence.erase(&desk.disclosure(), &person(CITIZEN)).await;
    assert_eq!(erased.unwrap(), Erased::Keys(2));
    let found = desk.accesses(&evidence, CITIZEN).await;
    assert!(found.found.records.is_empty(), "{found:?}");
    client.batch_execute("COMMIT").await.unwrap();
    until("it is cleaned", async || {
        let marks = client.query("SELECT 1 FROM to_clean", &[]).await.unwrap();
        marks.is_empty().then_some(())
    })
    .await;
    handle.close().await.unwrap();
}

impl Desk {
    /// The logs with records about the person, each of which opens.
    async fn logs_that_open(&self) -> Vec<String> {
        let (evidence, handle) = self.start();
        let found = self.search(&evidence, about(CITIZEN)).await;
        for record in &found.records {
            assert_eq!(opened(record, "sub"), Some(CITIZEN));
            proves(record);
        }
        handle.close().await.unwrap();
        let mut logs: Vec<_> = found
            .records
            .iter()
            .map(|it| it.origin.to_string())
            .collect();
        logs.sort_unstable();
        logs.dedup();
        logs
    }
}

/// Both nodes record in two half-years; of the first, one after the other destroys what is hidden.
#[expect(clippy::cognitive_complexity, reason = "one story")]
async fn a_half_year_that_one_node_retires_opens_on_the_others(server: &Postmaster) {
    let nodes = [1, 2].map(|number| {
        let mut desk = node(server, "halves", number);
        desk.config.origin = format!("audit.gw.example/gw-{number}/{{half-year}}");
        desk.config.retention_years = 0;
        desk
    });
    share_key(&nodes[0], &nodes[1]);
    for now in [NOW_MS, turn::LATER_MS] {
        for desk in &nodes {
            desk.clock.set(now);
            let (evidence, handle) = desk.start();
            desk.exchange(&evidence).await;
            handle.close().await.unwrap();
        }
    }
    let database = connect(server, "halves").await;
    let count = async |what: &str| -> i64 {
        let sql = format!("SELECT COUNT(*) FROM {what}");
        database.query_one(&sql, &[]).await.unwrap().get(0)
    };
    let mut expected = vec![
        "audit.gw.example/gw-1/2026h1",
        "audit.gw.example/gw-1/2026h2",
        "audit.gw.example/gw-2/2026h1",
        "audit.gw.example/gw-2/2026h2",
    ];
    for log in &expected {
        let row = format!("lock_store WHERE origin = '{log}'");
        assert_eq!(count(&row).await, 1, "{row}");
    }
    for (desk, keys) in [(None, 1), (Some(&nodes[0]), 1), (Some(&nodes[1]), 0)] {
        if let Some(desk) = desk {
            desk.retire("2026h1").await.unwrap();
            let own = format!("{}/2026h1", desk.config.origin.replace("/{half-year}", ""));
            expected.retain(|origin| **origin != *own);
        }
        for desk in &nodes {
            assert_eq!(desk.logs_that_open().await, expected);
        }
        assert_eq!(count("tag_key WHERE epoch = '2026h1'").await, keys);
    }
    assert_eq!(count("subject_key WHERE epoch = '2026h1'").await, 0);
    assert!(count("subject_key WHERE epoch = '2026h2'").await > 0);
}

async fn connect(server: &Postmaster, database: &str) -> tokio_postgres::Client {
    let address = server.address(database);
    let connected = tokio_postgres::connect(&address, tokio_postgres::NoTls).await;
    let (client, connection) = connected.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    client
}

async fn a_lock_store_that_stays_away_ends_the_log(server: &mut Postmaster) {
    let mut desk = node(server, "grace", 1);
    desk.config.publish_grace_s = 1;
    let (alarm, rung) = alarm();
    let (evidence, handle) = desk.try_start(alarm).unwrap();
    desk.exchange(&evidence).await;
    server.stop(Stop::Immediate).unwrap();
    desk.exchange(&evidence).await;
    let told = until("the alarm rings", async || rung.try_recv().ok()).await;
    assert!(told.contains("postgres://127.0.0.1"), "{told}");
    drop(handle);
    let refused = desk.try_start(Alarm::new(|_| ())).unwrap_err();
    assert!(matches!(refused, Error::Database { .. }), "{refused}");
    server.start().unwrap();
    let (_, handle) = desk.start();
    handle.close().await.unwrap();
    desk.verifies();
}

async fn a_log_that_was_set_back_does_not_start(server: &Postmaster) {
    let mut desk = node(server, "locks", 1);
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    handle.close().await.unwrap();
    let old = copy(desk.path());
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    handle.close().await.unwrap();
    assert!(!desk.config.lock_file().exists());

    let dir = std::mem::replace(&mut desk.config.dir, old.path().to_owned());
    let refused = desk.try_start(Alarm::new(|_| ())).unwrap_err().to_string();
    assert!(
        refused.starts_with("AuditRollbackDetected: the lock store postgres://127.0.0.1"),
        "{refused}"
    );
    desk.config.dir = dir;
    let (_, handle) = desk.start();
    handle.close().await.unwrap();
}

async fn of_two_writers_of_one_log_one_loses(server: &Postmaster) {
    let mut desk = node(server, "writers", 1);
    let (alarm, rung) = alarm();
    let (evidence, first) = desk.try_start(alarm).unwrap();
    desk.exchange(&evidence).await;
    until("it is shown", async || (desk.shown() > 1).then_some(())).await;
    let copied = copy(desk.path());
    let dir = std::mem::replace(&mut desk.config.dir, copied.path().to_owned());
    let (_, second) = desk.start();
    desk.config.dir = dir;
    desk.exchange(&evidence).await;
    let told = until("the first is told", async || rung.try_recv().ok()).await;
    assert!(told.contains("holds another checkpoint"), "{told}");
    drop(first);
    second.close().await.unwrap();
}

/// A server for all of it, since it takes a second or two to make.
#[tokio::test]
#[expect(clippy::print_stderr, reason = "a test that did not run says so")]
async fn nodes_with_one_postgresql_search_together_and_survive_its_end() {
    let Some(mut server) = Postmaster::running().unwrap() else {
        eprintln!("no PostgreSQL here: set LIENTHONG_TEST_POSTGRES_BIN to the folder of initdb");
        return;
    };
    for database in [
        "pair", "late", "away", "cut", "grace", "locks", "writers", "halves", "clean",
    ] {
        server.create(database).unwrap();
    }
    let pair = pair(&server).await;
    what_is_erased_on_one_node_is_erased_on_both(&pair).await;
    an_index_that_is_made_again_leaves_the_other_nodes_records(pair).await;
    what_another_node_has_not_filed_is_erased_as_well(&server).await;
    a_table_that_cannot_be_cleaned_holds_up_no_erasure(&server).await;
    a_half_year_that_one_node_retires_opens_on_the_others(&server).await;
    a_log_that_was_set_back_does_not_start(&server).await;
    of_two_writers_of_one_log_one_loses(&server).await;
    a_database_that_is_down_holds_up_no_exchange(&mut server).await;
    an_erasure_that_is_cut_is_tried_again(&mut server).await;
    a_lock_store_that_stays_away_ends_the_log(&mut server).await;
}
