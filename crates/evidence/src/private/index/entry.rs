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

/// The rows of some records of a log, table by table.
#[derive(Default)]
pub(super) struct Rows {
    log: i64,
    records: Vec<Record>,
    /// By tag, time and number.
    marks: Vec<(Tag, u64, u64)>,
    /// By number and part.
    openings: Vec<(u64, usize, Vec<u8>)>,
    /// By tag, number and part.
    parts: Vec<(Tag, u64, usize)>,
    /// By number.
    leaves: Vec<(u64, Vec<u8>)>,
    /// By number.
    reviews: Vec<u64>,
    reviewed: Vec<[Value; 4]>,
}

/// What of an entry is a row of its own.
struct Record {
    seq: u64,
    ts: u64,
    kind: String,
    agency: Option<String>,
    request: Option<String>,
    shown_from: u64,
}

impl Rows {
    /// Those of records of a log.
    pub(super) fn of(log: i64, entries: impl ExactSizeIterator<Item = Entry>) -> Self {
        let count = entries.len();
        let mut rows = Self {
            log,
            records: Vec::with_capacity(count),
            marks: Vec::with_capacity(2 * count), // a person and an officer
            openings: Vec::with_capacity(count),
            ..Self::default()
        };
        for entry in entries {
            rows.add(entry);
        }
        // In the order of the tables: neighbours share a page.
        rows.marks.sort_unstable();
        rows.parts.sort_unstable();
        rows
    }

    fn add(&mut self, entry: Entry) {
        let (seq, ts) = (entry.seq, entry.ts);
        let tags = entry.tags.into_iter();
        self.marks.extend(tags.map(|tag| (tag, ts, seq)));
        let parts = entry.parts.into_iter();
        self.parts.extend(parts.map(|(tag, part)| (tag, seq, part)));
        let sealed = entry.sealed.into_iter();
        self.openings
            .extend(sealed.map(|(part, sealed)| (seq, part, sealed)));
        self.leaves.extend(entry.leaf.map(|leaf| (seq, leaf)));
        match entry.reviewing {
            Reviewing::Nothing => {}
            Reviewing::Due => self.reviews.push(seq),
            Reviewing::Done { log, seq, verdict } => {
                let (log, seq) = (Value::Int(log), Value::of(seq));
                let done = [log, seq, Value::of(ts), Value::Text(verdict)];
                self.reviewed.push(done);
            }
        }
        self.records.push(Record {
            seq,
            ts,
            kind: entry.kind,
            agency: entry.agency,
            request: entry.request,
            shown_from: entry.shown_from,
        });
    }

    /// Adds them to their tables.
    pub(super) fn insert(self, db: &mut dyn Database) -> Result<(), Error> {
        let place = |seq| (Value::Int(self.log), Value::of(seq));
        let tag = |tag: Tag| Value::Bytes(tag.to_vec());
        let part = |part: usize| Value::of(part as u64);
        let records = self.records.into_iter().map(|record| {
            let (log, seq) = place(record.seq);
            let (kind, shown_from) = (Value::Text(record.kind), Value::of(record.shown_from));
            let (agency, request) = (record.agency.into(), record.request.into());
            let ts = Value::of(record.ts);
            [log, seq, ts, kind, agency, request, shown_from]
        });
        let marks = self.marks.into_iter().map(|(of, ts, seq)| {
            let (log, seq) = place(seq);
            [tag(of), Value::of(ts), log, seq]
        });
        let openings = self.openings.into_iter().map(|(seq, of, sealed)| {
            let (log, seq) = place(seq);
            [log, seq, part(of), Value::Bytes(sealed)]
        });
        let parts = self.parts.into_iter().map(|(of, seq, number)| {
            let (log, seq) = place(seq);
            [tag(of), log, seq, part(number)]
        });
        let leaves = self.leaves.into_iter().map(|(seq, leaf)| {
            let (log, seq) = place(seq);
            [log, seq, Value::Bytes(leaf)]
        });
        let reviews = self.reviews.into_iter().map(|seq| place(seq).into());
        let into = "record (log, seq, ts, kind, agency, request, shown_from)";
        insert(db, into, records)?;
        insert(db, "mark (tag, ts, log, seq)", marks)?;
        insert(db, "opening (log, seq, part, sealed)", openings)?;
        insert(db, "part (tag, log, seq, part)", parts)?;
        insert(db, "leaf (log, seq, json)", leaves)?;
        insert(db, "review (log, seq)", reviews)?;
        insert(db, "reviewed (log, seq, ts, verdict)", self.reviewed)
    }
}
