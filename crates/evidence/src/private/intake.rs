//! The intake: under what an exchange seals its openings without asking any database.
//!
//! An intake key lives for minutes: once the thread that files has moved what is under it to the
//! keyring, its file goes, and what the write-ahead log holds opens by the keyring alone.
//!
//! *Invariant:* a key is durable before anything is sealed under it, and it stays until everything
//! under it is filed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use aws_lc_rs::rand::SystemRandom;

use super::aead::{Key, OVERHEAD};
use super::opening::Openings;
use super::sealed::{HEAD_LEN, INTAKE_LABEL, OPENINGS_LABEL, Sealed};
use crate::Error;
use crate::keys::secret::{self, Secret};
use crate::replace::sync_dir;

/// The intake keys of a log.
pub(crate) struct Intake {
    dir: PathBuf,
    random: SystemRandom,
    current: ArcSwap<Numbered>,
    held: Mutex<BTreeMap<u64, Arc<Numbered>>>,
}

/// A key and its number.
struct Numbered {
    number: u64,
    key: Key,
}

impl Intake {
    /// Reads the keys there are, and makes a new one to seal under.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let mut held = BTreeMap::new();
        for number in numbers(dir)? {
            let key = Numbered::new(number, &secret::read(&path(dir, number))?)?;
            held.insert(number, Arc::new(key));
        }
        let next = held.last_key_value().map_or(1, |(last, _)| last + 1);
        let current = Numbered::new(next, &secret::make(&path(dir, next))?)?;
        let current = Arc::new(current);
        held.insert(next, Arc::clone(&current));
        Ok(Self {
            dir: dir.to_owned(),
            random: SystemRandom::new(),
            current: ArcSwap::new(current),
            held: Mutex::new(held),
        })
    }

    /// Seals the openings of one record under a key of their own.
    pub(crate) fn seal(&self, openings: &Openings) -> Result<Vec<u8>, Error> {
        let refused = |_| Error::Crypto("seal openings");
        let current = self.current.load();
        let secret = secret::fresh(&self.random)?;
        let wrapped = current.key.wrap(INTAKE_LABEL, &secret).map_err(refused)?;
        let key = Key::new(&secret).map_err(refused)?;
        let plain = openings.bytes();
        let mut out = Vec::with_capacity(HEAD_LEN + plain.len() + OVERHEAD);
        Sealed::write_head(&mut out, current.number, &wrapped);
        key.seal(OPENINGS_LABEL, plain, &mut out).map_err(refused)?;
        Ok(out)
    }

    /// The record key of sealed openings; none if their intake key is gone.
    pub(super) fn record_key(&self, sealed: &Sealed<'_>) -> Option<Secret> {
        let key = self.held().get(&sealed.intake).map(Arc::clone)?;
        key.key.unwrap(INTAKE_LABEL, sealed.key)
    }

    /// Seals under a new key from here on; its number.
    pub(super) fn renew(&self) -> Result<u64, Error> {
        // Two threads may renew it while one log follows another.
        let mut held = self.held();
        let next = self.current.load().number + 1;
        let key = Numbered::new(next, &secret::make(&path(&self.dir, next))?)?;
        let key = Arc::new(key);
        held.insert(next, Arc::clone(&key));
        self.current.store(key);
        Ok(next)
    }

    /// Destroys every key below a number.
    pub(super) fn destroy_before(&self, number: u64) -> Result<(), Error> {
        let old: Vec<u64> = self.held().range(..number).map(|(old, _)| *old).collect();
        for old in &old {
            let path = path(&self.dir, *old);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", path)(error));
                }
                _ => {}
            }
            self.held().remove(old);
        }
        if old.is_empty() {
            return Ok(());
        }
        sync_dir(&self.dir)
    }

    /// The number of the key that is in force.
    pub(super) fn current(&self) -> u64 {
        self.current.load().number
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Numbered>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Numbered {
    fn new(number: u64, secret: &Secret) -> Result<Self, Error> {
        let key = Key::new(secret).map_err(|_| Error::Crypto("use an intake key"))?;
        Ok(Self { number, key })
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Intake({})", self.current())
    }
}

fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{PREFIX}{number:016}{SUFFIX}"))
}

fn numbers(dir: &Path) -> Result<Vec<u64>, Error> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir).map_err(Error::io("list", dir))? {
        let name = entry.map_err(Error::io("list", dir))?.file_name();
        let name = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let number = name.and_then(|name| name.strip_suffix(SUFFIX)?.parse::<u64>().ok());
        numbers.extend(number);
    }
    Ok(numbers)
}

const PREFIX: &str = "intake.";
const SUFFIX: &str = ".key";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_until_its_key_is_destroyed() {
        let dir = tempfile::tempdir().unwrap();
        let intake = Intake::open(dir.path()).unwrap();
        let mut openings = Openings::new();
        openings.push("sub", &[7; 32], b"999099000001");
        let bytes = intake.seal(&openings).unwrap();
        let sealed = Sealed::read(&bytes).unwrap();
        let open = |intake: &Intake| {
            let secret = intake.record_key(&sealed)?;
            let plain = Key::new(&secret)
                .unwrap()
                .open(OPENINGS_LABEL, sealed.text)?;
            Openings::parse(&plain)
        };
        assert_eq!(open(&intake).unwrap()[0].value, b"999099000001");
        let again = Intake::open(dir.path()).unwrap();
        assert!(open(&again).is_some() && again.current() > sealed.intake);
        let newer = again.renew().unwrap();
        again.destroy_before(newer).unwrap();
        assert!(open(&again).is_none());
        assert!(open(&Intake::open(dir.path()).unwrap()).is_none());
    }
}
