//! What one thread leaves to the next: how far the log has come, and the batches themselves.
//!
//! They are handed on in memory, so that nobody reads again what was just written. If too many wait,
//! they are dropped, and the next thread reads them in the write-ahead log.

use std::collections::VecDeque;
use std::sync::Arc;

use super::tail::Place;
use super::written::Written;

/// How far the write-ahead log reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Where its last batch ends.
    pub(crate) end: Place,
    /// The sequence number of the next leaf.
    pub(crate) seq: u64,
    /// How many bytes that ever entered the queue of this run are durable.
    pub(crate) queued: u64,
}

/// How the writer has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Behind a `STOP`: what is durable is still to be published.
    Whole,
    /// As in a crash.
    Short,
}

/// What has come since one asked last.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// How far the log has come.
    pub(crate) reached: Reached,
    /// The last batches, in order and without a gap; those before them may have been dropped.
    pub(crate) written: Vec<Arc<Written>>,
    /// Whether somebody waits for it.
    pub(crate) haste: Haste,
}

/// Whether what comes is to be dealt with at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Haste {
    /// It may wait for more to come.
    #[default]
    Later,
    /// It is waited for.
    Now,
}

/// What is left to the next thread.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    pub(super) reached: Reached,
    written: VecDeque<Arc<Written>>,
    /// The bytes of those.
    bytes: usize,
}

impl Backlog {
    /// Adds batches, behind which the log has come so far.
    pub(super) fn add(
        &mut self,
        reached: Reached,
        written: impl IntoIterator<Item = Arc<Written>>,
    ) {
        self.reached = reached;
        for batch in written {
            let last = self.written.back();
            if last.is_some_and(|last| last.batch + 1 != batch.batch) {
                // Something between was dropped: what is older is of no use without it.
                self.bytes = 0;
                self.written.clear();
            }
            self.bytes += batch.bytes().len();
            self.written.push_back(batch);
        }
        if self.bytes > MOST_BYTES {
            self.bytes = 0;
            self.written.clear();
        }
    }

    /// Takes everything.
    pub(super) fn take(&mut self, haste: Haste) -> News {
        self.bytes = 0;
        News {
            reached: self.reached,
            written: self.written.drain(..).collect(),
            haste,
        }
    }
}

/// A second and a half of 12 000 exchanges each second: more than what is taken at once, twice a
/// second, by a thread that gives way to others.
const MOST_BYTES: usize = 48 << 20;
