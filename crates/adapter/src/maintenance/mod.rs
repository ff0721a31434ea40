//! Maintenance of an agency, announced in the configuration or by its own answers: nobody asks it
//! meanwhile, and who wants to is told at once when to come again.
//!
//! One answer that says so may be about one record alone; two in a row are believed until the end
//! that they name, of the address that said so. When that has come, one question goes ahead and the
//! others wait for how it ends.
//!
//! Not here: who is asked meanwhile, and an agency that fails without a word (the guard).

#[cfg(test)]
mod tests;
mod windows;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use exchange::{Clock, SystemClock};
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

/// What an agency has said of maintenance at one address. Times are milliseconds of Unix time.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    /// Until when; 0 if it has not said so.
    until_ms: AtomicI64,
    /// How many answers in a row have said so.
    said: AtomicU32,
}

/// Whether an address is under maintenance by its own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is not.
    Open,
    /// It should be over, if one who asks finds it so.
    Due,
    /// It is, until then.
    Closed(i64),
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
    /// True while it has said nothing, which is to be known without a clock.
    pub(crate) fn is_quiet(&self) -> bool {
        self.until_ms.load(Ordering::Acquire) == 0
    }

    pub(crate) fn standing(&self, now_ms: i64) -> Standing {
        match self.until_ms.load(Ordering::Acquire) {
            0 => Standing::Open,
            until if now_ms < until => Standing::Closed(until),
            _ => Standing::Due,
        }
    }

    /// Lets a question pass, or says when it will: when it should be over, one goes ahead and the
    /// others wait for that one.
    pub(crate) fn pass(&self, now_ms: i64) -> Result<(), i64> {
        let until = self.until_ms.load(Ordering::Acquire);
        if until == 0 {
            return Ok(());
        }
        if now_ms < until {
            return Err(until);
        }
        let next = now_ms + PROBE_MS;
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        match self
            .until_ms
            .compare_exchange(until, next, success, failure)
        {
            Ok(_) | Err(0) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// Learns from how a question ended.
    pub(crate) fn learn<T>(&self, ended: &Result<T, Miss>, announced: &Announced) -> Option<News> {
        let said = match ended {
            Err(miss) if miss.reason == MAINTENANCE => miss.retry_after,
            // Who gives no answer does not say that it is over.
            Err(miss) if miss.state.is_failure() && miss.blame == Blame::Source => return None,
            _ => None,
        };
        let Some(again) = said else {
            return self.over();
        };
        if self.said.fetch_add(1, Ordering::AcqRel) + 1 < BELIEVED {
            return None;
        }
        let end = announced.now() + again.clamp(SHORTEST, LONGEST);
        let before = self.until_ms.swap(end.as_millisecond(), Ordering::AcqRel);
        (before == 0).then_some(News::Begun(end))
    }

    /// Notes that the agency answers.
    fn over(&self) -> Option<News> {
        if self.said.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.said.store(0, Ordering::Release);
        let before = self.until_ms.swap(0, Ordering::AcqRel);
        (before != 0).then_some(News::Over)
    }
}

/// The miss of a question that is not asked, with a time to come again of at least a second.
pub(crate) fn until(end_ms: i64, now_ms: i64) -> Miss {
    let left = u64::try_from(end_ms.saturating_sub(now_ms)).unwrap_or(0);
    let left = Duration::from_millis(left).max(SHORTEST);
    Miss::maintenance(Some(left)).after(0)
}

/// The reason of a source that is under maintenance.
pub(crate) const MAINTENANCE: &str = "MAINTENANCE";
/// How many answers in a row must say that there is maintenance.
const BELIEVED: u32 = 2;
/// The shortest maintenance that is believed, and the shortest time to come again.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest; the agency is looked at again then.
const LONGEST: Duration = Duration::from_secs(3_600);
/// How long the others wait for the one question that goes ahead: as long as a call by default.
const PROBE_MS: i64 = 2_500;
