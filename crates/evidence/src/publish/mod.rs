//! The public log: what the write-ahead log records, as tiles, bundles and checkpoints that anybody
//! may read: <https://c2sp.org/tlog-tiles>.
//!
//! A thread of its own takes the batches that are durable and publishes them, at most a second
//! behind; commits do not wait for it. After a crash it goes on from the last checkpoint: everything
//! it writes can be made again from the write-ahead log. Not here: witnesses.
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
mod written;

pub(crate) use durable::{Durable, Ended, News, Reached, When};
pub(crate) use restore::Restored;
pub use shelf::{Item, ItemKind, Shelf};
pub use store::CHECKPOINT_FILE;
pub(crate) use store::{bundle_of, next_entry, read_bundle, read_checkpoint};
pub(crate) use tail::{Place, Tail};
pub(crate) use written::{Buffers, Written};

use crate::evidence::Siren;
use crate::keys::Keys;
use crate::{Config, Error, Observer, priority};

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
    /// Starts the thread. It hands on to `published` what it has published.
    pub(crate) fn spawn(
        self,
        durable: Arc<Durable>,
        published: Arc<Durable>,
    ) -> Result<JoinHandle<()>, Error> {
        thread::Builder::new()
            .name("evidence-public".to_owned())
            .spawn(move || self.run(&durable, &published))
            .map_err(Error::io("start the publisher of", ""))
    }

    fn run(mut self, durable: &Durable, published: &Durable) {
        let _guard = Guard(self.siren.clone());
        priority::lower();
        let every = Duration::from_millis(self.config.publish_ms);
        let grace = Duration::from_secs(self.config.publish_grace_s);
        let (mut from, mut failing) = (Instant::now(), None);
        let mut shown = 0;
        while let Some(news) = durable.next(shown, When { from, until: None }) {
            from = Instant::now() + every;
            let Err(error) = self.publish(&news, durable, &mut shown) else {
                failing = None;
                published.advance(news.reached, news.written);
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

    /// Publishes what is durable, under several checkpoints if it is much; `shown` follows.
    fn publish(&mut self, news: &News, durable: &Durable, shown: &mut u64) -> Result<(), Error> {
        let restored = match self.restored.take() {
            Some(restored) => restored,
            None => Restored::read(&self.config, news.reached)?,
        };
        let restored = self.restored.insert(restored);
        restored.take_in(&news.written)?;
        loop {
            let more = restored.catch_up(&self.config, news.reached)?;
            let signed = restored.log.publish(&self.keys, seconds(&*self.clock))?;
            *shown = signed.checkpoint().size;
            self.shown.send_replace(Some(signed.to_string().into()));
            self.observer.published(*shown);
            if more == More::No || durable.is_cut_short() {
                return Ok(());
            }
        }
    }
}

impl Restored {
    /// Adds batches that are handed on in memory, unless something before them is missing.
    fn take_in(&mut self, written: &[Arc<Written>]) -> Result<(), Error> {
        let is_next = |batch: &Arc<Written>| batch.first <= self.log.size();
        if written.first().is_some_and(is_next) {
            self.tail = None;
            for batch in written {
                self.log.append_batch(batch)?;
            }
        }
        Ok(())
    }

    /// Adds what a crash has left, or what was more than is handed on in memory: at most a slice.
    fn catch_up(&mut self, config: &Config, reached: Reached) -> Result<More, Error> {
        let size = self.log.size();
        if size >= reached.seq {
            return Ok(More::No);
        }
        let tail = match self.tail.take() {
            Some(tail) => self.tail.insert(tail),
            None => self.tail.insert(Tail::from(&config.dir, size)?),
        };
        let limit = size + SLICE;
        tail.read_to(reached.end, limit, |frame| self.log.append_frame(frame))?;
        let size = self.log.size();
        if size < limit.min(reached.seq) {
            return Err(Error::Forgotten { seq: size });
        }
        Ok(if size < reached.seq {
            More::Yes
        } else {
            More::No
        })
    }
}

/// Whether there is more to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum More {
    Yes,
    No,
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
