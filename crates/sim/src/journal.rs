//! What a simulator was asked: a bounded record, so that tests see which fields a gateway asked
//! for. Subjects are synthetic, so their ids may stand here.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use exchange::CitizenId;
use jiff::Timestamp;
use serde::Serialize;

/// One question and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// When it came.
    pub time: Timestamp,
    /// The operation as the wire names it.
    pub operation: String,
    /// The number asked for.
    pub subject: Option<String>,
    /// The fields asked for, as the wire or the catalogue names them.
    pub fields: Vec<String>,
    /// The `traceparent` header, if one came.
    pub traceparent: Option<String>,
    /// Other headers of interest.
    pub headers: Vec<(String, String)>,
    /// What was answered: `ok`, `not_found`, or the name of a fault.
    pub outcome: String,
}

impl Asked {
    /// A question with nothing but its time, operation and subject, answered `ok`.
    #[must_use]
    pub fn new(time: Timestamp, operation: &str, subject: Option<&CitizenId>) -> Self {
        Self {
            time,
            operation: operation.into(),
            subject: subject.map(|id| id.reveal().into()),
            fields: Vec::new(),
            traceparent: None,
            headers: Vec::new(),
            outcome: "ok".into(),
        }
    }
}

/// The bounded record of a simulator.
#[derive(Debug)]
pub struct Journal {
    capacity: usize,
    total: AtomicU64,
    entries: Mutex<VecDeque<Asked>>,
}

impl Journal {
    /// A journal of the last `capacity` questions; 0 keeps none and costs nothing.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            total: AtomicU64::new(0),
            entries: Mutex::new(VecDeque::new()),
        }
    }

    /// Records a question. The entry is built only if it is kept.
    pub fn record(&self, entry: impl FnOnce() -> Asked) {
        self.total.fetch_add(1, Ordering::Relaxed);
        if self.capacity == 0 {
            return;
        }
        let entry = entry();
        if let Ok(mut entries) = self.entries.lock() {
            if entries.len() >= self.capacity {
                entries.pop_front();
            }
            entries.push_back(entry);
        }
    }

    /// The questions that are kept, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<Asked> {
        self.entries
            .lock()
            .map(|entries| entries.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// How many questions came since the journal was cleared, kept or not.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Takes the questions that are kept, oldest first; they are still counted.
    #[must_use]
    pub fn take(&self) -> Vec<Asked> {
        self.entries
            .lock()
            .map(|mut entries| std::mem::take(&mut *entries).into())
            .unwrap_or_default()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        if let Ok(mut entries) = self.entries.lock() {
            entries.clear();
        }
        self.total.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(operation: &str) -> Asked {
        Asked::new(Timestamp::UNIX_EPOCH, operation, None)
    }

    #[test]
    fn the_oldest_question_makes_room_for_the_newest() {
        let journal = Journal::new(2);
        for operation in ["a", "b", "c"] {
            journal.record(|| asked(operation));
        }
        let kept: Vec<String> = journal.entries().into_iter().map(|e| e.operation).collect();
        assert_eq!(kept, ["b", "c"]);
        assert_eq!(journal.total(), 3);
    }

    #[test]
    fn a_journal_without_room_builds_no_entry() {
        let journal = Journal::new(0);
        journal.record(|| panic!("built"));
        assert_eq!((journal.entries().len(), journal.total()), (0, 1));
    }

    #[test]
    fn what_is_taken_is_counted_and_not_kept() {
        let journal = Journal::new(2);
        journal.record(|| asked("a"));
        assert_eq!(journal.take(), [asked("a")]);
        assert_eq!((journal.entries().len(), journal.total()), (0, 1));
    }

    #[test]
    fn clearing_forgets_entries_and_total() {
        let journal = Journal::new(2);
        journal.record(|| asked("a"));
        journal.clear();
        assert_eq!((journal.entries().len(), journal.total()), (0, 0));
    }
}
