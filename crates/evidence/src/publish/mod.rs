//! The public log: what the write-ahead log records, as tiles, bundles and checkpoints that anybody
//! may read: <https://c2sp.org/tlog-tiles>.
//!
//! A thread of its own reads the durable part of the write-ahead log and publishes it, at most a
//! second behind; commits do not wait for it. After a crash it goes on from the last checkpoint:
//! everything it writes can be made again from the write-ahead log. Not here: witnesses.
//!
//! *Invariant:* a log that is smaller than the lock store knows, or another, is not written to.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use exchange::Clock;
use tokio::sync::watch;
use tokio::time::Instant;

mod durable;
mod lock;
mod log;
mod restore;
mod shelf;
mod store;
mod tail;

pub(crate) use durable::{Durable, Ended, Reached};
pub(crate) use restore::Restored;
pub use shelf::{Item, ItemKind, Shelf};
pub use store::CHECKPOINT_FILE;
pub(crate) use store::{next_entry, read_checkpoint};
pub(crate) use tail::Place;

use crate::evidence::Siren;
use crate::keys::Keys;
use crate::{Config, Error, Observer};

/// What the publisher works with.
pub(crate) struct Publisher {
    /// None after a failure: what is in memory may be ahead of what is on the disk.
    pub(crate) restored: Option<Restored>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) siren: Siren,
    /// Where the latest checkpoint is told, for those who wait for one.
    pub(crate) shown: watch::Sender<Option<Arc<str>>>,
    pub(crate) config: Config,
}

impl Publisher {
    /// Starts the thread.
    pub(crate) fn spawn(self, durable: Arc<Durable>) -> Result<JoinHandle<()>, Error> {
        thread::Builder::new()
            .name("evidence-public".to_owned())
            .spawn(move || self.run(&durable))
            .map_err(Error::io("start the publisher of", ""))
    }

    fn run(mut self, durable: &Durable) {
        let _guard = Guard(self.siren.clone());
        let every = Duration::from_millis(self.config.publish_ms);
        let grace = Duration::from_secs(self.config.publish_grace_s);
        let (mut from, mut failing) = (Instant::now(), None);
        let mut shown = 0;
        while let Some(reached) = durable.next(shown, from) {
            from = Instant::now() + every;
            let Err(error) = self.publish(reached, durable, &mut shown) else {
                failing = None;
                continue;
            };
            self.restored = None;
            let since: &mut Instant = failing.get_or_insert_with(Instant::now);
            // All of it can be made again, so the gateway answers on for a while.
            if !error.may_pass() || since.elapsed() >= grace {
                return self.siren.ring(&error);
            }
            self.observer.not_published(&error);
            if durable.has_ended() {
                return;
            }
            from = Instant::now() + RETRY;
        }
    }

    /// Publishes what is durable, a slice at a time; `shown` follows.
    fn publish(
        &mut self,
        reached: Reached,
        durable: &Durable,
        shown: &mut u64,
    ) -> Result<(), Error> {
        let restored = match self.restored.take() {
            Some(restored) => restored,
            None => Restored::read(&self.config, reached)?,
        };
        let Restored { log, tail } = self.restored.insert(restored);
        while log.size() < reached.seq {
            let limit = log.size() + SLICE;
            tail.read_to(reached.end, limit, |leaf| log.append(leaf))?;
            if log.size() < limit.min(reached.seq) {
                return Err(Error::Forgotten { seq: log.size() });
            }
            let signed = log.publish(&self.keys, seconds(&*self.clock))?;
            *shown = signed.checkpoint().size;
            self.shown.send_replace(Some(signed.to_string().into()));
            self.observer.published(*shown);
            if durable.is_cut_short() {
                break;
            }
        }
        *shown = log.size();
        Ok(())
    }
}

/// Raises the alarm if the thread panics: nobody would notice that nothing is published any more.
struct Guard(Siren);

impl Drop for Guard {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.ring(&Error::Ended);
        }
    }
}

/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How many records are published under one checkpoint at most, when many wait.
const SLICE: u64 = 65_536;

fn seconds(clock: &dyn Clock) -> u64 {
    u64::try_from(clock.now().as_second()).unwrap_or(0)
}
