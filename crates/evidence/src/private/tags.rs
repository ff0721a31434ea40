//! Tags: what stands in the index for a person or an officer, under a key of each half-year.
//!
//! The keys are files of a node that stands alone. Nodes with one database have the same keys: they
//! are kept in the keyring, under its master key.
//!
//! *Invariant:* whoever has the index and not these keys learns from a tag only that two records of
//! one half-year are about the same one.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::databases;
use super::epoch::Epoch;
use super::keyring::Keyring;
use crate::keys::secret::{self, Secret};
use crate::mac::Mac;
use crate::replace::sync_dir;
use crate::{Config, Error};

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
    kept: Kept,
    keys: BTreeMap<Epoch, Mac>,
}

/// Where the keys are kept.
#[derive(Debug)]
enum Kept {
    /// In files of this directory.
    Files(PathBuf),
    /// In the keyring.
    Keyring,
}

impl TagKeys {
    /// Reads the keys there are.
    pub(super) fn load(config: &Config, keyring: &mut Keyring) -> Result<Self, Error> {
        match config.database {
            None => Self::in_files(&config.keys_dir()),
            Some(_) => match Self::in_keyring(keyring) {
                Err(Error::Crypto(_)) => Err(Error::Key {
                    path: databases::master(config),
                    problem: "is not the one of the other nodes",
                }),
                loaded => loaded,
            },
        }
    }

    fn in_keyring(keyring: &mut Keyring) -> Result<Self, Error> {
        let keys = keyring.tag_keys()?.into_iter();
        Ok(Self {
            kept: Kept::Keyring,
            keys: keys.map(|(epoch, secret)| (epoch, key(&secret))).collect(),
        })
    }

    fn in_files(dir: &Path) -> Result<Self, Error> {
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
            kept: Kept::Files(dir.to_owned()),
            keys,
        })
    }

    /// Reads the keys that other nodes have made, or the threads of other logs of this node.
    pub(super) fn refresh(&mut self, keyring: &mut Keyring) -> Result<(), Error> {
        *self = match &self.kept {
            Kept::Files(dir) => Self::in_files(dir)?,
            Kept::Keyring => Self::in_keyring(keyring)?,
        };
        Ok(())
    }

    /// Makes the key of a half-year if there is none, unless there are keys of persons of that
    /// half-year: then it is lost, and another would hide what stands under it.
    pub(super) fn make(&mut self, epoch: Epoch, keyring: &mut Keyring) -> Result<(), Error> {
        if self.keys.contains_key(&epoch) {
            return Ok(());
        }
        let path = match &self.kept {
            Kept::Files(dir) => dir.join(format!("{PREFIX}{epoch}{SUFFIX}")),
            Kept::Keyring => PathBuf::from(format!("the keyring, tag_key {epoch}")),
        };
        let made = match &self.kept {
            Kept::Files(_) if !path.exists() && keyring.has(epoch)? => None,
            Kept::Files(_) => Some(secret::read_or_make(&path)?),
            Kept::Keyring => keyring.tag_key(epoch)?,
        };
        let Some(made) = made else {
            let problem = "is missing, and nobody is found in that half-year without it";
            return Err(Error::Key { path, problem });
        };
        self.keys.insert(epoch, key(&made));
        Ok(())
    }

    /// Destroys the key of a half-year that is a file: nobody is found in it any more. One in the
    /// keyring goes with that ([`Keyring::retire`]).
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

fn key(bytes: &Secret) -> Mac {
    Mac::new(bytes.as_bytes())
}

fn tag(key: &Mac, kind: &str, value: &[u8]) -> Tag {
    let whole = key.of(&[kind.as_bytes(), &[0], value]);
    whole.first_chunk().copied().unwrap_or_default()
}

const PREFIX: &str = "tags.";
const SUFFIX: &str = ".key";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::make_dir;
    use crate::private::databases;
    use crate::private::keyring::RecordKey;
    use crate::private::tests::suite;

    fn config(dir: &Path) -> Config {
        let config = Config::new(dir, "log.example/1", "n1");
        make_dir(&config.keys_dir()).unwrap();
        config
    }

    #[test]
    fn a_tag_is_the_same_after_a_restart_and_another_in_another_half_year_or_kind() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path());
        let mut keyring = databases::keyring(&config).unwrap();
        let (first, second): (Epoch, Epoch) =
            ("2026h1".parse().unwrap(), "2026h2".parse().unwrap());
        let mut keys = TagKeys::load(&config, &mut keyring).unwrap();
        let id = b"999099000001";
        for epoch in [first, second] {
            keys.make(epoch, &mut keyring).unwrap();
        }
        let tag = keys.tag(first, PERSON, id).unwrap();
        assert_ne!(tag, keys.tag(second, PERSON, id).unwrap());
        assert_ne!(tag, keys.tag(first, OFFICER, id).unwrap());
        let again = TagKeys::load(&config, &mut keyring).unwrap();
        assert_eq!(tag, again.tag(first, PERSON, id).unwrap());
        assert_eq!(again.tags(PERSON, id), keys.tags(PERSON, id));
        assert_eq!(again.tags(PERSON, id).len(), 2);
    }

    #[test]
    fn a_key_that_is_lost_is_not_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path());
        let mut keyring = databases::keyring(&config).unwrap();
        let epoch: Epoch = "2026h1".parse().unwrap();
        let mut keys = TagKeys::load(&config, &mut keyring).unwrap();
        keys.make(epoch, &mut keyring).unwrap();
        let tag = keys.tag(epoch, PERSON, b"1").unwrap();
        let used = RecordKey {
            epoch,
            ..suite::key(1, tag, &Secret::new(&[5; 32]))
        };
        keyring.file(1, &mut vec![used], 2).unwrap();
        fs::remove_file(config.keys_dir().join("tags.2026h1.key")).unwrap();
        let mut keys = TagKeys::load(&config, &mut keyring).unwrap();
        let error = keys.make(epoch, &mut keyring).unwrap_err().to_string();
        assert!(error.contains("tags.2026h1.key: is missing"), "{error}");
        assert_eq!(keys.tag(epoch, PERSON, b"1"), None);
    }
}
