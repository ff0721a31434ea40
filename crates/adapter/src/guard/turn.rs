//! One call that is under way: a place among those at once, and a pass of the circuit.
//!
//! *Invariant:* it gives both back, however it ends.

use std::sync::atomic::Ordering;
use std::time::Duration;

use exchange::SourceState;
use tokio::time::Instant;

use super::breaker::{Change, Pass, Phase, Time};
use super::places::{Aside, Place, Visit, Wish};
use super::tally::Tally;
use super::verdict::{self, Hung, Verdict};
use super::{CIRCUIT_OPEN, Cut, Guard, OVERLOADED};
use crate::Miss;
use crate::maintenance::Topic;

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
    /// Begins a call; or says why the source is not asked.
    pub(super) fn take(
        guard: &'g Guard,
        begun: Instant,
        wish: Wish,
        (whom, time): (For, Time),
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
        let circuit = guard.breaker.admit(now_ms, time).map_err(|wait| {
            guard.limit.leave();
            Tally::add(&tally.circuit_open);
            let detail = "the circuit to the source is open";
            let miss = Miss::new(SourceState::CircuitOpen, CIRCUIT_OPEN, detail);
            later(miss, wait)
        });
        let pass = circuit?;
        let chosen = guard.places.choose(wish, &guard.announced, now_ms);
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

    /// Ends the call, about that topic, with what it says of the source, and of the place.
    pub(super) fn settle<T>(mut self, result: &Result<T, Miss>, topic: Topic<'_>, cut: Cut) {
        let Some(pass) = self.pass.take() else { return };
        let (guard, now) = (self.guard, Instant::now());
        let (took, now_ms) = (now - self.begun, guard.elapsed_ms(now));
        guard
            .places
            .learn(self.place, result, topic, &guard.announced);
        let told = verdict::of(result, cut);
        let hung = told == Verdict::Nothing { hung: Hung::Yes };
        let verdict = match hung && guard.is_silent(self.begun, took) {
            true => Verdict::Silent,
            false => told,
        };
        let of_address = verdict::of_address(result, verdict);
        let verdict = self.conclude(pass, (verdict, of_address), now_ms);
        let tally = guard.tally_of(self.whom);
        let count = match verdict {
            Verdict::Answered => {
                guard.answered_ms.store(now_ms, Ordering::Relaxed);
                if self.whom == For::Caller {
                    guard.typical.observe(took);
                    guard.measured.observe(took);
                    guard.limit.answered(took, now_ms);
                }
                &tally.answered
            }
            Verdict::Refused => &tally.answered,
            Verdict::Failed { hung, .. } => {
                guard.waited(hung, took, now_ms);
                &tally.failed
            }
            Verdict::Silent => {
                guard.waited(Hung::Yes, took, now_ms);
                &tally.failed
            }
            Verdict::Nothing { hung } => {
                guard.waited(hung, took, now_ms);
                &tally.local
            }
        };
        Tally::add(count);
    }

    /// Gives the place and the pass back, with the verdict on the source and that on the address; what is
    /// left of the first, if the others answer for the source.
    fn conclude(
        &mut self,
        pass: Pass,
        (mut verdict, of_address): (Verdict, Verdict),
        now_ms: u64,
    ) -> Verdict {
        if let Some(visit) = self.visit.take() {
            let aside = visit.settle(of_address, now_ms);
            if aside == Aside::Yes && !verdict.is_well() {
                verdict = Verdict::Nothing { hung: Hung::No };
            }
        }
        self.guard.limit.leave();
        if let Some(change) = self.guard.breaker.settle(pass, verdict, now_ms) {
            self.guard.changed(change);
        }
        verdict
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Some(pass) = self.pass.take() else { return };
        let (guard, now) = (self.guard, Instant::now());
        let (took, now_ms) = (now - self.begun, guard.elapsed_ms(now));
        let verdict = match guard.is_silent(self.begun, took) {
            true => Verdict::Silent,
            false => Verdict::Nothing { hung: Hung::Yes },
        };
        if verdict != Verdict::Silent {
            // It is neither an answer nor a failure of the address.
            self.visit = None;
        }
        self.conclude(pass, (verdict, verdict), now_ms);
        guard.waited(Hung::Yes, took, now_ms);
        Tally::add(&guard.tally_of(self.whom).dropped);
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

    /// True if a call for which nobody waits any longer tells that the source is silent: it waited for
    /// longer than answers take, and nobody was answered meanwhile. How long they take is what was
    /// measured, of which callers in a hurry change nothing.
    fn is_silent(&self, begun: Instant, took: Duration) -> bool {
        if self.answered_ms.load(Ordering::Relaxed) > self.elapsed_ms(begun) {
            return false;
        }
        let (usual, cap) = (self.measured.get(), self.cap);
        let long = (usual * 2).max(cap * 3 / 4);
        took >= match usual.is_zero() {
            true => long,
            false => (usual * 4).max(cap / 2).min(long),
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
