//! How the writer begins: hold the directory, read what is there, repair it, say so in the log.

use std::fs::File;
use std::sync::{Arc, mpsc};
use std::thread;

use exchange::Clock;
use tokio::sync::mpsc::UnboundedSender;

use super::log::{self, Log};
use super::outstanding::Outstanding;
use super::pace::Pace;
use super::queue::{Queue, Taken};
use super::wall::Watch;
use super::{Batch, Plan, Started, Threads, Writer, now_ms};
use crate::cosign::{Collector, Cosigning};
use crate::frame::{self, Kind};
use crate::keys::{Change, InForce, Keeper, Keys, NextKeys, PublicKeys};
use crate::leaf::{self, Event, Tail};
use crate::private::{Filer, Intake, Progress, Records};
use crate::publish::{Inbox, Place, Published, Publisher, Reached, Restored};
use crate::recover::Recovered;
use crate::scrub::Scrubber;
use crate::series::Kit;
use crate::{Config, Error, Observer};

/// Holds a log that no gateway runs on, and says how far it reaches.
///
/// # Errors
/// A gateway holds it, or it is damaged.
pub(crate) fn hold(config: &Config) -> Result<(File, Reached), Error> {
    let held = log::hold(&config.dir)?;
    let recovered = Recovered::read(&config.dir, &config.origin)?;
    Ok((held, reached(&recovered)))
}

/// How far a log reaches that has ended.
pub(crate) fn end_of(config: &Config) -> Result<Reached, Error> {
    let recovered = Recovered::read(&config.dir, &config.origin)?;
    Ok(reached(&recovered))
}

fn reached(recovered: &Recovered) -> Reached {
    Reached {
        end: Place {
            segment: recovered.segment,
            at: recovered.used,
        },
        seq: recovered.chain.seq,
        queued: 0,
    }
}

/// Reads what is there, before anything is written: a log that was set back is left as it is.
fn read(config: &Config, keys: &Keys) -> Result<(File, Recovered, Restored), Error> {
    let held = log::hold(&config.dir)?;
    if keys.origin() != config.origin {
        return Err(Error::Setting {
            setting: "origin",
            problem: "is not the name of the keys",
        });
    }
    let recovered = Recovered::read(&config.dir, &config.origin)?;
    let restored = Restored::read(config, reached(&recovered))?;
    Ok((held, recovered, restored))
}

/// Makes a log without records.
pub(crate) fn prepare(config: &Config, keys: &Keys, clock: &dyn Clock) -> Result<(), Error> {
    let begin = || {
        let (_held, _, mut restored) = read(config, keys)?;
        restored.begin(keys, clock)
    };
    // A thread may wait for a lock store in a database where a task, if this is one, may not.
    thread::scope(|scope| scope.spawn(begin).join().unwrap_or(Err(Error::Ended)))
}

impl Writer {
    /// Opens the log and makes its first batch durable.
    pub(super) fn start(
        plan: Plan,
        settled: UnboundedSender<Arc<Batch>>,
    ) -> Result<(Started, Self, Threads), Error> {
        let (config, kit) = (&plan.config, &plan.kit);
        let (held, recovered, mut restored) = read(config, &plan.keys)?;
        let inbox = Arc::<Inbox>::default();
        let collector = Collector {
            witnesses: kit.witnesses.clone(),
            clock: Arc::clone(&kit.clock),
            observer: Arc::clone(&kit.observer),
            siren: kit.siren.clone(),
            inbox: Arc::clone(&inbox),
            first: restored.latest(&plan.keys, &*kit.clock)?,
        };
        let cosigning = collector.start(config)?;
        restored.begin(&plan.keys, &*kit.clock)?;
        let log = Log::open(config, &recovered, held)?;
        let mut first = first_batch(&recovered, &plan);
        let keys = Arc::new(plan.keys);
        let changed = change_keys(&mut first, config, &keys, &*kit.clock)?;
        let open = recovered.unfinished.len();
        let mut writer = Self {
            queue: Arc::new(Queue::new(config.places.get(), recovered.chain.key)),
            log,
            outstanding: Outstanding::after_crash(recovered.from, open),
            chain: recovered.chain,
            pace: Pace::new(config.gather()),
            watch: Watch::default(),
            origin: Arc::from(keys.origin()),
            inbox,
            keys: Arc::new(InForce::new(keys)),
            node: config.node.clone(),
            version: kit.version,
            begins: plan.begins,
            follower: Arc::default(),
            clock: Arc::clone(&kit.clock),
            observer: Arc::clone(&kit.observer),
            settled,
            in_flight: None,
            buffers: Arc::default(),
        };
        writer.commit(first)?;
        changed.map_or(Ok(()), |changed| changed.tell(&*writer.observer))?;
        writer.keep_house()?;
        let (started, threads) = writer.begin_threads(config, kit, restored, cosigning)?;
        Ok((started, writer, threads))
    }

    /// Starts the threads that publish and file what is durable, and the one that reads it again.
    fn begin_threads(
        &self,
        config: &Config,
        kit: &Kit,
        restored: Restored,
        cosigning: Option<Cosigning>,
    ) -> Result<(Started, Threads), Error> {
        let published = Arc::<Published>::default();
        let intake = kit.private.intake(config)?;
        let progress = Progress::new(Arc::clone(&published));
        let publisher = Publisher {
            restored: Some(restored),
            keys: Arc::clone(&self.keys),
            clock: Arc::clone(&self.clock),
            observer: Arc::clone(&self.observer),
            siren: kit.siren.clone(),
            shown: kit.shown.clone(),
            follower: Arc::clone(&self.follower),
            config: config.clone(),
            cosigning,
        };
        let keeper = Keeper {
            config: config.clone(),
            in_force: Arc::clone(&self.keys),
            queue: Arc::clone(&self.queue),
            clock: Arc::clone(&self.clock),
            observer: Arc::clone(&self.observer),
        };
        let scrubber = Scrubber {
            config: config.clone(),
            keys: Arc::clone(&self.keys),
            shown: kit.checkpoints.clone(),
            inbox: Arc::clone(&self.inbox),
            clock: Arc::clone(&self.clock),
            observer: Arc::clone(&self.observer),
        };
        let threads = Threads {
            siren: kit.siren.clone(),
            scrubber: scrubber.spawn()?,
            publisher: publisher.spawn(Arc::clone(&self.inbox), Arc::clone(&published))?,
            filer: self.filer(config, kit, &intake, &progress).spawn()?,
            keeper: keeper.spawn()?,
            published,
        };
        let records = Records::new(
            config.clone(),
            Arc::clone(&kit.node),
            Arc::clone(&self.inbox),
            progress,
            kit.private.clone(),
        );
        let started = Started {
            queue: Arc::clone(&self.queue),
            intake,
            records,
            follower: Arc::clone(&self.follower),
        };
        Ok((started, threads))
    }

    fn filer(
        &self,
        config: &Config,
        kit: &Kit,
        intake: &Arc<Intake>,
        progress: &Progress,
    ) -> Filer {
        Filer {
            config: config.clone(),
            intake: Arc::clone(intake),
            siren: kit.siren.clone(),
            queue: Arc::clone(&self.queue),
            observer: Arc::clone(&self.observer),
            begun_ms: now_ms(&*self.clock),
            clock: Arc::clone(&self.clock),
            progress: progress.clone(),
            private: kit.private.clone(),
        }
    }
}

/// The leaves a start writes: `RECOVERY` if something was cut, one leaf per unfinished attempt,
/// `START`.
fn first_batch(recovered: &Recovered, plan: &Plan) -> Taken {
    let event = Event {
        v: 1,
        ts: now_ms(&*plan.kit.clock),
        node: &plan.config.node,
        ..Event::default()
    };
    let mut first = Taken::default();
    if recovered.torn > 0 {
        let leaf = Event {
            t: "RECOVERY",
            bytes: Some(recovered.torn),
            last_seq: recovered.chain.seq.checked_sub(1),
            ..event.clone()
        };
        push(&mut first, 0, &leaf.to_leaf());
    }
    for (key, head) in &recovered.unfinished {
        push(&mut first, *key, &unknown(head));
    }
    let leaf = Event {
        t: "START",
        ver: Some(plan.kit.version),
        prev: plan.before.as_ref(),
        ..event
    };
    push(&mut first, 0, &leaf.to_leaf());
    first
}

/// A change of keys that is written with the first batch.
struct Changed {
    change: Change,
    done: mpsc::Receiver<Result<(), Error>>,
}

impl Changed {
    /// Says so, if the keys are listed.
    fn tell(self, observer: &dyn Observer) -> Result<(), Error> {
        self.done.recv().unwrap_or(Err(Error::Ended))?;
        observer.keys_changed(&self.change.add, &self.change.gone);
        Ok(())
    }
}

/// Adds the leaf of a change of keys, if others are to sign than the log lists.
fn change_keys(
    first: &mut Taken,
    config: &Config,
    keys: &Arc<Keys>,
    clock: &dyn Clock,
) -> Result<Option<Changed>, Error> {
    let listed = PublicKeys::read(&config.dir)?;
    let Some(change) = Change::between(&listed, keys)? else {
        return Ok(None);
    };
    push(first, 0, &change.leaf(&config.node, now_ms(clock)));
    let (next, done) = NextKeys::new(Arc::clone(keys), &config.dir)?;
    first.next_keys = Some(next);
    Ok(Some(Changed { change, done }))
}

/// The leaf of an attempt whose outcome a crash has taken.
fn unknown(head: &[u8]) -> Vec<u8> {
    let mut out = head.to_vec();
    leaf::write_tail(
        &mut out,
        &Tail::<()> {
            opened: leaf::ts(head),
            ..Tail::of("UNKNOWN")
        },
    );
    out
}

fn push(batch: &mut Taken, key: u64, leaf: &[u8]) {
    frame::append(&mut batch.bytes, Kind::Leaf, [&key.to_le_bytes(), leaf]);
    batch.leaves += 1;
}
