//! The request ids of a node that stands alone: a trail of what was done with them, read once at the
//! next start.
//!
//! Nobody looks for an id here, so there is no index over ids: a row holds what was done in a tenth of
//! a second (`trail.rs`), and rows are added at the end of the table alone. That is a hundredth of what
//! a row for each id would write to the disk that the record waits for.
//!
//! *Invariant:* no more ids stay in it than the next start can remember.

use std::sync::Arc;
use std::time::Duration;

use super::thread::Round;
use super::trail::{Done, Steps, written};
use super::{Past, RecordAt, RequestIds};
use crate::keys::make_dir;
use crate::private::sql::{Database, Durability, Value};
use crate::private::sqlite::Sqlite;
use crate::{Config, Error};

/// The file of the trail.
#[derive(Debug)]
pub(super) struct Embedded {
    db: Box<dyn Database>,
    /// How many ids were ever put in: the number of the next row.
    next: u64,
}

impl Embedded {
    /// Opens the file, or makes it.
    pub(super) fn open(config: &Config) -> Result<Self, Error> {
        let dir = config.index_dir();
        make_dir(&dir)?;
        // What a power cut loses is fresh again, and nothing else.
        let mut db = Sqlite::open(&dir.join(FILE), Durability::Relaxed)?;
        db.cache_at_most(CACHE_KIB)?;
        db.define(&[TABLE], &[])?;
        let rows = db.rows(LAST, &[])?;
        let next = match rows.first().map(Vec::as_slice) {
            Some([number, steps]) => {
                let steps = Steps(steps.bytes());
                let claims = steps.filter(|it| matches!(it, Done::Claim { .. })).count();
                number.number() + (claims as u64).max(1)
            }
            _ => 0,
        };
        let db = Box::new(db);
        Ok(Self { db, next })
    }

    /// Tells what was done with the ids that were used since `kept` ago, in its order.
    pub(super) fn recall(
        &mut self,
        now_ms: u64,
        kept: Duration,
        each: &mut dyn FnMut(Past),
    ) -> Result<(), Error> {
        let mut from = self.next.saturating_sub(RequestIds::MOST as u64);
        let mut log: Arc<str> = Arc::default();
        loop {
            let rows = self.db.rows(PAGE, &[Value::of(from)])?;
            let Some([last, _]) = rows.last().map(Vec::as_slice) else {
                return Ok(());
            };
            from = last.number() + 1;
            for steps in rows.iter().filter_map(|row| row.get(1)) {
                for done in Steps(steps.bytes()) {
                    match done {
                        // The same for half a year.
                        Done::Log(name) if *log == *name => {}
                        Done::Log(name) => log = name.into(),
                        Done::Claim {
                            tag,
                            content,
                            used_ms,
                        } => {
                            let age = Duration::from_millis(now_ms.saturating_sub(used_ms));
                            let left = kept.checked_sub(age).filter(|left| !left.is_zero());
                            if let Some(left) = left {
                                each(Past::Used { tag, content, left });
                            }
                        }
                        Done::End { tag, seq } => {
                            let log = Arc::clone(&log);
                            each(Past::Answered(tag, RecordAt { log, seq }));
                        }
                    }
                }
            }
        }
    }

    /// Adds a row.
    pub(super) fn write(&mut self, round: &Round, now_ms: u64) -> Result<(), Error> {
        let steps = written(round, now_ms);
        if steps.is_empty() {
            return Ok(());
        }
        let row = [Value::of(self.next), Value::of(now_ms), Value::Bytes(steps)];
        self.db.run(ADD, &row)?;
        // A row of ends alone has a number too.
        self.next += (round.claims.len() as u64).max(1);
        Ok(())
    }

    /// Removes some of what is old or too much; true if there may be more.
    pub(super) fn clean(&mut self, now_ms: u64, kept: Duration) -> Result<bool, Error> {
        let kept_ms = u64::try_from(kept.as_millis()).unwrap_or(u64::MAX);
        let values = [
            Value::of(self.next.saturating_sub(RequestIds::MOST as u64)),
            Value::of(now_ms.saturating_sub(kept_ms)),
        ];
        Ok(self.db.run(REMOVE, &values)? >= STEP)
    }
}

/// Beside the index: apart from the keys.
const FILE: &str = "request-ids.db";
/// The number of a row counts the ids before it.
const TABLE: &str =
    "request_steps (number BIGINT PRIMARY KEY, at_ms BIGINT NOT NULL, steps BYTEA NOT NULL)";
const LAST: &str = "SELECT number, steps FROM request_steps ORDER BY number DESC LIMIT 1";
const PAGE: &str =
    "SELECT number, steps FROM request_steps WHERE number >= $1 ORDER BY number LIMIT 64";
const ADD: &str = "INSERT INTO request_steps (number, at_ms, steps) VALUES ($1, $2, $3)";
const REMOVE: &str = "DELETE FROM request_steps WHERE number IN \
    (SELECT number FROM (SELECT number, at_ms FROM request_steps ORDER BY number LIMIT 64) oldest \
     WHERE number < $1 OR at_ms < $2)";
/// Pages are read once, and written at the end of the table.
const CACHE_KIB: u32 = 256;
/// So many rows are looked at with one statement.
const STEP: u64 = 64;
