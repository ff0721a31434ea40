//! One call that is under way: a place among those at once, and a pass of the circuit.
//!
//! *Invariant:* it gives both back, however it ends.

use std::time::Duration;

use exchange::SourceState;
use tokio::time::Instant;

use super::breaker::{Change, Pass, Phase};
use super::places::{Aside, Place, Visit};
use super::tally::Tally;
use super::verdict::{self, Hung, Verdict};
use super::{CIRCUIT_OPEN, Cut, Guard, OVERLOADED};
use crate::Miss;

/// On whose behalf a source is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    Caller,
    Nobody,
}

/// A call under way.
#[derive(Debug)]
pub(super) struct Turn<'g> {
    guard: &'g Guard,
    begun: Instant,
    whom: For,
    /// None once it is settled.
    pass: Option<Pass>,
    /// Where it goes.
    pub(super) place: Place,
    /// What is noted of that place, if there are several.
    visit: Option<Visit<'g>>,
}

impl<'g> Turn<'g> {
    /// Begins a call, but not to that place if there is another; or says why the source is not asked.
    pub(super) fn take(
        guard: &'g Guard,
        begun: Instant,
        but: Option<Place>,
        whom: For,
    ) -> Result<Self, Miss> {
        let (now_ms, tally) = (guard.elapsed_ms(begun), guard.tally_of(whom));
        let announced = guard.announced.pass();
        announced.inspect_err(|_| Tally::add(&tally.maintenance))?;
        if !guard.limit.enter() {
            Tally::add(&tally.overloaded);
            let detail = "as many calls are under way as the source bears";
            let miss = Miss::new(SourceState::Skipped, OVERLOADED, detail);
            return Err(later(miss, guard.overloaded_for()));
        }
        let circuit = guard.breaker.admit(now_ms).map_err(|wait| {
            guard.limit.leave();
            Tally::add(&tally.circuit_open);
            let detail = "the circuit to the source is open";
            let miss = Miss::new(SourceState::CircuitOpen, CIRCUIT_OPEN, detail);
            later(miss, wait)
        });
        let pass = circuit?;
        let chosen = guard.places.choose(but, &guard.announced, now_ms);
        let (place, visit) = chosen.inspect_err(|_| {
            guard.limit.leave();
            guard.breaker.cancel(pass, now_ms);
            Tally::add(&tally.maintenance);
        })?;
        if pass.phase() == Phase::Probing {
            Tally::add(&guard.tally.probes);
        }
        Ok(Self {
            guard,
            begun,
            whom,
            pass: Some(pass),
            place,
            visit,
        })
    }

    /// Ends the call with what it says of the source, and of the place.
    pub(super) fn settle<T>(mut self, result: &Result<T, Miss>, cut: Cut) {
        let (guard, now) = (self.guard, Instant::now());
        let (took, now_ms) = (now - self.begun, guard.elapsed_ms(now));
        let Some(pass) = self.pass.take() else { return };
        guard.places.learn(self.place, result, &guard.announced);
        let mut verdict = verdict::of(result, cut);
        if let Some(visit) = self.visit.take() {
            let aside = visit.settle(verdict::of_address(result, verdict), now_ms);
            if aside == Aside::Yes && !matches!(verdict, Verdict::Answered | Verdict::Refused) {
                // The others answer for the source.
                verdict = Verdict::Nothing { hung: Hung::No };
            }
        }
        guard.limit.leave();
        let change = guard.breaker.settle(pass, verdict, now_ms);
        let tally = guard.tally_of(self.whom);
        let count = match verdict {
            Verdict::Answered => {
                if self.whom == For::Caller {
                    guard.typical.observe(took);
                    guard.limit.answered(took, now_ms);
                }
                &tally.answered
            }
            Verdict::Refused => &tally.answered,
            Verdict::Failed { hung, .. } => {
                guard.waited(hung, took, now_ms);
                &tally.failed
            }
            Verdict::Nothing { hung } => {
                guard.waited(hung, took, now_ms);
                &tally.local
            }
        };
        Tally::add(count);
        if let Some(change) = change {
            guard.changed(change);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Some(pass) = self.pass.take() else { return };
        self.guard.limit.leave();
        let now_ms = self.guard.elapsed_ms(Instant::now());
        self.guard.breaker.cancel(pass, now_ms);
        Tally::add(&self.guard.tally_of(self.whom).dropped);
    }
}

impl Guard {
    const fn tally_of(&self, whom: For) -> &Tally {
        match whom {
            For::Caller => &self.tally,
            For::Nobody => &self.errands,
        }
    }

    /// A source that keeps callers waiting is slow, whosever fault the end was.
    fn waited(&self, hung: Hung, took: Duration, now_ms: u64) {
        if hung == Hung::Yes {
            self.limit.hung(took, now_ms);
        }
    }

    /// When there may be a place again: after a call as they are at present, but not at once.
    fn overloaded_for(&self) -> Duration {
        self.limit.latency().0.max(COME_AGAIN)
    }

    /// Says once that the circuit has changed, and counts it.
    fn changed(&self, change: Change) {
        let source = self.source;
        match change {
            Change::Opened(why, wait) => {
                Tally::add(&self.tally.opened);
                let next_probe_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                let why = why.text();
                tracing::warn!(%source, circuit = "open", why, next_probe_ms, "the circuit to a source opens");
            }
            Change::Closed => {
                self.limit.restart();
                tracing::warn!(%source, circuit = "closed", "the circuit to a source closes");
            }
        }
    }
}

/// A source that was not asked, and when to come again.
fn later(miss: Miss, wait: Duration) -> Miss {
    Miss {
        retry_after: Some(wait),
        ..miss.after(0)
    }
}

/// How long a caller who finds no place is sent away at least.
const COME_AGAIN: Duration = Duration::from_secs(1);
