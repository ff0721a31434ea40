//! What the logs of half-years say of each other: the last record of one names the next log and its
//! keys; the next one names the end of the one before, as soon as that has ended.
//!
//! *Invariant:* a log whose last record names the next one is never written on.

use std::path::Path;

use base64_simd::STANDARD;
use serde::{Deserialize, Serialize};

use crate::keys::Keys;
use crate::note::SignedCheckpoint;
use crate::publish::{CHECKPOINT_FILE, bundle_of, read_bundle, read_checkpoint};
use crate::{Config, Error};

/// The log before, as a record names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Before {
    /// Its name.
    pub(crate) log: String,
    /// The size and the root of its last checkpoint; none while it still has open exchanges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) root: Option<String>,
}

/// The log that follows, as the last record names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Follower {
    /// Its name.
    pub(crate) log: String,
    /// Its public keys: of checkpoints, and of receipts.
    pub(crate) keys: Vec<String>,
}

impl Before {
    /// A log that has not ended yet.
    pub(crate) fn open(log: &Config) -> Self {
        Self {
            log: log.origin.clone(),
            size: None,
            root: None,
        }
    }

    /// A log that may have ended.
    pub(crate) fn of(log: &Config) -> Result<Self, Error> {
        let ended = end(&log.dir)?.map(|ended| Self::at(&ended));
        Ok(ended.unwrap_or_else(|| Self::open(log)))
    }

    /// A log with that last checkpoint.
    pub(crate) fn at(last: &SignedCheckpoint) -> Self {
        let checkpoint = last.checkpoint();
        Self {
            log: checkpoint.origin.clone(),
            size: Some(checkpoint.size),
            root: Some(STANDARD.encode_to_string(checkpoint.root)),
        }
    }

    /// True if the log has ended.
    pub(crate) const fn has_ended(&self) -> bool {
        self.size.is_some()
    }
}

impl Follower {
    /// The log with those keys.
    pub(crate) fn of(keys: &Keys) -> Self {
        let all = [keys.log(), keys.log_ml_dsa(), keys.receipt()];
        Self {
            log: keys.origin().to_owned(),
            keys: all.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What of a record links logs.
#[derive(Debug, Deserialize)]
pub(crate) struct Links {
    pub(crate) t: String,
    pub(crate) prev: Option<Before>,
    pub(crate) next: Option<Follower>,
}

/// A record that is under the checkpoint of a log.
pub(crate) fn read_record(dir: &Path, seq: u64) -> Result<Option<Vec<u8>>, Error> {
    let shown = read_checkpoint(&dir.join(CHECKPOINT_FILE))?;
    if shown.is_none_or(|shown| shown.checkpoint().size <= seq) {
        return Ok(None);
    }
    let (number, place) = bundle_of(seq);
    Ok(read_bundle(dir, number)?.into_iter().nth(place))
}

/// The last checkpoint of a log that has ended: its last record names the one that follows.
pub(crate) fn end(dir: &Path) -> Result<Option<SignedCheckpoint>, Error> {
    Ok(ending(dir)?.map(|(shown, _)| shown))
}

/// The log that follows one that has ended.
pub(crate) fn follower(dir: &Path) -> Result<Option<Follower>, Error> {
    Ok(ending(dir)?.map(|(_, follower)| follower))
}

/// The log before, as the first `START` of a log names it, as far as that is shown.
pub(crate) fn before(dir: &Path) -> Result<Option<Before>, Error> {
    if size_of(dir)? == 0 {
        return Ok(None);
    }
    let bundle = read_bundle(dir, 0)?;
    let mut links = bundle.iter().filter_map(|leaf| links(leaf));
    Ok(links
        .find(|links| links.t == "START")
        .and_then(|links| links.prev))
}

fn ending(dir: &Path) -> Result<Option<(SignedCheckpoint, Follower)>, Error> {
    let Some(shown) = read_checkpoint(&dir.join(CHECKPOINT_FILE))? else {
        return Ok(None);
    };
    let Some(last) = shown.checkpoint().size.checked_sub(1) else {
        return Ok(None);
    };
    let (number, place) = bundle_of(last);
    let bundle = read_bundle(dir, number)?;
    let links = bundle.get(place).and_then(|leaf| links(leaf));
    let stop = links.filter(|links| links.t == "STOP");
    let follower = stop.and_then(|links| links.next);
    Ok(follower.map(|follower| (shown, follower)))
}

/// A record, as far as it is shown.
pub(crate) fn shown(dir: &Path, seq: u64) -> Result<Option<Vec<u8>>, Error> {
    if seq >= size_of(dir)? {
        return Ok(None);
    }
    let (number, place) = bundle_of(seq);
    Ok(read_bundle(dir, number)?.into_iter().nth(place))
}

/// How many records are shown.
fn size_of(dir: &Path) -> Result<u64, Error> {
    let shown = read_checkpoint(&dir.join(CHECKPOINT_FILE))?;
    Ok(shown.map_or(0, |shown| shown.checkpoint().size))
}

fn links(leaf: &[u8]) -> Option<Links> {
    serde_json::from_slice(leaf).ok()
}
