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
    pub(crate) restored: Restored,
    pub(crate) keys: Arc<Keys>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) siren: Siren,
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
        let every = Duration::from_millis(self.config.publish_ms);
        let mut from = Instant::now();
        while let Some(reached) = durable.next(self.restored.log.size(), from) {
            from = Instant::now() + every;
            let published = match self.publish(reached) {
                // The write-ahead log goes on within its reserve, and refuses below it.
                Err(error) if error.is_disk_full() => self.read_again(reached),
                published => published,
            };
            match published {
                Ok(size) => self.observer.published(size),
                Err(error) => return self.siren.ring(&error),
            }
        }
    }

    fn publish(&mut self, reached: Reached) -> Result<u64, Error> {
        let Restored { log, tail } = &mut self.restored;
        tail.read_to(reached.end, u64::MAX, |leaf| log.append(leaf))?;
        let signed = log.publish(&self.keys, seconds(&*self.clock))?;
        Ok(signed.checkpoint().size)
    }

    /// Goes back to what was shown, because not all of what follows could be written.
    fn read_again(&mut self, reached: Reached) -> Result<u64, Error> {
        match Restored::read(&self.config, reached) {
            Ok(restored) => self.restored = restored,
            Err(error) if error.is_disk_full() => {}
            Err(error) => return Err(error),
        }
        Ok(self
            .restored
            .log
            .latest()
            .map_or(0, |it| it.checkpoint().size))
    }
}

fn seconds(clock: &dyn Clock) -> u64 {
    u64::try_from(clock.now().as_second()).unwrap_or(0)
}
