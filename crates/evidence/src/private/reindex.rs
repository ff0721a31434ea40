//! Making the index again, from the log and the keyring, while no gateway runs.

use std::sync::Arc;

use super::intake::Intake;
use super::thread::desk;
use super::{IndexRoot, daily, databases, log_number};
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
    /// The last root of the index that was recorded, held against this one.
    pub root: Option<IndexRoot>,
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
    databases::forget_index(config)?;
    let intake = Arc::new(Intake::open(&config.keys_dir())?);
    let mut all = Reindexed::default();
    for ((_file, reached), log) in &held {
        let made = file(log, *reached, &intake, &mut progress)?;
        all.records += made.records;
        all.opened += made.opened;
    }
    // Not before every log is filed: an erasure may stand in a later one.
    for (_, log) in held.iter().rev() {
        all.root = daily::check(log, &mut databases::index(log)?)?;
        if all.root.is_some() {
            break;
        }
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
    let number = log_number(&log.origin);
    let index = databases::index_to_make_again(log, number)?;
    let mut desk = desk(log, intake, index)?;
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
        opened: desk.index.opened(number)?,
        root: None,
    })
}

/// So many records go between two reports.
const PART: u64 = 10_000;
