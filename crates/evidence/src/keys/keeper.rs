//! The thread that sees when other keys are wanted, and brings them in force under load.
//!
//! It looks at the file `signing` beside the private keys, puts the record of a change into the
//! queue together with the keys, and waits until the thread that commits has exchanged them. What it
//! cannot do it tries again; meanwhile the log signs as before. Not here: who asks ([`super::rotate`]).
//!
//! *Invariant:* a private key is destroyed only when it is listed as retired.

use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use exchange::Clock;

use super::generation::{FIRST, Generation};
use super::wanted::Wanted;
use super::{Change, InForce, Keys, NextKeys, PublicKeys};
use crate::writer::{Queue, now_ms};
use crate::{Config, Error, Observer};

/// What the thread works with.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) config: Config,
    pub(crate) in_force: Arc<InForce>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
}

/// The thread, for whoever ends it.
#[derive(Debug)]
pub(crate) struct Keeping {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Keeping {
    /// Waits until it has ended. A panic of its own has been printed; the next start looks again.
    pub(crate) fn end(self) {
        drop(self.stop);
        drop(self.thread.join());
    }
}

impl Keeper {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system has none.
    pub(crate) fn spawn(self) -> Result<Keeping, Error> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("evidence-keys".to_owned())
            .spawn(move || self.run(&stopped))
            .map_err(Error::io("start the keeper of", ""))?;
        Ok(Keeping { stop, thread })
    }

    fn run(self, stopped: &mpsc::Receiver<()>) {
        let (mut followed, mut complaint) = (None, String::new());
        let mut pause = EVERY;
        while stopped.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
            pause = EVERY;
            match self.follow(followed) {
                Ok(wanted) => (followed, complaint) = (Some(wanted), String::new()),
                Err(Error::Ended) => return,
                Err(error) => {
                    pause = AGAIN;
                    let before = std::mem::replace(&mut complaint, error.to_string());
                    if before != complaint {
                        self.observer.keys_not_changed(&error);
                    }
                }
            }
        }
    }

    /// Brings in force what is wanted, and destroys the private keys before; unless it was wanted the
    /// last time already.
    fn follow(&self, followed: Option<Wanted>) -> Result<Wanted, Error> {
        let dir = self.config.signing_dir();
        let wanted = Wanted::read(&dir)?;
        if followed == Some(wanted) {
            return Ok(wanted);
        }
        while let Some(next) = self.in_force.load().towards(&dir, wanted)? {
            self.bring(Arc::new(next))?;
        }
        // Those that sign no more.
        (FIRST..wanted.oldest()).try_for_each(|number| Generation::remove(&dir, number))?;
        Ok(wanted)
    }

    /// Lets other keys sign.
    fn bring(&self, keys: Arc<Keys>) -> Result<(), Error> {
        let PublicKeys { log, receipt, .. } = self.in_force.load().public();
        // Those that sign, whatever somebody has written into the file.
        let now = PublicKeys {
            log,
            receipt,
            ..PublicKeys::read(&self.config.dir)?
        };
        let change = Change::between(&now, &keys)?.ok_or(Error::Ended)?;
        let (next, done) = NextKeys::new(keys, &self.config.dir)?;
        let leaf = change.leaf(&self.config.node, now_ms(&*self.clock));
        let queued = self.queue.change_keys(&leaf, next);
        queued.map_err(|_| Error::Ended)?;
        done.recv().map_err(|_| Error::Ended)?;
        self.observer.keys_changed(&change.add, &change.gone);
        Ok(())
    }
}

/// How often is looked.
const EVERY: Duration = Duration::from_millis(500);
/// How long after a failure it is tried again: it may have left a record.
const AGAIN: Duration = Duration::from_secs(5);
