//! The turn from the log of one half-year to the next, while the gateway runs.
//!
//! A thread of its own, `evidence-turn`, looks at the clock. Some days before a half-year ends it
//! prepares the next log, so that witnesses and auditors can know its keys. When the half-year ends it
//! begins that log, sends there whatever is new, and lets the older one end: exchanges that are open
//! are recorded where they were begun. If the next log cannot be begun, this one goes on, and it is
//! tried again. Not here: what the writers do.
//!
//! *Invariant:* what is new goes into the newest log, and that has its `START` before.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::evidence::Evidence;
use crate::handle::{Keeper, Writing, Writings};
use crate::keys::{self, Keys};
use crate::link::{Before, Follower};
use crate::private::Epoch;
use crate::series::{Kit, Series};
use crate::writer::{self, Plan, now_ms};
use crate::{Error, gaps, publish};

/// Starts the log of a node: the only one, or the newest.
pub(crate) fn start(keys: Keys, kit: Kit) -> Result<(Evidence, Keeper), Error> {
    let (node, series) = (Arc::clone(&kit.node), Arc::<Series>::default());
    node.check_half_years()?;
    let mut plan = Plan {
        config: (*node).clone(),
        before: None,
        begins: 0,
        kit: kit.clone(),
        keys,
    };
    let epoch = match node.has_half_years() {
        false => None,
        true => {
            let epoch = node.half_year(plan.keys.origin());
            let epoch = epoch.ok_or(Error::Setting {
                setting: "origin",
                problem: "is not the name of the keys",
            })?;
            plan.config = node.of(epoch);
            plan.begins = epoch.begins();
            plan.before = close_older(epoch, &plan, &series)?;
            Some(epoch)
        }
    };
    kit.private.lead(&plan.config.origin);
    let current = Writing::start(plan, &series)?;
    let evidence = current.evidence.clone();
    series.begin(&evidence);
    let writings = Writings {
        current,
        closing: Vec::new(),
    };
    let keeper = match epoch {
        None => Keeper::Handle(Box::new(writings)),
        Some(epoch) => Turner::spawn(epoch, writings, kit, series)?,
    };
    Ok((evidence, keeper))
}

/// Ends the logs before that of `epoch`, as far as a crash or a stop has left them without an end; what
/// the newest of them says to the log that follows.
fn close_older(epoch: Epoch, plan: &Plan, series: &Arc<Series>) -> Result<Option<Before>, Error> {
    let begun = plan.kit.node.begun()?;
    if begun.iter().any(|(newer, _)| *newer > epoch) {
        return Err(Error::Setting {
            setting: "origin",
            problem: "a newer half-year has begun already",
        });
    }
    if gaps::check(&plan.kit.node, &begun)?.is_some_and(|next| next != epoch) {
        return Err(Error::Setting {
            setting: "origin",
            problem: "is not that of the log which the last record of the newest names",
        });
    }
    let mut before = None;
    let older = begun.into_iter().filter(|(older, _)| *older < epoch);
    let older: Vec<_> = older.collect();
    for (place, (epoch, log)) in (1..).zip(&older) {
        let mut end = Before::of(log)?;
        if !end.has_ended() {
            let next = older
                .get(place)
                .map(|(_, next)| Keys::load(next))
                .transpose()?;
            let follower = Follower::of(next.as_ref().unwrap_or(&plan.keys));
            let mut writing = Writing::start(
                Plan {
                    config: log.clone(),
                    keys: Keys::load(log)?,
                    before: before.take(),
                    begins: epoch.begins(),
                    kit: plan.kit.clone(),
                },
                series,
            )?;
            writing.evidence.is_followed_by(follower);
            writing.close(Duration::ZERO);
            writing.wait()?;
            end = Before::of(log)?;
        }
        if let Some((from, to)) = publish::take_over(log)? {
            plan.kit.observer.lock_store_moved(&from, &to);
        }
        if log.has_records()? {
            plan.kit.private.has_ended(log.clone());
        }
        before = Some(end);
    }
    Ok(before)
}

/// The thread that turns.
struct Turner {
    kit: Kit,
    series: Arc<Series>,
    epoch: Epoch,
    writings: Writings,
    /// The newest half-year whose log is there.
    prepared: Epoch,
}

impl Turner {
    fn spawn(
        epoch: Epoch,
        writings: Writings,
        kit: Kit,
        series: Arc<Series>,
    ) -> Result<Keeper, Error> {
        let (stop, stopped) = mpsc::channel();
        let turner = Self {
            kit,
            series,
            epoch,
            writings,
            prepared: epoch,
        };
        let thread = thread::Builder::new()
            .name("evidence-turn".to_owned())
            .spawn(move || turner.run(&stopped))
            .map_err(Error::io("start the thread that turns", ""))?;
        Ok(Keeper::Turner { stop, thread })
    }

    fn run(mut self, stopped: &Receiver<()>) -> Writings {
        let mut pause = Duration::ZERO;
        while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(pause) {
            pause = match self.look() {
                Ok(()) => self.pause(),
                Err(error) => {
                    self.kit.observer.not_turned(&error);
                    RETRY
                }
            };
        }
        self.writings
    }

    /// How long there is nothing to do.
    fn pause(&self) -> Duration {
        if !self.writings.closing.is_empty() {
            return CLOSING;
        }
        let left = self.epoch.next().begins().saturating_sub(self.now());
        Duration::from_millis(left).clamp(CLOSING, LOOK)
    }

    fn look(&mut self) -> Result<(), Error> {
        self.end_older()?;
        let (next, now) = (self.epoch.next(), self.now());
        if now >= next.begins() {
            if Epoch::of(now) > next {
                return Err(Error::Setting {
                    setting: "origin",
                    problem: "the clock is more than a half-year ahead of the log",
                });
            }
            return self.turn(next);
        }
        if self.prepared < next && next.begins() - now <= AHEAD_MS {
            let log = self.kit.node.of(next);
            let keys = keys::create_if_missing(&log)?;
            writer::prepare(&log, &keys, &*self.kit.clock, &*self.kit.observer)?;
            self.prepared = next;
        }
        Ok(())
    }

    /// Begins the next log.
    fn turn(&mut self, next: Epoch) -> Result<(), Error> {
        let log = self.kit.node.of(next);
        let keys = keys::create_if_missing(&log)?;
        let follower = Follower::of(&keys);
        let (private, old) = (&self.kit.private, &self.writings.current);
        private.expect(old.evidence.reach());
        let policy = self.kit.policy.digest();
        let begun = Writing::start(
            Plan {
                keys,
                before: Some(Before::open(&old.config)),
                begins: next.begins(),
                kit: self.kit.clone(),
                config: log,
            },
            &self.series,
        );
        let begun = begun.inspect_err(|_| private.is_filed(&old.config.origin))?;
        private.lead(&begun.config.origin);
        old.evidence.is_followed_by(follower);
        self.series.begin(&begun.evidence);
        if self.kit.policy.digest() != policy {
            // Another came in force while the log began: its record may stand in the old one alone.
            drop(begun.evidence.say_policy(&self.kit.policy.digest()));
        }
        old.close(PATIENCE);
        let old = std::mem::replace(&mut self.writings.current, begun);
        self.writings.closing.push(old);
        (self.epoch, self.prepared) = (next, next);
        Ok(())
    }

    /// Looks after the older logs that have ended by now.
    fn end_older(&mut self) -> Result<(), Error> {
        let (mut still, mut result) = (Vec::new(), Ok(()));
        for mut old in std::mem::take(&mut self.writings.closing) {
            match old.ended() {
                None => still.push(old),
                Some(ended) => result = result.and(self.settle(ended, &old)),
            }
        }
        self.writings.closing = still;
        result
    }

    /// Looks after what an older log has left unfiled, and says in the newest how it has ended. If that
    /// fails, the next `START` says it.
    fn settle(&self, ended: Result<(), Error>, old: &Writing) -> Result<(), Error> {
        let log = &old.config;
        let before = ended.and_then(|()| Before::of(log)).inspect_err(|_| {
            // Else what it has not filed would be waited for.
            self.kit.private.has_ended(log.clone());
        })?;
        if before.size.is_some_and(|size| old.evidence.has_filed(size)) {
            self.kit.private.is_filed(&log.origin);
        } else {
            self.kit.private.has_ended(log.clone());
        }
        if before.has_ended() && self.writings.current.evidence.link(&before).is_err() {
            return Err(Error::Ended);
        }
        Ok(())
    }

    fn now(&self) -> u64 {
        now_ms(&*self.kit.clock)
    }
}

/// How long before a half-year its log is prepared: a fortnight, for those who must know its keys.
const AHEAD_MS: u64 = 14 * 24 * 3_600 * 1_000;
/// How often the clock is looked at, since it may be set.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is looked for the end of an older log; and the shortest pause.
const CLOSING: Duration = Duration::from_millis(20);
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// How long an older log waits for its last exchanges: each has a deadline of minutes, and nobody waits
/// for them. What is open even then the next start records.
const PATIENCE: Duration = Duration::from_secs(24 * 3_600);
