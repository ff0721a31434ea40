//! Tags: what stands in the index for a person or an officer, under a key of each half-year.
//!
//! *Invariant:* whoever has the index and not these keys learns from a tag only that two records of
//! one half-year are about the same one.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;

use super::epoch::Epoch;
use crate::Error;
use crate::keys::secret::{self, Secret};
use crate::replace::sync_dir;

/// HMAC-SHA-256(key of the half-year, kind ‖ 0x00 ‖ value), its first 16 bytes.
pub(super) type Tag = [u8; TAG_LEN];
const TAG_LEN: usize = 16;

/// Of what kind the number of a person is: the field of its opening.
pub(super) const PERSON: &str = "sub";
/// The kind of an officer.
pub(super) const OFFICER: &str = "off";
/// Stands for the person where a record names none.
pub(super) const NOBODY: &str = "none";

/// The keys of all half-years.
pub(super) struct TagKeys {
    dir: PathBuf,
    keys: BTreeMap<Epoch, hmac::Key>,
}

impl TagKeys {
    /// Reads the keys there are.
    pub(super) fn load(dir: &Path) -> Result<Self, Error> {
        let mut keys = BTreeMap::new();
        for entry in fs::read_dir(dir).map_err(Error::io("list", dir))? {
            let entry = entry.map_err(Error::io("list", dir))?;
            let name = entry.file_name();
            let epoch = name.to_str().and_then(|name| {
                let middle = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
                middle.parse::<Epoch>().ok()
            });
            if let Some(epoch) = epoch {
                keys.insert(epoch, key(&secret::read(&entry.path())?));
            }
        }
        Ok(Self {
            dir: dir.to_owned(),
            keys,
        })
    }

    /// Makes the key of a half-year if there is none, unless `is_used` says that there are tags under
    /// one: then it is lost, and another would hide what stands under it.
    pub(super) fn make(
        &mut self,
        epoch: Epoch,
        is_used: impl FnOnce() -> Result<bool, Error>,
    ) -> Result<(), Error> {
        if self.keys.contains_key(&epoch) {
            return Ok(());
        }
        let path = self.dir.join(format!("{PREFIX}{epoch}{SUFFIX}"));
        if !path.exists() && is_used()? {
            let problem = "is missing, and nobody is found in that half-year without it";
            return Err(Error::Key { path, problem });
        }
        self.keys.insert(epoch, key(&secret::read_or_make(&path)?));
        Ok(())
    }

    /// Destroys the key of a half-year: nobody is found in it any more.
    pub(super) fn destroy(dir: &Path, epoch: Epoch) -> Result<(), Error> {
        let path = dir.join(format!("{PREFIX}{epoch}{SUFFIX}"));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("remove", path)(error))
            }
            _ => sync_dir(dir),
        }
    }

    /// The tag in a half-year whose key there is.
    pub(super) fn tag(&self, epoch: Epoch, kind: &str, value: &[u8]) -> Option<Tag> {
        self.keys.get(&epoch).map(|key| tag(key, kind, value))
    }

    /// The tags in every half-year there is a key of.
    pub(super) fn tags(&self, kind: &str, value: &[u8]) -> Vec<Tag> {
        let keys = self.keys.values();
        keys.map(|key| tag(key, kind, value)).collect()
    }
}

impl fmt::Debug for TagKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

fn key(bytes: &Secret) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, bytes.as_slice())
}

fn tag(key: &hmac::Key, kind: &str, value: &[u8]) -> Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(kind.as_bytes());
    context.update(&[0]);
    context.update(value);
    let whole = context.sign();
    whole.as_ref().first_chunk().copied().unwrap_or_default()
}

const PREFIX: &str = "tags.";
const SUFFIX: &str = ".key";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_the_same_after_a_restart_and_another_in_another_half_year_or_kind() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second): (Epoch, Epoch) =
            ("2026h1".parse().unwrap(), "2026h2".parse().unwrap());
        let mut keys = TagKeys::load(dir.path()).unwrap();
        let id = b"999099000001";
        for epoch in [first, second] {
            keys.make(epoch, || Ok(false)).unwrap();
        }
        let tag = keys.tag(first, PERSON, id).unwrap();
        assert_ne!(tag, keys.tag(second, PERSON, id).unwrap());
        assert_ne!(tag, keys.tag(first, OFFICER, id).unwrap());
        let again = TagKeys::load(dir.path()).unwrap();
        assert_eq!(tag, again.tag(first, PERSON, id).unwrap());
        assert_eq!(again.tags(PERSON, id), keys.tags(PERSON, id));
        assert_eq!(again.tags(PERSON, id).len(), 2);
    }

    #[test]
    fn a_key_that_is_lost_is_not_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut keys = TagKeys::load(dir.path()).unwrap();
        let epoch: Epoch = "2026h1".parse().unwrap();
        let error = keys.make(epoch, || Ok(true)).unwrap_err().to_string();
        assert!(error.contains("tags.2026h1.key: is missing"), "{error}");
        assert_eq!(keys.tag(epoch, PERSON, b"1"), None);
    }
}
