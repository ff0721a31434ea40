//! Making the index again, from the log and the keyring, while no gateway runs.

use std::fs;
use std::sync::Arc;

use super::file::Desk;
use super::intake::Intake;
use super::tags::TagKeys;
use super::{databases, log_number};
use crate::publish::Tail;
use crate::verify::Progress;
use crate::{Config, Error, writer};

/// What the index holds when it was made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reindexed {
    /// The records.
    pub records: u64,
    /// Those of them with something that is hidden and can be opened.
    pub opened: u64,
}

/// Makes the index of a log again. A gateway does the same by itself where its index is missing.
///
/// # Errors
/// A gateway holds the log, or a file or database cannot be read or written.
pub fn reindex(config: &Config, mut progress: impl FnMut(Progress)) -> Result<Reindexed, Error> {
    let (_held, reached) = writer::hold(config)?;
    forget(config)?;
    let mut index = databases::index(config)?;
    let log = log_number(&config.origin);
    index.name(log, &config.origin)?;
    let intake = Arc::new(Intake::open(&config.keys_dir())?);
    let tags = TagKeys::load(&config.keys_dir())?;
    let mut desk = Desk::new(log, intake, databases::keyring(config)?, index, tags)?;
    let mut tail = Tail::with_attempts(&config.dir, 0)?;
    let parts = reached.seq.div_ceil(PART);
    for part in 1..=parts {
        tail.read_to(reached.end, part * PART, |frame| desk.frame(frame))?;
        desk.flush()?;
        progress(Progress {
            done: part,
            of: parts,
            leaves: desk.next(),
        });
    }
    Ok(Reindexed {
        records: desk.next(),
        opened: desk.index.opened(log)?,
    })
}

/// Removes the index of a node that stands alone.
fn forget(config: &Config) -> Result<(), Error> {
    let dir = config.index_dir();
    if !dir.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(&dir).map_err(Error::io("list", &dir))? {
        let path = entry.map_err(Error::io("list", &dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with(databases::INDEX_FILE)) {
            fs::remove_file(&path).map_err(Error::io("remove", path))?;
        }
    }
    Ok(())
}

/// So many records go between two reports.
const PART: u64 = 10_000;
