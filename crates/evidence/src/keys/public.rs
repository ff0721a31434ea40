//! The file of public keys in the directory of a log.

use std::fmt;
use std::fs;
use std::path::Path;

use super::{Keys, VerifierKey};
use crate::Error;
use crate::replace::replace_durably;

/// Its name.
pub const PUBLIC_FILE: &str = "keys";

/// The public keys of a log, as its file `keys` lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicKeys {
    /// The keys of checkpoints.
    pub log: Vec<VerifierKey>,
    /// The keys of receipts.
    pub receipt: Vec<VerifierKey>,
}

impl PublicKeys {
    /// Reads the file `keys` of a log.
    ///
    /// # Errors
    /// The file cannot be read, or a line holds no key.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(PUBLIC_FILE);
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let mut keys = Self::default();
        let bad = |problem| Error::Key {
            path: path.clone(),
            problem,
        };
        for line in text.lines() {
            let (list, vkey) = match line.split_once(' ') {
                Some(("log", vkey)) => (&mut keys.log, vkey),
                Some(("receipt", vkey)) => (&mut keys.receipt, vkey),
                _ => return Err(bad("has a line that names no key of a log or of receipts")),
            };
            list.push(vkey.parse().map_err(bad)?);
        }
        Ok(keys)
    }

    /// Adds the keys to the file of the log; keys that stood there before stay.
    pub(super) fn publish(keys: &Keys, dir: &Path) -> Result<(), Error> {
        let mut all = if dir.join(PUBLIC_FILE).exists() {
            Self::read(dir)?
        } else {
            Self::default()
        };
        let before = all.clone();
        let mut add = |list: fn(&mut Self) -> &mut Vec<VerifierKey>, key| {
            let list = list(&mut all);
            if !list.contains(&key) {
                list.push(key);
            }
        };
        add(|all| &mut all.log, keys.log());
        add(|all| &mut all.log, keys.log_ml_dsa());
        add(|all| &mut all.receipt, keys.receipt());
        if all == before {
            return Ok(());
        }
        replace_durably(&dir.join(PUBLIC_FILE), 0o644, all.to_string().as_bytes())
    }
}

impl fmt::Display for PublicKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for key in &self.log {
            writeln!(f, "log {key}")?;
        }
        for key in &self.receipt {
            writeln!(f, "receipt {key}")?;
        }
        Ok(())
    }
}
