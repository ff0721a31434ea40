//! Checks a log in its directory: the public log, the write-ahead log, and that they are one.

use std::path::Path;

use super::directory::walk;
use super::leftover::leftovers;
use super::public::{self, Directory, Files, PublicReport, Trust};
use super::{Progress, Report, VerifyError, keys};
use crate::keys::{PUBLIC_FILE, PublicKeys};
use crate::note::NoteError;
use crate::segment::WAL_DIR;
use crate::tree::{Hash, TILE_WIDTH, Tile, leaf_hash};

/// Checks both forms of a log. Older checkpoints may lie behind the latest one that is shown, in
/// what only the write-ahead log holds yet.
///
/// # Errors
/// The first thing that is wrong.
pub fn whole(
    dir: &Path,
    trust: &Trust,
    mut progress: impl FnMut(Progress),
) -> Result<(PublicReport, Report), VerifyError> {
    if !dir.join(WAL_DIR).is_dir() {
        return Err(VerifyError::NoLog(dir.to_owned()));
    }
    // Before the records: it lists what they say already.
    let listed = dir
        .join(PUBLIC_FILE)
        .exists()
        .then(|| PublicKeys::read(dir));
    let listed = listed.transpose().map_err(VerifyError::Unreadable)?;
    let mut files = Directory(dir.to_owned());
    let (public, mut growth) = public::read(&mut files, trust, &mut progress)?;
    let size = public.checkpoint.checkpoint().size;
    leftovers(&mut files, size)?;
    let mut shown = Shown::new(files, size);
    let mut wrong = Ok(());
    let report = walk(dir, progress, |seq, leaf| {
        if wrong.is_err() {
            return;
        }
        let hash = leaf_hash(leaf);
        wrong = if seq < size {
            shown.compare(seq, &hash)
        } else {
            growth.add(hash, |_, _| ())
        };
    })?;
    wrong?;
    if let Some(listed) = listed {
        keys::check(&listed, &report.census.keys)?;
    }
    if report.seqs.map_or(0, |(_, last)| last + 1) < size {
        return Err(VerifyError::SetBack {
            from: "its own checkpoint".to_owned(),
            size,
            problem: format!("the write-ahead log has only {}", report.census.leaves),
        });
    }
    // Without a whole segment it has no name yet.
    let name = &report.origin;
    if !name.is_empty() && *name != public.checkpoint.checkpoint().origin {
        return Err(VerifyError::Checkpoint {
            from: "the write-ahead log".to_owned(),
            problem: NoteError::OtherLog,
        });
    }
    growth.finish()?;
    Ok((public, report))
}

/// The hashes of what is shown, a tile at a time.
pub(super) struct Shown<F> {
    files: F,
    size: u64,
    tile: Option<(u64, Vec<u8>)>,
}

impl<F: Files> Shown<F> {
    /// Of the first `size` records, which are public in these files.
    pub(super) const fn new(files: F, size: u64) -> Self {
        Self {
            files,
            size,
            tile: None,
        }
    }

    /// Refuses a record of the write-ahead log that is another one there.
    pub(super) fn compare(&mut self, seq: u64, hash: &Hash) -> Result<(), VerifyError> {
        let index = seq / TILE_WIDTH;
        if self.tile.as_ref().is_none_or(|(read, _)| *read != index) {
            let Some(tile) = Tile::holding(0, seq, self.size) else {
                return Ok(());
            };
            let path = |width| Tile { width, ..tile }.path();
            let (bytes, _) = public::fetch(&mut self.files, path, tile.width)?;
            self.tile = Some((index, bytes));
        }
        let (hashes, _) = self.tile.as_ref().map_or(&[][..], |(_, it)| it).as_chunks();
        if hashes.get((seq % TILE_WIDTH) as usize) == Some(hash) {
            return Ok(());
        }
        Err(VerifyError::Public {
            path: format!("entry {seq}"),
            problem: "is another one in the write-ahead log",
        })
    }
}
