//! The log as the gate holds it: open, seal, refuse.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use exchange::{Clock, Criticality, Fault, Visibility};
use tokio::runtime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::alarm::{Alarm, Siren};
use crate::commitment::{Commitment, Personal, Salts};
use crate::fold::{Flood, Refusing, Verdict, WINDOW};
use crate::handle::Handle;
use crate::keys::{self, Keys};
use crate::leaf::{self, Digest, Event};
use crate::link::{Before, Follower};
use crate::open::{Flags, Head, Sealable};
use crate::policy::PolicyInForce;
use crate::private::{Intake, Openings, Private, Reach, Records};
use crate::series::{Kit, Series};
use crate::writer::{self, Closed, Last, Queue, Sealing, Started, Ticket};
use crate::{
    Attempt, Config, Error, NoObserver, Observer, Open, Outcome, Refusal, Witnesses, turn,
};

/// What the log needs besides its settings.
pub struct Deps {
    /// The keys of the log.
    pub keys: Keys,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Who measures.
    pub observer: Arc<dyn Observer>,
    /// The way to the witnesses, if the settings name a policy.
    pub witnesses: Option<Arc<dyn Witnesses>>,
    /// The version of the program, for `START` and `STOP`.
    pub version: &'static str,
    /// SHA-256 of the policy that is in force from the start.
    pub policy: [u8; 32],
    /// What happens when the log cannot be written any more.
    pub on_fatal: Alarm,
}

impl fmt::Debug for Deps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deps")
            .field("keys", &self.keys)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// The log, as those see it who write to it. Cloned by reference count.
///
/// What is begun goes into the newest log of the node, and ends in the log where it was begun.
#[derive(Clone, Debug)]
pub struct Evidence(pub(crate) Arc<Shared>);

/// One log.
#[derive(Debug)]
pub(crate) struct Shared {
    queue: Arc<Queue>,
    intake: Arc<Intake>,
    records: Records,
    follower: Arc<OnceLock<Follower>>,
    origin: Arc<str>,
    node: String,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    random: SystemRandom,
    policy: PolicyInForce,
    series: Arc<Series>,
    runtime: runtime::Handle,
    checkpoints: watch::Receiver<Option<Arc<str>>>,
}

/// Makes a log without records: its directory, its keys, and a checkpoint over nothing, so that
/// witnesses and auditors can know it before its first day. A log that is there already stays.
///
/// # Errors
/// A file cannot be written, or the log is held by another process or was set back.
pub fn prepare(config: &Config, clock: &dyn Clock) -> Result<Keys, Error> {
    let config = config.at_start(clock)?;
    let keys = keys::create_if_missing(&config)?;
    writer::prepare(&config, &keys, clock, &NoObserver)?;
    Ok(keys)
}

impl Evidence {
    /// Opens the log, repairs what a crash has left, and writes a `START` leaf. Where every half-year
    /// has a log, it is the one of that half-year which `deps.keys` are for; older ones are closed.
    ///
    /// Blocks until that leaf is durable. Waiting exchanges are completed by a task of the
    /// current tokio runtime.
    ///
    /// # Errors
    /// The log cannot be read or written, is damaged, or is held by another process.
    pub fn start(config: Config, deps: Deps) -> Result<(Self, Handle), Error> {
        let runtime = runtime::Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let (shown, checkpoints) = watch::channel(None);
        let kit = Kit {
            node: Arc::new(config),
            clock: deps.clock,
            observer: deps.observer,
            witnesses: deps.witnesses,
            version: deps.version,
            policy: PolicyInForce::new(deps.policy),
            siren: Siren::new(deps.on_fatal),
            runtime,
            shown,
            checkpoints,
            private: Private::default(),
        };
        let (evidence, keeper) = turn::start(deps.keys, kit)?;
        Ok((evidence.clone(), Handle::new(evidence, keeper)))
    }

    /// One log that has started.
    pub(crate) fn new(started: Started, config: &Config, kit: &Kit, series: &Arc<Series>) -> Self {
        let Started {
            queue,
            intake,
            records,
            follower,
        } = started;
        Self(Arc::new(Shared {
            queue,
            intake,
            records,
            follower,
            origin: config.origin.as_str().into(),
            node: config.node.clone(),
            clock: Arc::clone(&kit.clock),
            observer: Arc::clone(&kit.observer),
            random: SystemRandom::new(),
            policy: kit.policy.clone(),
            series: Arc::clone(series),
            runtime: kit.runtime.clone(),
            checkpoints: kit.checkpoints.clone(),
        }))
    }

    /// Records an attempt, before any agency is asked, and takes a place for its outcome.
    ///
    /// Does not wait for the disk: the frame goes out with the next batch, or soon after.
    ///
    /// # Errors
    /// `AUDIT_BACKPRESSURE` if every place is taken, or three quarters of them when nobody waits for the
    /// answer; `AUDIT_UNAVAILABLE` if the log cannot be written or the disk is below its reserve;
    /// `DRAINING` during shutdown.
    pub fn open(&self, attempt: &Attempt<'_>) -> Result<Open, Fault> {
        let flags = Flags::of(attempt.request, attempt.criticality).and(attempt.flags);
        let (urgency, visibility) = (attempt.criticality, attempt.visibility);
        self.open_as("ACCESS", urgency, visibility, flags, |node, ts, salts| {
            let openings = attempt.why().openings(salts);
            (attempt.head(node, ts, salts), openings)
        })
    }

    /// Records an attempt of that type: `make` gets node, time and salts, and returns the head of
    /// the leaf with what it hides.
    pub(crate) fn open_as(
        &self,
        t: &'static str,
        urgency: Criticality,
        visibility: Visibility,
        flags: Flags,
        make: impl Fn(&str, u64, &Salts) -> (Vec<u8>, Openings),
    ) -> Result<Open, Fault> {
        let opened = self.in_newest(|log| log.open_here(t, urgency, visibility, flags, &make));
        opened.map_err(Closed::fault)
    }

    /// Does it in the newest log; again, if another has followed meanwhile.
    fn in_newest<T>(&self, work: impl Fn(&Self) -> Result<T, Closed>) -> Result<T, Closed> {
        let series = &self.0.series;
        let mut held = series.look();
        loop {
            let log = held.as_deref().unwrap_or(self);
            let done = work(log);
            let next = match &done {
                Err(Closed::Draining | Closed::Lost) => series.look(),
                Ok(_) | Err(Closed::Full | Closed::Shed | Closed::DiskLow | Closed::NoSalt) => {
                    return done;
                }
            };
            if Arc::ptr_eq(&next.as_deref().unwrap_or(self).0, &log.0) {
                return done;
            }
            held = next;
        }
    }

    fn newest(&self) -> Self {
        self.0.series.newest().unwrap_or_else(|| self.clone())
    }

    /// The name of the log that takes what is new.
    #[must_use]
    pub fn origin(&self) -> Arc<str> {
        Arc::clone(&self.newest().0.origin)
    }

    fn open_here(
        &self,
        t: &'static str,
        urgency: Criticality,
        visibility: Visibility,
        flags: Flags,
        make: impl Fn(&str, u64, &Salts) -> (Vec<u8>, Openings),
    ) -> Result<Open, Closed> {
        let salts = self.salts()?;
        let (node, now) = (&self.0.node, self.now_ms());
        let (all, mut openings) = make(node, now, &salts);
        let head = match visibility {
            Visibility::Citizen | Visibility::Delayed(_) => Head::Shown(all),
            Visibility::Sealed => {
                // What a crash cuts must still tell an inspector who asked.
                let tried = Head::tried(&all);
                let salt = salts.of(Personal::Tried);
                openings.push("try", salt, &tried);
                let tried = Commitment::new(salt, "try", &tried);
                let shown = leaf::sealed_head(t, node, now, tried);
                Head::Hidden { all, shown }
            }
        };
        let sealed = self.hide(&openings)?;
        let key = self.0.queue.open(urgency, head.shown(), &sealed)?;
        Ok(Open::new(self.clone(), key, salts, head, sealed, flags))
    }

    /// Records the outcome of an attempt and closes it; resolves when the record is durable.
    ///
    /// # Errors
    /// `AUDIT_UNAVAILABLE`: the record could not be written, and nothing may leave.
    pub fn seal(&self, open: Open, outcome: &Outcome<'_>) -> Sealing {
        let (log, key) = (open.evidence().clone(), open.key());
        log.close(key, &open.last(outcome))
    }

    /// Records one part of a stream; the attempt stays open until it is sealed.
    ///
    /// # Errors
    /// `AUDIT_UNAVAILABLE`: the record could not be written, and the part may not leave.
    pub fn seal_part(&self, open: &Open, outcome: &Outcome<'_>) -> Sealing {
        let (log, part) = (open.evidence(), open.part(outcome));
        log.wait_for(log.put(open.key(), &part, Some(open.sealed()), Last::No))
    }

    /// Records that a question was not admitted; resolves when the record is durable. When a caller
    /// has left several such records within seconds, the next are counted only: that resolves at
    /// once, and their number is recorded in a moment.
    ///
    /// # Errors
    /// As [`Evidence::open`].
    pub fn refuse(&self, refusal: &Refusal<'_>) -> Refusing {
        let (now, now_ms) = (Instant::now(), self.now_ms());
        let (caller, reason) = (refusal.caller, refusal.reason);
        if let Verdict::Folded(first) = self.0.series.folds.count(caller, reason, now, now_ms) {
            if let Some((flood, ends)) = first {
                self.end_later(flood, ends);
            }
            return Refusing::folded();
        }
        Refusing::alone(self.single(|node, ts, salts| {
            let openings = refusal.why().openings(salts);
            (refusal.leaf(node, ts, salts), openings)
        }))
    }

    /// Records the number of refusals when their window ends; later, if the record takes nothing then.
    fn end_later(&self, flood: Flood, mut ends: Instant) {
        let series = Arc::downgrade(&self.0.series);
        self.0.runtime.spawn(async move {
            loop {
                sleep_until(ends).await;
                let newest = series.upgrade().and_then(|series| series.newest());
                let Some(log) = newest else {
                    return;
                };
                let single = |leaf: &[u8]| log.in_newest(|log| log.0.queue.single(leaf, None));
                let (node, record) = (&log.0.node, |leaf: &[u8]| single(leaf).is_ok());
                if log.0.series.folds.end(&flood, node, log.now_ms(), record) {
                    return;
                }
                ends = Instant::now() + WINDOW;
            }
        });
    }

    /// Records the numbers of refusals that are counted so far; what is refused from here on is a
    /// record of its own.
    pub(crate) fn end_floods(&self) {
        let log = self.newest();
        for leaf in log.0.series.folds.close(&log.0.node, log.now_ms()) {
            // If the log has ended, closing it says so.
            drop(log.0.queue.single_at_end(&leaf));
        }
    }

    /// Says that no log follows any more.
    pub(crate) fn end_series(&self) {
        self.0.series.end();
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.0.queue
    }

    /// True if everything before that number is filed.
    pub(crate) fn has_filed(&self, seq: u64) -> bool {
        self.0.records.has_filed(seq)
    }

    /// Says which log follows this one: its last record names it.
    pub(crate) fn is_followed_by(&self, follower: Follower) {
        // It is said once, by the thread that turns.
        drop(self.0.follower.set(follower));
    }

    /// Records how the log before has ended.
    pub(crate) fn link(&self, before: &Before) -> Result<(), Closed> {
        let leaf = Event {
            v: 1,
            t: "LINK",
            ts: self.now_ms(),
            node: &self.0.node,
            prev: Some(before),
            ..Event::default()
        };
        self.0.queue.single(&leaf.to_leaf(), None).map(drop)
    }

    /// Records that another policy is in force from here on; to be called before anything is admitted
    /// by it.
    pub fn config_changed(&self, policy: &[u8; 32]) -> Sealing {
        // Before the record: a log that begins meanwhile either says so itself or gets the record.
        self.0.policy.change(policy);
        self.wait_for(self.in_newest(|log| log.say_policy(policy)))
    }

    /// Records in this very log which policy is in force.
    pub(crate) fn say_policy(&self, policy: &[u8; 32]) -> Result<Ticket, Closed> {
        let leaf = Event {
            v: 1,
            t: "CONFIG",
            ts: self.now_ms(),
            node: &self.0.node,
            pol: Some(Digest(policy)),
            ..Event::default()
        };
        self.0.queue.single(&leaf.to_leaf(), None)
    }

    /// The latest checkpoint as it is shown, and each that follows; none before the first that this
    /// process has published. The channel closes when nothing more is published.
    #[must_use]
    pub fn checkpoints(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.0.checkpoints.clone()
    }

    /// Closes an attempt with its last leaf.
    pub(crate) fn close(&self, key: u64, sealable: &Sealable) -> Sealing {
        self.wait_for(self.put(key, sealable, None, Last::Yes))
    }

    pub(crate) fn abandon(&self, key: u64, sealable: &Sealable) {
        // Nobody waits; if the log has ended, the next start finds the attempt unfinished.
        drop(self.put(key, sealable, None, Last::Yes));
    }

    /// Puts a leaf into the queue with what it hides: `sealed` already, or still to be sealed.
    fn put(
        &self,
        key: u64,
        sealable: &Sealable,
        sealed: Option<&[u8]>,
        last: Last,
    ) -> Result<Ticket, Closed> {
        let openings = sealable.openings.iter();
        let more: Result<Vec<_>, _> = openings.map(|part| self.hide(part)).collect();
        let more = match more {
            Ok(more) => more,
            Err(closed) => {
                self.0.queue.give_back(u32::from(last == Last::Yes));
                return Err(closed);
            }
        };
        let sealed = sealed.into_iter().chain(more.iter().map(Vec::as_slice));
        self.0.queue.leaf(key, &sealable.leaf, sealed, last)
    }

    /// Seals openings under the intake key.
    pub(crate) fn hide(&self, openings: &Openings) -> Result<Vec<u8>, Closed> {
        self.0.intake.seal(openings).map_err(|_| Closed::NoSalt)
    }

    pub(crate) fn observe_wait(&self, wait: Duration) {
        self.0.observer.commit_wait(wait);
    }

    /// A leaf that belongs to no exchange in progress: `make` gets node, time and salts, and returns
    /// it with what it hides.
    pub(crate) fn single(
        &self,
        make: impl Fn(&str, u64, &Salts) -> (Vec<u8>, Openings),
    ) -> Sealing {
        let ticket = self.in_newest(|log| {
            let (leaf, openings) = make(&log.0.node, log.now_ms(), &log.salts()?);
            let is_any = !openings.is_empty();
            let sealed = is_any.then(|| log.hide(&openings)).transpose()?;
            log.0.queue.single(&leaf, sealed.as_deref())
        });
        self.wait_for(ticket)
    }

    pub(crate) fn records(&self) -> Records {
        self.newest().0.records.clone()
    }

    /// Says that an erasure was not done, but stays promised.
    pub(crate) fn not_erased(&self, error: &Error) {
        self.0.observer.not_filed(error);
    }

    /// How far this log is.
    pub(crate) fn reach(&self) -> Reach {
        self.0.records.reach()
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.0.clock.now()
    }

    fn wait_for(&self, ticket: Result<Ticket, Closed>) -> Sealing {
        Sealing::new(ticket, self.clone())
    }

    pub(crate) fn salts(&self) -> Result<Salts, Closed> {
        Salts::draw(&self.0.random).map_err(|_| Closed::NoSalt)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        writer::now_ms(&*self.0.clock)
    }
}
