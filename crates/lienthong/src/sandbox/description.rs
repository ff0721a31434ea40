//! `sandbox.json`: what a running sandbox tells programs.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use evidence::keys::{Algorithm, PublicKeys, VerifierKey};
use serde::{Deserialize, Serialize};

use crate::exit;

/// The name of the file in the sandbox's directory.
const FILE: &str = "sandbox.json";

/// A running sandbox. Paths are relative to its directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Description {
    /// The gateway's address for agencies.
    pub(crate) gateway: String,
    /// The public listener.
    pub(crate) public: String,
    /// The operations listener.
    pub(crate) operations: String,
    /// The authority that vouches for everybody.
    pub(crate) ca: String,
    /// The configuration file.
    pub(crate) config: String,
    /// Who may ask.
    pub(crate) callers: Vec<Caller>,
    /// The caller to take when none is named.
    pub(crate) default_caller: String,
    /// The simulated agencies by name.
    pub(crate) agencies: BTreeMap<String, Simulated>,
    /// The log.
    pub(crate) log: Log,
    /// The process.
    pub(crate) pid: u32,
}

/// A caller of the sandbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Caller {
    /// Its name here.
    pub(crate) name: String,
    /// Its agency's code.
    pub(crate) agency: String,
    /// Its system.
    pub(crate) system: String,
    /// Its certificate.
    pub(crate) cert: String,
    /// Its key.
    pub(crate) key: String,
    /// What it may ask for.
    pub(crate) purposes: Vec<String>,
}

/// Where a simulated agency is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Simulated {
    /// Its wire.
    pub(crate) url: String,
    /// Its knobs and its journal.
    pub(crate) control: String,
}

/// The log of the sandbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Log {
    /// Its name.
    pub(crate) origin: String,
    /// Its directory.
    pub(crate) dir: String,
    /// The key of its checkpoints.
    pub(crate) vkey: String,
    /// The key of its receipts.
    pub(crate) receipt_vkey: String,
    /// Where it is published.
    pub(crate) url: String,
}

impl Log {
    /// Names other keys if these, which sign, are not those that are named; true if it did. While
    /// keys follow each other, the newest are named.
    pub(super) fn tell(&mut self, keys: &PublicKeys) -> bool {
        // A generation is an Ed25519 key, and behind it one of another kind.
        let ed25519 = |key: &&VerifierKey| key.algorithm() == Algorithm::Ed25519;
        let log = keys.log.iter().rfind(ed25519).map(ToString::to_string);
        let receipt = keys.receipt.last().map(ToString::to_string);
        let (Some(log), Some(receipt)) = (log, receipt) else {
            return false;
        };
        let changes = (&self.vkey, &self.receipt_vkey) != (&log, &receipt);
        (self.vkey, self.receipt_vkey) = (log, receipt);
        changes
    }
}

impl Description {
    /// Reads the description of a sandbox.
    pub(crate) fn read(dir: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(dir.join(FILE))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Reads the description of the sandbox that runs in a directory.
    ///
    /// # Errors
    /// None does: a wrong command line.
    pub(crate) fn running(dir: &Path) -> anyhow::Result<Self> {
        Self::read(dir).map_err(|error| {
            exit::USAGE.because(format!(
                "no sandbox is running in {}: start one with `lienthong sandbox`: {error:#}",
                dir.display()
            ))
        })
    }

    /// Writes the description as a whole: a reader sees all of it or none.
    pub(crate) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        write_json(self, &dir.join(FILE))
    }

    /// Takes a directory, made if it is not there, for one sandbox for as long as the file that is
    /// returned is open: two would write the same files. The end of the process, however it comes,
    /// gives the directory back.
    pub(crate) fn take(dir: &Path) -> anyhow::Result<File> {
        let shown = dir.display();
        std::fs::create_dir_all(dir).with_context(|| shown.to_string())?;
        let taken = File::open(dir).with_context(|| shown.to_string())?;
        match taken.try_lock() {
            Ok(()) => Ok(taken),
            Err(TryLockError::WouldBlock) => {
                let by = Self::read(dir).map(|it| format!(" as process {}", it.pid));
                let by = by.unwrap_or_default();
                bail!("a sandbox is running in {shown}{by}; stop it, or name another directory")
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(|| shown.to_string()),
        }
    }

    /// Removes the description: nothing runs here.
    pub(crate) fn remove(dir: &Path) -> std::io::Result<()> {
        match std::fs::remove_file(dir.join(FILE)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

/// Writes JSON into a file as a whole, by renaming a finished one into its place.
pub(crate) fn write_json(value: &impl Serialize, path: &Path) -> anyhow::Result<()> {
    let mut beside = PathBuf::from(path).into_os_string();
    beside.push(".tmp");
    let mut file = File::create(&beside)?;
    file.write_all(&serde_json::to_vec_pretty(value)?)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    Ok(())
}
