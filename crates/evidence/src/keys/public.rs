//! The file of public keys in the directory of a log.

use std::fmt;
use std::fs;
use std::path::Path;

use super::{Keys, VerifierKey};
use crate::Error;
use crate::replace::{replace_durably, sync_dir};

/// Its name.
pub const PUBLIC_FILE: &str = "keys";

/// The public keys of a log, as its file `keys` lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicKeys {
    /// The keys of checkpoints: `log <vkey>`.
    pub log: Vec<VerifierKey>,
    /// The keys of receipts: `receipt <vkey>`.
    pub receipt: Vec<VerifierKey>,
    /// The keys of checkpoints that sign no more: `retired log <vkey>`.
    pub retired_log: Vec<VerifierKey>,
    /// The keys of receipts that sign no more: `retired receipt <vkey>`.
    pub retired_receipt: Vec<VerifierKey>,
    /// The number of lines of a later version, which begin with `v2` or a higher number.
    pub newer: u64,
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
            if is_newer(line) {
                keys.newer += 1;
                continue;
            }
            let (list, vkey) = match *line.split(' ').collect::<Vec<_>>().as_slice() {
                ["log", vkey] => (&mut keys.log, vkey),
                ["receipt", vkey] => (&mut keys.receipt, vkey),
                ["retired", "log", vkey] => (&mut keys.retired_log, vkey),
                ["retired", "receipt", vkey] => (&mut keys.retired_receipt, vkey),
                _ => return Err(bad("has a line that names no key of a log or of receipts")),
            };
            list.push(vkey.parse().map_err(bad)?);
        }
        Ok(keys)
    }

    /// The keys of checkpoints of all times, those that sign first.
    #[must_use]
    pub fn of_checkpoints(&self) -> Vec<VerifierKey> {
        [self.log.as_slice(), &self.retired_log].concat()
    }

    /// The keys of receipts of all times, those that sign first.
    #[must_use]
    pub fn of_receipts(&self) -> Vec<VerifierKey> {
        [self.receipt.as_slice(), &self.retired_receipt].concat()
    }

    /// Writes the file of a log; durable then.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write(&self, dir: &Path) -> Result<(), Error> {
        self.write_next(dir)?;
        take_next(dir)
    }

    /// Writes the file that is to take the place of that of a log, which stays as it is.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write_next(&self, dir: &Path) -> Result<(), Error> {
        replace_durably(&dir.join(NEXT_FILE), 0o644, self.to_string().as_bytes())
    }

    /// The same when these keys sign: those that did and do not any more are retired.
    pub(super) fn followed_by(self, keys: &Keys) -> Self {
        let next = keys.public();
        let retire = |retired: &[VerifierKey], now: Vec<VerifierKey>, next: &[VerifierKey]| {
            let gone = now.into_iter().filter(|key| !next.contains(key));
            retired.iter().cloned().chain(gone).collect()
        };
        Self {
            retired_log: retire(&self.retired_log, self.log, &next.log),
            retired_receipt: retire(&self.retired_receipt, self.receipt, &next.receipt),
            ..next
        }
    }
}

/// True if a line says that it is of a later version. A line that was damaged is not taken for one.
fn is_newer(line: &str) -> bool {
    let word = line
        .split(' ')
        .next()
        .and_then(|word| word.strip_prefix('v'));
    let version = word.and_then(|version| version.parse::<u64>().ok());
    version.is_some_and(|version| version > 1)
}

/// Puts the next file of a log in its place; durable then. It needs no room on the disk.
///
/// # Errors
/// It cannot be renamed.
pub(super) fn take_next(dir: &Path) -> Result<(), Error> {
    let next = dir.join(NEXT_FILE);
    fs::rename(&next, dir.join(PUBLIC_FILE)).map_err(Error::io("rename", &next))?;
    sync_dir(dir)
}

const NEXT_FILE: &str = "keys.next";

impl fmt::Display for PublicKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (word, keys) in [
            ("log", &self.log),
            ("receipt", &self.receipt),
            ("retired log", &self.retired_log),
            ("retired receipt", &self.retired_receipt),
        ] {
            for key in keys {
                writeln!(f, "{word} {key}")?;
            }
        }
        Ok(())
    }
}
