//! Asking for other keys: what an operator does beside a gateway, whether it runs or not.
//!
//! Files are made here, and durable before anything asks for them; nothing is signed. A gateway
//! that runs takes the request up within a second ([`super::keeper`]), one that does not at its start.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use super::generation::Generation;
use super::wanted::Wanted;
use super::{Change, Keys, PublicKeys};
use crate::publish::{CHECKPOINT_FILE, read_checkpoint};
use crate::{Config, Error};

/// What is asked of the keys of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// A new generation signs beside the present one.
    Begin,
    /// The older of the two signs no more, and its private keys are destroyed.
    Finish,
    /// A new generation signs instead of all others at once: somebody else may have their keys.
    Replace,
}

/// Asks for other keys; the request is durable then. Returns the keys that will sign.
///
/// # Errors
/// The log has no keys yet, they belong to another user, the step does not follow from the last one,
/// or a file cannot be written.
pub fn rotate(config: &Config, rotation: Rotation) -> Result<Keys, Error> {
    let dir = config.signing_dir();
    let (now, listed) = (Wanted::read(&dir)?, PublicKeys::read(&config.dir)?);
    // What is made here only its owner can read, and the gateway must.
    let owner = fs::metadata(&dir).map_err(Error::io("read", &dir))?.uid();
    if owner != rustix::process::geteuid().as_raw() {
        return Err(Error::Rotation(
            "the directory of the private keys belongs to another user: run this as that one",
        ));
    }
    let next = match rotation {
        Rotation::Begin if now.overlaps => {
            return Err(Error::Rotation(
                "the last rotation is not finished: two generations of keys sign",
            ));
        }
        Rotation::Begin | Rotation::Replace => {
            let newest = now.newest.checked_add(1);
            let newest = newest.ok_or(Error::Rotation("there are too many generations"))?;
            Generation::make(&dir, newest)?;
            Wanted {
                newest,
                overlaps: rotation == Rotation::Begin,
            }
        }
        Rotation::Finish if !now.overlaps => {
            return Err(Error::Rotation(
                "no rotation is under way: one generation of keys signs",
            ));
        }
        Rotation::Finish => {
            both_have_signed(config, &listed)?;
            Wanted {
                newest: now.newest,
                overlaps: false,
            }
        }
    };
    next.write(&dir)?;
    Keys::load(config)
}

/// True if the log lists these keys as those that sign.
///
/// # Errors
/// The file `keys` cannot be read.
pub fn are_in_force(config: &Config, keys: &Keys) -> Result<bool, Error> {
    let listed = PublicKeys::read(&config.dir)?;
    Ok(Change::between(&listed, keys)?.is_none())
}

/// Whoever knows the older keys only learns of the newer from a checkpoint that both have signed.
fn both_have_signed(config: &Config, listed: &PublicKeys) -> Result<(), Error> {
    let keys = Keys::load(config)?.public().log;
    let path = config.dir.join(CHECKPOINT_FILE);
    let shown = read_checkpoint(&path)?.ok_or(Error::Rotation("the log has no checkpoint yet"))?;
    let signers = shown.verify(&keys).unwrap_or_default().len();
    if signers < keys.len() || listed.log != keys {
        return Err(Error::Rotation(
            "the new keys have not signed a checkpoint beside the old ones yet: let the gateway run",
        ));
    }
    Ok(())
}
