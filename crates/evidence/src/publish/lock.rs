//! The lock store: the latest checkpoint that this log has signed, kept apart from the log.
//!
//! Replaced by compare-and-swap before a checkpoint is shown. A log that was set back (an old
//! backup, a copied disk) is smaller than what the lock store holds, and does not start. Either one
//! file, for a node that stands alone, or a row in the PostgreSQL of several nodes.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::store::{parse_checkpoint, read_checkpoint};
use crate::note::SignedCheckpoint;
use crate::private::LockTable;
use crate::replace::replace_durably;
use crate::{Config, Error};

/// The lock store of one log.
#[derive(Debug)]
pub(crate) enum LockStore {
    /// A file beside its directory.
    File(PathBuf),
    /// A row in a database.
    Table(Box<LockTable>),
}

impl LockStore {
    /// The lock store that the settings name.
    pub(crate) fn of(config: &Config) -> Result<Self, Error> {
        let table = match &config.lock_file {
            Some(_) => None,
            None => LockTable::of(config)?,
        };
        Ok(match table {
            Some(table) => Self::Table(Box::new(table)),
            None => Self::File(config.lock_file()),
        })
    }

    /// What it holds.
    pub(crate) fn load(&mut self) -> Result<Option<SignedCheckpoint>, Error> {
        match self {
            Self::File(path) => read_checkpoint(path),
            Self::Table(table) => {
                let text = table.load()?;
                let parse = |text: String| parse_checkpoint(&text, Path::new(table.name()));
                text.map(parse).transpose()
            }
        }
    }

    /// Replaces what it holds, if that is what is expected.
    ///
    /// # Errors
    /// It holds something else, or cannot be written.
    pub(crate) fn replace(
        &mut self,
        expected: Option<&SignedCheckpoint>,
        next: &SignedCheckpoint,
    ) -> Result<(), Error> {
        let text = next.to_string();
        let is_replaced = match self {
            // The directory of the log is held, so no other process of this log comes between.
            Self::File(path) if read_checkpoint(path)?.as_ref() == expected => {
                replace_durably(path, 0o644, text.as_bytes())?;
                true
            }
            Self::File(_) => false,
            Self::Table(table) => {
                let expected = expected.map(ToString::to_string);
                table.replace(expected.as_deref(), &text, next.checkpoint().size)?
            }
        };
        if is_replaced {
            return Ok(());
        }
        Err(Error::LockStore {
            holds: self.load()?.map(|it| it.checkpoint().size),
            store: self.to_string(),
        })
    }
}

/// Takes over the lock store of a half-year from within the directory of the node, where it came back
/// with every old copy of that; once, while nobody writes the log. Returns the old place and the new.
pub(crate) fn take_over(config: &Config) -> Result<Option<(PathBuf, PathBuf)>, Error> {
    let (Some(old), new) = (config.lock_within(), config.lock_file()) else {
        return Ok(None);
    };
    if new.exists() {
        return Ok(None);
    }
    let Some(held) = read_checkpoint(&old)? else {
        return Ok(None);
    };
    replace_durably(&new, 0o644, held.to_string().as_bytes())?;
    // A crash here leaves both: the new one counts.
    fs::remove_file(&old).map_err(Error::io("remove", &old))?;
    Ok(Some((old, new)))
}

impl fmt::Display for LockStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Table(table) => f.write_str(table.name()),
        }
    }
}
