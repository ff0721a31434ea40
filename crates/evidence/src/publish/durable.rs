//! How far the log has come: from the thread that has done its part to the one that goes on with it.
//!
//! The batches themselves are handed on as well, so that nobody reads again what was just written.
//! If too many wait, they are dropped, and the next one reads them in the write-ahead log.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::tail::Place;
use super::written::Written;

/// How far the log has come.
#[derive(Debug, Default)]
pub(crate) struct Durable {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct State {
    reached: Reached,
    written: VecDeque<Arc<Written>>,
    /// The bytes of those.
    bytes: usize,
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

/// What has come since one asked last.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// How far the log has come.
    pub(crate) reached: Reached,
    /// The last batches, in order; those before them may have been dropped.
    pub(crate) written: Vec<Arc<Written>>,
}

/// How the writer has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Behind a `STOP`: what is durable is still to be published.
    Whole,
    /// As in a crash.
    Short,
}

/// When one wants to hear.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When {
    /// Not before this, unless the writer has ended.
    pub(crate) from: Instant,
    /// At this time also without news.
    pub(crate) until: Option<Instant>,
}

impl Durable {
    /// Says that everything before a place is done, and hands the batches on.
    pub(crate) fn advance(
        &self,
        reached: Reached,
        written: impl IntoIterator<Item = Arc<Written>>,
    ) {
        let mut state = self.lock();
        state.reached = reached;
        for batch in written {
            state.bytes += batch.bytes().len();
            state.written.push_back(batch);
        }
        if state.bytes > MOST_BYTES {
            state.bytes = 0;
            state.written.clear();
        }
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

    /// Waits until there is more than `seen` leaves; none at the end.
    pub(crate) fn next(&self, seen: u64, when: When) -> Option<News> {
        let mut state = self.lock();
        loop {
            match state.ended {
                Some(Ended::Short) => return None,
                Some(Ended::Whole) if state.reached.seq <= seen => return None,
                Some(Ended::Whole) => return Some(state.news()),
                None => {}
            }
            let now = Instant::now();
            let is_over = when.until.is_some_and(|until| until <= now);
            let wait = if when.from > now {
                Some(when.from)
            } else if state.reached.seq > seen || is_over {
                return Some(state.news());
            } else {
                state.sleeps = true;
                when.until
            };
            state = self.sleep(state, wait.map(|until| until - now));
        }
    }

    /// How far it has come.
    pub(crate) fn reached(&self) -> Reached {
        self.lock().reached
    }

    /// True if nothing more will come.
    pub(crate) fn has_ended(&self) -> bool {
        self.lock().ended.is_some()
    }

    /// True if what is still to be done waits for the next start.
    pub(crate) fn is_cut_short(&self) -> bool {
        self.lock().ended == Some(Ended::Short)
    }

    fn sleep<'a>(
        &self,
        state: MutexGuard<'a, State>,
        time: Option<Duration>,
    ) -> MutexGuard<'a, State> {
        match time {
            Some(time) => {
                let waited = self.wake.wait_timeout(state, time);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn news(&mut self) -> News {
        self.bytes = 0;
        News {
            reached: self.reached,
            written: self.written.drain(..).collect(),
        }
    }
}

/// Two seconds of 5 000 exchanges each second.
const MOST_BYTES: usize = 16 << 20;
