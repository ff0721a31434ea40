//! A page is read in the order of time, whatever is searched for and however much there is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use exchange::AgencyCode;

use super::super::sql::Durability;
use super::super::sqlite::Sqlite;
use super::*;

const PERSON: Tag = [1; 16];
/// Of the half-year before.
const BEFORE: Tag = [2; 16];
const OFFICER: Tag = [3; 16];
const RECORDS: u64 = 100_000;

/// An index in which every record is about one person: of two half-years, by ten agencies and, now and
/// then, one officer.
fn index(records: u64) -> (tempfile::TempDir, Index) {
    let dir = tempfile::tempdir().unwrap();
    let db = Sqlite::open(&dir.path().join("index.db"), Durability::Relaxed).unwrap();
    let mut index = Index::open(Box::new(db)).unwrap();
    let entries = (0..records).map(|seq| {
        let person = if seq < records / 2 { BEFORE } else { PERSON };
        let by_officer = seq.is_multiple_of(100).then_some(OFFICER);
        Entry {
            seq,
            ts: seq / 3,
            kind: if seq % 7 == 0 { "DENIED" } else { "ACCESS" }.to_owned(),
            agency: Some(format!("G{:02}", seq % 10)),
            request: None,
            shown_from: if seq % 5 == 0 { NEVER } else { 0 },
            tags: std::iter::once(person).chain(by_officer).collect(),
            parts: Vec::new(),
            sealed: Vec::new(),
            leaf: None,
            reviewing: Default::default(),
        }
    });
    index.file(1, &mut entries.collect(), records).unwrap();
    (dir, index)
}

const NEVER: u64 = i64::MAX as u64;

fn person() -> Terms {
    Terms {
        subject: Some(vec![BEFORE, PERSON]),
        ..Terms::default()
    }
}

fn seqs(found: &[Position]) -> Vec<u64> {
    found.iter().map(|place| place.seq).collect()
}

/// Every kind of search that names somebody.
fn searches() -> Vec<(Query, Terms)> {
    let page = Query {
        limit: 50,
        ..Query::default()
    };
    let after = Position {
        ts: 9_000,
        log: 1,
        seq: 27_001,
    };
    let second = Query {
        after: Some(after),
        from: Some(jiff::Timestamp::from_millisecond(100).unwrap()),
        until: Some(jiff::Timestamp::from_millisecond(9_500).unwrap()),
        ..page.clone()
    };
    let agency = Query {
        agency: AgencyCode::parse("G03"),
        ..second.clone()
    };
    let own = Terms {
        shown_at: Some(5),
        ..person()
    };
    let both = Terms {
        officer: Some(vec![OFFICER]),
        ..person()
    };
    let officer = Terms {
        officer: Some(vec![OFFICER]),
        ..Terms::default()
    };
    vec![
        (page.clone(), person()),
        (second.clone(), person()),
        (agency, person()),
        (second, own),
        (page.clone(), both),
        (page, officer),
    ]
}

#[test]
fn a_page_of_a_person_with_a_hundred_thousand_records_is_not_sorted() {
    let (_dir, mut index) = index(RECORDS);
    for (query, terms) in searches() {
        let page = Page::of_marks(&PERSON, &query, &terms);
        let sql = format!("EXPLAIN QUERY PLAN {}", page.sql);
        let plan = index.db.rows(&sql, &page.values).unwrap();
        let plan: Vec<_> = plan.iter().map(|row| row[3].text().to_owned()).collect();
        let first = plan.first().unwrap();
        assert!(
            first.starts_with("SEARCH m USING PRIMARY KEY (tag=?"),
            "{plan:?}"
        );
        let is_bound = query.after.is_some();
        assert!(!is_bound || first.contains("ts"), "{plan:?}");
        assert!(
            plan[1].starts_with("SEARCH r USING PRIMARY KEY (log=? AND seq=?)"),
            "{plan:?}"
        );
        let sorts = plan.iter().any(|step| step.contains("ORDER BY"));
        assert!(!sorts, "{plan:?}");
    }
    let first = index.search(&searches()[0].0, &person()).unwrap();
    let newest: Vec<_> = (RECORDS - 50..RECORDS).rev().collect();
    assert_eq!(seqs(&first), newest);
}

#[test]
fn the_pages_of_every_search_are_those_of_all_records() {
    let (_dir, mut index) = index(3_000);
    for (query, terms) in searches() {
        let query = Query {
            after: None,
            limit: 7,
            ..query
        };
        let all = Query {
            limit: 10_000,
            ..query.clone()
        };
        let expected = index.page(&Page::of_records(&all, &terms)).unwrap();
        assert!(!expected.is_empty());
        assert_eq!(index.count(&query, &terms).unwrap(), expected.len() as u64);
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = Query {
                after,
                ..query.clone()
            };
            let page = index.search(&page, &terms).unwrap();
            after = page.last().copied();
            found.extend(page);
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seqs(&found), seqs(&expected));
    }
}

#[test]
fn a_record_under_two_tags_of_a_person_is_found_once() {
    let (_dir, mut index) = index(0);
    let entry = Entry {
        seq: 0,
        ts: 0,
        kind: "ACCESS".to_owned(),
        agency: None,
        request: None,
        shown_from: 0,
        tags: vec![PERSON, BEFORE],
        parts: Vec::new(),
        sealed: Vec::new(),
        leaf: None,
        reviewing: Default::default(),
    };
    index.file(1, &mut vec![entry], 1).unwrap();
    assert_eq!(
        seqs(&index.search(&searches()[0].0, &person()).unwrap()),
        [0]
    );
}

/// Counts what a database is asked.
#[derive(Debug)]
struct Counted(Box<dyn Database>, Arc<AtomicU64>);

impl Database for Counted {
    fn run(&mut self, sql: &str, values: &[Value]) -> Result<u64, Error> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.run(sql, values)
    }

    fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.rows(sql, values)
    }

    fn define(&mut self, tables: &[&str], indexes: &[&str]) -> Result<(), Error> {
        self.0.define(tables, indexes)
    }

    fn begin(&mut self) -> Result<(), Error> {
        self.0.begin()
    }

    fn is_shared(&self) -> bool {
        self.0.is_shared()
    }

    fn hold(&mut self, how: Hold) -> Result<(), Error> {
        self.0.hold(how)
    }

    fn scrub(&mut self, tables: &[&str]) -> Result<(), Error> {
        self.0.scrub(tables)
    }
}

#[test]
fn nothing_is_asked_that_is_known_already() {
    let (_dir, Index { db, .. }) = index(100);
    let asked = Arc::new(AtomicU64::new(0));
    let mut index = Index::open(Box::new(Counted(db, Arc::clone(&asked)))).unwrap();
    index.name(1, "log.example/1").unwrap();
    let mut asks = |work: &mut dyn FnMut(&mut Index)| {
        let before = asked.load(Ordering::Relaxed);
        work(&mut index);
        asked.load(Ordering::Relaxed) - before
    };
    let page = |limit, after| Query {
        limit,
        after,
        ..Query::default()
    };
    // Those on the page are all there are: they are not counted once more.
    let whole = asks(&mut |index| {
        let query = page(101, None);
        let found = index.search(&query, &person()).unwrap();
        assert_eq!(index.total(&query, &person(), found.len()).unwrap(), 100);
    });
    assert_eq!(whole, 2, "a page for each half-year");
    let mut last = None;
    let first = asks(&mut |index| {
        let query = page(50, None);
        let found = index.search(&query, &person()).unwrap();
        last = found.last().copied();
        assert_eq!(index.total(&query, &person(), found.len()).unwrap(), 100);
    });
    assert_eq!(first, 3);
    let second = asks(&mut |index| {
        let query = page(101, last);
        let found = index.search(&query, &person()).unwrap();
        assert_eq!(found.len(), 50);
        assert_eq!(index.total(&query, &person(), found.len()).unwrap(), 100);
    });
    assert_eq!(second, 3);
    let origins = asks(&mut |index| {
        for _ in 0..50 {
            assert_eq!(index.origin(1).unwrap(), "log.example/1");
            assert_eq!(index.origin(2).unwrap(), "");
        }
    });
    assert_eq!(origins, 51, "one that is not there may come");
}
