//! What stands between the gateway and one source: an agency that is slow or broken costs its own
//! part of an answer, and nothing else.
//!
//! Every question to a source passes [`Guard::ask`]: it is not asked if the time left is less than
//! the source usually takes, if as many calls are under way as it bears, or while its circuit is
//! open; and it is asked once again if it was not reached. Not here: what is asked; sessions and
//! connections, which are the adapter's.
//!
//! *Invariants:* nobody waits for a place; an open circuit is tried by one call at a time; a call that
//! is dropped gives its place back; what the gateway itself cut short or got wrong is not the
//! source's failure. On the way of a call there is no lock and no allocation.

mod breaker;
mod budget;
mod config;
mod limit;
mod patience;
mod tally;
#[cfg(test)]
mod tests;
mod turn;
mod typical;
mod verdict;
mod view;
mod window;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use exchange::{Source, SourceState};
use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{Agency, Miss, Progress};
use breaker::Breaker;
use budget::Budget;
use limit::Limit;
use tally::Tally;
use turn::{For, Turn};
use typical::Typical;

pub use config::Config;
pub use patience::{Cut, Patience};
pub use view::{Circuit, Counts, View};

/// An agency behind its guard.
#[derive(Clone, Debug)]
pub struct Guarded {
    /// The agency.
    pub agency: Arc<dyn Agency>,
    /// What stands before it.
    pub guard: Arc<Guard>,
}

impl Guarded {
    /// Puts a guard before an agency.
    pub fn new(agency: Arc<dyn Agency>, config: &Config) -> Self {
        let guard = Guard::new(agency.source(), agency.cap(), config);
        Self {
            agency,
            guard: Arc::new(guard),
        }
    }
}

/// The guard of one source.
#[derive(Debug)]
pub struct Guard {
    source: Source,
    cap: Duration,
    /// From when its times count.
    began: Instant,
    breaker: Breaker,
    limit: Limit,
    budget: Budget,
    typical: Typical,
    tally: Tally,
    /// Of what was asked on nobody's behalf.
    aside: Tally,
}

impl Guard {
    /// The guard of a source whose calls take no longer than `cap`.
    #[must_use]
    pub fn new(source: Source, cap: Duration, config: &Config) -> Self {
        Self {
            source,
            cap,
            began: Instant::now(),
            breaker: Breaker::new(config),
            limit: Limit::new(config),
            budget: Budget::new(config),
            typical: Typical::default(),
            tally: Tally::default(),
            aside: Tally::default(),
        }
    }

    /// The source.
    #[must_use]
    pub const fn source(&self) -> Source {
        self.source
    }

    /// Until when a question that must be answered by `latest` waits for this source.
    #[must_use]
    pub fn patience(&self, latest: Instant) -> Patience {
        Patience::new(self.cap, latest)
    }

    /// Asks, and once again if the source was not reached and there is time. Returns the answer and
    /// how many calls were made in vain before it.
    ///
    /// A panic in the adapter is the miss of this question only.
    ///
    /// # Errors
    /// The miss of the adapter, with all calls made; or that the source was not asked.
    pub async fn ask<T, F>(&self, patience: Patience, ask: impl Fn() -> F) -> Result<(T, u32), Miss>
    where
        F: Future<Output = Result<T, Miss>>,
    {
        self.budget.deposit();
        let begun = Instant::now();
        let missed = match self.once(patience, &ask).await {
            Ok(answer) => return Ok((answer, 0)),
            Err(missed) => missed,
        };
        let Some(pause) = self.again_in(&missed, patience, begun) else {
            return Err(missed);
        };
        sleep(pause).await;
        match self.once(patience, &ask).await {
            Ok(answer) => Ok((answer, missed.attempts)),
            // What the source said is worth more than that it was not asked again.
            Err(second) if is_unasked(&second) => Err(missed),
            Err(second) => {
                let attempts = missed.attempts + second.attempts;
                Err(second.after(attempts))
            }
        }
    }

    /// Asks on nobody's behalf: as a question does, under the same limit and the same circuit, but counted
    /// apart and never twice, and how long it takes says nothing of how long a question does.
    ///
    /// # Errors
    /// The miss of the adapter; or that the source was not asked.
    pub async fn aside<T, F>(&self, ask: impl Fn() -> F) -> Result<T, Miss>
    where
        F: Future<Output = Result<T, Miss>>,
    {
        let begun = Instant::now();
        let turn = Turn::take(self, begun, For::Nobody)?;
        self.within(Patience::new(self.cap, begun + self.cap), turn, &ask)
            .await
    }

    /// Asks once, if the source is to be asked at all.
    async fn once<T, F>(&self, patience: Patience, ask: &impl Fn() -> F) -> Result<T, Miss>
    where
        F: Future<Output = Result<T, Miss>>,
    {
        let begun = Instant::now();
        self.in_time(patience.deadline.saturating_duration_since(begun))?;
        let turn = Turn::take(self, begun, For::Caller)?;
        self.within(patience, turn, ask).await
    }

    /// Asks in a turn.
    async fn within<T, F>(
        &self,
        patience: Patience,
        turn: Turn<'_>,
        ask: &impl Fn() -> F,
    ) -> Result<T, Miss>
    where
        F: Future<Output = Result<T, Miss>>,
    {
        // Within, so that a panic before the first await is caught too.
        let asked = AssertUnwindSafe(async { ask().await }).catch_unwind();
        let result = match timeout_at(patience.deadline, asked).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(_)) => {
                Tally::add(&self.tally.panics);
                Err(Miss::invalid(PANICKED, "the adapter panicked"))
            }
            Err(_) => Err(Miss::timeout("no answer in the time there was")),
        };
        turn.settle(verdict::of(&result, patience.ended_by(Instant::now())));
        result
    }

    /// Refuses a question that most likely has no answer in the time that is left.
    fn in_time(&self, left: Duration) -> Result<(), Miss> {
        if !left.is_zero() && left >= self.typical.get() {
            return Ok(());
        }
        // If all callers have too little time, nobody would find out that it has become enough.
        self.typical.relax();
        Tally::add(&self.tally.no_time);
        let detail = "the source takes longer than there is time";
        Err(Miss::new(SourceState::Skipped, NO_TIME, detail).after(0))
    }

    /// After which pause a question is asked again, if it is.
    fn again_in(&self, missed: &Miss, patience: Patience, begun: Instant) -> Option<Duration> {
        let (now, pause) = (Instant::now(), self.budget.pause());
        let unreached = missed.state == SourceState::Unavailable
            && missed.progress < Progress::Answering
            && missed.retry_after.is_none()
            && now - begun < QUICK;
        let left = patience.deadline.checked_duration_since(now)?;
        if !unreached || left < pause + self.typical.get() {
            return None;
        }
        if !self.budget.withdraw(self.elapsed_ms(now)) {
            Tally::add(&self.tally.over_budget);
            return None;
        }
        Tally::add(&self.tally.retries);
        Some(pause)
    }

    /// Milliseconds since this guard was made.
    fn elapsed_ms(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.began);
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    }
}

/// What took longer to fail, such as a connection that does not open, would take as long again.
const QUICK: Duration = Duration::from_millis(500);

/// True if the guard kept the question back.
fn is_unasked(miss: &Miss) -> bool {
    miss.attempts == 0 && [CIRCUIT_OPEN, OVERLOADED, NO_TIME].contains(&miss.reason)
}

/// The reason of a source that is not asked since too little time is left.
pub const NO_TIME: &str = "NO_TIME";
/// The reason of a source that is not asked since as many calls are under way as it bears.
pub const OVERLOADED: &str = "OVERLOADED";
/// The reason of a source that is not asked while its circuit is open.
pub const CIRCUIT_OPEN: &str = "CIRCUIT_OPEN";
/// The reason of a source whose adapter panicked.
pub const PANICKED: &str = "INTERNAL";
