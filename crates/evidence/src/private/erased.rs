//! Notes of erasures, for other nodes: what they have recorded before and not filed yet gets no key.
//!
//! *Invariant:* a note is written, and those notes are read, under the lock of the keys of persons: a
//! node that files either comes before an erasure, or knows of it.

use std::collections::HashMap;

use super::sql::{Database, Value, insert};
use super::tags::Tag;
use crate::Error;

/// The notes, each by its number.
pub(super) const TABLE: &str =
    "erased (number BIGINT PRIMARY KEY, tag BYTEA NOT NULL, until_ms BIGINT NOT NULL)";

/// The notes that a node has read.
#[derive(Debug, Default)]
pub(super) struct Erased {
    /// The number of the last.
    seen: u64,
    /// Until when a person is erased, in milliseconds since 1970.
    until_ms: HashMap<Tag, u64>,
}

impl Erased {
    /// Reads the notes since the last one.
    pub(super) fn learn(&mut self, db: &mut dyn Database) -> Result<(), Error> {
        let sql = "SELECT number, tag, until_ms FROM erased WHERE number > $1 ORDER BY number";
        for row in db.rows(sql, &[Value::of(self.seen)])? {
            let [number, tag, until_ms] = row.as_slice() else {
                continue;
            };
            self.seen = number.number();
            if let Ok(tag) = Tag::try_from(tag.bytes()) {
                let until = self.until_ms.entry(tag).or_default();
                *until = (*until).max(until_ms.number());
            }
        }
        Ok(())
    }

    /// True if what was recorded of a person at that time is erased.
    pub(super) fn is_erased(&self, tag: &Tag, ts_ms: u64) -> bool {
        let until_ms = self.until_ms.get(tag);
        until_ms.is_some_and(|until_ms| ts_ms <= *until_ms)
    }
}

/// Notes that persons are erased until a time, and removes notes that every node has read long ago.
pub(super) fn note(db: &mut dyn Database, tags: &[Tag], until_ms: u64) -> Result<(), Error> {
    let rows = db.rows(
        "SELECT number FROM erased ORDER BY number DESC LIMIT 1",
        &[],
    )?;
    let last = rows.first().and_then(|row| row.first());
    let next = last.map_or(0, Value::number) + 1;
    let notes = (next..).zip(tags).map(|(number, tag)| {
        let tag = Value::Bytes(tag.to_vec());
        [Value::of(number), tag, Value::of(until_ms)]
    });
    insert(db, "erased (number, tag, until_ms)", notes)?;
    let old = until_ms.saturating_sub(KEPT_MS);
    let sql = "DELETE FROM erased WHERE until_ms < $1 AND number < $2";
    db.run(sql, &[Value::of(old), Value::of(next)]).map(drop)
}

/// Thirty days. A note says by its tag that somebody was erased: it stays no longer than a node may be
/// down with something unfiled.
const KEPT_MS: u64 = 30 * 24 * 3_600 * 1_000;
