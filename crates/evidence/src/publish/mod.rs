//! The public log: what the write-ahead log records, as tiles, bundles and checkpoints that anybody
//! may read: <https://c2sp.org/tlog-tiles>.
//!
//! A thread of its own reads the durable part of the write-ahead log and publishes it, at most a
//! second behind; commits do not wait for it. After a crash it goes on from the last checkpoint:
//! everything it writes can be made again from the write-ahead log. Not here: witnesses.
//!
//! *Invariant:* a log that is smaller than the lock store knows, or another, is not written to.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use exchange::Clock;
use tokio::time::Instant;

mod lock;
mod log;
mod shelf;
mod store;
mod tail;

pub use shelf::{Item, ItemKind, Shelf};
pub use store::CHECKPOINT_FILE;
pub(crate) use store::next_entry;

use crate::evidence::Siren;
use crate::keys::{Keys, PublicKeys};
use crate::note::SignedCheckpoint;
use crate::{Config, Error, Observer};
use lock::LockStore;
use log::PublicLog;
use store::Store;
pub(crate) use tail::Place;
use tail::Tail;

/// The public log as it was when the gateway ended, or empty.
#[derive(Debug)]
pub(crate) struct Restored {
    log: PublicLog,
    tail: Tail,
}

impl Restored {
    /// Reads the public log and holds it against the lock store and the write-ahead log.
    ///
    /// # Errors
    /// The log is smaller than the lock store knows, or another; or a file cannot be read.
    pub(crate) fn read(config: &Config, durable: Reached) -> Result<Self, Error> {
        let (store, lock) = (Store::new(&config.dir), LockStore::new(config.lock_file()));
        let keys = PublicKeys::read(&config.dir)?;
        let check = |signed: SignedCheckpoint, path: &std::path::Path| {
            let verified = signed.verify(&keys.log);
            let problem = match verified {
                Ok(_) if signed.checkpoint().origin == config.origin => return Ok(signed),
                Ok(_) => crate::note::NoteError::Checkpoint,
                Err(problem) => problem,
            };
            Err(Error::Checkpoint {
                path: path.to_owned(),
                problem,
            })
        };
        let shown_path = config.dir.join(CHECKPOINT_FILE);
        let shown = store.checkpoint()?;
        let shown = shown.map(|it| check(it, &shown_path)).transpose()?;
        let known = lock.load()?;
        let known = known.map(|it| check(it, lock.path())).transpose()?;
        let lock_name = format!("the lock store {}", lock.path().display());
        let rollback = |size: u64, problem: String| Error::Rollback {
            known: lock_name.clone(),
            size,
            problem,
        };
        let (shown, known) = match (shown, known) {
            (None, None) => {
                return Ok(Self {
                    log: PublicLog::empty(store, lock),
                    tail: Tail::from(&config.dir, 0)?,
                });
            }
            (Some(shown), None) => {
                let size = shown.checkpoint().size;
                return Err(Error::Rollback {
                    known: format!("its checkpoint {}", shown_path.display()),
                    size,
                    problem: format!("but {lock_name} is missing"),
                });
            }
            (shown, Some(known)) => (shown, known),
        };
        let size = known.checkpoint().size;
        if durable.seq < size {
            return Err(rollback(size, format!("but it has only {}", durable.seq)));
        }
        let shown_size = shown.as_ref().map_or(0, |it| it.checkpoint().size);
        if shown_size > size {
            return Err(Error::Rollback {
                known: format!("its checkpoint {}", shown_path.display()),
                size: shown_size,
                problem: format!("but {lock_name} only {size}"),
            });
        }
        let mut log = match shown {
            Some(shown) => PublicLog::at(store, lock, shown)?,
            None => PublicLog::empty(store, lock),
        };
        let mut tail = Tail::from(&config.dir, log.size())?;
        // A crash came between the lock store and the file `checkpoint`.
        tail.read_to(durable.end, size, |leaf| log.append(leaf))?;
        if log.size() != size || log.root() != known.checkpoint().root {
            return Err(rollback(size, "but with other records".to_owned()));
        }
        if log.latest() != Some(&known) {
            log.write_partial()?;
            log.show(known)?;
        }
        Ok(Self { log, tail })
    }

    /// Shows the checkpoint of a log without entries, if there is none yet.
    pub(crate) fn begin(&mut self, keys: &Keys, clock: &dyn Clock) -> Result<(), Error> {
        if self.log.latest().is_none() && self.log.size() == 0 {
            self.log.publish(keys, seconds(clock))?;
        }
        Ok(())
    }
}

/// How far the write-ahead log is durable: from the writer to the publisher.
#[derive(Debug, Default)]
pub(crate) struct Durable {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct State {
    reached: Reached,
    ended: Option<Ended>,
    sleeps: bool,
}

/// How far the write-ahead log reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Where its last batch ends.
    pub(crate) end: Place,
    /// The sequence number of the next leaf.
    pub(crate) seq: u64,
}

/// How the writer has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Behind a `STOP`: what is durable is still to be published.
    Whole,
    /// As in a crash.
    Short,
}

impl Durable {
    /// Says that everything before a place is durable.
    pub(crate) fn advance(&self, reached: Reached) {
        let mut state = self.lock();
        state.reached = reached;
        let sleeps = std::mem::take(&mut state.sleeps);
        drop(state);
        if sleeps {
            self.wake.notify_one();
        }
    }

    /// Says that nothing more will come.
    pub(crate) fn end(&self, how: Ended) {
        self.lock().ended.get_or_insert(how);
        self.wake.notify_one();
    }

    /// Waits until there is more than `published`; none at the end. Not before `from`, unless the
    /// writer has ended.
    fn next(&self, published: u64, from: Instant) -> Option<Reached> {
        let mut state = self.lock();
        loop {
            match state.ended {
                Some(Ended::Short) => return None,
                Some(Ended::Whole) if state.reached.seq <= published => return None,
                Some(Ended::Whole) => return Some(state.reached),
                None => {}
            }
            let rest = from.saturating_duration_since(Instant::now());
            state = if !rest.is_zero() {
                let waited = self.wake.wait_timeout(state, rest);
                waited.unwrap_or_else(PoisonError::into_inner).0
            } else if state.reached.seq > published {
                return Some(state.reached);
            } else {
                state.sleeps = true;
                self.wake
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner)
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
