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
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

use super::aead::{Key, NONCE_LEN, OVERHEAD};
use super::opening::Openings;
use super::sealed::{HEAD_LEN, INTAKE_LABEL, OPENINGS_LABEL, Sealed};
use crate::Error;
use crate::keys::secret::{self, SECRET_LEN, Secret};
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

/// What one record needs of the system's random numbers, drawn at once: each draw has its price.
struct Drawn {
    secret: Secret,
    /// The nonce under which the secret is wrapped.
    wrapping: [u8; NONCE_LEN],
    /// The nonce under which the openings are sealed.
    sealing: [u8; NONCE_LEN],
}

impl Drawn {
    fn new(random: &SystemRandom) -> Result<Self, Unspecified> {
        let mut bytes = Zeroizing::new([0; SECRET_LEN + 2 * NONCE_LEN]);
        random.fill(bytes.as_mut_slice())?;
        let (secret, nonces) = bytes.split_first_chunk().ok_or(Unspecified)?;
        let (wrapping, rest) = nonces.split_first_chunk().ok_or(Unspecified)?;
        let sealing = rest.first_chunk().ok_or(Unspecified)?;
        Ok(Self {
            secret: Secret::new(secret),
            wrapping: *wrapping,
            sealing: *sealing,
        })
    }
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
        let drawn = Drawn::new(&self.random).map_err(refused)?;
        let secret = drawn.secret.as_slice();
        let mut wrapped = Vec::with_capacity(SECRET_LEN + OVERHEAD);
        let wrapping = &current.key;
        let done = wrapping.seal_under(drawn.wrapping, INTAKE_LABEL, secret, &mut wrapped);
        done.map_err(refused)?;
        let key = Key::new(&drawn.secret).map_err(refused)?;
        let plain = openings.bytes();
        let mut out = Vec::with_capacity(HEAD_LEN + plain.len() + OVERHEAD);
        Sealed::write_head(&mut out, current.number, &wrapped);
        let done = key.seal_under(drawn.sealing, OPENINGS_LABEL, plain, &mut out);
        done.map_err(refused)?;
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
        // Nothing that was drawn is used twice.
        let other = intake.seal(&openings).unwrap();
        let other = Sealed::read(&other).unwrap();
        let nonces = [sealed.key, sealed.text, other.key, other.text].map(|it| &it[..NONCE_LEN]);
        let different: std::collections::BTreeSet<_> = nonces.into_iter().collect();
        assert_eq!(different.len(), 4);
        let again = Intake::open(dir.path()).unwrap();
        assert!(open(&again).is_some() && again.current() > sealed.intake);
        let newer = again.renew().unwrap();
        again.destroy_before(newer).unwrap();
        assert!(open(&again).is_none());
        assert!(open(&Intake::open(dir.path()).unwrap()).is_none());
    }
}
