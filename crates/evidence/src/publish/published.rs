//! What the thread that files waits for: records that are published.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::backlog::{Backlog, Ended, Haste, News};

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
    /// So many leaves are waited for.
    wanted: u64,
}

/// When the thread that files looks again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// So many leaves it has seen.
    pub(crate) seen: u64,
    /// So many of them are filed; none after a failure, when whoever waits waits on.
    pub(crate) filed: Option<u64>,
    /// From then on, if there are more, or fewer filed than seen.
    pub(crate) from: Instant,
    /// Then at last.
    pub(crate) until: Instant,
}

impl Published {
    /// Says that everything before a place is published.
    pub(crate) fn advance(&self, news: News) {
        let News {
            reached, written, ..
        } = news;
        self.lock().backlog.add(reached, written);
        self.wake.notify_one();
    }

    /// Says that nothing more will come.
    pub(crate) fn end(&self, how: Ended) {
        self.lock().ended.get_or_insert(how);
        self.wake.notify_one();
    }

    /// Says that somebody waits until so many leaves are filed.
    pub(crate) fn want(&self, leaves: u64) {
        let mut state = self.lock();
        state.wanted = state.wanted.max(leaves);
        drop(state);
        self.wake.notify_one();
    }

    /// Waits for that look; at the end of the log, or if somebody waits for what is there, not. None
    /// behind the end.
    pub(crate) fn next(&self, look: Look) -> Option<News> {
        let mut state = self.lock();
        loop {
            let has_more = state.backlog.reached.seq > look.seen;
            let is_all = !has_more && look.filed.is_none_or(|filed| filed >= look.seen);
            let is_wanted = look.filed.is_some_and(|filed| state.wanted > filed);
            match state.ended {
                Some(Ended::Short) => return None,
                Some(Ended::Whole) if is_all => return None,
                Some(Ended::Whole) => return Some(state.backlog.take(Haste::Now)),
                None => {}
            }
            let haste = if is_wanted && !is_all {
                Haste::Now
            } else {
                Haste::Later
            };
            let wake_at = if is_all { look.until } else { look.from };
            let rest = wake_at.saturating_duration_since(Instant::now());
            if rest.is_zero() || haste == Haste::Now {
                return Some(state.backlog.take(haste));
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
