//! The public log: what the write-ahead log records, as tiles, bundles and checkpoints that anybody
//! may read: <https://c2sp.org/tlog-tiles>.
//!
//! A thread of its own reads the durable part of the write-ahead log and publishes it, at most a
//! second behind; commits do not wait for it. After a crash it goes on from the last checkpoint:
//! everything it writes can be made again from the write-ahead log. What witnesses have cosigned is
//! shown again with their lines under it. Not here: who asks them (`cosign`).
//!
//! *Invariant:* a log that is smaller than the lock store knows, or another, is not written to.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use exchange::Clock;
use tokio::time::Instant;

mod inbox;
mod lock;
mod log;
mod restore;
mod shelf;
mod store;
mod tail;

pub(crate) use inbox::{Ended, Inbox, Reached};
pub(crate) use restore::Restored;
pub use shelf::{Item, ItemKind, Shelf};
pub use store::CHECKPOINT_FILE;
pub(crate) use store::{Store, next_entry, read_checkpoint};
pub(crate) use tail::Place;

use crate::cosign::Cosigning;
use crate::evidence::Siren;
use crate::keys::Keys;
use crate::note::Signature;
use crate::{Config, Error, Observer};
use inbox::{Next, Turn};

/// What the publisher works with.
pub(crate) struct Publisher {
    /// None after a failure: what is in memory may be ahead of what is on the disk.
    pub(crate) restored: Option<Restored>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) siren: Siren,
    pub(crate) config: Config,
    /// None without a policy of witnesses.
    pub(crate) cosigning: Option<Cosigning>,
}

impl Publisher {
    /// Starts the thread.
    pub(crate) fn spawn(self, inbox: Arc<Inbox>) -> Result<JoinHandle<()>, Error> {
        thread::Builder::new()
            .name("evidence-public".to_owned())
            .spawn(move || self.run(&inbox))
            .map_err(Error::io("start the publisher of", ""))
    }

    fn run(mut self, inbox: &Inbox) {
        let _guard = Guard(self.siren.clone());
        let grace = Duration::from_secs(self.config.publish_grace_s);
        let (mut turn, mut failing) = (Turn::at(Instant::now()), None);
        let mut shown = 0;
        while let Some(next) = inbox.next(shown, turn) {
            let done = match next {
                Next::Publish(reached) => {
                    turn = self.turn();
                    self.publish(reached, inbox, &mut shown)
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

    /// Publishes what is durable, a slice at a time; `shown` follows.
    fn publish(&mut self, reached: Reached, inbox: &Inbox, shown: &mut u64) -> Result<(), Error> {
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
            if let Some(cosigning) = &self.cosigning {
                cosigning.announce(log.size());
            }
            let signed = log.publish(&self.keys, seconds(&*self.clock))?;
            *shown = signed.checkpoint().size;
            self.observer.published(*shown);
            if inbox.is_cut_short() {
                break;
            }
        }
        *shown = log.size();
        // After a failure it may be one that was signed before it.
        if let (Some(cosigning), Some(latest)) = (&self.cosigning, log.latest()) {
            cosigning.offer(latest);
        }
        Ok(())
    }

    /// Shows the latest checkpoint with these under it. If nothing is read after a failure, the
    /// next checkpoint is cosigned anew.
    fn cosign(&mut self, lines: Vec<Signature>) -> Result<(), Error> {
        if let Some(restored) = &mut self.restored {
            let count = restored.log.cosign(lines)?;
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
