//! The circuit to a source: closed while it answers, open while it does not, and tried by one call
//! at a time.
//!
//! It opens after so many failures in a row, or when too few calls succeed over a window; first for a
//! second, then for twice as long each time that its probe fails. A circuit that opens again soon after it
//! was closed goes on where it was: a source that comes and goes is left alone for longer and longer.
//! One that answers most calls is not: too few answers begin with a second each time ([`Relief`]). Not
//! here: what a failure is (`verdict`); the log.
//!
//! *Invariants:* of an open circuit one probe at most is under way; a call that began before the
//! circuit last changed changes nothing. Times are milliseconds of the guard.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::config::Config;
use super::verdict::Verdict;
use super::window::{Share, Window};

/// The circuit to a source.
#[derive(Debug)]
pub(super) struct Breaker {
    /// A [`State`], packed.
    state: AtomicU64,
    in_a_row: AtomicU32,
    window: Window,
    bucket_ms: u64,
    failures_in_a_row: u32,
    min_success_percent: u64,
    min_samples: u64,
    open_ms: u64,
    max_open_ms: u64,
    relief: Relief,
}

/// Who answers while a circuit is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relief {
    /// Nobody: of a source that answers most calls, as many as it can are better than none.
    None,
    /// The other addresses of the source.
    Others,
}

/// What the circuit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Calls pass.
    Closed,
    /// None passes before a time.
    Open,
    /// One call is under way to try.
    Probing,
}

/// The circuit at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// How often it has opened in a row.
    level: u8,
    /// Closed: since when. Open: when the next probe is due. Probing: when the probe began.
    pub(super) at_ms: u64,
}

/// That a call may pass, and under which state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    under: u64,
}

impl Pass {
    /// The state under which the call passes: closed, or as the probe.
    pub(super) const fn phase(self) -> Phase {
        State::of(self.under).phase
    }
}

/// Whether a caller has the time that answers take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    Enough,
    Short,
}

/// Why a circuit opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// So many failures in a row.
    InARow,
    /// Too few successes.
    Share,
    /// The probe failed.
    Probe,
}

impl Why {
    /// What the log says of it.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::InARow => "failures in a row",
            Self::Share => "too few answers",
            Self::Probe => "the probe failed",
        }
    }
}

/// A change of the circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It opened; the next probe is due after that time.
    Opened(Why, Duration),
    /// It closed.
    Closed,
}

impl Breaker {
    pub(super) fn new(config: &Config, relief: Relief) -> Self {
        let closed = State {
            phase: Phase::Closed,
            level: 0,
            at_ms: 0,
        };
        Self {
            state: AtomicU64::new(closed.pack()),
            in_a_row: AtomicU32::new(0),
            window: Window::default(),
            bucket_ms: (u64::from(config.window_ms) / Window::buckets()).max(1),
            failures_in_a_row: config.failures_in_a_row,
            min_success_percent: config.min_success_percent.into(),
            min_samples: config.min_samples.into(),
            open_ms: config.open_ms.into(),
            max_open_ms: config.max_open_ms.into(),
            relief,
        }
    }

    /// Lets a call pass, or says after which time one may. A caller who may have too little time tries a
    /// circuit only if nobody else has come for a while.
    pub(super) fn admit(&self, now_ms: u64, time: Time) -> Result<Pass, Duration> {
        let word = self.state.load(Ordering::Acquire);
        let state = State::of(word);
        let due_ms = match time {
            Time::Enough => state.at_ms,
            Time::Short => state.at_ms + self.open_ms,
        };
        match state.phase {
            Phase::Closed => Ok(Pass { under: word }),
            Phase::Open if now_ms < due_ms => Err(Duration::from_millis(due_ms - now_ms)),
            Phase::Open => {
                let probing = State {
                    phase: Phase::Probing,
                    at_ms: now_ms,
                    ..state
                };
                let wait = Duration::from_millis(self.open_ms);
                self.replace(word, probing).ok_or(wait)
            }
            Phase::Probing => Err(Duration::from_millis(self.open_ms)),
        }
    }

    /// Takes note of how a call ended; what that changes.
    pub(super) fn settle(&self, pass: Pass, verdict: Verdict, now_ms: u64) -> Option<Change> {
        if self.state.load(Ordering::Acquire) != pass.under {
            return None;
        }
        let state = State::of(pass.under);
        match (state.phase, verdict) {
            (Phase::Probing, Verdict::Answered | Verdict::Refused) => {
                self.close(pass, state, now_ms)
            }
            (Phase::Probing, Verdict::Failed { retry_after, .. }) => {
                self.open(pass, state.level + 1, Why::Probe, retry_after, now_ms)
            }
            (Phase::Probing, Verdict::Silent) => {
                self.open(pass, state.level + 1, Why::Probe, None, now_ms)
            }
            (Phase::Probing, Verdict::Nothing { .. }) => {
                self.cancel(pass, now_ms);
                None
            }
            (_, Verdict::Answered | Verdict::Refused) => {
                if self.in_a_row.load(Ordering::Relaxed) != 0 {
                    self.in_a_row.store(0, Ordering::Relaxed);
                }
                self.window.count(now_ms / self.bucket_ms, false);
                None
            }
            (_, Verdict::Failed { retry_after, .. }) => {
                let why = self.fail(now_ms)?;
                let level = self.next_level(state, why, now_ms);
                self.open(pass, level, why, retry_after, now_ms)
            }
            // Of those that had less time than the source may take, only many in a row are a sign.
            (_, Verdict::Silent) => {
                let why = self.fail_in_a_row()?;
                let level = self.next_level(state, why, now_ms);
                self.open(pass, level, why, None, now_ms)
            }
            (_, Verdict::Nothing { .. }) => None,
        }
    }

    /// A call has shown nothing. If it was the probe, the next one may try.
    pub(super) fn cancel(&self, pass: Pass, now_ms: u64) {
        let state = State::of(pass.under);
        if state.phase == Phase::Probing {
            let open = State {
                phase: Phase::Open,
                at_ms: now_ms,
                ..state
            };
            self.replace(pass.under, open);
        }
    }

    /// The circuit as it is.
    pub(super) fn state(&self) -> State {
        State::of(self.state.load(Ordering::Acquire))
    }

    /// How many calls have failed in a row.
    pub(super) fn in_a_row(&self) -> u32 {
        self.in_a_row.load(Ordering::Relaxed)
    }

    /// The calls of the window.
    pub(super) fn share(&self, now_ms: u64) -> Share {
        self.window.share(now_ms / self.bucket_ms)
    }

    /// Counts a failure; why the circuit is to open, if it is.
    fn fail(&self, now_ms: u64) -> Option<Why> {
        self.window.count(now_ms / self.bucket_ms, true);
        if let Some(why) = self.fail_in_a_row() {
            return Some(why);
        }
        let Share { calls, failures } = self.share(now_ms);
        let succeeded = calls - failures.min(calls);
        let too_few = succeeded * 100 < calls * self.min_success_percent;
        (calls >= self.min_samples && too_few).then_some(Why::Share)
    }

    fn fail_in_a_row(&self) -> Option<Why> {
        let in_a_row = self.in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        (in_a_row >= self.failures_in_a_row).then_some(Why::InARow)
    }

    /// How long to stay open: as before and twice that, if the last time was within the window and it is not
    /// for too few answers where no one else gives any.
    fn next_level(&self, state: State, why: Why, now_ms: u64) -> u8 {
        let window_ms = self.bucket_ms * Window::buckets();
        let is_soon = now_ms.saturating_sub(state.at_ms) < window_ms;
        let begins_anew = why == Why::Share && self.relief == Relief::None;
        if is_soon && !begins_anew {
            state.level + 1
        } else {
            1
        }
    }

    fn open(
        &self,
        pass: Pass,
        level: u8,
        why: Why,
        retry_after: Option<Duration>,
        now_ms: u64,
    ) -> Option<Change> {
        let level = level.clamp(1, MAX_LEVEL);
        let backoff = self.open_ms.saturating_mul(1 << (level - 1));
        let asked = retry_after.map_or(0, |after| {
            u64::try_from(after.as_millis()).unwrap_or(u64::MAX)
        });
        let wait_ms = backoff.max(asked).min(self.max_open_ms);
        let open = State {
            phase: Phase::Open,
            level,
            at_ms: now_ms + wait_ms,
        };
        self.replace(pass.under, open)?;
        Some(Change::Opened(why, Duration::from_millis(wait_ms)))
    }

    fn close(&self, pass: Pass, state: State, now_ms: u64) -> Option<Change> {
        let closed = State {
            phase: Phase::Closed,
            at_ms: now_ms,
            ..state
        };
        // Before anybody passes: what is counted from now on is of the closed circuit.
        self.in_a_row.store(0, Ordering::Relaxed);
        self.window.clear();
        self.replace(pass.under, closed)?;
        Some(Change::Closed)
    }

    /// Changes the state, if it is still that one.
    fn replace(&self, from: u64, to: State) -> Option<Pass> {
        let to = to.pack();
        let (done, failed) = (Ordering::AcqRel, Ordering::Acquire);
        let replaced = self.state.compare_exchange(from, to, done, failed);
        replaced.is_ok().then_some(Pass { under: to })
    }
}

impl State {
    const fn pack(self) -> u64 {
        let phase = match self.phase {
            Phase::Closed => 0,
            Phase::Open => 1,
            Phase::Probing => 2,
        };
        self.at_ms << 16 | (self.level as u64) << 8 | phase
    }

    const fn of(word: u64) -> Self {
        let phase = match word & 0xff {
            0 => Phase::Closed,
            1 => Phase::Open,
            _ => Phase::Probing,
        };
        Self {
            phase,
            level: (word >> 8 & 0xff) as u8,
            at_ms: word >> 16,
        }
    }
}

/// A second doubled thirty times is past every bound that can be set.
const MAX_LEVEL: u8 = 31;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::verdict::Hung;

    /// For how many seconds a circuit opens, three times in a row, while every second call fails.
    fn pauses(relief: Relief) -> Vec<u64> {
        let breaker = Breaker::new(&Config::default(), relief);
        let failed = Verdict::Failed {
            retry_after: None,
            hung: Hung::No,
        };
        let (mut now_ms, mut pauses) = (0, Vec::new());
        for call in 0..200 {
            let pass = breaker.admit(now_ms, Time::Enough).unwrap();
            let is_well = call % 2 == 0 || pass.phase() == Phase::Probing;
            let verdict = if is_well { Verdict::Answered } else { failed };
            if let Some(Change::Opened(why, pause)) = breaker.settle(pass, verdict, now_ms) {
                assert_eq!(why, Why::Share);
                pauses.push(pause.as_secs());
                now_ms += u64::try_from(pause.as_millis()).unwrap();
            }
        }
        pauses.truncate(3);
        pauses
    }

    #[test]
    fn too_few_answers_are_better_than_none_unless_others_give_them() {
        assert_eq!(pauses(Relief::None), [1, 1, 1]);
        assert_eq!(pauses(Relief::Others), [1, 2, 4]);
    }
}
