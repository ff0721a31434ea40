//! How the writer begins: hold the directory, read what is there, repair it, say so in the log. Not
//! here: what it says (`first`).

use std::fs::File;
use std::sync::Arc;
use std::thread;

use exchange::Clock;
use tokio::sync::mpsc::UnboundedSender;

use super::first::{change_keys, first_batch};
use super::log::{self, Log};
use super::outstanding::Outstanding;
use super::pace::Pace;
use super::queue::Queue;
use super::wall::Watch;
use super::{Batch, Plan, Started, Threads, Writer, now_ms};
use crate::cosign::{Collector, Cosigning};
use crate::keys::{InForce, Keeper, Keys, PUBLIC_FILE, PublicKeys};
use crate::private::{Filer, Intake, Progress, Records};
use crate::publish::{self, Inbox, Place, Published, Publisher, Reached, Restored};
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
fn read(
    config: &Config,
    keys: &Keys,
    observer: &dyn Observer,
) -> Result<(File, Recovered, Restored), Error> {
    let held = log::hold(&config.dir)?;
    if keys.origin() != config.origin {
        return Err(Error::Setting {
            setting: "origin",
            problem: "is not the name of the keys",
        });
    }
    if PublicKeys::read(&config.dir)?.newer > 0 {
        return Err(Error::Newer {
            path: config.dir.join(PUBLIC_FILE),
            what: "lines",
        });
    }
    if let Some((from, to)) = publish::take_over(config)? {
        observer.lock_store_moved(&from, &to);
    }
    let recovered = Recovered::read(&config.dir, &config.origin)?;
    let restored = Restored::read(config, reached(&recovered))?;
    Ok((held, recovered, restored))
}

/// Makes a log without records.
pub(crate) fn prepare(
    config: &Config,
    keys: &Keys,
    clock: &dyn Clock,
    observer: &dyn Observer,
) -> Result<(), Error> {
    let begin = || {
        let (_held, _, mut restored) = read(config, keys, observer)?;
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
        let (held, recovered, mut restored) = read(config, &plan.keys, &*kit.observer)?;
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
            policy: kit.policy.clone(),
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
        let threads = Threads {
            siren: kit.siren.clone(),
            scrubber: self.scrubber(config, kit).spawn()?,
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

    fn scrubber(&self, config: &Config, kit: &Kit) -> Scrubber {
        Scrubber {
            config: config.clone(),
            node: Arc::clone(&kit.node),
            keys: Arc::clone(&self.keys),
            shown: kit.checkpoints.clone(),
            inbox: Arc::clone(&self.inbox),
            clock: Arc::clone(&self.clock),
            observer: Arc::clone(&self.observer),
        }
    }
}
