//! The root of the index, once a day, in the log: whoever has the keys makes the index again from the log
//! and compares, so that an access that was left out of the index shows (decision 0029).
//!
//! A day ends, in the calendar of Vietnam, with the first record of a later one; its root is over
//! everything recorded before that. The index is read a stretch at a time, in the order of the tags. Not
//! here: when there is time for it (`thread`).
//!
//! *Invariant:* a root tells nothing of a tag: of each, only a hash under the name of the log goes in.

use jiff::civil::Date;
use serde::Deserialize;

use super::epoch::day_of;
use super::index::Index;
use super::log_number;
use super::sql::{Row, Value};
use crate::leaf::{Event, MIN_TS, Root, Shown};
use crate::link::read_record;
use crate::tree::{Edge, Hash, leaf_hash, sha256};
use crate::{Config, Error, priority};

/// The root that a log has recorded last, held against the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexRoot {
    /// The day that it is of.
    pub day: Date,
    /// The persons and officers under it, each once for every half-year.
    pub tags: u64,
    /// True if the index has the same root.
    pub agrees: bool,
    /// How many records of changes by duty, such as erasures, came later: an erasure changes the root.
    pub changes_since: u64,
}

/// Looks after the roots of a log.
#[derive(Debug, Default)]
pub(super) struct Daily {
    /// The beginning of the day that was looked at last.
    looked: Option<u64>,
    counting: Option<Counting>,
}

/// What of a day that has ended is counted so far.
#[derive(Debug)]
struct Counting {
    origin: String,
    day: Date,
    /// The number of the first record of a later day.
    upto: u64,
    after: Vec<u8>,
    edge: Edge,
}

impl Daily {
    /// Does some of what is due; the leaf with the root of a day, when it is whole.
    pub(super) fn go_on(
        &mut self,
        log: &Config,
        index: &mut Index,
    ) -> Result<Option<Vec<u8>>, Error> {
        if self.counting.is_none() {
            self.counting = self.due(&log.origin, index)?;
        }
        let Some(counting) = &mut self.counting else {
            return Ok(None);
        };
        if counting.go_on(index)? == More::Yes {
            return Ok(None);
        }
        let leaf = counting.leaf(&log.node);
        self.counting = None;
        Ok(Some(leaf))
    }

    /// True if a day is being counted.
    pub(super) const fn is_at_work(&self) -> bool {
        self.counting.is_some()
    }

    /// Begins anew: somebody was erased meanwhile, or the leaf found no place.
    pub(super) fn start_over(&mut self) {
        (self.looked, self.counting) = (None, None);
    }

    /// The day that has ended last, if its root is not recorded yet.
    fn due(&mut self, origin: &str, index: &mut Index) -> Result<Option<Counting>, Error> {
        let log = log_number(origin);
        let Some(latest) = index.latest(log)? else {
            return Ok(None);
        };
        let (_, began) = day_of(latest);
        if self.looked.replace(began) == Some(began) {
            return Ok(None);
        }
        let Some((upto, ended)) = index.before(log, began)? else {
            return Ok(None);
        };
        if index.root_from(log, upto)?.is_some() {
            return Ok(None);
        }
        let (day, _) = day_of(ended);
        Ok(Some(Counting::new(origin, day, upto)))
    }
}

/// Whether there is more to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum More {
    Yes,
    No,
}

impl Counting {
    fn new(origin: &str, day: Date, upto: u64) -> Self {
        Self {
            origin: origin.to_owned(),
            day,
            upto,
            after: Vec::new(),
            edge: Edge::default(),
        }
    }

    /// Counts one stretch.
    fn go_on(&mut self, index: &mut Index) -> Result<More, Error> {
        let rows = index.tags_behind(log_number(&self.origin), self.upto, &self.after)?;
        for row in &rows {
            priority::give_way();
            if let [tag, count, last] = row.as_slice() {
                self.after = tag.bytes().to_vec();
                let hash = entry(&self.origin, tag.bytes(), count.number(), last.number());
                self.edge.add(hash, |_, _| ());
            }
        }
        let is_last = (rows.len() as u64) < STRETCH;
        Ok(if is_last { More::No } else { More::Yes })
    }

    fn leaf(&self, node: &str) -> Vec<u8> {
        let event = Event {
            v: 1,
            t: INDEX_ROOT,
            ts: MIN_TS,
            node,
            day: Some(Shown(self.day)),
            upto: Some(self.upto),
            n: Some(self.edge.size()),
            root: Some(Root(self.edge.root())),
            ..Event::default()
        };
        event.to_leaf()
    }
}

/// The hash of what a root says of one tag.
fn entry(origin: &str, tag: &[u8], count: u64, last: u64) -> Hash {
    let hidden = sha256(&[b"lienthong.index-root/v1\n", origin.as_bytes(), b"\n", tag]);
    let mut entry = hidden.to_vec();
    entry.extend_from_slice(&count.to_be_bytes());
    entry.extend_from_slice(&last.to_be_bytes());
    leaf_hash(&entry)
}

/// What a leaf says.
#[derive(Deserialize)]
struct Said {
    day: Date,
    upto: u64,
    n: u64,
    root: String,
}

/// Holds the root that a log has recorded last against the index; none if there is none under its
/// checkpoint.
pub(super) fn check(log: &Config, index: &mut Index) -> Result<Option<IndexRoot>, Error> {
    let number = log_number(&log.origin);
    let Some(seq) = index.root_from(number, 0)? else {
        return Ok(None);
    };
    let record = read_record(&log.dir, seq)?;
    let said = record.and_then(|record| serde_json::from_slice::<Said>(&record).ok());
    let Some(said) = said else {
        return Ok(None);
    };
    let mut counting = Counting::new(&log.origin, said.day, said.upto);
    while counting.go_on(index)? == More::Yes {}
    let root = serde_json::to_value(Root(counting.edge.root())).ok();
    Ok(Some(IndexRoot {
        day: said.day,
        tags: said.n,
        agrees: counting.edge.size() == said.n && root.is_some_and(|root| root == said.root),
        changes_since: index.changes_from(number, said.upto)?,
    }))
}

impl Index {
    /// The time of the last record of a log.
    fn latest(&mut self, log: i64) -> Result<Option<u64>, Error> {
        let sql = "SELECT ts FROM record WHERE log = $1 ORDER BY seq DESC LIMIT 1";
        let rows = self.db.rows(sql, &[Value::Int(log)])?;
        Ok(rows.first().and_then(|row| row.first()).map(Value::number))
    }

    /// The last record of a log before a time: the number behind its own, and its time.
    fn before(&mut self, log: i64, ts: u64) -> Result<Option<(u64, u64)>, Error> {
        let sql = "SELECT seq, ts FROM record WHERE log = $1 AND ts < $2 \
                   ORDER BY ts DESC, log DESC, seq DESC LIMIT 1";
        let rows = self.db.rows(sql, &[Value::Int(log), Value::of(ts)])?;
        Ok(rows.first().and_then(|row| match row.as_slice() {
            [seq, ts] => Some((seq.number() + 1, ts.number())),
            _ => None,
        }))
    }

    /// The last root among the records of a log from a number on.
    fn root_from(&mut self, log: i64, seq: u64) -> Result<Option<u64>, Error> {
        let sql = "SELECT seq FROM record WHERE log = $1 AND seq >= $2 AND kind = $3 \
                   ORDER BY seq DESC LIMIT 1";
        let values = [
            Value::Int(log),
            Value::of(seq),
            Value::Text(INDEX_ROOT.to_owned()),
        ];
        let rows = self.db.rows(sql, &values)?;
        Ok(rows.first().and_then(|row| row.first()).map(Value::number))
    }

    /// How many `ADMIN` records there are, in whichever log, from the time of a record on.
    fn changes_from(&mut self, log: i64, seq: u64) -> Result<u64, Error> {
        let sql = "SELECT COUNT(*) FROM record WHERE kind = 'ADMIN' \
                   AND ts >= (SELECT ts FROM record WHERE log = $1 AND seq = $2)";
        let rows = self.db.rows(sql, &[Value::Int(log), Value::of(seq)])?;
        let count = rows.first().and_then(|row| row.first());
        Ok(count.map_or(0, Value::number))
    }

    /// The next tags behind one, each with how many records of a log before a number are under it, and
    /// the last of them.
    fn tags_behind(&mut self, log: i64, upto: u64, after: &[u8]) -> Result<Vec<Row>, Error> {
        let sql = format!(
            "SELECT tag, COUNT(*), MAX(seq) FROM mark WHERE log = $1 AND seq < $2 AND tag > $3 \
             GROUP BY tag ORDER BY tag LIMIT {STRETCH}"
        );
        let values = [
            Value::Int(log),
            Value::of(upto),
            Value::Bytes(after.to_vec()),
        ];
        self.db.rows(&sql, &values)
    }
}

/// The type of the leaf.
const INDEX_ROOT: &str = "INDEX_ROOT";
/// How many tags are counted between two looks at what else is to be done: some milliseconds.
const STRETCH: u64 = if cfg!(test) { 2 } else { 1_000 };

#[cfg(test)]
mod tests {
    use super::super::index::Entry;
    use super::super::sql::Durability;
    use super::super::sqlite::Sqlite;
    use super::*;
    use crate::tree::Tree;

    const ORIGIN: &str = "audit.gw.example/gw-1/2026h1";
    const DAY_MS: u64 = 24 * 3_600 * 1_000;
    /// Midnight in Vietnam, 16 February 2026.
    const MIDNIGHT: u64 = 1_771_174_800_000;

    /// An index with one record a quarter of a day, from midnight on, about these.
    fn index(about: &[&[u8]]) -> (tempfile::TempDir, Index) {
        let dir = tempfile::tempdir().unwrap();
        let db = Sqlite::open(&dir.path().join("index.db"), Durability::Relaxed).unwrap();
        let mut index = Index::open(Box::new(db)).unwrap();
        let entries = (0..).zip(about).map(|(seq, tags)| Entry {
            seq,
            ts: MIDNIGHT + seq * DAY_MS / 4,
            kind: "ACCESS".to_owned(),
            agency: None,
            request: None,
            shown_from: 0,
            tags: tags.iter().map(|tag| [*tag; 16]).collect(),
            parts: Vec::new(),
            sealed: Vec::new(),
            leaf: None,
            reviewing: Default::default(),
        });
        let next = about.len() as u64;
        index
            .file(log_number(ORIGIN), &mut entries.collect(), next)
            .unwrap();
        (dir, index)
    }

    fn go_on(daily: &mut Daily, index: &mut Index) -> Option<Said> {
        let log = Config::new("", ORIGIN, "gw-1");
        for _ in 0..10 {
            if let Some(leaf) = daily.go_on(&log, index).unwrap() {
                assert!(!daily.is_at_work());
                return Some(serde_json::from_slice(&leaf).unwrap());
            }
            if !daily.is_at_work() {
                return None;
            }
        }
        panic!("without end");
    }

    #[test]
    fn the_root_of_a_day_is_over_every_tag_before_its_end() {
        // The fifth record is of the next day.
        let (_dir, mut index) = index(&[&[1, 9], &[2, 9], &[1], &[3, 4, 5], &[1, 6]]);
        let mut daily = Daily::default();
        let said = go_on(&mut daily, &mut index).unwrap();
        assert_eq!(
            (said.day, said.upto, said.n),
            ("2026-02-16".parse().unwrap(), 4, 6)
        );
        let entries = [
            (1, 2, 2),
            (2, 1, 1),
            (3, 1, 3),
            (4, 1, 3),
            (5, 1, 3),
            (9, 2, 1),
        ];
        let hashes = entries.map(|(tag, count, last)| entry(ORIGIN, &[tag; 16], count, last));
        let root = Root(Tree::new(hashes.to_vec()).root());
        assert_eq!(serde_json::to_value(root).unwrap(), said.root);
        assert!(go_on(&mut daily, &mut index).is_none(), "once for each day");
    }

    #[test]
    fn a_day_that_goes_on_has_no_root() {
        let (_dir, mut index) = index(&[&[1], &[2], &[3], &[4]]);
        assert!(go_on(&mut Daily::default(), &mut index).is_none());
    }

    #[test]
    fn a_tag_counts_in_one_log_otherwise_than_in_another() {
        let one = entry(ORIGIN, &[1; 16], 1, 1);
        assert_ne!(one, entry("audit.gw.example/gw-2/2026h1", &[1; 16], 1, 1));
        assert_ne!(one, entry(ORIGIN, &[1; 16], 2, 1));
        assert_ne!(one, entry(ORIGIN, &[1; 16], 1, 2));
    }
}
