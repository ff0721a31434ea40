//! Copying the write-ahead log while it is written.
//!
//! A plain copy of the segment that is written may have a hole: what was read early is older than what
//! was read late. A log with a hole is damaged, not torn. Here whole batches are copied. Not here:
//! the public log, which a verifier copies while it reads; keys.

use std::fs;
use std::path::Path;

use crate::chain::Chain;
use crate::publish::{CHECKPOINT_FILE, read_checkpoint};
use crate::replace::{replace, sync_dir};
use crate::scan::Scan;
use crate::segment::{self, WAL_DIR};
use crate::{Error, link};

/// Copies the segments of a log into another directory, up to the last whole batch; how many bytes
/// that was.
///
/// Closed segments that are there already stay. A log that was retired, or has no record yet, has none.
///
/// # Errors
/// A file cannot be read or written.
pub fn back_up(dir: &Path, out: &Path) -> Result<u64, Error> {
    if !dir.join(WAL_DIR).is_dir() && needs_none(dir)? {
        return Ok(0);
    }
    let to = out.join(WAL_DIR);
    fs::create_dir_all(&to).map_err(Error::io("create", &to))?;
    let numbers = segment::list(dir)?;
    let mut copied = 0;
    for number in &numbers {
        let (from, to) = (segment::path(dir, *number), segment::path(out, *number));
        let is_last = numbers.last() == Some(number);
        if !is_last && len(&to) == Some(len(&from).unwrap_or(0)) {
            continue;
        }
        let mut bytes = fs::read(&from).map_err(Error::io("read", &from))?;
        bytes.truncate(whole_batches(&bytes, *number));
        replace(&to, 0o640, &bytes)?;
        copied += bytes.len() as u64;
    }
    sync_dir(&to)?;
    Ok(copied)
}

/// True for a log that may be without segments: only one that has ended is ever retired.
fn needs_none(dir: &Path) -> Result<bool, Error> {
    let shown = read_checkpoint(&dir.join(CHECKPOINT_FILE))?;
    let is_empty = shown.is_some_and(|shown| shown.checkpoint().size == 0);
    Ok(is_empty || link::end(dir)?.is_some())
}

/// Where the last whole batch ends that nothing is missing before.
fn whole_batches(bytes: &[u8], number: u64) -> usize {
    let Ok((mut scan, head)) = Scan::new(bytes, number) else {
        return 0;
    };
    let (mut chain, mut frames): (Chain, _) = (head.chain, Vec::new());
    while let Ok(true) = scan.next(&mut chain, &mut frames) {}
    scan.at()
}

fn len(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|file| file.len())
}
