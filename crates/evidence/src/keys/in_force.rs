//! The keys that sign, as the threads of a log share them, and those that are to follow them.
//!
//! *Invariant:* other keys sign only when the record of it is durable and the file `keys` lists
//! them: the thread that commits exchanges them between the two batches.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};

use arc_swap::{ArcSwap, Guard};

use super::public::take_next;
use super::{Keys, PublicKeys};
use crate::Error;

/// The keys that sign.
#[derive(Debug)]
pub(crate) struct InForce(ArcSwap<Keys>);

impl InForce {
    pub(crate) fn new(keys: Arc<Keys>) -> Self {
        Self(ArcSwap::new(keys))
    }

    /// The keys of this moment.
    pub(crate) fn load(&self) -> Guard<Arc<Keys>> {
        self.0.load()
    }
}

/// Keys that are to sign as soon as the record of it is durable.
#[derive(Debug)]
pub(crate) struct NextKeys {
    keys: Arc<Keys>,
    /// The directory of the log.
    dir: PathBuf,
    done: mpsc::Sender<Result<(), Error>>,
}

impl NextKeys {
    /// Writes the file that will list them; with what tells how it ended. Nothing comes if the log
    /// ends before.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn new(
        keys: Arc<Keys>,
        dir: impl Into<PathBuf>,
    ) -> Result<(Self, mpsc::Receiver<Result<(), Error>>), Error> {
        let dir = dir.into();
        let listed = PublicKeys::read(&dir)?;
        listed.followed_by(&keys).write_next(&dir)?;
        let (done, told) = mpsc::channel();
        Ok((Self { keys, dir, done }, told))
    }

    /// Lists them and lets them sign; the record of it is durable. If they cannot be listed, the
    /// keys before them go on.
    pub(crate) fn begin(self, in_force: &InForce) {
        let listed = take_next(&self.dir);
        if listed.is_ok() {
            in_force.0.store(self.keys);
        }
        // Who has asked may have ended.
        drop(self.done.send(listed));
    }
}
