//! The public log as it was when the gateway ended, held against what others know of it.

use std::path::Path;

use exchange::Clock;

use super::lock::LockStore;
use super::log::PublicLog;
use super::store::{CHECKPOINT_FILE, Store};
use super::tail::Tail;
use super::{Reached, seconds};
use crate::keys::{Keys, PublicKeys};
use crate::note::{NoteError, SignedCheckpoint};
use crate::tree::{Hash, leaf_hash};
use crate::{Config, Error};

/// The public log as it was when the gateway ended, or empty.
#[derive(Debug)]
pub(crate) struct Restored {
    pub(super) log: PublicLog,
    /// Where the write-ahead log goes on behind it; none once batches come in memory.
    pub(super) tail: Option<Tail>,
}

/// Who says how large a log was, for an error.
#[derive(Clone, Copy, Debug)]
enum Knows {
    /// The lock store.
    Lock,
    /// The log itself, by the checkpoint it shows.
    Shown,
}

impl Restored {
    /// Reads the public log and holds it against the lock store and the write-ahead log.
    ///
    /// # Errors
    /// The log is smaller than the lock store knows, or another; or a file cannot be read.
    pub(crate) fn read(config: &Config, durable: Reached) -> Result<Self, Error> {
        let (store, mut lock) = (Store::new(&config.dir), LockStore::of(config)?);
        let name = lock.to_string();
        let set_back = |knows, signed: &SignedCheckpoint, problem: &str| {
            set_back(config, &name, knows, signed, problem)
        };
        let shown = verified(
            store.checkpoint()?,
            &config.dir.join(CHECKPOINT_FILE),
            config,
        )?;
        let known = verified(lock.load()?, Path::new(&name), config)?;
        let Some(known) = known else {
            return match shown {
                Some(shown) => Err(set_back(Knows::Shown, &shown, "is missing")),
                None if durable.seq > 0 => Err(Error::Unshown(durable.seq)),
                None => Ok(Self {
                    log: PublicLog::empty(store, lock),
                    tail: None,
                }),
            };
        };
        let size = known.checkpoint().size;
        if durable.seq < size {
            let problem = format!("it has only {}", durable.seq);
            return Err(set_back(Knows::Lock, &known, &problem));
        }
        if let Some(shown) = shown.as_ref().filter(|it| it.checkpoint().size > size) {
            let problem = format!("knows only {size}");
            return Err(set_back(Knows::Shown, shown, &problem));
        }
        // What is shown may have the lines of witnesses; the lock store has those of the log alone.
        let is_shown = |it: &SignedCheckpoint| it.checkpoint() == known.checkpoint();
        let shown = match shown {
            Some(shown) if is_shown(&shown) => Some(known.clone()),
            shown => shown,
        };
        let mut log = match shown {
            Some(shown) => PublicLog::at(store, lock, shown)?,
            None => PublicLog::empty(store, lock),
        };
        // Read twice: nothing is written before it is known to be the log that was signed.
        let (tail, root) = reread(config, durable, &mut log, size, &mut |_, _| Ok(()))?;
        if root != Some(known.checkpoint().root) {
            return Err(set_back(Knows::Lock, &known, "its records are others"));
        }
        if log.latest() == Some(&known) {
            let tail = Some(tail);
            return Ok(Self { log, tail });
        }
        // A crash came between the lock store and the file `checkpoint`.
        let mut add = |log: &mut PublicLog, leaf: &[u8]| log.append(leaf, leaf_hash(leaf));
        let (tail, _) = reread(config, durable, &mut log, size, &mut add)?;
        log.write_partial()?;
        log.show(known)?;
        let tail = Some(tail);
        Ok(Self { log, tail })
    }

    /// Shows the checkpoint of a log without entries, if there is none yet.
    pub(crate) fn begin(&mut self, keys: &Keys, clock: &dyn Clock) -> Result<(), Error> {
        if self.log.latest().is_none() && self.log.size() == 0 {
            self.log.publish(keys, seconds(clock))?;
        }
        Ok(())
    }

    /// The checkpoint that was shown last; of a log that has none yet one over nothing.
    pub(crate) fn latest(&self, keys: &Keys, clock: &dyn Clock) -> Result<SignedCheckpoint, Error> {
        match self.log.latest() {
            Some(latest) => Ok(latest.clone()),
            None => self.log.sign(keys, seconds(clock)),
        }
    }
}

/// What is done with a record that is not shown yet.
type Visit<'a> = &'a mut dyn FnMut(&mut PublicLog, &[u8]) -> Result<(), Error>;

/// Reads the write-ahead log from the last record that is shown up to a size, and tells `visit` what
/// follows that record. Returns the root, or none if that record is another one or too few follow.
fn reread(
    config: &Config,
    durable: Reached,
    log: &mut PublicLog,
    size: u64,
    visit: Visit<'_>,
) -> Result<(Tail, Option<Hash>), Error> {
    let (last, mut edge) = (log.last_leaf()?, log.edge().clone());
    let (from, mut seen) = (edge.size(), None);
    let mut tail = Tail::from(&config.dir, from.saturating_sub(1))?;
    tail.read_to(durable.end, size, |frame| {
        let Some(leaf) = frame.leaf().filter(|_| frame.seq + 1 >= from) else {
            return Ok(());
        };
        if from > 0 && seen.is_none() {
            seen = Some(leaf_hash(leaf));
            return Ok(());
        }
        edge.add(leaf_hash(leaf), |_, _| ());
        visit(log, leaf)
    })?;
    let is_it = seen == last && edge.size() == size;
    Ok((tail, is_it.then(|| edge.root())))
}

/// A checkpoint that a key of this log has signed.
fn verified(
    signed: Option<SignedCheckpoint>,
    path: &Path,
    config: &Config,
) -> Result<Option<SignedCheckpoint>, Error> {
    let Some(signed) = signed else {
        return Ok(None);
    };
    let keys = PublicKeys::read(&config.dir)?;
    let problem = match signed.verify(&keys.of_checkpoints()) {
        Ok(_) if signed.checkpoint().origin == config.origin => return Ok(Some(signed)),
        Ok(_) => NoteError::OtherLog,
        Err(problem) => problem,
    };
    Err(Error::Checkpoint {
        path: path.to_owned(),
        problem,
    })
}

fn set_back(
    config: &Config,
    lock: &str,
    knows: Knows,
    signed: &SignedCheckpoint,
    problem: &str,
) -> Error {
    let (known, problem) = match knows {
        Knows::Lock => (format!("the lock store {lock}"), format!("but {problem}")),
        Knows::Shown => {
            let shown = config.dir.join(CHECKPOINT_FILE);
            let known = format!("its checkpoint {}", shown.display());
            (known, format!("but the lock store {lock} {problem}"))
        }
    };
    Error::Rollback {
        known,
        size: signed.checkpoint().size,
        problem,
    }
}
