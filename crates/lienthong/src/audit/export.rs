//! `lienthong audit export`: a copy of a public log that verifies by itself, wherever it is taken.
//!
//! What is copied is what was checked: each file as the verifier has read it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use evidence::keys::{PUBLIC_FILE, PublicKeys};
use evidence::verify::{self, Directory, FetchError, Files, Trust};

use super::remote::Remote;
use super::{believed, failed, is_url, older, policy, progress};
use crate::cli::Export;
use crate::exit;

/// Copies a log.
pub(super) fn run(arguments: &Export) -> anyhow::Result<ExitCode> {
    let policy = arguments.policy.as_deref().map(policy).transpose()?;
    let given = arguments.vkey.iter().cloned();
    let (receipt, log) = given.partition(|key| key.name().ends_with("/receipt"));
    let mut keys = PublicKeys {
        log,
        receipt,
        ..PublicKeys::default()
    };
    let of_policy = policy.iter().flat_map(|policy| policy.keys());
    keys.log.extend(of_policy);
    let from: Box<dyn Files> = if is_url(&arguments.log) {
        ensure!(
            !keys.log.is_empty(),
            "say with --vkey or --policy which key signs the log"
        );
        Box::new(Remote::new(&arguments.log)?)
    } else {
        let dir = Path::new(&arguments.log);
        if keys.log.is_empty() {
            keys = believed(dir)?;
        }
        Box::new(Directory(dir.to_owned()))
    };
    let older = arguments.old.iter().map(|file| older(file));
    let trust = Trust {
        keys: keys.of_checkpoints(),
        older: older.collect::<anyhow::Result<_>>()?,
    };
    empty(&arguments.out)?;
    let mut copy = Copy {
        from,
        to: arguments.out.clone(),
        files: 0,
        bytes: 0,
    };
    let report = match verify::public(&mut copy, &trust, progress("bundle")) {
        Ok(report) => report,
        Err(error) => return failed(error),
    };
    name_keys(&arguments.out, &keys)?;
    println!(
        "log {}: {} records in {} files, {} bytes, verified",
        report.checkpoint.checkpoint().origin,
        report.checkpoint.checkpoint().size,
        copy.files,
        copy.bytes
    );
    println!(
        "to check it again: lienthong audit verify {}",
        arguments.out.display()
    );
    Ok(exit::COMPLETE.into())
}

/// Makes the directory; one that holds something is left as it is.
fn empty(dir: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let mut entries = fs::read_dir(dir).with_context(|| dir.display().to_string())?;
    if entries.next().is_some() {
        bail!("{} is not empty", dir.display());
    }
    Ok(())
}

/// Names the keys beside the copy, as a log does.
fn name_keys(dir: &Path, keys: &PublicKeys) -> anyhow::Result<()> {
    let path = dir.join(PUBLIC_FILE);
    fs::write(&path, keys.to_string()).with_context(|| path.display().to_string())
}

/// Files that are written elsewhere as they are read.
struct Copy {
    from: Box<dyn Files>,
    to: PathBuf,
    files: u64,
    bytes: u64,
}

impl Files for Copy {
    fn get(&mut self, path: &str) -> Result<Option<Vec<u8>>, FetchError> {
        let Some(bytes) = self.from.get(path)? else {
            return Ok(None);
        };
        let to = self.to.join(path);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(to, &bytes)?;
        self.files += 1;
        self.bytes += bytes.len() as u64;
        Ok(Some(bytes))
    }
}
