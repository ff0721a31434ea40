//! What is filed of one record, and the rows that it makes.

use super::super::erased::Erased;
use super::super::reviews::Reviewing;
use super::super::sql::{Database, Value, insert};
use super::super::tags::Tag;
use crate::Error;
use crate::batch::KIND;

/// What is filed of one record.
#[derive(Debug)]
pub(in crate::private) struct Entry {
    pub(in crate::private) seq: u64,
    pub(in crate::private) ts: u64,
    /// Its type, such as `ACCESS`.
    pub(in crate::private) kind: String,
    pub(in crate::private) agency: Option<String>,
    pub(in crate::private) request: Option<String>,
    /// The time from which the person may see it, in milliseconds since 1970.
    pub(in crate::private) shown_from: u64,
    /// Whom it is about, and which officer asked.
    pub(in crate::private) tags: Vec<Tag>,
    /// Of a record about many, whose its openings are, by part.
    pub(in crate::private) parts: Vec<(Tag, usize)>,
    /// Its openings under their record keys, by part.
    pub(in crate::private) sealed: Vec<(usize, Vec<u8>)>,
    /// The record itself, where other nodes search for it.
    pub(in crate::private) leaf: Option<Vec<u8>>,
    /// What it means for reviews.
    pub(in crate::private) reviewing: Reviewing,
}

impl Entry {
    /// Leaves out whoever is erased. Of a record about one person everything that is hidden goes, of
    /// one about many what is about that person.
    pub(super) fn forget(&mut self, erased: &Erased) {
        let ts = self.ts;
        if !self.tags.iter().any(|tag| erased.is_erased(tag, ts)) {
            return;
        }
        self.tags.retain(|tag| !erased.is_erased(tag, ts));
        if self.kind != KIND {
            self.sealed.clear();
            return;
        }
        let gone = self
            .parts
            .iter()
            .filter(|(tag, _)| erased.is_erased(tag, ts));
        let gone: Vec<usize> = gone.map(|(_, part)| *part).collect();
        self.parts.retain(|(_, part)| !gone.contains(part));
        self.sealed.retain(|(part, _)| !gone.contains(part));
    }
}

/// The rows of some records, table by table.
#[derive(Default)]
pub(super) struct Rows {
    records: Vec<[Value; 7]>,
    marks: Vec<[Value; 4]>,
    openings: Vec<[Value; 4]>,
    parts: Vec<[Value; 4]>,
    leaves: Vec<[Value; 3]>,
    reviews: Vec<[Value; 2]>,
    reviewed: Vec<[Value; 4]>,
}

impl Rows {
    /// Those of records of a log.
    pub(super) fn of(log: i64, entries: Vec<Entry>) -> Self {
        let mut rows = Self::default();
        for entry in entries {
            rows.add(&Value::Int(log), entry);
        }
        // In the order of the tables: neighbours share a page.
        rows.marks.sort_unstable();
        rows.parts.sort_unstable();
        rows
    }

    fn add(&mut self, log: &Value, entry: Entry) {
        let (seq, ts) = (Value::of(entry.seq), Value::of(entry.ts));
        let place = || (log.clone(), seq.clone());
        for tag in entry.tags {
            let ((log, seq), tag) = (place(), Value::Bytes(tag.to_vec()));
            self.marks.push([tag, ts.clone(), log, seq]);
        }
        for (tag, part) in entry.parts {
            let ((log, seq), tag) = (place(), Value::Bytes(tag.to_vec()));
            self.parts.push([tag, log, seq, Value::of(part as u64)]);
        }
        for (part, sealed) in entry.sealed {
            let ((log, seq), part) = (place(), Value::of(part as u64));
            self.openings.push([log, seq, part, Value::Bytes(sealed)]);
        }
        if let Some(leaf) = entry.leaf {
            let (log, seq) = place();
            self.leaves.push([log, seq, Value::Bytes(leaf)]);
        }
        match entry.reviewing {
            Reviewing::Nothing => {}
            Reviewing::Due => self.reviews.push(place().into()),
            Reviewing::Done { log, seq, verdict } => {
                let (log, seq) = (Value::Int(log), Value::of(seq));
                let done = [log, seq, ts.clone(), Value::Text(verdict)];
                self.reviewed.push(done);
            }
        }
        self.records.push([
            log.clone(),
            seq.clone(),
            ts,
            Value::Text(entry.kind),
            entry.agency.into(),
            entry.request.into(),
            Value::of(entry.shown_from),
        ]);
    }

    /// Adds them to their tables.
    pub(super) fn insert(self, db: &mut dyn Database) -> Result<(), Error> {
        let into = "record (log, seq, ts, kind, agency, request, shown_from)";
        insert(db, into, self.records)?;
        insert(db, "mark (tag, ts, log, seq)", self.marks)?;
        insert(db, "opening (log, seq, part, sealed)", self.openings)?;
        insert(db, "part (tag, log, seq, part)", self.parts)?;
        insert(db, "leaf (log, seq, json)", self.leaves)?;
        insert(db, "review (log, seq)", self.reviews)?;
        insert(db, "reviewed (log, seq, ts, verdict)", self.reviewed)
    }
}
