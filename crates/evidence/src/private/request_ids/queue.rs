//! What waits to be stored: put in on the road of a question, taken out by one thread.
//!
//! *Invariant:* whoever puts in never waits, and of what waits there is never more than a fixed
//! number: what has waited longest goes first.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::keys::{ContentTag, RequestTag};
use super::{RecordAt, Ruling};

/// What was done with a request id.
#[derive(Debug)]
pub(super) enum Step {
    /// A question has begun.
    Claim(Claim),
    /// It is over.
    End(End),
}

/// A question that has begun.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) tag: RequestTag,
    pub(super) content: ContentTag,
    /// When.
    pub(super) begun: Instant,
    /// Who waits to be told whether it may go on.
    pub(super) asked: Option<oneshot::Sender<Ruling>>,
}

/// A question that is over.
#[derive(Debug)]
pub(super) struct End {
    pub(super) tag: RequestTag,
    /// Its record, if it was answered.
    pub(super) record: Option<RecordAt>,
}

impl Step {
    pub(super) const fn tag(&self) -> RequestTag {
        match self {
            Self::Claim(claim) => claim.tag,
            Self::End(end) => end.tag,
        }
    }
}

/// What waits to be stored.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    come: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    steps: VecDeque<Step>,
    /// How many had to go since they were taken last.
    lost: u64,
    /// True while the thread sleeps until something comes.
    is_idle: bool,
    is_closed: bool,
}

/// What was taken out.
#[derive(Debug)]
pub(super) struct Taken {
    /// How many had to go.
    pub(super) lost: u64,
    /// True if nothing follows.
    pub(super) is_last: bool,
}

impl Queue {
    /// Puts in a step.
    pub(super) fn push(&self, step: Step) {
        let mut waiting = self.lock();
        if waiting.steps.len() >= MOST {
            waiting.steps.pop_front();
            waiting.lost += 1;
        }
        waiting.steps.push_back(step);
        let wake = mem::take(&mut waiting.is_idle);
        drop(waiting);
        if wake {
            self.come.notify_one();
        }
    }

    /// Takes everything there is into an empty place; waits so long for the first step.
    pub(super) fn take(&self, into: &mut VecDeque<Step>, patience: Duration) -> Taken {
        let mut waiting = self.lock();
        if waiting.steps.is_empty() && !waiting.is_closed {
            waiting.is_idle = true;
            waiting = self.wait(waiting, patience, |it| it.is_idle && !it.is_closed);
            waiting.is_idle = false;
        }
        mem::swap(&mut waiting.steps, into);
        Taken {
            lost: mem::take(&mut waiting.lost),
            is_last: waiting.is_closed,
        }
    }

    /// Sleeps, whatever comes, but not beyond the end; true when that has come.
    pub(super) fn rest(&self, time: Duration) -> bool {
        let waiting = self.lock();
        self.wait(waiting, time, |it| !it.is_closed).is_closed
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.lock().steps.len()
    }

    /// Says that nothing follows.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.come.notify_one();
    }

    fn wait<'a>(
        &self,
        waiting: MutexGuard<'a, Waiting>,
        time: Duration,
        on: impl Fn(&Waiting) -> bool,
    ) -> MutexGuard<'a, Waiting> {
        let waited = self.come.wait_timeout_while(waiting, time, |it| on(it));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Eight thousand questions, two megabytes: at 300 a second half a minute without a database.
const MOST: usize = 1 << 14;

#[cfg(test)]
mod tests {
    use super::*;

    fn end(number: u64) -> Step {
        let mut tag = [0; 16];
        tag[..8].copy_from_slice(&number.to_le_bytes());
        let (tag, record) = (RequestTag(tag), None);
        Step::End(End { tag, record })
    }

    #[test]
    fn what_has_waited_longest_goes_when_it_is_too_much() {
        let queue = Queue::default();
        (0..MOST as u64 + 3).for_each(|number| queue.push(end(number)));
        let mut steps = VecDeque::new();
        let taken = queue.take(&mut steps, Duration::ZERO);
        assert_eq!((taken.lost, steps.len()), (3, MOST));
        assert_eq!(steps[0].tag(), end(3).tag());
        assert!(!taken.is_last);
        queue.close();
        steps.clear();
        let taken = queue.take(&mut steps, Duration::from_secs(60));
        assert!(taken.is_last && taken.lost == 0 && steps.is_empty());
    }

    #[test]
    fn whoever_waits_is_woken_by_the_first_step() {
        let queue = Queue::default();
        let mut steps = VecDeque::new();
        std::thread::scope(|scope| {
            scope.spawn(|| queue.push(end(1)));
            queue.take(&mut steps, Duration::from_secs(60));
        });
        assert_eq!(steps.len(), 1);
        queue.close();
        assert!(queue.rest(Duration::from_secs(60)));
    }
}
