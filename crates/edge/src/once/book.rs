//! What this node remembers of request ids: their order, and where each stands in it.
//!
//! An id takes 48 bytes in the order and five in the table, so that a full book is 25 MB.
//!
//! *Invariant:* never more than a fixed number of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use evidence::{ContentTag, Past, RecordAt, RequestIds, RequestTag};
use hashbrown::HashTable;
use tokio::time::Instant;

/// The ids that are remembered.
#[derive(Debug)]
pub(super) struct Book {
    /// Times are counted from here, so that each takes eight bytes.
    begun: Instant,
    kept: Duration,
    /// In the order in which they were used; an id that was used again stands there again.
    order: VecDeque<Entry>,
    /// How many stood before the first of them. Counts around.
    gone: u32,
    /// Where each id stands last, counted from the first one ever.
    places: HashTable<u32>,
    /// The names of the logs in which records are.
    logs: Vec<Arc<str>>,
}

#[derive(Debug)]
struct Entry {
    tag: RequestTag,
    content: ContentTag,
    /// When it is forgotten, in nanoseconds.
    until: u64,
    state: State,
}

/// What became of the question.
#[derive(Clone, Copy, Debug)]
enum State {
    Running,
    /// It is over, without a record of an answer.
    Over,
    /// It was answered; the record has that number, in six bytes, in that log.
    Answered {
        log: u8,
        seq: [u8; 6],
    },
}

/// What is known of an id.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing: the question may be asked.
    Fresh,
    /// The same question was asked before, with that record.
    Repeated(Option<RecordAt>),
    /// It runs.
    Running,
    /// Another question has it.
    Reused,
}

impl Book {
    /// What earlier runs have left.
    pub(super) fn new(ids: &RequestIds) -> Result<Self, evidence::Error> {
        let mut book = Self {
            begun: Instant::now(),
            kept: ids.kept(),
            // Memory that nothing is written to is not taken; to grow would take it twice.
            order: VecDeque::with_capacity(RequestIds::MOST),
            gone: 0,
            places: HashTable::with_capacity(RequestIds::MOST),
            logs: Vec::new(),
        };
        ids.recall(|past| match past {
            Past::Used { tag, content, left } => {
                let state = book.entry(tag).filter(|it| it.content == content);
                let state = state.map_or(State::Over, |it| it.state);
                book.forget(0);
                book.put(tag, content, nanos(left), state);
            }
            Past::Answered(tag, record) => book.end(tag, Some(&record)),
        })?;
        Ok(book)
    }

    /// Notes that a question begins, if nothing that is known is against it.
    pub(super) fn begin(&mut self, tag: RequestTag, content: ContentTag) -> Known {
        let now = nanos(self.begun.elapsed());
        self.forget(now);
        let known = match self.entry(tag) {
            None => Known::Fresh,
            Some(entry) if entry.content != content => return Known::Reused,
            Some(entry) => match entry.state {
                State::Running => return Known::Running,
                State::Over => Known::Repeated(None),
                State::Answered { log, seq } => Known::Repeated(self.record(log, seq)),
            },
        };
        let until = now.saturating_add(nanos(self.kept));
        self.put(tag, content, until, State::Running);
        known
    }

    /// Notes that a question is over, and with which record.
    pub(super) fn end(&mut self, tag: RequestTag, record: Option<&RecordAt>) {
        let state = record.and_then(|record| self.answered(record));
        let place = self.place(tag);
        if let Some(entry) = place.and_then(|place| self.order.get_mut(place)) {
            entry.state = state.unwrap_or(State::Over);
        }
    }

    /// The name of a log, which all records in it share.
    pub(super) fn log(&mut self, name: &str) -> Arc<str> {
        let known = self.logs.iter().rev().find(|log| ***log == *name);
        known.map_or_else(|| name.into(), Arc::clone)
    }

    /// Notes that a question has never begun.
    pub(super) fn take_back(&mut self, tag: RequestTag) {
        let (order, gone) = (&self.order, self.gone);
        let stands = |place: &u32| at(order, gone, *place).is_some_and(|it| it.tag == tag);
        if let Ok(place) = self.places.find_entry(tag.bits(), stands) {
            place.remove();
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    fn entry(&self, tag: RequestTag) -> Option<&Entry> {
        self.order.get(self.place(tag)?)
    }

    /// Where an id stands in the order, now.
    fn place(&self, tag: RequestTag) -> Option<usize> {
        let (order, gone) = (&self.order, self.gone);
        let stands = |place: &u32| at(order, gone, *place).is_some_and(|it| it.tag == tag);
        let place = self.places.find(tag.bits(), stands)?;
        Some(place.wrapping_sub(gone) as usize)
    }

    fn put(&mut self, tag: RequestTag, content: ContentTag, until: u64, state: State) {
        self.take_back(tag);
        let place = self.gone.wrapping_add(self.order.len() as u32);
        self.order.push_back(Entry {
            tag,
            content,
            until,
            state,
        });
        let (order, gone) = (&self.order, self.gone);
        let bits = |place: &u32| at(order, gone, *place).map_or(0, |it| it.tag.bits());
        self.places.insert_unique(tag.bits(), place, bits);
    }

    /// Forgets what is old, and the oldest of what is too much.
    fn forget(&mut self, now: u64) {
        while let Some(oldest) = self.order.front() {
            if oldest.until > now && self.order.len() < RequestIds::MOST {
                return;
            }
            let tag = oldest.tag;
            // One that was used again since stands further behind.
            if self.place(tag) == Some(0) {
                self.take_back(tag);
            }
            self.order.pop_front();
            self.gone = self.gone.wrapping_add(1);
        }
    }

    /// None if that cannot be kept: of a log too many, or beyond 2^48 records.
    fn answered(&mut self, record: &RecordAt) -> Option<State> {
        let [seq @ .., 0, 0] = record.seq.to_le_bytes() else {
            return None;
        };
        let known = self.logs.iter().rposition(|log| *log == record.log);
        let log = known.unwrap_or(self.logs.len());
        let state = State::Answered {
            log: u8::try_from(log).ok()?,
            seq,
        };
        if known.is_none() {
            self.logs.push(Arc::clone(&record.log));
        }
        Some(state)
    }

    fn record(&self, log: u8, [a, b, c, d, e, f]: [u8; 6]) -> Option<RecordAt> {
        let log = Arc::clone(self.logs.get(usize::from(log))?);
        let seq = u64::from_le_bytes([a, b, c, d, e, f, 0, 0]);
        Some(RecordAt { log, seq })
    }
}

/// Who stands at a place that is counted from the first one ever.
fn at(order: &VecDeque<Entry>, gone: u32, place: u32) -> Option<&Entry> {
    order.get(place.wrapping_sub(gone) as usize)
}

/// Enough for five centuries.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

const _: () = assert!(size_of::<Entry>() == 48);
