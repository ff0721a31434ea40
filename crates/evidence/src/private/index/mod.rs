//! The index: which records there are about whom, by whom and when. Made of the log and the keyring.
//!
//! *Invariant:* no person and no officer stands here but by a keyed tag, and nobody who was erased when
//! it was recorded before.

use std::collections::HashMap;

use exchange::{Position, Query};

use super::erased::{self, Erased};
use super::parts::Portion;
use super::reviews;
use super::sql::{Database, Hold, Row, Value, at_once, insert, places};
use super::tags::Tag;
use crate::Error;

mod entry;

pub(super) use entry::Entry;
use entry::Rows;

/// The index of one log, or of several nodes' logs.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) db: Box<dyn Database>,
    erased: Erased,
    /// The names of logs, which never change, as far as they were asked for.
    origins: HashMap<i64, String>,
}

/// What is searched for, in the words of the index.
#[derive(Debug, Default)]
pub(super) struct Terms {
    /// Any of these tags; none if nobody is searched for.
    pub(super) subject: Option<Vec<Tag>>,
    pub(super) officer: Option<Vec<Tag>>,
    /// Only what a person may see at this time, and only answers to questions.
    pub(super) shown_at: Option<u64>,
}

impl Index {
    /// Opens the index; its tables are made if there are none.
    pub(super) fn open(mut db: Box<dyn Database>) -> Result<Self, Error> {
        let mut tables = vec![
            "log (id BIGINT PRIMARY KEY, origin TEXT NOT NULL)",
            "record (log BIGINT, seq BIGINT, ts BIGINT NOT NULL, kind TEXT NOT NULL, agency TEXT, \
             request TEXT, shown_from BIGINT NOT NULL, PRIMARY KEY (log, seq))",
            "mark (tag BYTEA, ts BIGINT, log BIGINT, seq BIGINT, PRIMARY KEY (tag, ts, log, seq))",
            "opening (log BIGINT, seq BIGINT, part BIGINT, sealed BYTEA NOT NULL, \
             PRIMARY KEY (log, seq, part))",
            "part (tag BYTEA, log BIGINT, seq BIGINT, part BIGINT, \
             PRIMARY KEY (tag, log, seq, part))",
            "leaf (log BIGINT, seq BIGINT, json BYTEA NOT NULL, PRIMARY KEY (log, seq))",
            "filed (log BIGINT PRIMARY KEY, next BIGINT NOT NULL)",
        ];
        let indexes = [
            "record_by_time ON record (ts, log, seq)",
            "record_by_agency ON record (agency, ts, log, seq)",
            "record_by_request ON record (request)",
        ];
        tables.extend(reviews::TABLES);
        if db.is_shared() {
            tables.push(erased::TABLE);
        }
        db.define(&tables, &indexes)?;
        Ok(Self {
            db,
            erased: Erased::default(),
            origins: HashMap::new(),
        })
    }

    /// Notes the name of a log.
    pub(super) fn name(&mut self, log: i64, origin: &str) -> Result<(), Error> {
        let row = [Value::Int(log), Value::Text(origin.to_owned())];
        insert(&mut *self.db, "log (id, origin)", vec![row])
    }

    /// The name of a log.
    pub(super) fn origin(&mut self, log: i64) -> Result<String, Error> {
        if let Some(origin) = self.origins.get(&log) {
            return Ok(origin.clone());
        }
        let sql = "SELECT origin FROM log WHERE id = $1";
        let rows = self.db.rows(sql, &[Value::Int(log)])?;
        let origin = rows.first().and_then(|row| row.first());
        let Some(origin) = origin.map(|origin| origin.text().to_owned()) else {
            return Ok(String::new());
        };
        self.origins.insert(log, origin.clone());
        Ok(origin)
    }

    /// True if records themselves are kept: nodes do not have each other's logs at hand.
    pub(super) fn keeps_leaves(&self) -> bool {
        self.db.is_shared()
    }

    /// A record itself; none if it is not kept here.
    pub(super) fn leaf(&mut self, log: i64, seq: u64) -> Result<Option<Vec<u8>>, Error> {
        let sql = "SELECT json FROM leaf WHERE log = $1 AND seq = $2";
        let rows = self.db.rows(sql, &[Value::Int(log), Value::of(seq)])?;
        let leaf = rows.first().and_then(|row| row.first());
        Ok(leaf.map(|leaf| leaf.bytes().to_vec()))
    }

    /// The number of the first record of a log that is not filed yet.
    pub(super) fn next(&mut self, log: i64) -> Result<u64, Error> {
        let sql = "SELECT next FROM filed WHERE log = $1";
        let rows = self.db.rows(sql, &[Value::Int(log)])?;
        let next = rows.first().and_then(|row| row.first());
        Ok(next.map_or(0, Value::number))
    }

    /// Files records; what lies before `next` is filed then. Of persons who were erased since their
    /// keys were filed, nothing is.
    pub(super) fn file(
        &mut self,
        log: i64,
        entries: &mut Vec<Entry>,
        next: u64,
    ) -> Result<(), Error> {
        let Self { db, erased, .. } = self;
        at_once(&mut **db, |db| {
            if db.is_shared() {
                // Nobody is erased meanwhile.
                db.hold(Hold::Together)?;
                erased.learn(db)?;
                for entry in &mut *entries {
                    entry.forget(erased);
                }
            }
            Rows::of(log, entries.drain(..)).insert(db)?;
            db.run(
                "INSERT INTO filed (log, next) VALUES ($1, $2) \
                 ON CONFLICT (log) DO UPDATE SET next = excluded.next",
                &[Value::Int(log), Value::of(next)],
            )
            .map(drop)
        })
    }

    /// Forgets everything of a log, for it to be filed again.
    pub(super) fn forget_log(&mut self, log: i64) -> Result<(), Error> {
        at_once(&mut *self.db, |db| {
            // A verdict stays: it may stand in the log of another node.
            for table in [
                "filed", "mark", "part", "opening", "leaf", "review", "record",
            ] {
                let sql = format!("DELETE FROM {table} WHERE log = $1");
                db.run(&sql, &[Value::Int(log)])?;
            }
            Ok(())
        })
    }

    /// The places of records, newest first. Those under tags are found tag by tag, each in the order of
    /// time: however many there are, none but those of the page are read.
    pub(super) fn search(&mut self, query: &Query, terms: &Terms) -> Result<Vec<Position>, Error> {
        let Some(tags) = terms.subject.as_ref().or(terms.officer.as_ref()) else {
            return self.page(&Page::of_records(query, terms));
        };
        let mut found = Vec::new();
        for tag in tags {
            found.extend(self.page(&Page::of_marks(tag, query, terms))?);
        }
        found.sort_unstable_by(|one, other| other.cmp(one));
        found.dedup();
        found.truncate(query.limit as usize);
        Ok(found)
    }

    fn page(&mut self, page: &Page) -> Result<Vec<Position>, Error> {
        let rows = self.db.rows(&page.sql, &page.values)?;
        Ok(rows.iter().filter_map(|row| position(row)).collect())
    }

    /// Every record under one of these tags.
    pub(super) fn marked(&mut self, tags: &[Tag]) -> Result<Vec<(i64, u64)>, Error> {
        if tags.is_empty() {
            return Ok(Vec::new());
        }
        let list = places(1, tags.len());
        let sql = format!("SELECT log, seq FROM mark WHERE tag IN ({list})");
        let tags = tags.iter().map(|tag| Value::Bytes(tag.to_vec()));
        let rows = self.db.rows(&sql, &tags.collect::<Vec<_>>())?;
        let record = |row: &Row| match row.as_slice() {
            [log, seq] => Some((log.int(), seq.number())),
            _ => None,
        };
        Ok(rows.iter().filter_map(record).collect())
    }

    /// How many records there are, whatever the page, of which a search has found so many: they are
    /// counted only if it may be more.
    pub(super) fn total(
        &mut self,
        query: &Query,
        terms: &Terms,
        found: usize,
    ) -> Result<u64, Error> {
        if query.after.is_none() && found < query.limit as usize {
            return Ok(found as u64);
        }
        self.count(query, terms)
    }

    pub(super) fn count(&mut self, query: &Query, terms: &Terms) -> Result<u64, Error> {
        let filter = Filter::of_records(query, terms);
        let sql = format!("SELECT COUNT(*) FROM record r WHERE {}", filter.text());
        let rows = self.db.rows(&sql, &filter.values)?;
        Ok(rows
            .first()
            .and_then(|row| row.first())
            .map_or(0, Value::number))
    }

    /// The time of the oldest record.
    pub(super) fn oldest(&mut self) -> Result<Option<u64>, Error> {
        let rows = self
            .db
            .rows("SELECT ts FROM record ORDER BY ts LIMIT 1", &[])?;
        Ok(rows.first().and_then(|row| row.first()).map(Value::number))
    }

    /// How many records of a log have something that can be opened.
    pub(super) fn opened(&mut self, log: i64) -> Result<u64, Error> {
        let sql = "SELECT COUNT(DISTINCT seq) FROM opening WHERE log = $1";
        let rows = self.db.rows(sql, &[Value::Int(log)])?;
        let count = rows.first().and_then(|row| row.first());
        Ok(count.map_or(0, Value::number))
    }

    /// The sealed openings of a record by part.
    pub(super) fn sealed(&mut self, portion: &Portion) -> Result<Vec<(usize, Vec<u8>)>, Error> {
        let (condition, values) = portion.condition();
        let sql = format!("SELECT part, sealed FROM opening WHERE {condition}");
        let rows = self.db.rows(&sql, &values)?;
        let sealed = rows.into_iter().filter_map(|row| match row.as_slice() {
            [part, sealed] => {
                let part = usize::try_from(part.number()).ok()?;
                Some((part, sealed.bytes().to_vec()))
            }
            _ => None,
        });
        Ok(sealed.collect())
    }

    /// Forgets all records of a log.
    pub(super) fn retire(&mut self, log: i64) -> Result<(), Error> {
        at_once(&mut *self.db, |db| {
            for table in RETIRED {
                let sql = format!("DELETE FROM {table} WHERE log = $1");
                db.run(&sql, &[Value::Int(log)])?;
            }
            Ok(())
        })?;
        self.db.scrub(&RETIRED)
    }

    /// Forgets persons: their tags, and the sealed openings that are about them.
    pub(super) fn forget(&mut self, tags: &[Tag], records: &[Portion]) -> Result<(), Error> {
        at_once(&mut *self.db, |db| {
            for tag in tags {
                let tag = [Value::Bytes(tag.to_vec())];
                db.run("DELETE FROM mark WHERE tag = $1", &tag)?;
                db.run("DELETE FROM part WHERE tag = $1", &tag)?;
            }
            for portion in records {
                let (condition, values) = portion.condition();
                db.run(&format!("DELETE FROM opening WHERE {condition}"), &values)?;
            }
            Ok(())
        })
    }

    /// Makes what was forgotten unreadable in the files of the database, as far as it can.
    pub(super) fn clean(&mut self) -> Result<(), Error> {
        self.db.scrub(&["mark", "part", "opening"])
    }
}

/// The statement for one page.
struct Page {
    sql: String,
    values: Vec<Value>,
}

impl Page {
    /// Of all records.
    fn of_records(query: &Query, terms: &Terms) -> Self {
        let filter = Filter::of_records(query, terms);
        filter.page("record r", "r", query)
    }

    /// Of the records under a tag of whom is searched for first: of the person, else of the officer.
    /// `CROSS JOIN` has SQLite read marks before records; PostgreSQL sees a plain join.
    fn of_marks(tag: &Tag, query: &Query, terms: &Terms) -> Self {
        let mut filter = Filter::default();
        filter.add("m.tag =", Value::Bytes(tag.to_vec()));
        let same = "r.log = m.log AND r.seq = m.seq";
        filter.conditions.push(same.to_owned());
        if let (Some(_), Some(officer)) = (&terms.subject, &terms.officer) {
            filter.add_tags(officer);
        }
        filter.add_rest(query, terms, "m");
        filter.page("mark m CROSS JOIN record r", "m", query)
    }
}

/// What goes with a half-year.
const RETIRED: [&str; 7] = [
    "opening", "mark", "part", "leaf", "review", "reviewed", "record",
];

/// The conditions of a search as SQL.
#[derive(Default)]
struct Filter {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Filter {
    /// Everything that is asked for, of records alone.
    fn of_records(query: &Query, terms: &Terms) -> Self {
        let mut filter = Self::default();
        for tags in [&terms.subject, &terms.officer].into_iter().flatten() {
            filter.add_tags(tags);
        }
        filter.add_rest(query, terms, "r");
        filter
    }

    /// What is asked for besides persons and officers; `of` is the table that has the time.
    fn add_rest(&mut self, query: &Query, terms: &Terms, of: &str) {
        if let Some(agency) = &query.agency {
            self.add("r.agency =", Value::Text(agency.as_str().to_owned()));
        }
        if let Some(request) = &query.request {
            self.add("r.request =", Value::Text(request.to_string()));
        }
        if let Some(from) = query.from {
            self.add(&format!("{of}.ts >="), Value::Int(from.as_millisecond()));
        }
        if let Some(until) = query.until {
            self.add(&format!("{of}.ts <"), Value::Int(until.as_millisecond()));
        }
        if let Some(now) = terms.shown_at {
            self.add("r.shown_from <=", Value::of(now));
            let answers = "r.kind IN ('ACCESS', 'BATCH')";
            self.conditions.push(answers.to_owned());
        }
    }

    /// The statement for the page behind a place, newest first, in the order of a table.
    fn page(mut self, tables: &str, of: &str, query: &Query) -> Page {
        if let Some(after) = &query.after {
            self.add_row(of, after);
        }
        let limit = self.value(Value::of(query.limit.into()));
        let sql = format!(
            "SELECT {of}.ts, {of}.log, {of}.seq FROM {tables} WHERE {} \
             ORDER BY {of}.ts DESC, {of}.log DESC, {of}.seq DESC LIMIT {limit}",
            self.text()
        );
        Page {
            sql,
            values: self.values,
        }
    }

    fn add(&mut self, condition: &str, value: Value) {
        let place = self.value(value);
        self.conditions.push(format!("{condition} {place}"));
    }

    fn add_tags(&mut self, tags: &[Tag]) {
        if tags.is_empty() {
            self.conditions.push("1 = 0".to_owned());
            return;
        }
        let list = places(self.values.len() + 1, tags.len());
        let tags = tags.iter().map(|tag| Value::Bytes(tag.to_vec()));
        self.values.extend(tags);
        self.conditions.push(format!(
            "(r.log, r.seq) IN (SELECT log, seq FROM mark WHERE tag IN ({list}))"
        ));
    }

    /// Only what comes behind a place.
    fn add_row(&mut self, of: &str, after: &Position) {
        let list = places(self.values.len() + 1, 3);
        let row = [
            Value::of(after.ts),
            Value::Int(after.log),
            Value::of(after.seq),
        ];
        self.values.extend(row);
        self.conditions
            .push(format!("({of}.ts, {of}.log, {of}.seq) < ({list})"));
    }

    fn value(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn text(&self) -> String {
        if self.conditions.is_empty() {
            return "1 = 1".to_owned();
        }
        self.conditions.join(" AND ")
    }
}

fn position(row: &[Value]) -> Option<Position> {
    match row {
        [ts, log, seq] => Some(Position {
            ts: ts.number(),
            log: log.int(),
            seq: seq.number(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
