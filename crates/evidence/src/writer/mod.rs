//! The one thread that writes the log, and its queue.
//!
//! The next batch forms while the last one syncs. A leaf goes to the disk at once if the last
//! commit was a while ago, or if no other exchange is open that could share the commit; otherwise
//! the writer gathers for a moment, because a commit costs the same whatever its size.
//! Not here: what a leaf says.
//!
//! *Invariant:* after a failed write or sync nothing is written and no batch is settled as durable;
//! nor is one whose receipts are not signed.

use std::sync::{Arc, OnceLock, mpsc};
use std::thread::{self, JoinHandle};

use exchange::Clock;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::Instant;

mod ahead;
mod batch;
mod blocks;
mod first;
mod log;
mod outstanding;
mod pace;
mod queue;
mod start;
mod wall;

pub use batch::Sealing;
pub(crate) use batch::{Batch, Ticket};
pub(crate) use queue::{Closed, Last, Phase, Queue};

use crate::alarm::Siren;
use crate::chain::Chain;
use crate::frame::{self, Kind};
use crate::keys::{InForce, Keeping, Keys};
use crate::leaf::{Digest, Event, MAX_TS, MIN_TS};
use crate::link::{Before, Follower};
use crate::policy::PolicyInForce;
use crate::private::{Intake, Records};
use crate::publish::{Buffers, Ended, Inbox, Published, Reached, Written};
use crate::receipt::{self, Committed};
use crate::scrub::Scrubbing;
use crate::series::Kit;
use crate::tree::{Hash, Tree};
use crate::{Config, Error, Observer};
use log::Log;
use outstanding::Outstanding;
use pace::Pace;
use queue::{Sleep, Taken};
pub(crate) use start::{end_of, hold, prepare};
use wall::Watch;

/// What those who write to the log share with its threads.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    pub(crate) queue: Arc<Queue>,
    pub(crate) intake: Arc<Intake>,
    pub(crate) records: Records,
    /// The log of the next half-year, once there is one.
    pub(crate) follower: Arc<OnceLock<Follower>>,
}

/// A log that is to be written.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) config: Config,
    pub(crate) keys: Keys,
    /// The log of the half-year before.
    pub(crate) before: Option<Before>,
    /// No leaf is older than this, in milliseconds since 1970.
    pub(crate) begins: u64,
    pub(crate) kit: Kit,
}

/// Starts the thread and waits until the log is open.
pub(crate) fn spawn(
    plan: Plan,
    done: oneshot::Sender<Result<(), Error>>,
) -> Result<(Started, JoinHandle<()>), Error> {
    let (settled, waiting) = unbounded_channel();
    plan.kit.runtime.spawn(wake(waiting));
    let (ready, is_ready) = mpsc::sync_channel(1);
    let path = plan.config.dir.clone();
    let thread = thread::Builder::new()
        .name("evidence".to_owned())
        .spawn(move || run(plan, settled, &ready, done))
        .map_err(Error::io("start the writer of", path))?;
    let started = is_ready.recv().unwrap_or(Err(Error::Ended))?;
    Ok((started, thread))
}

/// The time in a leaf.
pub(crate) fn now_ms(clock: &dyn Clock) -> u64 {
    let now = clock.now().as_millisecond();
    u64::try_from(now).unwrap_or(0).clamp(MIN_TS, MAX_TS)
}

/// Wakes the exchanges of each settled batch from within the runtime: the writer pays for one
/// wake per batch, and the rest are pushes onto a worker's own queue.
async fn wake(mut settled: UnboundedReceiver<Arc<Batch>>) {
    while let Some(batch) = settled.recv().await {
        batch.wake_all();
    }
}

/// The whole life of the thread.
fn run(
    plan: Plan,
    settled: UnboundedSender<Arc<Batch>>,
    ready: &mpsc::SyncSender<Result<Started, Error>>,
    done: oneshot::Sender<Result<(), Error>>,
) {
    let started = Writer::start(plan, settled);
    let (started, writer, threads) = match started {
        Ok(started) => started,
        Err(error) => {
            // Whoever asked has gone if this fails.
            drop(ready.send(Err(error)));
            return;
        }
    };
    let mut shift = Shift {
        writer,
        threads: Some(threads),
        done: Some(done),
        result: Err(Error::Ended),
    };
    if ready.send(Ok(started)).is_ok() {
        shift.result = shift.writer.work();
    }
}

/// Ends the writer in order, however its work ends; also by a panic.
struct Shift {
    writer: Writer,
    threads: Option<Threads>,
    done: Option<oneshot::Sender<Result<(), Error>>>,
    result: Result<Ended, Error>,
}

impl Drop for Shift {
    fn drop(&mut self) {
        let threads = self.threads.take();
        if let (Err(error), Some(threads)) = (&self.result, &threads) {
            threads.siren.ring(error);
        }
        self.writer.lose_the_rest();
        let result = std::mem::replace(&mut self.result, Ok(Ended::Short));
        let how = *result.as_ref().unwrap_or(&Ended::Short);
        self.writer.inbox.end(how);
        if let Some(threads) = threads {
            threads.end(how);
        }
        if let Some(done) = self.done.take() {
            let result = result.map(|_| ());
            // Nobody waits if the handle was dropped.
            drop(done.send(result));
        }
    }
}

/// The threads that go on with what is durable.
struct Threads {
    siren: Siren,
    scrubber: Option<Scrubbing>,
    published: Arc<Published>,
    publisher: JoinHandle<()>,
    filer: JoinHandle<()>,
    keeper: Keeping,
}

impl Threads {
    /// Waits until they have done what is still to be done. A panic of theirs has been printed; what
    /// they leave undone the next start does.
    fn end(self, how: Ended) {
        if let Some(scrubber) = self.scrubber {
            scrubber.end();
        }
        self.keeper.end();
        drop(self.publisher.join());
        self.published.end(how);
        drop(self.filer.join());
    }
}

/// Everything the thread owns.
struct Writer {
    queue: Arc<Queue>,
    log: Log,
    chain: Chain,
    outstanding: Outstanding,
    pace: Pace,
    watch: Watch,
    inbox: Arc<Inbox>,
    keys: Arc<InForce>,
    origin: Arc<str>,
    node: String,
    version: &'static str,
    policy: PolicyInForce,
    /// No leaf is older than this.
    begins: u64,
    follower: Arc<OnceLock<Follower>>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    settled: UnboundedSender<Arc<Batch>>,
    in_flight: Option<Arc<Batch>>,
    buffers: Arc<Buffers>,
}

/// What the writer does next.
enum Next {
    Batch(Taken),
    LastBatch(Taken),
    Housekeeping,
    Stop,
}

impl Writer {
    fn work(&mut self) -> Result<Ended, Error> {
        loop {
            match self.next() {
                Next::Batch(mut taken) => {
                    self.look_at_clock(&mut taken);
                    self.commit(taken)?;
                }
                Next::LastBatch(mut taken) => {
                    self.look_at_clock(&mut taken);
                    self.commit_last(taken)?;
                    return Ok(Ended::Whole);
                }
                Next::Housekeeping => {}
                Next::Stop => return Ok(Ended::Short),
            }
            self.keep_house()?;
        }
    }

    fn next(&mut self) -> Next {
        let queue = Arc::clone(&self.queue);
        let mut pending = queue.lock();
        loop {
            let wait = match pending.phase {
                Phase::Open => self.pace.wait(&pending, queue.places()),
                Phase::Closing { until } => match queue.left(&pending, until) {
                    Some(left) if pending.is_empty() => Some((Sleep::UntilAny, Some(left))),
                    Some(_) => None,
                    None => {
                        pending.phase = Phase::Ended;
                        return Next::LastBatch(pending.take(self.buffers.take()));
                    }
                },
                Phase::Ended => return Next::Stop,
            };
            let Some((sleep, time)) = wait else {
                return Next::Batch(pending.take(self.buffers.take()));
            };
            pending = queue.sleep(pending, sleep, time);
            if pending.is_empty() && self.pace.is_disk_low() {
                return Next::Housekeeping;
            }
        }
    }

    /// Makes the last batch durable, and behind it a `STOP`. That names the log that follows only if
    /// no exchange is left open: then nothing will ever be added.
    fn commit_last(&mut self, mut taken: Taken) -> Result<(), Error> {
        let queued = taken.queued;
        if self.follower.get().is_some() && !taken.bytes.is_empty() {
            self.commit(std::mem::take(&mut taken))?;
        }
        taken.queued = queued;
        self.push_stop(&mut taken);
        self.commit(taken)
    }

    /// Makes a batch durable and says so.
    fn commit(&mut self, mut taken: Taken) -> Result<(), Error> {
        self.pace.begin(taken.leaves);
        self.in_flight = Some(Arc::clone(&taken.batch));
        if self.log.is_full(taken.bytes.len()) {
            let next = self.log.segment() + 1;
            let replay_from = self.outstanding.oldest().unwrap_or(next);
            self.log.roll(&self.chain, replay_from)?;
            // While the segment is empty, there is room for all that is open if there is no next one.
            self.pace.house_is_due();
        }
        let (segment, outstanding) = (self.log.segment(), &mut self.outstanding);
        let now = now_ms(&*self.clock).max(self.begins);
        let bound = self.chain.bind(&mut taken.bytes, now, |kind, key| {
            outstanding.note(kind, key, segment);
        });
        self.log.write(&taken.bytes, &bound.trailer)?;
        let began = Instant::now();
        self.log.sync()?;
        self.observer.synced(began.elapsed());
        if let Some(next) = taken.next_keys.take() {
            next.begin(&self.keys)?;
        }
        let bytes = std::mem::take(&mut taken.bytes);
        let committed = self.sign(&taken, bound.first, bound.hashes)?;
        self.hand_on(bound.first, bytes, taken.queued, committed.clone());
        self.settle(&taken, committed);
        Ok(())
    }

    /// Signs a durable batch, if it has leaves.
    fn sign(
        &self,
        taken: &Taken,
        first: u64,
        hashes: Vec<Hash>,
    ) -> Result<Option<Arc<Committed>>, Error> {
        if taken.leaves == 0 {
            return Ok(None);
        }
        let tree = Tree::new(hashes);
        let at_ms = now_ms(&*self.clock).max(self.chain.ts);
        let size = u64::from(taken.leaves);
        let message = receipt::message(&self.origin, first, size, &tree.root(), at_ms);
        let signature = self.keys.load().sign_receipt(message.as_bytes())?;
        Ok(Some(Arc::new(Committed {
            origin: Arc::clone(&self.origin),
            first,
            tree,
            at_ms,
            signature,
        })))
    }

    /// Hands a durable batch on to be published. Before anybody has its receipt: who searches after
    /// that finds its records.
    fn hand_on(&self, first: u64, bytes: Vec<u8>, queued: u64, committed: Option<Arc<Committed>>) {
        let reached = Reached {
            end: self.log.end(),
            seq: self.chain.seq,
            queued,
        };
        let (batch, buffers) = (self.chain.batch - 1, Arc::clone(&self.buffers));
        let written = Written::new(batch, first, bytes, committed, buffers);
        self.inbox.advance(reached, Arc::new(written));
    }

    /// Gives every exchange of a durable batch its receipt.
    fn settle(&mut self, taken: &Taken, committed: Option<Arc<Committed>>) {
        self.in_flight = None;
        self.queue.give_back(taken.places);
        if let Some(committed) = committed {
            taken.batch.settle(Ok(committed));
            self.announce(Arc::clone(&taken.batch));
            self.observer.batch(taken.leaves);
            self.observer.next_seq(self.chain.seq);
        }
        self.observer.queue_depth(self.queue.places());
    }

    /// Looks after the disk: its free space, and the file that becomes the next segment.
    fn keep_house(&mut self) -> Result<(), Error> {
        if !self.pace.is_house_due() {
            return Ok(());
        }
        let (free, reserve) = self.log.free_and_reserve()?;
        let low = free < reserve || !self.log.prepare_spare()?;
        self.observer.free_bytes(free);
        let changes = low != self.pace.is_disk_low();
        self.pace.house_kept(low);
        self.queue.set_disk_low(low);
        if changes {
            self.observer.disk_low(low);
        }
        Ok(())
    }

    /// Adds a leaf that says so if the wall clock was set.
    fn look_at_clock(&mut self, taken: &mut Taken) {
        let wall = now_ms(&*self.clock);
        if let Some(step) = self.watch.step(Instant::now(), wall) {
            self.observer.clock_set(step);
            self.push(
                taken,
                &Event {
                    t: "CLOCK",
                    step: Some(step),
                    ..Event::default()
                },
            );
        }
    }

    fn push_stop(&self, taken: &mut Taken) {
        let is_whole = self.outstanding.oldest().is_none();
        let policy = self.policy.digest();
        self.push(
            taken,
            &Event {
                t: "STOP",
                ver: Some(self.version),
                pol: Some(Digest(&policy)),
                next: self.follower.get().filter(|_| is_whole),
                ..Event::default()
            },
        );
    }

    /// Adds a leaf about the log itself to a batch.
    fn push(&self, taken: &mut Taken, event: &Event<'_>) {
        let leaf = Event {
            v: 1,
            ts: self.chain.ts,
            node: &self.node,
            ..event.clone()
        };
        frame::append(&mut taken.bytes, Kind::Leaf, [&[0; 8], &leaf.to_leaf()]);
        taken.leaves += 1;
    }

    /// Tells everyone who still waits that the log has ended.
    fn lose_the_rest(&mut self) {
        self.queue.close(Phase::Ended);
        let rest = self.queue.lock().take(Vec::new());
        for batch in self.in_flight.take().into_iter().chain([rest.batch]) {
            batch.settle(Err(Closed::Lost));
            self.announce(batch);
        }
    }

    fn announce(&self, batch: Arc<Batch>) {
        if let Err(unsent) = self.settled.send(batch) {
            // The runtime that woke is gone; another may wait.
            unsent.0.wake_all();
        }
    }
}
