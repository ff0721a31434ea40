//! The keys of a log, and their public form.
//!
//! Two log keys sign checkpoints, one Ed25519 and one ML-DSA-44, which a quantum computer does not
//! break; the receipt key signs receipts. These three are a generation. Mostly one generation signs;
//! while it is followed by the next, both sign checkpoints, and the newer one receipts (decision
//! 0023). The private keys are files that only their owner can read, behind a [`Signer`]; the file
//! `keys` in the log's directory names the public ones. Not here: when an operator wants new keys.
//!
//! *Invariant:* nothing is signed by a key before the record that names it is durable, and the file
//! `keys` lists it; the first generation alone has no such record.

use std::fmt;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(test)]
mod breaking;
mod change;
mod cosigning;
mod file;
mod generation;
mod in_force;
mod keeper;
mod note;
mod public;
mod rotation;
pub(crate) mod secret;
mod signer;
mod vkey;
mod wanted;

#[cfg(test)]
pub(crate) use breaking::breaking;
pub(crate) use change::{Change, KEY};
pub(crate) use cosigning::CosigningKeys;
pub(crate) use in_force::{InForce, NextKeys};
pub(crate) use keeper::{Keeper, Keeping};
pub use note::NoteKey;
pub use public::{PUBLIC_FILE, PublicKeys};
pub use rotation::{Rotation, are_in_force, rotate};
pub use signer::{SignError, Signer};
pub use vkey::{Algorithm, VerifierKey};

use crate::note::{Checkpoint, SignedCheckpoint, is_origin};
use crate::{Config, Error};
use generation::Generation;
use signer::Role;
use wanted::Wanted;

/// The private keys of a log that sign.
pub struct Keys {
    origin: String,
    newest: Arc<Generation>,
    /// Those that sign checkpoints as well, the oldest first.
    older: Vec<Arc<Generation>>,
}

impl Keys {
    /// Reads the keys that are to sign: those that [`create_if_missing`] has made, or that
    /// [`rotate`] asks for.
    ///
    /// # Errors
    /// A key file is missing, readable for others, or no key of its kind.
    pub fn load(config: &Config) -> Result<Self, Error> {
        check_origin(&config.origin)?;
        let dir = config.signing_dir();
        let wanted = Wanted::read(&dir)?;
        let newest = Arc::new(Generation::load(&dir, wanted.newest)?);
        let older = wanted.numbers().take_while(|it| *it < wanted.newest);
        let older = older.map(|it| Generation::load(&dir, it).map(Arc::new));
        Ok(Self {
            origin: config.origin.clone(),
            newest,
            older: older.collect::<Result<_, _>>()?,
        })
    }

    /// The public key of checkpoints, of the newest generation.
    #[must_use]
    pub fn log(&self) -> VerifierKey {
        self.newest.public(Role::Log, &self.origin)
    }

    /// The other public key of checkpoints.
    #[must_use]
    pub fn log_ml_dsa(&self) -> VerifierKey {
        self.newest.public(Role::LogMlDsa, &self.origin)
    }

    /// The public key of receipts.
    #[must_use]
    pub fn receipt(&self) -> VerifierKey {
        self.newest.public(Role::Receipt, &self.origin)
    }

    /// Every public key, the oldest generation first.
    #[must_use]
    pub fn public(&self) -> PublicKeys {
        let mut all = PublicKeys::default();
        for generation in self.generations() {
            for role in Role::ALL {
                let key = generation.public(role, &self.origin);
                match role {
                    Role::Log | Role::LogMlDsa => all.log.push(key),
                    Role::Receipt => all.receipt.push(key),
                }
            }
        }
        all
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Signs the message of a receipt.
    ///
    /// # Errors
    /// The key does not sign.
    pub(crate) fn sign_receipt(&self, message: &[u8]) -> Result<[u8; 64], Error> {
        let signature = self.newest.sign(Role::Receipt, &self.origin, message)?;
        signature.try_into().map_err(|_| Error::Signer {
            key: format!("{:?}", self.receipt()),
            source: "it signs with another length than Ed25519 has".into(),
        })
    }

    /// Signs a checkpoint with both keys of every generation; `time` is in seconds since 1970.
    ///
    /// # Errors
    /// A key does not sign.
    pub(crate) fn sign_checkpoint(
        &self,
        checkpoint: Checkpoint,
        time: u64,
    ) -> Result<SignedCheckpoint, Error> {
        let mut signatures = Vec::with_capacity(4);
        for generation in self.generations() {
            signatures.extend(generation.sign_checkpoint(&checkpoint, time)?);
        }
        Ok(SignedCheckpoint::new(checkpoint, signatures))
    }

    fn generations(&self) -> impl Iterator<Item = &Arc<Generation>> {
        self.older.iter().chain([&self.newest])
    }

    /// The public keys of the first generation, if it signs.
    fn first(&self) -> Vec<VerifierKey> {
        let first = |it: &&Arc<Generation>| it.number() == generation::FIRST;
        let first = self.generations().filter(first);
        let all = first.flat_map(|it| Role::ALL.map(|role| it.public(role, &self.origin)));
        all.collect()
    }

    /// The next step to what is wanted, if it is not there yet: what is new signs beside what there
    /// is, and only then what is not wanted any more goes.
    ///
    /// # Errors
    /// As [`Keys::load`].
    fn towards(&self, keys_dir: &Path, wanted: Wanted) -> Result<Option<Self>, Error> {
        let mut all: Vec<_> = self.generations().cloned().collect();
        let is_held = |number: &u32| all.iter().any(|it| it.number() == *number);
        let missing: Vec<u32> = wanted.numbers().filter(|it| !is_held(it)).collect();
        if missing.is_empty() {
            let before = all.len();
            all.retain(|it| wanted.numbers().any(|number| number == it.number()));
            if all.len() == before {
                return Ok(None);
            }
        }
        for number in missing {
            all.push(Arc::new(Generation::load(keys_dir, number)?));
        }
        all.sort_unstable_by_key(|it| it.number());
        let next = all.pop().map(|newest| Self {
            origin: self.origin.clone(),
            newest,
            older: all,
        });
        Ok(next)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.origin)
    }
}

/// Makes the keys of a log where there are none, and writes their public form beside the log. Keys
/// that a log has are not made again.
///
/// # Errors
/// A file cannot be written, or an existing one is no key.
pub fn create_if_missing(config: &Config) -> Result<Keys, Error> {
    check_origin(&config.origin)?;
    fs::create_dir_all(&config.dir).map_err(Error::io("create", &config.dir))?;
    if config.dir.join(PUBLIC_FILE).exists() {
        return Keys::load(config);
    }
    let dir = config.signing_dir();
    if Wanted::read(&dir)?.oldest() == generation::FIRST {
        Generation::make_first(&dir)?;
    }
    let keys = Keys::load(config)?;
    keys.public().write(&config.dir)?;
    Ok(keys)
}

/// The name under which the receipts of a log are signed.
#[must_use]
pub fn receipt_name(origin: &str) -> String {
    format!("{origin}/receipt")
}

fn check_origin(origin: &str) -> Result<(), Error> {
    is_origin(origin).then_some(()).ok_or(Error::Setting {
        setting: "origin",
        problem: ORIGIN,
    })
}

/// What the name of a log is to be.
pub(crate) const ORIGIN: &str = "must be a URL prefix without scheme, final slash, space or plus";

/// Makes a directory that only its owner can read.
pub(crate) fn make_dir(dir: &Path) -> Result<(), Error> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(Error::io("create", dir))
}

fn bad(path: &Path, problem: &'static str) -> Error {
    Error::Key {
        path: PathBuf::from(path),
        problem,
    }
}
