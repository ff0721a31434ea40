//! What the publisher waits for: records that are durable, from the thread that writes them, and
//! cosignatures, from the thread that collects them.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::backlog::{Backlog, Ended, Haste, News, Reached};
use super::written::Written;
use crate::note::Signature;

/// What the publisher waits for.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct State {
    backlog: Backlog,
    ended: Option<Ended>,
    sleeps: bool,
    round: Round,
    /// No cosignature will come any more.
    is_collected: bool,
}

/// What is known of the cosignatures under the checkpoint that is shown.
#[derive(Debug, Default)]
struct Round {
    /// Its size; none before the first.
    size: Option<u64>,
    is_met: bool,
    /// Those that the publisher has not seen yet.
    lines: Vec<Signature>,
}

/// When the next checkpoint may be signed, while the log goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// If the quorum is met.
    pub(super) from: Instant,
    /// If it is not.
    pub(super) at_last: Instant,
}

/// What the publisher does next.
#[derive(Debug)]
pub(super) enum Next {
    /// This is to be published.
    Publish(News),
    /// These have come for the checkpoint that is shown.
    Cosign(Vec<Signature>),
}

impl Turn {
    /// At that time, whoever has cosigned.
    pub(super) const fn at(from: Instant) -> Self {
        Self {
            from,
            at_last: from,
        }
    }
}

impl Inbox {
    /// Says that everything before a place is durable, up to and with this batch.
    pub(crate) fn advance(&self, reached: Reached, batch: Arc<Written>) {
        let mut state = self.lock();
        state.backlog.add(reached, [batch]);
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

    /// Hands over cosignatures of a checkpoint of that size; none other is shown with them.
    pub(crate) fn cosigned(&self, size: u64, lines: Vec<Signature>, is_met: bool) {
        let mut state = self.lock();
        let round = &mut state.round;
        if round.size == Some(size) {
            round.lines.extend(lines);
            round.is_met |= is_met;
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Says that no cosignature will come any more.
    pub(crate) fn collected(&self) {
        self.lock().is_collected = true;
        self.wake.notify_one();
    }

    /// Says that another checkpoint is shown.
    pub(crate) fn begin_round(&self, size: u64, is_met: bool) {
        self.lock().round = Round {
            size: Some(size),
            is_met,
            lines: Vec::new(),
        };
    }

    /// Waits for cosignatures, or until there is more than `published` and its turn has come; at the
    /// end of the log its turn has come. None behind the end.
    pub(super) fn next(&self, published: u64, turn: Turn) -> Option<Next> {
        let mut state = self.lock();
        loop {
            let ended = state.ended;
            if ended != Some(Ended::Short) && !state.round.lines.is_empty() {
                return Some(Next::Cosign(std::mem::take(&mut state.round.lines)));
            }
            match ended {
                Some(Ended::Short) => return None,
                Some(Ended::Whole) if state.backlog.reached.seq <= published => return None,
                Some(Ended::Whole) => return Some(Next::Publish(state.backlog.take(Haste::Later))),
                None => {}
            }
            let from = if state.round.is_met {
                turn.from
            } else {
                turn.at_last
            };
            let rest = from.saturating_duration_since(Instant::now());
            state = if !rest.is_zero() {
                self.wait_at_most(state, rest)
            } else if state.backlog.reached.seq > published {
                return Some(Next::Publish(state.backlog.take(Haste::Later)));
            } else {
                state.sleeps = true;
                self.wake
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner)
            };
        }
    }

    /// Waits for cosignatures of the last checkpoint; none if no more will come, or it takes longer.
    pub(super) fn last_lines(&self, until: Instant) -> Option<Vec<Signature>> {
        let mut state = self.lock();
        loop {
            if !state.round.lines.is_empty() {
                return Some(std::mem::take(&mut state.round.lines));
            }
            let rest = until.saturating_duration_since(Instant::now());
            if state.is_collected || rest.is_zero() {
                return None;
            }
            state = self.wait_at_most(state, rest);
        }
    }

    /// How far the log is durable.
    pub(crate) fn reached(&self) -> Reached {
        self.lock().backlog.reached
    }

    /// True if nothing more will come.
    pub(super) fn has_ended(&self) -> bool {
        self.lock().ended.is_some()
    }

    /// True if what is still to be published waits for the next start.
    pub(super) fn is_cut_short(&self) -> bool {
        self.lock().ended == Some(Ended::Short)
    }

    fn wait_at_most<'a>(
        &self,
        state: MutexGuard<'a, State>,
        time: Duration,
    ) -> MutexGuard<'a, State> {
        let waited = self.wake.wait_timeout(state, time);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
