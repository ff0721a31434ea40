//! Whether the logs of the half-years are all there: what each names as the one before it and the one
//! behind it is held against what lies in the directory of the node. Not here: what is in them
//! (`verify`).
//!
//! *Invariant:* a node of which a log is missing, or is another, does not start. The oldest may be gone
//! when they were retired and the record of it is there.

use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;

use crate::keys::{PUBLIC_FILE, PublicKeys};
use crate::link::{self, Follower};
use crate::private::Epoch;
use crate::replace::replace_durably;
use crate::{Config, Error, Receipt};

/// Holds the logs that were written, oldest first, against what they say of each other. Returns the
/// half-year that the newest names behind it: its log is there, and is to be begun.
///
/// # Errors
/// A log is missing, or is another than the one that is named; or a file cannot be read.
pub(crate) fn check(node: &Config, begun: &[(Epoch, Config)]) -> Result<Option<Epoch>, Error> {
    let mut older: Option<&Config> = None;
    for (_, log) in begun {
        let named = link::before(&log.dir)?.map(|before| before.log);
        match (older, named) {
            (Some(older), Some(named)) if named != older.origin => {
                return Err(missing(named, log));
            }
            (None, Some(named)) if !is_retired(node, &named)? => {
                return Err(missing(named, log));
            }
            _ => {}
        }
        if let Some(older) = older {
            let follower = link::follower(&older.dir)?;
            follower.map_or(Ok(()), |follower| follower.is_at(log, older))?;
        }
        older = Some(log);
    }
    let Some(newest) = older else {
        return Ok(None);
    };
    let Some(follower) = link::follower(&newest.dir)? else {
        return Ok(None);
    };
    let next = node.half_year(&follower.log);
    let next = next.ok_or_else(|| missing(follower.log.clone(), newest))?;
    follower.is_at(&node.of(next), newest)?;
    Ok(Some(next))
}

impl Follower {
    /// Refuses a log that is not this one, which `older` names behind it.
    fn is_at(&self, log: &Config, older: &Config) -> Result<(), Error> {
        if self.log != log.origin || !log.dir.join(PUBLIC_FILE).exists() {
            return Err(missing(self.log.clone(), older));
        }
        let keys = PublicKeys::read(&log.dir)?;
        let keys = [keys.of_checkpoints(), keys.of_receipts()].concat();
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        if self.keys.iter().all(|key| keys.contains(key)) {
            return Ok(());
        }
        Err(Error::Unlinked {
            log: self.log.clone(),
            named_by: older.origin.clone(),
            problem: "has other keys here than that one says",
        })
    }
}

fn missing(log: String, named_by: &Config) -> Error {
    Error::Unlinked {
        log,
        named_by: named_by.origin.clone(),
        problem: "is missing",
    }
}

/// Notes where it is recorded that a log was retired: without that record the log would be missing.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn note_retired(node: &Config, log: &str, record: &Receipt) -> Result<(), Error> {
    let path = node.dir.join(RETIRED_FILE);
    let mut text = String::new();
    for line in read(&path)?.lines() {
        if line.split(' ').next() != Some(log) {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.push_str(&format!("{log} {} {}\n", record.origin(), record.seq()));
    replace_durably(&path, 0o644, text.as_bytes())
}

/// True if a record in a log that is here says that a log was retired.
fn is_retired(node: &Config, log: &str) -> Result<bool, Error> {
    let text = read(&node.dir.join(RETIRED_FILE))?;
    for line in text.lines() {
        let [name, origin, seq] = *line.split(' ').collect::<Vec<_>>().as_slice() else {
            continue;
        };
        let (Some(at), Ok(seq)) = (node.named(origin), seq.parse::<u64>()) else {
            continue;
        };
        if name != log {
            continue;
        }
        let leaf = link::shown(&at.dir, seq)?;
        if leaf
            .and_then(|leaf| retired(&leaf))
            .is_some_and(|it| it == log)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn read(path: &Path) -> Result<String, Error> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(Error::io("read", path)),
    }
}

/// The log that a record says is retired; none of another record.
pub(crate) fn retired(leaf: &[u8]) -> Option<String> {
    let act: Act = serde_json::from_slice(leaf).ok()?;
    let is_it = act.t == "ADMIN" && act.act.as_deref() == Some(RETIRE);
    act.log.filter(|_| is_it)
}

/// What of a record says that a log was retired.
#[derive(Deserialize)]
struct Act {
    t: String,
    act: Option<String>,
    log: Option<String>,
}

/// How a record says that a log was retired.
pub(crate) const RETIRE: &str = "RETIRE";
/// The file in the directory of the node: the name of a log that was retired, and the name and number
/// of the record of it.
pub const RETIRED_FILE: &str = "retired";
