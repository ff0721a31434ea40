//! Symmetric keys: files of 32 random bytes that only their owner can read, and 8 that tell whether
//! one of them was changed: another key opens nothing and finds nobody, and would not say why.

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use zeroize::{Zeroize as _, Zeroizing};

use super::bad;
use super::file::read_private;
use crate::Error;
use crate::replace::replace_durably;
use crate::tree::sha256;

/// The bytes of a key; wiped when they are dropped, and never shown. They stand in one place: what is
/// moved about is the way to them, so that no copy is left behind.
#[derive(Clone, Default)]
#[cfg_attr(test, derive(PartialEq, Eq))]
pub(crate) struct Secret(Box<[u8; SECRET_LEN]>);

impl Secret {
    pub(crate) fn new(bytes: &[u8; SECRET_LEN]) -> Self {
        let mut own = Self::default();
        own.0.copy_from_slice(bytes);
        own
    }

    pub(crate) fn as_bytes(&self) -> &[u8; SECRET_LEN] {
        &self.0
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The length of a key.
pub(crate) const SECRET_LEN: usize = 32;
const CHECK_LEN: usize = 8;
const CHECK_LABEL: &[u8] = b"lienthong.key/v1";

/// Draws a fresh key.
pub(crate) fn fresh(random: &SystemRandom) -> Result<Secret, Error> {
    let mut bytes = Secret::default();
    random
        .fill(bytes.0.as_mut_slice())
        .map_err(|_| Error::Crypto("draw a key"))?;
    Ok(bytes)
}

/// Derives a key from another one, by HKDF with SHA-256; each label gives its own.
pub(crate) fn derive(from: &Secret, label: &[u8]) -> Result<Secret, Error> {
    let mut derived = Secret::default();
    let from = Salt::new(HKDF_SHA256, &[]).extract(from.as_slice());
    let filled = from
        .expand(&[label], HKDF_SHA256)
        .and_then(|okm| okm.fill(derived.0.as_mut_slice()));
    filled.map_err(|_| Error::Crypto("derive a key"))?;
    Ok(derived)
}

/// Reads a key.
///
/// # Errors
/// The file cannot be read, is readable for others, has another length, or was changed.
pub(crate) fn read(path: &Path) -> Result<Secret, Error> {
    let bytes = read_private(path)?;
    let parts = bytes.split_first_chunk::<SECRET_LEN>();
    let (key, check) = parts.unwrap_or((&[0; SECRET_LEN], &[]));
    let key = Secret::new(key);
    match check.len() {
        // The files of version 0.1 without a check.
        0 if bytes.len() == SECRET_LEN => Ok(key),
        CHECK_LEN if check == check_of(&key) => Ok(key),
        CHECK_LEN => Err(bad(path, "was changed; restore it")),
        _ => Err(bad(path, "is not a key of 32 bytes and their check")),
    }
}

/// What stands behind a key in its file: of 256 random bits it tells nothing.
fn check_of(key: &Secret) -> [u8; CHECK_LEN] {
    let hash = sha256(&[CHECK_LABEL, key.as_slice()]);
    hash.first_chunk().copied().unwrap_or_default()
}

/// Reads a text that holds a secret.
///
/// # Errors
/// The file cannot be read, is readable for others, or is no text.
pub(crate) fn text(path: &Path) -> Result<Zeroizing<String>, Error> {
    let bytes = read_private(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| bad(path, "is no text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Makes a key, durable before it is returned.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn make(path: &Path) -> Result<Secret, Error> {
    let key = fresh(&SystemRandom::new())?;
    let mut bytes = Zeroizing::new([0; SECRET_LEN + CHECK_LEN]);
    let (head, check) = bytes.split_at_mut(SECRET_LEN);
    head.copy_from_slice(key.as_slice());
    check.copy_from_slice(&check_of(&key));
    replace_durably(path, 0o600, bytes.as_slice())?;
    Ok(key)
}

/// Reads a key, or makes it where there is none. Of threads that need it at once, one makes it.
///
/// # Errors
/// As [`read`] and [`make`].
pub(crate) fn read_or_make(path: &Path) -> Result<Secret, Error> {
    // One that panicked has left either a whole key or none.
    let _one = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if path.exists() {
        read(path)
    } else {
        make(path)
    }
}

/// Held while a key is looked for and made: a key that another one replaces is lost.
static MAKING: Mutex<()> = Mutex::new(());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_changed_anywhere_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("any.key");
        let key = make(&path).unwrap();
        assert_eq!(read(&path).unwrap(), key);
        let right = std::fs::read(&path).unwrap();
        for at in 0..right.len() {
            let mut wrong = right.clone();
            wrong[at] ^= 0x21;
            std::fs::write(&path, wrong).unwrap();
            let said = read(&path).unwrap_err().to_string();
            assert!(said.ends_with("any.key: was changed; restore it"), "{said}");
        }
        for len in [0, SECRET_LEN - 1, SECRET_LEN + 1, right.len() - 1] {
            std::fs::write(&path, &right[..len]).unwrap();
            let said = read(&path).unwrap_err().to_string();
            assert!(said.contains("is not a key of 32 bytes"), "{said}");
        }
        // As earlier builds have made it.
        std::fs::write(&path, &right[..SECRET_LEN]).unwrap();
        assert_eq!(read(&path).unwrap(), key);
    }
}
