//! `lienthong audit backup`: a copy of a whole log, from which a gateway can go on.
//!
//! The public log is copied as it is checked, and must continue what was copied before; then the
//! write-ahead log, which is ahead of it. `checkpoint` comes last: a backup that was cut short has the
//! one before. Not here: the keys, which belong elsewhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use evidence::keys::PUBLIC_FILE;
use evidence::verify::{self, Directory, FetchError, Files, Trust};
use evidence::{CHECKPOINT_FILE, RETIRED_FILE};

use super::{believed, failed, older, progress};
use crate::cli::Backup;
use crate::exit;

/// Copies a log, or each of the logs of half-years.
pub(super) fn run(arguments: &Backup) -> anyhow::Result<ExitCode> {
    let (dir, out) = (arguments.log.as_path(), arguments.out.as_path());
    let logs = verify::half_years(dir)?;
    if logs.is_empty() {
        return copy(dir, out);
    }
    for log in logs {
        let name = log.file_name().context("a log has no name")?;
        let copied = copy(&log, &out.join(name))?;
        if copied != exit::COMPLETE.into() {
            return Ok(copied);
        }
    }
    let retired = dir.join(RETIRED_FILE);
    if retired.exists() {
        let text = fs::read(&retired).with_context(|| retired.display().to_string())?;
        write(&out.join(RETIRED_FILE), &text)?;
    }
    Ok(exit::COMPLETE.into())
}

/// Copies one log.
fn copy(dir: &Path, out: &Path) -> anyhow::Result<ExitCode> {
    let before = out.join(CHECKPOINT_FILE);
    let trust = Trust {
        keys: believed(dir)?.of_checkpoints(),
        older: match before.exists() {
            true => vec![older(&before)?],
            false => Vec::new(),
        },
    };
    let mut copy = Copy {
        from: Directory(dir.to_owned()),
        to: out.to_owned(),
        checkpoint: Vec::new(),
        bytes: 0,
    };
    let report = match verify::public(&mut copy, &trust, progress("bundle")) {
        Ok(report) => report,
        Err(error) => return failed(error),
    };
    let of_wal = evidence::back_up(dir, out).context("the write-ahead log is not copied")?;
    let keys = fs::read(dir.join(PUBLIC_FILE)).context("the public keys cannot be read")?;
    write(&out.join(PUBLIC_FILE), &keys)?;
    write(&before, &copy.checkpoint)?;
    let checkpoint = report.checkpoint.checkpoint();
    let bytes = copy.bytes + of_wal;
    println!(
        "log {}: {} records, {bytes} bytes are new, verified",
        checkpoint.origin, checkpoint.size
    );
    Ok(exit::COMPLETE.into())
}

/// Writes a file whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    put(path, bytes).with_context(|| path.display().to_string())
}

fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let tmp = path.with_added_extension("tmp");
    fs::write(&tmp, bytes)?;
    fs::File::open(&tmp)?.sync_all()?;
    fs::rename(&tmp, path)
}

/// Files that are written elsewhere as they are read, unless they are there.
struct Copy {
    from: Directory,
    to: PathBuf,
    checkpoint: Vec<u8>,
    bytes: u64,
}

impl Files for Copy {
    fn get(&mut self, path: &str) -> Result<Option<Vec<u8>>, FetchError> {
        let Some(bytes) = self.from.get(path)? else {
            return Ok(None);
        };
        if path == CHECKPOINT_FILE {
            self.checkpoint.clone_from(&bytes);
            return Ok(Some(bytes));
        }
        let to = self.to.join(path);
        if fs::read(&to).ok().as_ref() != Some(&bytes) {
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent)?;
            }
            put(&to, &bytes)?;
            self.bytes += bytes.len() as u64;
        }
        Ok(Some(bytes))
    }
}
