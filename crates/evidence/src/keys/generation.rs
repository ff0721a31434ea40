//! The keys that sign together: two for checkpoints, one for receipts.
//!
//! The files of the first generation lie in the directory of the private keys itself, those of the
//! second in `generation.2`, and so on. Not here: which generations sign.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;

use super::file::FileKey;
use super::signer::{self, Role, Signer};
use super::vkey::subtree_message;
use super::{VerifierKey, bad, make_dir};
use crate::Error;
use crate::note::{Checkpoint, Signature};
use crate::replace::{replace_durably, sync_dir};

/// The private keys of one generation.
pub(crate) struct Generation {
    number: u32,
    pub(super) log: Box<dyn Signer>,
    pub(super) log_ml_dsa: Box<dyn Signer>,
    pub(super) receipt: Box<dyn Signer>,
}

impl Generation {
    /// Reads the keys of a generation.
    ///
    /// # Errors
    /// One is missing, readable for others, or no key of its kind.
    pub(super) fn load(keys_dir: &Path, number: u32) -> Result<Self, Error> {
        let dir = dir_of(keys_dir, number);
        let generation = Self::open(&dir, number)?;
        if number > FIRST {
            let path = dir.join(PUBLIC_FILE);
            let made = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
            if made != generation.fingerprint() {
                return Err(bad(&path, "is not that of the keys beside it"));
            }
        }
        Ok(generation)
    }

    fn open(dir: &Path, number: u32) -> Result<Self, Error> {
        Ok(Self {
            number,
            log: signer::open(dir, Role::Log)?,
            log_ml_dsa: signer::open(dir, Role::LogMlDsa)?,
            receipt: signer::open(dir, Role::Receipt)?,
        })
    }

    /// Makes those keys of the first generation that are missing.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(super) fn make_first(keys_dir: &Path) -> Result<(), Error> {
        make_dir(keys_dir)?;
        make_files(keys_dir)
    }

    /// Makes a later generation, whole or not at all; one that is there already stays.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(super) fn make(keys_dir: &Path, number: u32) -> Result<(), Error> {
        let dir = dir_of(keys_dir, number);
        if dir.exists() {
            return Ok(());
        }
        let tmp = dir.with_added_extension("tmp");
        remove_dir(&tmp)?;
        make_dir(&tmp)?;
        make_files(&tmp)?;
        let made = Self::open(&tmp, number)?.fingerprint();
        replace_durably(&tmp.join(PUBLIC_FILE), 0o600, made.as_bytes())?;
        fs::rename(&tmp, &dir).map_err(Error::io("rename", &tmp))?;
        sync_dir(keys_dir)
    }

    /// Destroys the private keys of a generation, if they are there.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub(super) fn remove(keys_dir: &Path, number: u32) -> Result<(), Error> {
        let dir = dir_of(keys_dir, number);
        if number > FIRST {
            return remove_dir(&dir);
        }
        for role in Role::ALL {
            let path = dir.join(role.file());
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What tells these keys from others: SHA-256 over the three public ones, in hex.
    fn fingerprint(&self) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        for role in Role::ALL {
            context.update(self.signer(role).public());
        }
        hex::encode(context.finish())
    }

    pub(super) const fn number(&self) -> u32 {
        self.number
    }

    /// The public form of the key of a role.
    pub(super) fn public(&self, role: Role, origin: &str) -> VerifierKey {
        role.verifier(origin, self.signer(role))
    }

    /// Signs a checkpoint with both keys for it; `time` is in seconds since 1970.
    ///
    /// # Errors
    /// A key does not sign.
    pub(super) fn sign_checkpoint(
        &self,
        checkpoint: &Checkpoint,
        time: u64,
    ) -> Result<[Signature; 2], Error> {
        let origin = &checkpoint.origin;
        let ed25519 = self.sign(Role::Log, origin, checkpoint.to_string().as_bytes())?;
        let message = subtree_message(origin, time, checkpoint);
        let ml_dsa = self.sign(Role::LogMlDsa, origin, &message)?;
        let line = |role, bytes| Signature {
            name: origin.clone(),
            id: self.public(role, origin).id(),
            bytes,
        };
        let timed = [time.to_be_bytes().as_slice(), &ml_dsa].concat();
        Ok([line(Role::Log, ed25519), line(Role::LogMlDsa, timed)])
    }

    /// Signs with the key of a role.
    ///
    /// # Errors
    /// It does not sign.
    pub(super) fn sign(&self, role: Role, origin: &str, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signed = self.signer(role).sign(message);
        signed.map_err(|source| Error::Signer {
            key: format!("{:?}", self.public(role, origin)),
            source,
        })
    }

    fn signer(&self, role: Role) -> &dyn Signer {
        match role {
            Role::Log => &*self.log,
            Role::LogMlDsa => &*self.log_ml_dsa,
            Role::Receipt => &*self.receipt,
        }
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Generation({})", self.number)
    }
}

/// Says in the directory of a later generation which keys were made: a file that has changed since
/// must not pass for a new key. The first generation is held against what the log lists.
const PUBLIC_FILE: &str = "public";

/// The number of the first generation.
pub(super) const FIRST: u32 = 1;

fn dir_of(keys_dir: &Path, number: u32) -> PathBuf {
    if number > FIRST {
        keys_dir.join(format!("generation.{number}"))
    } else {
        keys_dir.to_owned()
    }
}

fn make_files(dir: &Path) -> Result<(), Error> {
    Role::ALL
        .into_iter()
        .try_for_each(|role| FileKey::make_if_missing(&dir.join(role.file()), role.algorithm()))
}

fn remove_dir(dir: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove", dir)(error))
        }
        _ => Ok(()),
    }
}
