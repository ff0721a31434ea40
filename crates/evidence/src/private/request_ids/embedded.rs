//! The request ids of a node that stands alone: a trail of what was done with them, read once at the
//! next start.
//!
//! Nobody looks for an id here, so there is no index over ids: a row holds what was done in a tenth of
//! a second, and rows are added at the end of the table alone. That is a hundredth of what a row for
//! each id would write to the disk that the record waits for.
//!
//! ```text
//! claim: 1 ‖ tag (16) ‖ content (16) ‖ when, in milliseconds since 1970 (8)
//! log:   2 ‖ length (1) ‖ name         the log of the ends that follow
//! end:   3 ‖ tag (16) ‖ number of the record (8)
//! ```
//!
//! *Invariant:* no more ids stay in it than the next start can remember.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::keys::{ContentTag, RequestTag};
use super::thread::Round;
use super::{RecordAt, RequestIds, Used};
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

/// What was read, in the order in which ids were used.
#[derive(Debug, Default)]
struct Read {
    ids: HashMap<RequestTag, Id>,
    count: u64,
}

#[derive(Debug)]
struct Id {
    content: ContentTag,
    used_ms: u64,
    record: Option<RecordAt>,
}

impl Embedded {
    /// Opens the file, or makes it.
    pub(super) fn open(config: &Config) -> Result<Self, Error> {
        let dir = config.index_dir();
        make_dir(&dir)?;
        // What a power cut loses is fresh again, and nothing else.
        let mut db = Sqlite::open(&dir.join(FILE), Durability::Relaxed)?;
        db.define(&[TABLE], &[])?;
        let rows = db.rows(LAST, &[])?;
        let next = match rows.first().map(Vec::as_slice) {
            Some([number, steps]) => {
                let mut last = Read::default();
                last.row(steps.bytes());
                number.number() + last.count.max(1)
            }
            _ => 0,
        };
        let db = Box::new(db);
        Ok(Self { db, next })
    }

    /// Every id that was used since `kept` ago, the oldest first.
    pub(super) fn load(&mut self, now_ms: u64, kept: Duration) -> Result<Vec<Used>, Error> {
        let mut read = Read::default();
        let mut from = self.next.saturating_sub(RequestIds::MOST as u64);
        loop {
            let rows = self.db.rows(PAGE, &[Value::of(from)])?;
            for row in &rows {
                let [number, steps] = row.as_slice() else {
                    continue;
                };
                from = number.number() + 1;
                read.row(steps.bytes());
            }
            if rows.is_empty() {
                return Ok(read.since(now_ms, kept));
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

impl Read {
    /// Reads the steps of a row; what a later version has written, and all behind it, is forgotten.
    fn row(&mut self, steps: &[u8]) {
        let (mut rest, mut log) = (steps, None);
        while let Some(behind) = self.step(rest, &mut log) {
            rest = behind;
        }
    }

    fn step<'a>(&mut self, steps: &'a [u8], log: &mut Option<Arc<str>>) -> Option<&'a [u8]> {
        let (kind, rest) = steps.split_first()?;
        match *kind {
            CLAIM => {
                let (tag, rest) = rest.split_first_chunk()?;
                let (content, rest) = rest.split_first_chunk()?;
                let (used_ms, rest) = rest.split_first_chunk()?;
                let (content, used_ms) = (ContentTag(*content), u64::from_le_bytes(*used_ms));
                self.claim(RequestTag(*tag), content, used_ms);
                Some(rest)
            }
            LOG => {
                let (len, rest) = rest.split_first()?;
                let (name, rest) = rest.split_at_checked(usize::from(*len))?;
                *log = std::str::from_utf8(name).ok().map(Arc::from);
                Some(rest)
            }
            END => {
                let (tag, rest) = rest.split_first_chunk()?;
                let (seq, rest) = rest.split_first_chunk()?;
                let (log, seq) = (log.clone()?, u64::from_le_bytes(*seq));
                if let Some(id) = self.ids.get_mut(&RequestTag(*tag)) {
                    id.record = Some(RecordAt { log, seq });
                }
                Some(rest)
            }
            _ => None,
        }
    }

    fn claim(&mut self, tag: RequestTag, content: ContentTag, used_ms: u64) {
        self.count += 1;
        let known = self.ids.remove(&tag);
        let same = known.filter(|known| known.content == content);
        let id = Id {
            content,
            used_ms,
            record: same.and_then(|same| same.record),
        };
        self.ids.insert(tag, id);
    }

    fn since(self, now_ms: u64, kept: Duration) -> Vec<Used> {
        let mut ids: Vec<_> = self.ids.into_iter().collect();
        ids.sort_unstable_by_key(|(_, id)| id.used_ms);
        let used = ids.into_iter().filter_map(|(tag, id)| {
            let age = Duration::from_millis(now_ms.saturating_sub(id.used_ms));
            let left = kept.checked_sub(age).filter(|left| !left.is_zero())?;
            Some(Used {
                tag,
                content: id.content,
                left,
                record: id.record,
            })
        });
        used.collect()
    }
}

/// What was done, as it stands in a row. An end without a record changes nothing: at the next start
/// every question is over.
fn written(round: &Round, now_ms: u64) -> Vec<u8> {
    let mut steps = Vec::with_capacity(CLAIM_LEN * (round.claims.len() + round.ends.len()));
    for claim in &round.claims {
        let age_ms = u64::try_from(claim.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        steps.push(CLAIM);
        steps.extend_from_slice(&claim.tag.0);
        steps.extend_from_slice(&claim.content.0);
        steps.extend_from_slice(&now_ms.saturating_sub(age_ms).to_le_bytes());
    }
    let mut log: Option<&str> = None;
    for end in &round.ends {
        let Some(record) = &end.record else {
            continue;
        };
        let Ok(len) = u8::try_from(record.log.len()) else {
            continue;
        };
        if log != Some(&*record.log) {
            log = Some(&*record.log);
            steps.extend_from_slice(&[LOG, len]);
            steps.extend_from_slice(record.log.as_bytes());
        }
        steps.push(END);
        steps.extend_from_slice(&end.tag.0);
        steps.extend_from_slice(&record.seq.to_le_bytes());
    }
    steps
}

const CLAIM: u8 = 1;
const LOG: u8 = 2;
const END: u8 = 3;
const CLAIM_LEN: usize = 1 + 16 + 16 + 8;

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
/// So many rows are looked at with one statement.
const STEP: u64 = 64;
