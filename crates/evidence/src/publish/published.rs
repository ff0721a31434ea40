//! What the thread that files waits for: records that are published.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::backlog::{Backlog, Ended, News};

/// How far the log is published.
#[derive(Debug, Default)]
pub(crate) struct Published {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct State {
    backlog: Backlog,
    ended: Option<Ended>,
}

impl Published {
    /// Says that everything before a place is published.
    pub(super) fn advance(&self, news: News) {
        let News { reached, written } = news;
        self.lock().backlog.add(reached, written);
        self.wake.notify_one();
    }

    /// Says that nothing more will come.
    pub(crate) fn end(&self, how: Ended) {
        self.lock().ended.get_or_insert(how);
        self.wake.notify_one();
    }

    /// Waits until there are more than `seen` leaves, from `from` on, or until `until` without; at the
    /// end of the log for neither. None behind the end.
    pub(crate) fn next(&self, seen: u64, from: Instant, until: Instant) -> Option<News> {
        let mut state = self.lock();
        loop {
            let has_more = state.backlog.reached.seq > seen;
            match state.ended {
                Some(Ended::Short) => return None,
                Some(Ended::Whole) if !has_more => return None,
                Some(Ended::Whole) => return Some(state.backlog.take()),
                None => {}
            }
            let wake_at = if has_more { from } else { until };
            let rest = wake_at.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return Some(state.backlog.take());
            }
            let waited = self.wake.wait_timeout(state, rest);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// True if nothing more will come.
    pub(crate) fn has_ended(&self) -> bool {
        self.lock().ended.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
