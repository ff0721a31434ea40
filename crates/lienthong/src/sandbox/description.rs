//! `sandbox.json`: what a running sandbox tells programs.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

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

impl Description {
    /// Reads the description of a sandbox.
    pub(crate) fn read(dir: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(dir.join(FILE))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Writes the description as a whole: a reader sees all of it or none.
    pub(crate) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        write_json(self, &dir.join(FILE))
    }

    /// Refuses a directory whose sandbox is running: both would write the same files.
    pub(crate) fn refuse_running(dir: &Path) -> anyhow::Result<()> {
        let Ok(Self { pid, .. }) = Self::read(dir) else {
            return Ok(());
        };
        let running = Path::new("/proc").join(pid.to_string()).join("comm");
        let name = std::fs::read_to_string(running).unwrap_or_default();
        anyhow::ensure!(
            name.trim() != env!("CARGO_BIN_NAME"),
            "a sandbox is running in {} as process {pid}; stop it, or name another directory",
            dir.display()
        );
        Ok(())
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
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(&serde_json::to_vec_pretty(value)?)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    Ok(())
}
