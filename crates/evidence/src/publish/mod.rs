//! The public log: what the write-ahead log records, as tiles, bundles and checkpoints that anybody
//! may read: <https://c2sp.org/tlog-tiles>.
//!
//! A thread of its own takes the batches that are durable and publishes them, at most a second
//! behind; commits do not wait for it. After a crash it goes on from the last checkpoint:
//! everything it writes can be made again from the write-ahead log. What witnesses have cosigned is
//! shown again with their lines under it. Not here: who asks them (`cosign`).
//!
//! *Invariant:* a log that is smaller than the lock store knows, or another, is not written to.

use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use exchange::Clock;
use tokio::sync::watch;
use tokio::time::Instant;

mod backlog;
mod inbox;
mod lock;
mod log;
mod published;
mod restore;
mod shelf;
mod store;
mod tail;
mod written;

pub(crate) use backlog::{Ended, Haste, News, Reached};
pub(crate) use inbox::Inbox;
pub(crate) use lock::take_over;
pub(crate) use published::{Look, Published};
pub(crate) use restore::Restored;
pub use shelf::{Item, ItemKind, Shelf};
pub use store::CHECKPOINT_FILE;
pub(crate) use store::{Store, bundle_of, next_entry, read_bundle, read_checkpoint};
pub(crate) use tail::{Place, Tail};
pub(crate) use written::{Buffers, Written};

use crate::alarm::Siren;
use crate::cosign::Cosigning;
use crate::keys::InForce;
use crate::link::Follower;
use crate::note::Signature;
use crate::{Config, Error, Observer, priority};
use inbox::{Next, Turn};

/// What the publisher works with.
pub(crate) struct Publisher {
    /// None after a failure: what is in memory may be ahead of what is on the disk.
    pub(crate) restored: Option<Restored>,
    pub(crate) keys: Arc<InForce>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) siren: Siren,
    /// Told of every checkpoint that is shown, until another log follows.
    pub(crate) shown: watch::Sender<Option<Arc<str>>>,
    pub(crate) follower: Arc<OnceLock<Follower>>,
    pub(crate) config: Config,
    /// None without a policy of witnesses.
    pub(crate) cosigning: Option<Cosigning>,
}

impl Publisher {
    /// Starts the thread. It hands on to `published` what it has published.
    pub(crate) fn spawn(
        self,
        inbox: Arc<Inbox>,
        published: Arc<Published>,
    ) -> Result<JoinHandle<()>, Error> {
        thread::Builder::new()
            .name("evidence-public".to_owned())
            .spawn(move || self.run(&inbox, &published))
            .map_err(Error::io("start the publisher of", ""))
    }

    fn run(mut self, inbox: &Inbox, published: &Published) {
        let _guard = Guard(self.siren.clone());
        priority::lower();
        let grace = Duration::from_secs(self.config.publish_grace_s);
        let (mut turn, mut failing) = (Turn::at(Instant::now()), None);
        let mut shown = 0;
        while let Some(next) = inbox.next(shown, turn) {
            let done = match next {
                Next::Publish(news) => {
                    turn = self.turn();
                    let done = self.publish(&news, inbox, &mut shown);
                    done.map(|()| published.advance(news))
                }
                Next::Cosign(lines) => self.cosign(lines),
            };
            let Err(error) = done else {
                // Lines that come after a failure are dropped, which mends nothing.
                if self.restored.is_some() {
                    failing = None;
                }
                continue;
            };
            self.restored = None;
            let since: &mut Instant = failing.get_or_insert_with(Instant::now);
            // All of it can be made again, so the gateway answers on for a while.
            if !error.may_pass() || since.elapsed() >= grace {
                return self.siren.ring(&error);
            }
            self.observer.not_published(&error);
            if inbox.has_ended() {
                return;
            }
            turn = Turn::at(Instant::now() + RETRY);
        }
        self.collect_last(inbox);
    }

    /// When the checkpoint after this one may be signed.
    fn turn(&self) -> Turn {
        let from = Instant::now() + Duration::from_millis(self.config.publish_ms);
        let at_last = self.cosigning.as_ref().map(|_| Instant::now() + QUORUM);
        Turn {
            from,
            at_last: at_last.map_or(from, |at_last| at_last.max(from)),
        }
    }

    /// Publishes what is durable, under several checkpoints if it is much; `shown` follows.
    fn publish(&mut self, news: &News, inbox: &Inbox, shown: &mut u64) -> Result<(), Error> {
        let restored = match self.restored.take() {
            Some(restored) => restored,
            None => Restored::read(&self.config, news.reached)?,
        };
        let restored = self.restored.insert(restored);
        priority::be_polite_for(POLITE);
        restored.take_in(&news.written)?;
        loop {
            let more = restored.catch_up(&self.config, news.reached)?;
            if let Some(cosigning) = &self.cosigning {
                cosigning.announce(restored.log.size());
            }
            let keys = self.keys.load();
            let signed = restored.log.publish(&keys, seconds(&*self.clock))?;
            *shown = signed.checkpoint().size;
            let text = Arc::from(signed.to_string());
            if self.follower.get().is_none() {
                self.shown.send_replace(Some(text));
            }
            self.observer.published(*shown);
            if let Some(cosigning) = &self.cosigning {
                cosigning.offer(signed);
            }
            if more == More::No || inbox.is_cut_short() {
                return Ok(());
            }
        }
    }

    /// Shows the latest checkpoint with these under it. If nothing is read after a failure, the
    /// next checkpoint is cosigned anew.
    fn cosign(&mut self, lines: Vec<Signature>) -> Result<(), Error> {
        if let Some(restored) = &mut self.restored {
            let (count, text) = restored.log.cosign(lines)?;
            if self.follower.get().is_none() {
                self.shown.send_replace(Some(text.into()));
            }
            self.observer.cosigned(count);
        }
        Ok(())
    }

    /// Behind the end of the log, waits a while for the cosignatures of its last checkpoint.
    fn collect_last(mut self, inbox: &Inbox) {
        let Some(cosigning) = self.cosigning.take() else {
            return;
        };
        if inbox.is_cut_short() {
            return;
        }
        cosigning.finish();
        let until = Instant::now() + LAST;
        while let Some(lines) = inbox.last_lines(until) {
            if let Err(error) = self.cosign(lines) {
                return self.observer.not_published(&error);
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

/// Raises the alarm if a thread panics: nobody would notice that nothing is published any more, or
/// that no witness is asked.
pub(crate) struct Guard(pub(crate) Siren);

impl Drop for Guard {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.ring(&Error::Ended);
        }
    }
}

/// How long publishing lets others run first: a record is public within a second all the same.
const POLITE: Duration = Duration::from_millis(150);
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How long the next checkpoint waits until the quorum of witnesses has cosigned this one, so that
/// readers find one with a quorum also while the log grows: no longer than a record may take to
/// become public.
const QUORUM: Duration = Duration::from_secs(1);
/// How long the end of the log waits for the cosignatures of its last checkpoint.
const LAST: Duration = Duration::from_secs(2);
/// How many records are published under one checkpoint at most, when many wait.
const SLICE: u64 = 65_536;

/// The time in a signature.
pub(crate) fn seconds(clock: &dyn Clock) -> u64 {
    u64::try_from(clock.now().as_second()).unwrap_or(0)
}
