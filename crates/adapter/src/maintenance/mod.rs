//! Maintenance of an agency, announced in the configuration or by its own answers: nobody asks it
//! meanwhile, and who wants to is told at once when to come again.
//!
//! One answer that says so may be about one record alone; two in a row about different ones are believed
//! until the end that they name, of the address that said so. Now and then, and when the end has come, one
//! question goes ahead and the others wait for how it ends.
//!
//! Not here: who is asked meanwhile, and an agency that fails without a word (the guard).

#[cfg(test)]
mod tests;
mod windows;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use exchange::{CitizenId, Clock, Identifier, SystemClock};
use jiff::Timestamp;

use crate::{Blame, Miss};
pub use windows::Window;

/// The maintenance that is announced for an agency, and the clock that it goes by.
#[derive(Clone, Debug)]
pub struct Announced {
    windows: Vec<Window>,
    clock: Arc<dyn Clock>,
}

impl Announced {
    /// These windows.
    pub fn new(windows: Vec<Window>, clock: Arc<dyn Clock>) -> Self {
        Self { windows, clock }
    }

    /// Lets a question pass unless there is maintenance; no clock is read if none is announced.
    pub(crate) fn pass(&self) -> Result<(), Miss> {
        if self.windows.is_empty() {
            return Ok(());
        }
        let now = self.now();
        self.end(now).map_or(Ok(()), |end| {
            Err(until(end.as_millisecond(), now.as_millisecond()))
        })
    }

    /// When the last of the windows ends that are open.
    pub(crate) fn end(&self, now: Timestamp) -> Option<Timestamp> {
        let open = self.windows.iter().filter_map(|window| window.end(now));
        open.max()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Default for Announced {
    fn default() -> Self {
        Self::new(Vec::new(), Arc::new(SystemClock))
    }
}

/// What a question is about: two answers about the same may be about that alone.
#[derive(Clone, Copy, Debug, Hash)]
pub enum Topic<'a> {
    /// A person.
    Subject(CitizenId),
    /// A number of a person.
    Number(&'a Identifier),
    /// A dossier, by its number here.
    Dossier(u64),
    /// An enquiry that is sent again.
    Enquiry(&'a [u8]),
}

/// What an agency has said of maintenance at one address. Times are milliseconds of Unix time.
#[derive(Debug)]
pub(crate) struct Learned {
    /// Until when; 0 if it has not said so.
    until_ms: AtomicI64,
    /// When one question is to see whether that is so.
    look_ms: AtomicI64,
    every_ms: i64,
    /// The topic of the last answer that said so, under a key of this process; 0 if another answer has
    /// come since.
    said_of: AtomicU64,
    key: RandomState,
}

/// Whether an address is under maintenance by its own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is not.
    Open,
    /// One who asks is to see whether it still is.
    Due,
    /// It is.
    Closed,
}

/// What an answer has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is under maintenance until then.
    Begun(Timestamp),
    /// It answers again.
    Over,
}

impl Learned {
    /// Nothing so far; while there is maintenance, one question is to look that often.
    pub(crate) fn looked_at_every(every_ms: u32) -> Self {
        Self {
            until_ms: AtomicI64::new(0),
            look_ms: AtomicI64::new(0),
            every_ms: every_ms.into(),
            said_of: AtomicU64::new(0),
            key: RandomState::new(),
        }
    }

    /// True while it has said nothing, which is to be known without a clock.
    pub(crate) fn is_quiet(&self) -> bool {
        self.until_ms.load(Ordering::Acquire) == 0
    }

    /// Until when there is maintenance, if there is.
    pub(crate) fn end(&self, now_ms: i64) -> Option<i64> {
        let until = self.until_ms.load(Ordering::Acquire);
        (now_ms < until).then_some(until)
    }

    pub(crate) fn standing(&self, now_ms: i64) -> Standing {
        if self.is_quiet() {
            Standing::Open
        } else if self.end(now_ms).is_some() && now_ms < self.look_ms.load(Ordering::Acquire) {
            Standing::Closed
        } else {
            Standing::Due
        }
    }

    /// Lets a question pass, or says when it will: now and then, and when it should be over, one goes ahead
    /// and the others wait for that one.
    pub(crate) fn pass(&self, now_ms: i64) -> Result<(), i64> {
        let until = self.until_ms.load(Ordering::Acquire);
        if until == 0 {
            return Ok(());
        }
        if now_ms < until {
            let look = self.look_ms.load(Ordering::Acquire);
            let next = now_ms + self.every_ms;
            let mine = now_ms >= look && replace(&self.look_ms, look, next).is_ok();
            return if mine { Ok(()) } else { Err(until) };
        }
        let next = now_ms + PROBE_MS;
        match replace(&self.until_ms, until, next) {
            Ok(_) | Err(0) => {
                self.look_ms.store(next, Ordering::Release);
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    /// Learns from how a question ended.
    pub(crate) fn learn<T>(
        &self,
        ended: &Result<T, Miss>,
        topic: Topic<'_>,
        announced: &Announced,
    ) -> Option<News> {
        let said = match ended {
            Err(miss) if miss.reason == MAINTENANCE => miss.retry_after,
            // Who gives no answer does not say that it is over.
            Err(miss) if miss.state.is_failure() && miss.blame == Blame::Source => return None,
            _ => return self.over(),
        };
        let again = match (said, self.is_quiet()) {
            (Some(again), _) => again,
            (None, false) => A_WHILE,
            // Without an end it says nothing that could be heeded, and not that it is over.
            (None, true) => return None,
        };
        if !self.is_believed(topic) {
            return None;
        }
        let now = announced.now();
        let end = now + again.clamp(SHORTEST, LONGEST);
        let look = now.as_millisecond() + self.every_ms;
        self.look_ms.store(look, Ordering::Release);
        let before = self.until_ms.swap(end.as_millisecond(), Ordering::AcqRel);
        (before == 0).then_some(News::Begun(end))
    }

    /// Notes of what it is said that there is maintenance; true if that was said of something else before.
    fn is_believed(&self, topic: Topic<'_>) -> bool {
        let topic = self.key.hash_one(topic) | 1;
        let before = self.said_of.swap(topic, Ordering::AcqRel);
        !self.is_quiet() || before != 0 && before != topic
    }

    /// Notes that the agency answers.
    fn over(&self) -> Option<News> {
        if self.said_of.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.said_of.store(0, Ordering::Release);
        let before = self.until_ms.swap(0, Ordering::AcqRel);
        (before != 0).then_some(News::Over)
    }
}

/// Replaces a time, if it is still that one; or says which it is.
fn replace(time: &AtomicI64, from: i64, to: i64) -> Result<i64, i64> {
    time.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
}

/// The miss of a question that is not asked, with a time to come again of at least a second.
pub(crate) fn until(end_ms: i64, now_ms: i64) -> Miss {
    let left = u64::try_from(end_ms.saturating_sub(now_ms)).unwrap_or(0);
    let left = Duration::from_millis(left).max(SHORTEST);
    Miss::maintenance(Some(left)).after(0)
}

/// The reason of a source that is under maintenance.
pub(crate) const MAINTENANCE: &str = "MAINTENANCE";
/// The shortest maintenance that is believed, and the shortest time to come again.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest; the agency is looked at again then.
const LONGEST: Duration = Duration::from_secs(3_600);
/// How much longer it lasts if the agency says so without an end.
const A_WHILE: Duration = Duration::from_secs(60);
/// How long the others wait for the one question that goes ahead: as long as a call by default.
const PROBE_MS: i64 = 2_500;
