//! What only a server can show: several connections at once, deadlines, TLS, its end.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use exchange::SystemClock;
use identity::TrustDomain;
use identity::pki::Authority;
use postmaster::{Postmaster, Stop};
use tokio::time::Instant;

use super::suite::{entry, key};
use super::{access, config, open, secret};
use crate::keys::make_dir;
use crate::keys::secret::Secret;
use crate::private::databases;
use crate::private::epoch::Epoch;
use crate::private::index::{Entry, Index};
use crate::private::keyring::{Keyring, RecordKey};
use crate::private::locks::LockTable;
use crate::private::parts::{Parts, Portion};
use crate::private::postgres::Postgres;
use crate::private::sql::{Database as _, Durability, Hold};
use crate::private::tags::{PERSON, Tag, TagKeys};

const ALICE: Tag = [1; 16];
const BOB: Tag = [2; 16];
const CAROL: Tag = [3; 16];

fn epoch() -> Epoch {
    "2026h1".parse().unwrap()
}

fn keyring(server: &Postmaster, name: &str) -> Keyring {
    Keyring::open(open(server, name), &Secret::new(&[9; 32])).unwrap()
}

pub(super) fn tables_are_made_once_by_many(server: &Postmaster) {
    server.create("many").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let (mut keyring, mut index) = (
                    keyring(server, "many"),
                    Index::open(open(server, "many")).unwrap(),
                );
                let key = keyring.tag_key(epoch()).unwrap();
                assert!(key.is_some() && index.next(1).unwrap() == 0);
            });
        }
    });
    assert_eq!(keyring(server, "many").tag_keys().unwrap().len(), 1);
}

pub(super) fn a_key_that_is_in_use_is_erased_when_the_change_is_over(server: &Postmaster) {
    server.create("used").unwrap();
    let (mut files, mut erases) = (keyring(server, "used"), keyring(server, "used"));
    let secret = Secret::new(&[5; 32]);
    files.file(1, &mut vec![key(1, ALICE, &secret)], 2).unwrap();
    let mut other = open(server, "used");
    other.run("BEGIN", &[]).unwrap();
    other.hold(Hold::Together).unwrap();
    let erasing = std::thread::spawn(move || erases.erase_persons(&[ALICE], 1_000));
    let mut watch = open(server, "used");
    let waits =
        "SELECT 1 FROM pg_stat_activity WHERE datname = 'used' AND wait_event_type = 'Lock'";
    while watch.rows(waits, &[]).unwrap().is_empty() {
        assert!(!erasing.is_finished(), "it does not wait");
        std::thread::yield_now();
    }
    other.run("COMMIT", &[]).unwrap();
    erasing.join().unwrap().unwrap();
    // What was recorded before gets no key any more, and what is recorded later gets another.
    let (before, later) = (key(2, ALICE, &secret), key(3, ALICE, &secret));
    let later = RecordKey { ts: 1_001, ..later };
    files.file(1, &mut vec![before, later], 4).unwrap();
    // Of a record about one person everything goes, of one about many what is about that person.
    let part = |seq, part, is_about_many, person| RecordKey {
        part,
        is_about_many,
        ..key(seq, person, &secret)
    };
    let one = [part(4, 0, false, ALICE), part(4, 1, false, BOB)];
    let many = [part(5, 0, true, ALICE), part(5, 1, true, BOB)];
    let mut keys = one.into_iter().chain(many).collect();
    files.file(1, &mut keys, 6).unwrap();
    let mut records = |seq| {
        let (log, parts) = (1, Parts::All);
        let keys = files.record(&Portion { log, seq, parts }).unwrap();
        keys.into_iter().map(|(part, _)| part).collect::<Vec<_>>()
    };
    let kept = [1, 2, 3, 4, 5].map(&mut records);
    assert_eq!(kept, [vec![], vec![], vec![0], vec![], vec![1]]);
}

/// Another node erases after the keys of records were committed, and before their entries are.
pub(super) fn an_erasure_between_keys_and_index_leaves_no_mark(server: &Postmaster) {
    server.create("between").unwrap();
    let (mut files, mut erases) = (keyring(server, "between"), keyring(server, "between"));
    let mut index = Index::open(open(server, "between")).unwrap();
    let secret = Secret::new(&[5; 32]);
    let keys = [key(1, ALICE, &secret), key(2, BOB, &secret)];
    files.file(1, &mut keys.into(), 3).unwrap();
    erases.erase_persons(&[ALICE], 1_000).unwrap();

    let of = |seq, tags: &[Tag]| Entry {
        ts: 1_000,
        ..entry(seq, tags)
    };
    let many = Entry {
        kind: crate::batch::KIND.to_owned(),
        parts: vec![(ALICE, 0), (BOB, 1)],
        sealed: vec![(0, vec![1]), (1, vec![2]), (2, vec![3])],
        ..of(3, &[ALICE, BOB])
    };
    let later = Entry {
        ts: 1_001,
        ..of(4, &[ALICE])
    };
    let mut entries = vec![of(1, &[ALICE, CAROL]), of(2, &[BOB]), many, later];
    index.file(1, &mut entries, 5).unwrap();
    assert_eq!(index.marked(&[ALICE]).unwrap(), [(1, 4)]);
    assert_eq!(index.marked(&[CAROL]).unwrap(), [(1, 1)]);
    assert_eq!(index.marked(&[BOB]).unwrap(), [(1, 2), (1, 3)]);
    let mut sealed = |seq| {
        let (log, parts) = (1, Parts::All);
        let sealed = index.sealed(&Portion { log, seq, parts }).unwrap();
        sealed.into_iter().map(|(part, _)| part).collect::<Vec<_>>()
    };
    let kept = [1, 2, 3, 4].map(&mut sealed);
    assert_eq!(kept, [vec![], vec![0], vec![1, 2], vec![0]]);
    let portion = index.portion(1, 3, &[ALICE]).unwrap();
    assert_eq!(portion.parts, Parts::Of(Vec::new()));
}

pub(super) fn a_statement_that_takes_too_long_ends(server: &Postmaster) {
    let dir = tempfile::tempdir().unwrap();
    let access = access(&config(dir.path(), server, "postgres"));
    let patience = Duration::from_millis(200);
    let mut db = Postgres::open(&access, Durability::Full, patience).unwrap();
    let began = Instant::now();
    // First the server ends it, and the session goes on; then, without its limit, we do.
    assert!(db.run("SELECT pg_sleep(30)", &[]).is_err());
    db.run("SET statement_timeout = 0", &[]).unwrap();
    assert!(db.run("SELECT pg_sleep(30)", &[]).is_err());
    assert!(began.elapsed() < Duration::from_secs(10));
    let told = db.run("SELECT 1", &[]).unwrap_err();
    let source = std::error::Error::source(&told).unwrap().to_string();
    assert_eq!(source, "the connection was lost");
}

#[test]
fn a_server_that_says_nothing_is_waited_for_within_the_deadline() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let dir = tempfile::tempdir().unwrap();
    let config = secret(dir.path(), &format!("postgres://u:p@127.0.0.1:{port}/d"));
    let began = Instant::now();
    let opened = Postgres::open(&access(&config), Durability::Full, databases::PATIENCE);
    let told = opened.unwrap_err().to_string();
    assert_eq!(
        told,
        format!("cannot connect to postgres://127.0.0.1:{port}/d")
    );
    assert!(began.elapsed() < Duration::from_secs(8));
}

pub(super) fn the_nodes_have_one_master_key(server: &Postmaster) {
    server.create("nodes").unwrap();
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let [one, two] = [&one, &two].map(|dir| config(dir.path(), server, "nodes"));
    for node in [&one, &two] {
        make_dir(&node.keys_dir()).unwrap();
    }
    let mut keyring = databases::keyring(&one).unwrap();
    let mut tags = TagKeys::load(&one, &mut keyring).unwrap();
    tags.make(epoch(), &mut keyring).unwrap();

    let told = databases::keyring(&two).unwrap_err().to_string();
    assert!(told.contains("keyring.key: is missing"), "{told}");
    crate::keys::secret::make(&databases::master(&two)).unwrap();
    let mut wrong = databases::keyring(&two).unwrap();
    let told = TagKeys::load(&two, &mut wrong).unwrap_err().to_string();
    assert!(
        told.ends_with("is not the one of the other nodes"),
        "{told}"
    );

    std::fs::copy(databases::master(&one), databases::master(&two)).unwrap();
    let mut other = databases::keyring(&two).unwrap();
    let mut same = TagKeys::load(&two, &mut other).unwrap();
    same.make(epoch(), &mut other).unwrap();
    let id = b"999099000001";
    assert_eq!(same.tag(epoch(), PERSON, id), tags.tag(epoch(), PERSON, id));
    assert!(same.tag(epoch(), PERSON, id).is_some());
}

pub(super) fn the_lock_store_is_replaced_by_one_of_two(server: &Postmaster) {
    server.create("locks").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), server, "locks");
    let table = |origin: &str| {
        let origin = origin.to_owned();
        let config = crate::Config {
            origin,
            ..config.clone()
        };
        LockTable::of(&config).unwrap().unwrap()
    };
    let (mut one, mut two, mut other) = (table("a"), table("a"), table("b"));
    assert_eq!(one.load().unwrap(), None);
    assert!(!two.replace(Some("zero"), "one", 1).unwrap());
    assert!(one.replace(None, "one", 1).unwrap());
    assert!(!two.replace(None, "other", 1).unwrap());
    assert_eq!(two.load().unwrap().as_deref(), Some("one"));
    assert_eq!(other.load().unwrap(), None);
    let won = std::thread::scope(|scope| {
        let racing = [&mut one, &mut two]
            .map(|table| scope.spawn(|| table.replace(Some("one"), "two", 2).unwrap()));
        racing.map(|one| one.join().unwrap())
    });
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    assert_eq!(one.load().unwrap().as_deref(), Some("two"));
}

pub(super) fn a_password_goes_under_tls_alone(server: &mut Postmaster) {
    let domain = TrustDomain::parse("sandbox.example").unwrap();
    let authority = |dir: &std::path::Path| {
        Authority::create(dir, "Test", &domain, Arc::new(SystemClock)).unwrap()
    };
    let (pki, strange) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ours = authority(&pki.path().join("pki"));
    let stranger = authority(&strange.path().join("pki"));
    let day = Duration::from_secs(86_400);
    let credential = ours.issue_server("Test", &["localhost"], day).unwrap();
    let (certificate, key) = credential.save(server.folder(), "server").unwrap();
    server.own(&certificate).unwrap();
    server.own(&key).unwrap();
    server.stop(Stop::Fast).unwrap();
    server.set("ssl=on");
    server.set(format!("ssl_cert_file={}", certificate.display()));
    server.set(format!("ssl_key_file={}", key.display()));
    server.start().unwrap();

    let dir = tempfile::tempdir().unwrap();
    let address = server.address("postgres").replace("127.0.0.1", "localhost");
    let mut config = secret(dir.path(), &address);
    config.database_ca = Some(ours.certificate_file());
    let open = |config: &crate::Config| {
        Postgres::open(&access(config), Durability::Full, databases::PATIENCE)
    };
    let mut db = open(&config).unwrap();
    let encrypted = "SELECT 1 FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
    assert_eq!(db.rows(encrypted, &[]).unwrap().len(), 1);
    config.database_ca = Some(stranger.certificate_file());
    assert!(open(&config).is_err());
}

pub(super) fn what_was_lost_is_opened_anew(server: &mut Postmaster) {
    server.create("lost").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut locks = LockTable::of(&config(dir.path(), server, "lost"))
        .unwrap()
        .unwrap();
    assert!(locks.replace(None, "one", 1).unwrap());
    let mut db = open(server, "lost");
    server.stop(Stop::Immediate).unwrap();
    assert!(db.rows("SELECT 1", &[]).is_err() && locks.load().is_err());
    server.start().unwrap();
    assert!(db.rows("SELECT 1", &[]).is_err(), "it is lost for good");
    assert_eq!(locks.load().unwrap().as_deref(), Some("one"));
}
