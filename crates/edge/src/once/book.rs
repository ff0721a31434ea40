//! What this node remembers of request ids: a table, and their order.
//!
//! *Invariant:* never more than a fixed number of them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use evidence::{ContentTag, RecordAt, RequestIds, RequestTag};
use tokio::time::Instant;

/// The ids that are remembered.
#[derive(Debug)]
pub(super) struct Book {
    /// Times are counted from here, so that each takes eight bytes.
    begun: Instant,
    kept: Duration,
    entries: HashMap<RequestTag, Entry>,
    /// In the order in which they were used; an id that was used again stands there again.
    order: VecDeque<(RequestTag, u64)>,
    /// The name of the log in the latest record: the same for half a year.
    log: Arc<str>,
}

#[derive(Debug)]
struct Entry {
    content: ContentTag,
    /// When it is forgotten, in nanoseconds.
    until: u64,
    state: State,
}

/// What became of the question.
#[derive(Debug)]
enum State {
    Running,
    /// It is over; if it has a record of an answer, there.
    Over(Option<RecordAt>),
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
    /// What earlier runs have left, the oldest first.
    pub(super) fn new(ids: &RequestIds) -> Self {
        let mut book = Self {
            begun: Instant::now(),
            kept: ids.kept(),
            entries: HashMap::new(),
            order: VecDeque::new(),
            log: Arc::default(),
        };
        for used in ids.remembered() {
            let until = nanos(used.left);
            let state = State::Over(used.record);
            book.put(used.tag, used.content, until, state);
        }
        book
    }

    /// Notes that a question begins, if nothing that is known is against it.
    pub(super) fn begin(&mut self, tag: RequestTag, content: ContentTag) -> Known {
        let now = nanos(self.begun.elapsed());
        self.forget(now);
        let known = match self.entries.get(&tag) {
            None => Known::Fresh,
            Some(entry) if entry.content != content => return Known::Reused,
            Some(entry) => match &entry.state {
                State::Running => return Known::Running,
                State::Over(record) => Known::Repeated(record.clone()),
            },
        };
        let until = now.saturating_add(nanos(self.kept));
        self.put(tag, content, until, State::Running);
        known
    }

    /// Notes that a question is over, and with which record.
    pub(super) fn end(&mut self, tag: RequestTag, record: Option<RecordAt>) {
        if let Some(entry) = self.entries.get_mut(&tag) {
            entry.state = State::Over(record);
        }
    }

    /// The name of a log, which all records in it share.
    pub(super) fn log(&mut self, name: &str) -> Arc<str> {
        if *self.log != *name {
            self.log = name.into();
        }
        Arc::clone(&self.log)
    }

    /// Notes that a question has never begun.
    pub(super) fn take_back(&mut self, tag: RequestTag) {
        self.entries.remove(&tag);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn put(&mut self, tag: RequestTag, content: ContentTag, until: u64, state: State) {
        let entry = Entry {
            content,
            until,
            state,
        };
        self.entries.insert(tag, entry);
        self.order.push_back((tag, until));
    }

    /// Forgets what is old, and the oldest of what is too much.
    fn forget(&mut self, now: u64) {
        while let Some((tag, until)) = self.order.front().copied() {
            if until > now && self.order.len() < RequestIds::MOST {
                return;
            }
            self.order.pop_front();
            // One that was used again since stands further behind.
            if self.entries.get(&tag).is_some_and(|it| it.until == until) {
                self.entries.remove(&tag);
            }
        }
    }
}

/// Enough for five centuries.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
