//! Making the index again, from the log and the keyring, while no gateway runs.

use std::fs;
use std::sync::Arc;

use super::intake::Intake;
use super::thread::desk;
use super::{databases, log_number};
use crate::publish::{Reached, Tail};
use crate::verify::Progress;
use crate::{Config, Error, writer};

/// What the index holds when it was made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reindexed {
    /// The records.
    pub records: u64,
    /// Those of them with something that is hidden and can be opened.
    pub opened: u64,
}

/// Makes the index of a node again, of all its logs that were not retired. A gateway does the same by
/// itself where its index is missing.
///
/// # Errors
/// A gateway holds the log, or a file or database cannot be read or written.
pub fn reindex(config: &Config, mut progress: impl FnMut(Progress)) -> Result<Reindexed, Error> {
    let mut logs = vec![config.clone()];
    if config.has_half_years() {
        logs = config.begun()?.into_iter().map(|(_, log)| log).collect();
    }
    let mut held = Vec::with_capacity(logs.len());
    for log in logs {
        if !config.has_half_years() || log.has_records()? {
            held.push((writer::hold(&log)?, log));
        }
    }
    forget(config)?;
    let intake = Arc::new(Intake::open(&config.keys_dir())?);
    let mut all = Reindexed::default();
    for ((_file, reached), log) in &held {
        let made = file(log, *reached, &intake, &mut progress)?;
        all.records += made.records;
        all.opened += made.opened;
    }
    Ok(all)
}

/// Files a whole log.
fn file(
    log: &Config,
    reached: Reached,
    intake: &Arc<Intake>,
    mut progress: impl FnMut(Progress),
) -> Result<Reindexed, Error> {
    let mut desk = desk(log, intake)?;
    let mut tail = Tail::with_attempts(&log.dir, 0)?;
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
        opened: desk.index.opened(log_number(&log.origin))?,
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
