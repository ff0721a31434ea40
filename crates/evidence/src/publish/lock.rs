//! The lock store: the latest checkpoint that this log has signed, kept apart from the log.
//!
//! Replaced by compare-and-swap before a checkpoint is shown. A log that was set back (an old
//! backup, a copied disk) is smaller than what the lock store holds, and does not start. Here: one
//! file, for one node. Not here: PostgreSQL, for several.

use std::path::{Path, PathBuf};

use super::store::read_checkpoint;
use crate::Error;
use crate::note::SignedCheckpoint;
use crate::replace::replace_durably;

/// The lock store of one log: a file beside its directory.
#[derive(Debug)]
pub(crate) struct LockStore {
    path: PathBuf,
}

impl LockStore {
    /// The lock store in that file.
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds.
    pub(crate) fn load(&self) -> Result<Option<SignedCheckpoint>, Error> {
        read_checkpoint(&self.path)
    }

    /// Replaces what it holds, if that is what is expected. The directory of the log is held, so no
    /// other process of this log comes between.
    ///
    /// # Errors
    /// It holds something else, or cannot be written.
    pub(crate) fn replace(
        &self,
        expected: Option<&SignedCheckpoint>,
        next: &SignedCheckpoint,
    ) -> Result<(), Error> {
        let holds = self.load()?;
        if holds.as_ref() != expected {
            return Err(Error::LockStore {
                path: self.path.clone(),
                holds: holds.map(|it| it.checkpoint().size),
            });
        }
        replace_durably(&self.path, 0o644, next.to_string().as_bytes())
    }
}
