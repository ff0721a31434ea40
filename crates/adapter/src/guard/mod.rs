//! What stands between the gateway and one source: an agency that is slow or broken costs its own
//! part of an answer, and nothing else.
//!
//! Every question to a source passes [`Guard::ask`]: it is not asked if the time left is less than
//! the source usually takes, if as many calls are under way as it bears, or while its circuit is
//! open, or under maintenance; and it is asked once again if it was not reached. A source with
//! several addresses is asked at any of them. Not here: what is asked; sessions and connections,
//! which are the adapter's.
//!
//! *Invariants:* nobody waits for a place; an open circuit is tried by one call at a time; a call that
//! is dropped gives its place back; what the gateway itself cut short or got wrong is not the
//! source's failure. On the way of a call there is no lock and no allocation.

mod breaker;
mod budget;
#[cfg(test)]
mod callers;
mod config;
mod dice;
mod guarded;
mod limit;
mod patience;
mod places;
#[cfg(test)]
mod several;
mod tally;
#[cfg(test)]
mod tests;
mod turn;
mod typical;
mod verdict;
mod view;
mod window;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use exchange::{Source, SourceState};
use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep, timeout_at};

use crate::dossier::UNDER_WAY;
use crate::maintenance::{Announced, Topic};
use crate::{Miss, Progress};
use breaker::{Breaker, Phase, Relief, Time};
use budget::Budget;
use limit::Limit;
use places::{Places, Wish};
use tally::Tally;
use turn::{For, Turn};
use typical::Typical;

pub use config::Config;
pub use guarded::Guarded;
pub use patience::{Cut, Patience};
pub use places::Place;
pub use view::{Address, Circuit, Counts, View};

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
    /// How long answers are believed to take: a little less with each question that is not asked.
    typical: Typical,
    /// How long they took.
    measured: Typical,
    /// When the last one came.
    answered_ms: AtomicU64,
    tally: Tally,
    /// Of what was asked on nobody's behalf.
    errands: Tally,
    places: Places,
    announced: Announced,
}

impl Guard {
    /// The guard of a source whose calls take no longer than `cap`.
    #[must_use]
    pub fn new(source: Source, cap: Duration, config: &Config) -> Self {
        Self {
            source,
            cap,
            began: Instant::now(),
            breaker: Breaker::new(config, Relief::None),
            limit: Limit::new(config),
            budget: Budget::new(config),
            typical: Typical::default(),
            measured: Typical::default(),
            answered_ms: AtomicU64::new(0),
            tally: Tally::default(),
            errands: Tally::default(),
            places: Places::new(source, vec![String::new()], config),
            announced: Announced::default(),
        }
    }

    /// The same of a source that is asked at the addresses of these names, one or more.
    #[must_use]
    pub fn at(self, names: Vec<String>, config: &Config) -> Self {
        let places = Places::new(self.source, names, config);
        Self { places, ..self }
    }

    /// The same of a source for which this maintenance is announced.
    #[must_use]
    pub fn announced(self, announced: Announced) -> Self {
        Self { announced, ..self }
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

    /// Asks about a topic at one of the places, and once again if the source was not reached and there is time;
    /// at another place, if there is one. Returns the answer and how many calls were made in vain
    /// before it.
    ///
    /// A panic in the adapter is the miss of this question only.
    ///
    /// # Errors
    /// The miss of the adapter, with all calls made; or that the source was not asked.
    pub async fn ask<T, F>(
        &self,
        patience: Patience,
        topic: Topic<'_>,
        ask: impl Fn(Place) -> F,
    ) -> Result<(T, u32), Miss>
    where
        F: Future<Output = Result<T, Miss>>,
    {
        self.ask_at(None, patience, topic, ask).await
    }

    /// Asks as [`Guard::ask`] does, first at that place while it answers.
    async fn ask_at<T, F>(
        &self,
        at: Option<Place>,
        patience: Patience,
        topic: Topic<'_>,
        ask: impl Fn(Place) -> F,
    ) -> Result<(T, u32), Miss>
    where
        F: Future<Output = Result<T, Miss>>,
    {
        self.budget.deposit();
        let begun = Instant::now();
        let turn = self.turn(patience, begun, Wish { at, but: None })?;
        let place = turn.place;
        let leave = self.leaves(place, patience, begun);
        let missed = match self.call((turn, topic), patience, leave, &ask).await {
            Ok(answer) => return Ok((answer, 0)),
            Err(missed) => missed,
        };
        if missed.is_left {
            // Its retry is paid, and has waited long enough.
        } else if let Some(pause) = self.again_in(&missed.miss, place, patience, begun) {
            sleep(pause).await;
        } else {
            return Err(missed.miss);
        }
        // What the source said is worth more than that it was not asked again.
        let elsewhere = Wish {
            at: None,
            but: Some(place),
        };
        let Ok(turn) = self.turn(patience, Instant::now(), elsewhere) else {
            return Err(missed.miss);
        };
        match self.call((turn, topic), patience, None, &ask).await {
            Ok(answer) => Ok((answer, missed.miss.attempts)),
            Err(second) => {
                let attempts = missed.miss.attempts + second.miss.attempts;
                Err(second.miss.after(attempts))
            }
        }
    }

    /// Begins a call, if the source is to be asked at all.
    fn turn(&self, patience: Patience, begun: Instant, wish: Wish) -> Result<Turn<'_>, Miss> {
        let time = self.time(patience.deadline.saturating_duration_since(begun))?;
        Turn::take(self, begun, wish, (For::Caller, time))
    }

    /// Asks on nobody's behalf, at that place while it answers: as a question does, under the same limit
    /// and the same circuit, but counted apart and never twice, and how long it takes says nothing of
    /// how long a question does.
    ///
    /// # Errors
    /// The miss of the adapter; or that the source was not asked.
    pub async fn errand<T, F>(
        &self,
        at: Option<Place>,
        topic: Topic<'_>,
        ask: impl Fn(Place) -> F,
    ) -> Result<T, Miss>
    where
        F: Future<Output = Result<T, Miss>>,
    {
        let begun = Instant::now();
        let turn = Turn::take(
            self,
            begun,
            Wish { at, but: None },
            (For::Nobody, Time::Enough),
        )?;
        let patience = self.patience(begun + self.cap);
        let called = self.call((turn, topic), patience, None, &ask);
        called.await.map_err(|missed| missed.miss)
    }

    /// Calls once; for another place it is left at that time, if the budget pays for that.
    async fn call<T, F>(
        &self,
        (turn, topic): (Turn<'_>, Topic<'_>),
        patience: Patience,
        leave: Option<Instant>,
        ask: &impl Fn(Place) -> F,
    ) -> Result<T, Missed>
    where
        F: Future<Output = Result<T, Miss>>,
    {
        let place = turn.place;
        // Within, so that a panic before the first await is caught too.
        let mut asked = pin!(AssertUnwindSafe(async { ask(place).await }).catch_unwind());
        let (mut ended, mut is_left) = (None, false);
        if let Some(leave) = leave {
            ended = timeout_at(leave, asked.as_mut()).await.ok();
            is_left = ended.is_none() && self.pays(Instant::now());
        }
        if ended.is_none() && !is_left {
            ended = timeout_at(patience.deadline, asked).await.ok();
        }
        let result = match ended {
            Some(Ok(answered)) => answered,
            Some(Err(_)) => Err(Miss::invalid(PANICKED, "the adapter panicked")),
            None => Err(Miss::timeout("no answer in the time there was")),
        };
        let cut = match &result {
            // Its adapter gives up before the deadline, since nothing more can come of it.
            Err(miss) if miss.reason == UNDER_WAY => patience.cut,
            _ => patience.ended_by(Instant::now()),
        };
        turn.settle(&result, topic, cut);
        result.map_err(|miss| Missed { miss, is_left })
    }

    /// Refuses a question that most likely has no answer in the time that is left. While the circuit is not
    /// closed that is for the circuit to do, which looks for somebody with enough time.
    fn time(&self, left: Duration) -> Result<Time, Miss> {
        let is_closed = self.breaker.state().phase == Phase::Closed;
        let takes = match is_closed {
            true => self.typical.get(),
            false => self.measured.get(),
        };
        if !left.is_zero() {
            if left >= takes {
                return Ok(Time::Enough);
            }
            if !is_closed {
                return Ok(Time::Short);
            }
            // If all callers have too little time, nobody would find out that it has become enough.
            self.typical.relax();
        }
        Tally::add(&self.tally.no_time);
        let detail = "the source takes longer than there is time";
        Err(Miss::new(SourceState::Skipped, NO_TIME, detail).after(0))
    }

    /// When a place that does not answer is left for another: after half of the time and four times
    /// what an answer takes, if twice that is left then.
    fn leaves(&self, place: Place, patience: Patience, begun: Instant) -> Option<Instant> {
        if !self.places.has_other(place, &self.announced) {
            return None;
        }
        let left = patience.deadline.checked_duration_since(begun)?;
        let typical = self.typical.get();
        let most = left.checked_sub(typical * 2)?;
        let wait = (left / 2).max(typical * 4);
        (wait <= most).then(|| begun + wait)
    }

    /// After which pause a question is asked again, if it is.
    fn again_in(
        &self,
        missed: &Miss,
        place: Place,
        patience: Patience,
        begun: Instant,
    ) -> Option<Duration> {
        let (now, pause) = (Instant::now(), self.budget.pause());
        let unreached = missed.state == SourceState::Unavailable
            && missed.progress < Progress::Answering
            && missed.retry_after.is_none()
            && now - begun < QUICK;
        let again = unreached
            || verdict::is_elsewhere_better(missed)
                && self.places.has_other(place, &self.announced);
        let left = patience.deadline.checked_duration_since(now)?;
        if !again || left < pause + self.typical.get() {
            return None;
        }
        self.pays(now).then_some(pause)
    }

    /// Takes a retry out of the budget, if there is one.
    fn pays(&self, now: Instant) -> bool {
        let paid = self.budget.withdraw(self.elapsed_ms(now));
        Tally::add(match paid {
            true => &self.tally.retries,
            false => &self.tally.over_budget,
        });
        paid
    }

    /// Milliseconds since this guard was made.
    fn elapsed_ms(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.began);
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    }
}

/// A call without an answer.
struct Missed {
    miss: Miss,
    /// It was left for another place, and the retry there is paid.
    is_left: bool,
}

/// What took longer to fail, such as a connection that does not open, would take as long again.
const QUICK: Duration = Duration::from_millis(500);

/// The reason of a source that is not asked since too little time is left.
pub const NO_TIME: &str = "NO_TIME";
/// The reason of a source that is not asked since as many calls are under way as it bears.
pub const OVERLOADED: &str = "OVERLOADED";
/// The reason of a source that is not asked while its circuit is open.
pub const CIRCUIT_OPEN: &str = "CIRCUIT_OPEN";
/// The reason of a source whose adapter panicked.
pub const PANICKED: &str = "INTERNAL";
