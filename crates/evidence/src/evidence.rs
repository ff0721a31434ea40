//! The log as the gate holds it: open, seal, refuse; and the handle that stops it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use exchange::{Clock, Fault, Visibility};
use tokio::runtime;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until};

use crate::commitment::{Commitment, Personal, Salts};
use crate::fold::{Flood, Folds, Refusing, Verdict, WINDOW};
use crate::keys::{self, Keys};
use crate::leaf::{self, Digest, Event};
use crate::open::{Flags, Head, Sealable};
use crate::private::{Intake, Openings, Records};
use crate::writer::{self, Closed, Last, Phase, Queue, Sealing, Started, Ticket};
use crate::{Attempt, Config, Error, Observer, Open, Outcome, Refusal, Witnesses};

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
    /// What happens when the log cannot be written any more.
    pub on_fatal: Alarm,
}

/// Called once, on a thread of the log, when the log cannot be written any more, before any
/// waiting exchange fails.
///
/// The process must end: what was not synced may not be on the disk.
pub struct Alarm(Box<dyn FnOnce(&Error) + Send>);

impl Alarm {
    /// An alarm that runs the function.
    pub fn new(ring: impl FnOnce(&Error) + Send + 'static) -> Self {
        Self(Box::new(ring))
    }

    pub(crate) fn ring(self, error: &Error) {
        (self.0)(error);
    }
}

/// An alarm that several threads may raise; the first does.
#[derive(Clone, Debug)]
pub(crate) struct Siren(Arc<Mutex<Option<Alarm>>>);

impl Siren {
    pub(crate) fn new(alarm: Alarm) -> Self {
        Self(Arc::new(Mutex::new(Some(alarm))))
    }

    pub(crate) fn ring(&self, error: &Error) {
        let alarm = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(alarm) = alarm {
            alarm.ring(error);
        }
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alarm")
    }
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
#[derive(Clone, Debug)]
pub struct Evidence(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Arc<Queue>,
    intake: Arc<Intake>,
    records: Records,
    node: String,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    random: SystemRandom,
    folds: Folds,
    runtime: runtime::Handle,
    checkpoints: watch::Receiver<Option<Arc<str>>>,
}

/// Owns the writer of a log.
///
/// Dropped without [`Handle::close`], it stops the writer as a crash would: no `STOP` leaf.
#[derive(Debug)]
#[must_use = "the log stops when its handle is dropped"]
pub struct Handle {
    queue: Arc<Queue>,
    evidence: Evidence,
    done: oneshot::Receiver<Result<(), Error>>,
    thread: Option<JoinHandle<()>>,
}

/// Makes a log without records: its directory, its keys, and a checkpoint over nothing, so that
/// witnesses and auditors can know it before its first day. A log that is there already stays.
///
/// # Errors
/// A file cannot be written, or the log is held by another process or was set back.
pub fn prepare(config: &Config, clock: &dyn Clock) -> Result<Keys, Error> {
    let keys = keys::create_if_missing(config)?;
    writer::prepare(config, &keys, clock)?;
    Ok(keys)
}

impl Evidence {
    /// Opens the log, repairs what a crash has left, and writes a `START` leaf.
    ///
    /// Blocks until that leaf is durable. Waiting exchanges are completed by a task of the
    /// current tokio runtime.
    ///
    /// # Errors
    /// The log cannot be read or written, is damaged, or is held by another process.
    pub fn start(config: Config, deps: Deps) -> Result<(Self, Handle), Error> {
        let runtime = runtime::Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let (node, clock, observer) = (
            config.node.clone(),
            Arc::clone(&deps.clock),
            Arc::clone(&deps.observer),
        );
        let (done_tx, done) = oneshot::channel();
        let (shown, checkpoints) = watch::channel(None);
        let (started, thread) = writer::spawn(config, deps, shown, &runtime, done_tx)?;
        let Started {
            queue,
            intake,
            records,
        } = started;
        let shared = Shared {
            queue: Arc::clone(&queue),
            intake,
            records,
            node,
            clock,
            observer,
            random: SystemRandom::new(),
            folds: Folds::default(),
            runtime,
            checkpoints,
        };
        let evidence = Self(Arc::new(shared));
        let handle = Handle {
            queue,
            evidence: evidence.clone(),
            done,
            thread: Some(thread),
        };
        Ok((evidence, handle))
    }

    /// Records an attempt, before any agency is asked, and takes a place for its outcome.
    ///
    /// Does not wait for the disk: the frame goes out with the next batch, or soon after.
    ///
    /// # Errors
    /// `AUDIT_BACKPRESSURE` if every place is taken, `AUDIT_UNAVAILABLE` if the log cannot be
    /// written or the disk is below its reserve, `DRAINING` during shutdown.
    pub fn open(&self, attempt: &Attempt<'_>) -> Result<Open, Fault> {
        let flags = Flags::of(attempt.request, attempt.criticality);
        self.open_as("ACCESS", attempt.visibility, flags, |node, ts, salts| {
            let openings = attempt.why().openings(salts);
            (attempt.head(node, ts, salts), openings)
        })
    }

    /// Records an attempt of that type: `make` gets node, time and salts, and returns the head of
    /// the leaf with what it hides.
    pub(crate) fn open_as(
        &self,
        t: &'static str,
        visibility: Visibility,
        flags: Flags,
        make: impl FnOnce(&str, u64, &Salts) -> (Vec<u8>, Openings),
    ) -> Result<Open, Fault> {
        let salts = self.salts().map_err(Closed::fault)?;
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
        let sealed = self.hide(&openings).map_err(Closed::fault)?;
        let opened = self.0.queue.open(head.shown(), &sealed);
        let key = opened.map_err(Closed::fault)?;
        Ok(Open::new(self.clone(), key, salts, head, sealed, flags))
    }

    /// Records the outcome of an attempt and closes it; resolves when the record is durable.
    ///
    /// # Errors
    /// `AUDIT_UNAVAILABLE`: the record could not be written, and nothing may leave.
    pub fn seal(&self, open: Open, outcome: &Outcome<'_>) -> Sealing {
        let key = open.key();
        self.close(key, &open.last(outcome))
    }

    /// Records one part of a stream; the attempt stays open until it is sealed.
    ///
    /// # Errors
    /// `AUDIT_UNAVAILABLE`: the record could not be written, and the part may not leave.
    pub fn seal_part(&self, open: &Open, outcome: &Outcome<'_>) -> Sealing {
        let (part, sealed) = (open.part(outcome), Some(open.sealed()));
        self.wait_for(self.put(open.key(), &part, sealed, Last::No))
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
        if let Verdict::Folded(first) = self.0.folds.count(caller, reason, now, now_ms) {
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
        let shared = Arc::downgrade(&self.0);
        self.0.runtime.spawn(async move {
            loop {
                sleep_until(ends).await;
                let Some(shared) = shared.upgrade() else {
                    return;
                };
                let ts = writer::now_ms(&*shared.clock);
                let record = |leaf: &[u8]| shared.queue.single(leaf, None).is_ok();
                if shared.folds.end(&flood, &shared.node, ts, record) {
                    return;
                }
                ends = Instant::now() + WINDOW;
            }
        });
    }

    /// Records the numbers of refusals that are counted so far; what is refused from here on is a
    /// record of its own.
    fn end_floods(&self) {
        for leaf in self.0.folds.close(&self.0.node, self.now_ms()) {
            // If the log has ended, closing it says so.
            drop(self.0.queue.single_at_end(&leaf));
        }
    }

    /// Records that another policy is in force from here on.
    pub fn config_changed(&self, policy: &[u8; 32]) -> Sealing {
        let leaf = Event {
            v: 1,
            t: "CONFIG",
            ts: self.now_ms(),
            node: &self.0.node,
            pol: Some(Digest(policy)),
            ..Event::default()
        };
        self.wait_for(self.0.queue.single(&leaf.to_leaf(), None))
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
        make: impl FnOnce(&str, u64, &Salts) -> (Vec<u8>, Openings),
    ) -> Sealing {
        let ticket = self.salts().and_then(|salts| {
            let (leaf, openings) = make(&self.0.node, self.now_ms(), &salts);
            let is_any = !openings.is_empty();
            let sealed = is_any.then(|| self.hide(&openings)).transpose()?;
            self.0.queue.single(&leaf, sealed.as_deref())
        });
        self.wait_for(ticket)
    }

    pub(crate) fn records(&self) -> &Records {
        &self.0.records
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

impl Handle {
    /// Takes nothing new, records how many refusals were counted, waits for the leaves of open
    /// exchanges, writes a `STOP` leaf behind them, and ends the writer.
    ///
    /// An exchange that stays open for 2 s more is recorded as `UNKNOWN` by the next start.
    ///
    /// # Errors
    /// The log could not be written to its end.
    pub async fn close(mut self) -> Result<(), Error> {
        self.evidence.end_floods();
        let until = Instant::now() + CLOSING;
        self.queue.close(Phase::Closing { until });
        (&mut self.done).await.unwrap_or(Err(Error::Ended))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.queue.close(Phase::Ended);
        if let Some(thread) = self.thread.take() {
            // A panic of the writer has already been reported as fatal.
            drop(thread.join());
        }
    }
}

/// How long a log that closes waits for open exchanges. The doors are shut by then and calls were
/// cut: what is open belongs to tasks about to be dropped, which takes milliseconds.
const CLOSING: Duration = Duration::from_secs(2);
