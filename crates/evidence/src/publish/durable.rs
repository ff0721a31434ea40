//! How far the write-ahead log is durable: from the thread that writes it to the one that publishes.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::tail::Place;

/// How far the write-ahead log is durable.
#[derive(Debug, Default)]
pub(crate) struct Durable {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct State {
    reached: Reached,
    ended: Option<Ended>,
    sleeps: bool,
}

/// How far the write-ahead log reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Where its last batch ends.
    pub(crate) end: Place,
    /// The sequence number of the next leaf.
    pub(crate) seq: u64,
}

/// How the writer has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Behind a `STOP`: what is durable is still to be published.
    Whole,
    /// As in a crash.
    Short,
}

impl Durable {
    /// Says that everything before a place is durable.
    pub(crate) fn advance(&self, reached: Reached) {
        let mut state = self.lock();
        state.reached = reached;
        let sleeps = std::mem::take(&mut state.sleeps);
        drop(state);
        if sleeps {
            self.wake.notify_one();
        }
    }

    /// Says that nothing more will come.
    pub(crate) fn end(&self, how: Ended) {
        self.lock().ended.get_or_insert(how);
        self.wake.notify_one();
    }

    /// Waits until there is more than `published`; none at the end. Not before `from`, unless the
    /// writer has ended.
    pub(super) fn next(&self, published: u64, from: Instant) -> Option<Reached> {
        let mut state = self.lock();
        loop {
            match state.ended {
                Some(Ended::Short) => return None,
                Some(Ended::Whole) if state.reached.seq <= published => return None,
                Some(Ended::Whole) => return Some(state.reached),
                None => {}
            }
            let rest = from.saturating_duration_since(Instant::now());
            state = if !rest.is_zero() {
                let waited = self.wake.wait_timeout(state, rest);
                waited.unwrap_or_else(PoisonError::into_inner).0
            } else if state.reached.seq > published {
                return Some(state.reached);
            } else {
                state.sleeps = true;
                self.wake
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner)
            };
        }
    }

    /// True if nothing more will come.
    pub(super) fn has_ended(&self) -> bool {
        self.lock().ended.is_some()
    }

    /// True if what is still to be published waits for the next start.
    pub(super) fn is_cut_short(&self) -> bool {
        self.lock().ended == Some(Ended::Short)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
