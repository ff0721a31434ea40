//! Making the index again, from the log and the keyring, while no gateway runs.

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
    let log = log_number(&config.origin);
    let mut index = databases::index_to_make_again(config, log)?;
    index.name(log, &config.origin)?;
    let intake = Arc::new(Intake::open(&config.keys_dir())?);
    let mut keyring = databases::keyring(config)?;
    let tags = TagKeys::load(config, &mut keyring)?;
    let mut desk = Desk::new(log, intake, keyring, index, tags)?;
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

/// So many records go between two reports.
const PART: u64 = 10_000;
