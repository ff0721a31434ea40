//! What every database does for keyring and index.

use exchange::{Position, Query};

use super::Opens;
use crate::keys::secret::Secret;
use crate::private::epoch::Epoch;
use crate::private::index::{Entry, Index, Terms};
use crate::private::keyring::{Keyring, RecordKey};
use crate::private::parts::{Parts, Portion};
use crate::private::promise::Promise;
use crate::private::reviews::Reviewing;
use crate::private::sql::{Value, at_once, insert};
use crate::private::tags::Tag;

pub(super) const ALL: [fn(Opens<'_>); 10] = [
    values_come_back_as_they_went,
    what_fails_halfway_is_undone,
    a_person_has_one_key_until_it_is_erased,
    what_is_dropped_before_the_commit_is_undone,
    a_half_year_has_one_key_of_tags,
    a_promise_stays_until_it_is_kept,
    what_is_filed_is_counted,
    a_search_finds_by_every_term_and_page,
    what_is_forgotten_is_not_found,
    an_emergency_is_open_until_its_verdict_is_filed,
];

const LOG: i64 = -7;
const ALICE: Tag = [1; 16];
const BOB: Tag = [2; 16];
const CAROL: Tag = [3; 16];

fn epoch() -> Epoch {
    "2026h1".parse().unwrap()
}

fn keyring(open: Opens<'_>) -> Keyring {
    Keyring::open(open(), &Secret::new(&[9; 32])).unwrap()
}

fn all_of(seq: u64) -> Portion {
    let (log, parts) = (LOG, Parts::All);
    Portion { log, seq, parts }
}

fn values_come_back_as_they_went(open: Opens<'_>) {
    let mut db = open();
    let table = "thing (id BIGINT, text TEXT, bytes BYTEA, PRIMARY KEY (id))";
    db.define(&[table], &["thing_by_text ON thing (text)"])
        .unwrap();
    let row = [
        Value::Int(i64::MIN),
        Value::Text("Nguyễn".to_owned()),
        Value::Bytes(vec![0, 255, 0]),
    ];
    let none = [Value::of(u64::MAX), Value::Null, Value::Bytes(Vec::new())];
    let insert = "INSERT INTO thing (id, text, bytes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    assert_eq!(db.run(insert, &none).unwrap(), 1);
    assert_eq!(db.run(insert, &row).unwrap(), 1);
    assert_eq!(db.run(insert, &row).unwrap(), 0, "it is there already");
    // Another connection finds the table, and what is in it.
    let mut db = open();
    db.define(&[table], &["thing_by_text ON thing (text)"])
        .unwrap();
    let rows = db.rows("SELECT id, text, bytes FROM thing ORDER BY id", &[]);
    assert_eq!(rows.unwrap(), [row.to_vec(), none.to_vec()]);
    let none = db.rows("SELECT text FROM thing WHERE id = $1", &[Value::Int(5)]);
    assert!(none.unwrap().is_empty());
    assert!(db.run("DELETE FROM nothing", &[]).is_err());
    assert_eq!(db.run("DELETE FROM thing", &[]).unwrap(), 2);
    db.scrub(&["thing"]).unwrap();
}

fn what_fails_halfway_is_undone(open: Opens<'_>) {
    let mut db = open();
    db.define(&["thing (id BIGINT PRIMARY KEY)"], &[]).unwrap();
    let failed = at_once(&mut *db, |db| {
        db.run("INSERT INTO thing (id) VALUES ($1)", &[Value::Int(1)])?;
        db.run("INSERT INTO thing (id) VALUES ($1)", &[Value::Int(1)])
    });
    assert!(failed.is_err());
    // What the server refuses ends no connection.
    assert!(db.rows("SELECT id FROM thing", &[]).unwrap().is_empty());
    at_once(&mut *db, |db| {
        db.run("INSERT INTO thing (id) VALUES ($1)", &[Value::Int(1)])
    })
    .unwrap();
    assert_eq!(open().rows("SELECT id FROM thing", &[]).unwrap().len(), 1);
}

/// The key to all that a record of that person hides.
pub(in crate::private) fn key(seq: u64, subject: Tag, secret: &Secret) -> RecordKey {
    RecordKey {
        seq,
        part: 0,
        ts: 1_000,
        is_about_many: false,
        persons: vec![subject],
        epoch: epoch(),
        secret: secret.clone(),
    }
}

fn a_person_has_one_key_until_it_is_erased(open: Opens<'_>) {
    let (mut first, mut second) = (keyring(open), keyring(open));
    assert!(!first.has(epoch()).unwrap());
    let secret = Secret::new(&[5; 32]);
    let mut keys = Vec::new();
    for (seq, subject) in [(3, ALICE), (4, BOB), (5, ALICE)] {
        keys.push(key(seq, subject, &secret));
    }
    // Whichever node files, a person's key is the same.
    let last = keys.pop().unwrap();
    first.file(LOG, &mut keys, 5).unwrap();
    second.file(LOG, &mut vec![last], 6).unwrap();
    assert_eq!((second.next(LOG).unwrap(), second.next(1).unwrap()), (6, 0));
    assert!(second.has(epoch()).unwrap());
    assert_eq!(second.record(&all_of(5)).unwrap(), [(0, secret.clone())]);
    second.erase_persons(&[ALICE], 0).unwrap();
    second.erase_records(&[all_of(3)]).unwrap();
    assert!(first.record(&all_of(3)).unwrap().is_empty());
    assert!(
        first.record(&all_of(5)).unwrap().is_empty(),
        "without a key"
    );
    assert_eq!(first.record(&all_of(4)).unwrap(), [(0, secret)]);
}

fn what_is_dropped_before_the_commit_is_undone(open: Opens<'_>) {
    let mut keyring = keyring(open);
    let mut dropped = open();
    dropped.run("BEGIN", &[]).unwrap();
    let row = [Value::Int(LOG), Value::Int(9)];
    insert(&mut *dropped, "filed_keys (log, next)", vec![row]).unwrap();
    drop(dropped);
    assert_eq!(keyring.next(LOG).unwrap(), 0);
    assert!(!keyring.has(epoch()).unwrap());
}

fn a_promise_stays_until_it_is_kept(open: Opens<'_>) {
    const HOUR_MS: u64 = 3_600_000;
    let mut first = keyring(open);
    let old = Promise::new("sub", b"999099000001", HOUR_MS).unwrap();
    let young = Promise::new("sub.legacy", b"012345678", 2 * HOUR_MS).unwrap();
    first.promise(&old, "gw-1").unwrap();
    first.promise(&young, "gw-1").unwrap();
    let rows = open().rows("SELECT whom FROM to_erase", &[]).unwrap();
    for row in rows {
        let whom = row[0].bytes();
        let tells = |word: &[u8]| whom.windows(word.len()).any(|it| it == word);
        assert!(!tells(b"999099000001") && !tells(b"012345678"), "{whom:?}");
    }
    let mut second = keyring(open);
    let promised = |keyring: &mut Keyring, node: &str, before_ms| {
        let all = keyring.promised(node, before_ms).unwrap();
        let all = all.into_iter().map(Result::unwrap);
        all.map(|it| (it.kind.clone(), it.id.to_vec(), it.until_ms))
            .collect::<Vec<_>>()
    };
    let expected = [
        ("sub".to_owned(), b"999099000001".to_vec(), HOUR_MS),
        ("sub.legacy".to_owned(), b"012345678".to_vec(), 2 * HOUR_MS),
    ];
    assert_eq!(promised(&mut second, "gw-1", 2 * HOUR_MS + 1), expected);
    // What this run has promised is not what was left undone; another node's is, after an hour.
    assert_eq!(promised(&mut second, "gw-1", 2 * HOUR_MS), expected[..1]);
    assert_eq!(
        promised(&mut second, "gw-2", 2 * HOUR_MS + 1),
        expected[..1]
    );
    assert_eq!(promised(&mut second, "gw-2", 2 * HOUR_MS), []);
    let mut stranger = Keyring::open(open(), &Secret::new(&[8; 32])).unwrap();
    let lost = stranger.promised("gw-1", HOUR_MS + 1).unwrap();
    assert!(matches!(lost[..], [Err(crate::Error::Crypto(_))]));

    second.keep(&old).unwrap();
    second.keep(&old).unwrap();
    assert_eq!(promised(&mut first, "gw-1", 2 * HOUR_MS + 1), expected[1..]);
    let marks = first.marks().unwrap();
    assert_eq!(marks, [old.number]);
    first.keep(&young).unwrap();
    first.clean().unwrap();
    first.cleaned(&marks).unwrap();
    assert_eq!(second.marks().unwrap(), [young.number]);
}

fn a_half_year_has_one_key_of_tags(open: Opens<'_>) {
    let (mut first, mut second) = (keyring(open), keyring(open));
    let made = first.tag_key(epoch()).unwrap().unwrap();
    assert_eq!(second.tag_key(epoch()).unwrap().unwrap(), made);
    assert_eq!(second.tag_keys().unwrap(), [(epoch(), made)]);
    let mut stranger = Keyring::open(open(), &Secret::new(&[8; 32])).unwrap();
    assert!(stranger.tag_keys().is_err() && stranger.tag_key(epoch()).is_err());
    // Lost: there are persons of a half-year, and no key of its tags.
    let later = RecordKey {
        epoch: "2026h2".parse().unwrap(),
        ..key(9, BOB, &Secret::new(&[5; 32]))
    };
    first.file(LOG, &mut vec![later], 10).unwrap();
    assert_eq!(second.tag_key("2026h2".parse().unwrap()).unwrap(), None);
}

pub(in crate::private) fn entry(seq: u64, tags: &[Tag]) -> Entry {
    Entry {
        seq,
        ts: 1_000 + seq / 2,
        kind: "ACCESS".to_owned(),
        agency: seq.is_multiple_of(2).then(|| "G18".to_owned()),
        request: (seq == 3).then(|| "0190163d-8694-739b-aea5-966c26f8ad91".to_owned()),
        shown_from: seq * 10,
        tags: tags.to_vec(),
        parts: Vec::new(),
        sealed: vec![(0, vec![seq as u8; 40])],
        leaf: (seq == 3).then(|| b"{}".to_vec()),
        reviewing: Default::default(),
    }
}

/// Two logs: 70 records of one, more than go with one statement, and one record of the other.
fn filed(open: Opens<'_>) -> Index {
    let mut index = Index::open(open()).unwrap();
    for _ in 0..2 {
        index.name(LOG, "audit.gw.example/gw-1").unwrap();
    }
    let entries = (0..70).map(|seq| entry(seq, &[if seq < 60 { ALICE } else { BOB }, CAROL]));
    index.file(LOG, &mut entries.collect(), 70).unwrap();
    // Filed twice, as after a failure, it is there once.
    for _ in 0..2 {
        index.file(LOG + 1, &mut vec![entry(3, &[BOB])], 4).unwrap();
    }
    index
}

fn query(limit: u32) -> Query {
    Query {
        limit,
        ..Query::default()
    }
}

fn seqs(found: &[Position]) -> Vec<u64> {
    found.iter().map(|place| place.seq).collect()
}

fn what_is_filed_is_counted(open: Opens<'_>) {
    let mut index = filed(open);
    assert_eq!(index.next(LOG).unwrap(), 70);
    assert_eq!(index.origin(LOG).unwrap(), "audit.gw.example/gw-1");
    assert_eq!(index.oldest().unwrap(), Some(1_000));
    assert_eq!(index.opened(LOG).unwrap(), 70);
    assert_eq!(index.opened(5).unwrap(), 0);
    assert_eq!(index.marked(&[BOB]).unwrap().len(), 11);
    assert_eq!(index.leaf(LOG, 3).unwrap().unwrap(), b"{}");
    assert_eq!(index.leaf(LOG, 4).unwrap(), None);
    assert_eq!(index.sealed(&all_of(7)).unwrap(), [(0, vec![7; 40])]);
}

fn a_search_finds_by_every_term_and_page(open: Opens<'_>) {
    let mut index = filed(open);
    let about = |tags: &[Tag]| Terms {
        subject: Some(tags.to_vec()),
        ..Terms::default()
    };
    assert_eq!(
        seqs(&index.search(&query(3), &Terms::default()).unwrap()),
        [69, 68, 67]
    );
    assert_eq!(index.count(&query(3), &about(&[ALICE, BOB])).unwrap(), 71);
    assert_eq!(index.count(&query(3), &about(&[])).unwrap(), 0);
    let page = index.search(&query(9), &about(&[BOB])).unwrap();
    assert_eq!(seqs(&page), [69, 68, 67, 66, 65, 64, 63, 62, 61]);
    let after = Query {
        after: page.last().copied(),
        ..query(9)
    };
    assert_eq!(
        seqs(&index.search(&after, &about(&[BOB])).unwrap()),
        [60, 3]
    );
    let narrow = Query {
        agency: Some(exchange::AgencyCode::parse("G18").unwrap()),
        from: Some(jiff::Timestamp::from_millisecond(1_010).unwrap()),
        until: Some(jiff::Timestamp::from_millisecond(1_015).unwrap()),
        ..query(9)
    };
    let both = Terms {
        officer: Some(vec![CAROL]),
        shown_at: Some(260),
        ..about(&[ALICE])
    };
    assert_eq!(
        seqs(&index.search(&narrow, &both).unwrap()),
        [26, 24, 22, 20]
    );
    let request = exchange::RequestId::parse("0190163d-8694-739b-aea5-966c26f8ad91");
    let by_request = Query {
        request: Some(request.unwrap()),
        ..query(9)
    };
    let found = index.search(&by_request, &Terms::default()).unwrap();
    assert_eq!((found[0].log, found[1].log), (LOG + 1, LOG));
}

fn what_is_forgotten_is_not_found(open: Opens<'_>) {
    let mut index = Index::open(open()).unwrap();
    let many = Entry {
        kind: crate::batch::KIND.to_owned(),
        tags: vec![ALICE, BOB],
        parts: vec![(ALICE, 0), (BOB, 1)],
        sealed: vec![(0, vec![1]), (1, vec![2])],
        ..entry(1, &[])
    };
    index
        .file(LOG, &mut vec![entry(0, &[ALICE]), many], 2)
        .unwrap();
    index
        .file(LOG + 1, &mut vec![entry(0, &[ALICE])], 1)
        .unwrap();
    let mut portions = Vec::new();
    for (log, seq) in index.marked(&[ALICE]).unwrap() {
        portions.push(index.portion(log, seq, &[ALICE]).unwrap());
    }
    assert_eq!(portions.len(), 3);
    index.forget(&[ALICE], &portions).unwrap();
    assert!(index.marked(&[ALICE]).unwrap().is_empty());
    assert!(index.sealed(&all_of(0)).unwrap().is_empty());
    assert_eq!(index.sealed(&all_of(1)).unwrap(), [(1, vec![2])]);
    assert_eq!(index.marked(&[BOB]).unwrap(), [(LOG, 1)]);
    index.forget_log(LOG).unwrap();
    assert_eq!(
        (index.next(LOG).unwrap(), index.next(LOG + 1).unwrap()),
        (0, 1)
    );
    assert!(index.marked(&[BOB]).unwrap().is_empty());
    assert_eq!(index.search(&query(9), &Terms::default()).unwrap().len(), 1);
}

fn an_emergency_is_open_until_its_verdict_is_filed(open: Opens<'_>) {
    let mut index = filed(open);
    let emergency = |seq| Entry {
        reviewing: Reviewing::Due,
        ..entry(seq, &[])
    };
    let verdict = |seq, of| Entry {
        reviewing: Reviewing::Done {
            log: LOG,
            seq: of,
            verdict: "JUSTIFIED".to_owned(),
        },
        ..entry(seq, &[])
    };
    let open_now = |index: &mut Index, limit| {
        let reviews = index.reviews(limit).unwrap();
        let open: Vec<u64> = reviews.open.iter().map(|it| it.seq).collect();
        (open, reviews.total)
    };
    let mut emergencies = vec![emergency(200), emergency(202), emergency(204)];
    index.file(LOG, &mut emergencies, 205).unwrap();
    assert_eq!(open_now(&mut index, 9), (vec![200, 202, 204], 3));
    assert_eq!(open_now(&mut index, 2), (vec![200, 202], 3));
    let first = index.reviews(1).unwrap().open.remove(0);
    assert_eq!(first.agency.as_deref(), Some("G18"));
    assert_eq!(first.origin, "audit.gw.example/gw-1");
    assert_eq!(first.due().as_second() - first.at.as_second(), 72 * 3_600);
    index.file(LOG, &mut vec![verdict(205, 202)], 206).unwrap();
    assert_eq!(open_now(&mut index, 9), (vec![200, 204], 2));
    // Another node's log is filed again: verdicts in it that are about this one stay.
    index.forget_log(LOG).unwrap();
    index
        .file(LOG, &mut vec![emergency(200), emergency(202)], 205)
        .unwrap();
    assert_eq!(open_now(&mut index, 9), (vec![200], 1));
}
