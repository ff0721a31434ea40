//! The logs of half-years, held against what they say of each other. Not here: reading each.

use std::path::{Path, PathBuf};

use super::{PublicReport, VerifyError};
use crate::keys::VerifierKey;
use crate::link::Before;
use crate::publish::CHECKPOINT_FILE;

/// How far a log is linked to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// Each names the other: the older one its successor and its keys, the newer one the size and the
    /// root at which the older has ended.
    Linked,
    /// The newer one has no records yet, or does not say yet how the older has ended; or the older has
    /// not ended.
    NotYet,
}

/// The directories of the logs of half-years, oldest first; none if the directory itself is a log.
///
/// # Errors
/// The directory cannot be read.
pub fn half_years(dir: &Path) -> Result<Vec<PathBuf>, VerifyError> {
    if !dir.is_dir() || dir.join(CHECKPOINT_FILE).exists() {
        return Ok(Vec::new());
    }
    let epochs = crate::half_years::half_years(dir).map_err(VerifyError::Unreadable)?;
    let logs = epochs.iter().map(|epoch| dir.join(epoch.to_string()));
    Ok(logs
        .filter(|log| log.join(CHECKPOINT_FILE).exists())
        .collect())
}

/// Checks that nothing follows the newest of them.
///
/// # Errors
/// It names a successor, which is not there.
pub fn is_last(log: &PublicReport) -> Result<(), VerifyError> {
    let Some(follower) = &log.census.links.follower else {
        return Ok(());
    };
    Err(VerifyError::Unlinked {
        log: follower.log.clone(),
        before: log.checkpoint.checkpoint().origin.clone(),
        problem: "it is not here".to_owned(),
    })
}

/// Checks that none was before the first of them, the oldest of all `logs`, or that it was retired.
///
/// # Errors
/// The oldest names one before it that is not here, and no record says that it was retired.
pub fn is_first(logs: &[PublicReport]) -> Result<(), VerifyError> {
    let Some((oldest, named)) = logs
        .first()
        .and_then(|oldest| Some((oldest, oldest.census.links.before.first()?)))
    else {
        return Ok(());
    };
    let is_told = |it: &PublicReport| it.census.links.retired.contains(&named.log);
    if logs.iter().any(is_told) {
        return Ok(());
    }
    Err(VerifyError::Unlinked {
        log: oldest.checkpoint.checkpoint().origin.clone(),
        before: named.log.clone(),
        problem: "that is not here, and no record says that it was retired".to_owned(),
    })
}

/// Checks that a log follows the one before it; `keys` are those by which the newer one is believed.
///
/// # Errors
/// What one says of the other is not so.
pub fn follows(
    before: &PublicReport,
    log: &PublicReport,
    keys: &[VerifierKey],
) -> Result<Follows, VerifyError> {
    let (old, new) = (before.checkpoint.checkpoint(), log.checkpoint.checkpoint());
    let unlinked = |problem: &str| VerifyError::Unlinked {
        log: new.origin.clone(),
        before: old.origin.clone(),
        problem: problem.to_owned(),
    };
    let (end, follower) = (
        Before::at(&before.checkpoint),
        &before.census.links.follower,
    );
    if let Some(follower) = follower {
        if follower.log != new.origin {
            let name = &follower.log;
            return Err(unlinked(&format!(
                "the older one names another log as its successor, {name}"
            )));
        }
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        if follower.keys.iter().any(|key| !keys.contains(key)) {
            return Err(unlinked("the older one names other keys of it"));
        }
    }
    let named = &log.census.links.before;
    for named in named {
        if named.log != old.origin {
            return Err(unlinked(&format!(
                "it names another log before it, {}",
                named.log
            )));
        }
        if named.has_ended() && follower.is_none() {
            return Err(unlinked("the older one has not ended as it says"));
        }
        if named.has_ended() && *named != end {
            return Err(unlinked(
                "the older one has ended with other records than it says",
            ));
        }
    }
    if new.size > 0 && named.is_empty() {
        return Err(unlinked("it does not name the log before it"));
    }
    Ok(match follower {
        Some(_) if named.contains(&end) => Follows::Linked,
        _ => Follows::NotYet,
    })
}
