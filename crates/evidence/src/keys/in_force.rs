//! The keys that sign, as the threads of a log share them, and those that are to follow them.
//!
//! *Invariant:* other keys sign only when the record of it is durable and the file `keys` lists
//! them: the thread that commits exchanges them between the two batches.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use arc_swap::{ArcSwap, Guard};

use super::public::take_next;
use super::{Keys, PublicKeys, VerifierKey};
use crate::Error;

/// The keys that sign.
#[derive(Debug)]
pub(crate) struct InForce {
    now: ArcSwap<Keys>,
    /// The keys of checkpoints that signed before, while this process ran.
    before: Mutex<Vec<VerifierKey>>,
}

impl InForce {
    pub(crate) fn new(keys: Arc<Keys>) -> Self {
        Self {
            now: ArcSwap::new(keys),
            before: Mutex::default(),
        }
    }

    /// The keys of this moment.
    pub(crate) fn load(&self) -> Guard<Arc<Keys>> {
        self.now.load()
    }

    /// The keys of the checkpoints that this process has signed: the one that is shown may be from
    /// before the keys of this moment.
    pub(crate) fn of_checkpoints(&self) -> Vec<VerifierKey> {
        let mut all = self.before().clone();
        for key in self.load().public().log {
            if !all.contains(&key) {
                all.push(key);
            }
        }
        all
    }

    fn follow(&self, keys: Arc<Keys>) {
        let now = self.of_checkpoints();
        *self.before() = now;
        self.now.store(keys);
    }

    fn before(&self) -> MutexGuard<'_, Vec<VerifierKey>> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keys that are to sign as soon as the record of it is durable.
#[derive(Debug)]
pub(crate) struct NextKeys {
    keys: Arc<Keys>,
    /// The directory of the log.
    dir: PathBuf,
    done: mpsc::Sender<()>,
}

impl NextKeys {
    /// Writes the file that will list them; with what tells that they sign. Nothing comes if the log
    /// ends before.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn new(
        keys: Arc<Keys>,
        dir: impl Into<PathBuf>,
    ) -> Result<(Self, mpsc::Receiver<()>), Error> {
        let dir = dir.into();
        let listed = PublicKeys::read(&dir)?;
        listed.followed_by(&keys).write_next(&dir)?;
        let (done, told) = mpsc::channel();
        Ok((Self { keys, dir, done }, told))
    }

    /// Lists them and lets them sign; the record of it is durable.
    ///
    /// # Errors
    /// They cannot be listed. Then no key signs any more: the record says already that those before
    /// do not, and what they sign behind it is refused. The next start lists them.
    pub(crate) fn begin(self, in_force: &InForce) -> Result<(), Error> {
        take_next(&self.dir)?;
        in_force.follow(self.keys);
        // Who has asked may have ended.
        self.done.send(()).ok();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use crate::keys::{Rotation, create_if_missing, rotate};

    #[test]
    fn keys_that_cannot_be_listed_behind_their_record_end_the_log() {
        let home = tempfile::tempdir().unwrap();
        let config = Config::new(home.path().join("log"), "audit.example/gw-1", "gw-1");
        let old = Arc::new(create_if_missing(&config).unwrap());
        let in_force = InForce::new(Arc::clone(&old));
        let new = Arc::new(rotate(&config, Rotation::Replace).unwrap());
        let (next, done) = NextKeys::new(Arc::clone(&new), &config.dir).unwrap();
        // A file cannot take the place of a directory.
        let listed = config.dir.join("keys");
        std::fs::rename(&listed, config.dir.join("away")).unwrap();
        std::fs::create_dir(&listed).unwrap();
        next.begin(&in_force).unwrap_err();
        assert!(Arc::ptr_eq(&in_force.load(), &old));
        assert!(done.recv().is_err(), "nobody is told that they sign");

        std::fs::remove_dir(&listed).unwrap();
        std::fs::rename(config.dir.join("away"), &listed).unwrap();
        let (next, done) = NextKeys::new(Arc::clone(&new), &config.dir).unwrap();
        next.begin(&in_force).unwrap();
        assert!(Arc::ptr_eq(&in_force.load(), &new));
        done.recv().unwrap();
    }
}
