//! Checks the public log, from a directory or from afar: every entry, every tile, every checkpoint.

use std::path::PathBuf;

use super::census::Census;
use super::growth::{Growth, Witnessed};
use super::{Progress, VerifyError, keys};
use crate::keys::VerifierKey;
use crate::note::{NoteError, SignedCheckpoint, speak_for};
use crate::publish::{CHECKPOINT_FILE, next_entry};
use crate::tree::{Hash, TILE_WIDTH, Tile, entries_path, leaf_hash};

/// Where the files of a public log come from.
pub trait Files {
    /// The bytes of a file, by its path below the prefix of the log; none if it is not there.
    ///
    /// # Errors
    /// It cannot be had.
    fn get(&mut self, path: &str) -> Result<Option<Vec<u8>>, FetchError>;
}

/// Why a file cannot be had.
pub type FetchError = Box<dyn std::error::Error + Send + Sync>;

/// The files of a log in its directory.
#[derive(Clone, Debug)]
pub struct Directory(pub PathBuf);

impl Files for Directory {
    fn get(&mut self, path: &str) -> Result<Option<Vec<u8>>, FetchError> {
        match std::fs::read(self.0.join(path)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            read => Ok(Some(read?)),
        }
    }
}

/// What is believed about a log before it is read.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The keys that sign its checkpoints, and those that did.
    pub keys: Vec<VerifierKey>,
    /// Checkpoints it has shown before, in any order.
    pub older: Vec<Witnessed>,
}

/// What a public log holds, when nothing is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicReport {
    /// Its latest checkpoint.
    pub checkpoint: SignedCheckpoint,
    /// The keys that have signed that, of those that are trusted: of the log and of witnesses.
    pub signers: Vec<VerifierKey>,
    /// The older checkpoints it agrees with.
    pub older: usize,
    /// The tiles that were compared.
    pub tiles: u64,
    /// Its leaves.
    pub census: Census,
}

/// Checks a public log from its first entry to its latest checkpoint.
///
/// # Errors
/// The first thing that is wrong.
pub fn public(
    files: &mut dyn Files,
    trust: &Trust,
    progress: impl FnMut(Progress),
) -> Result<PublicReport, VerifyError> {
    let (report, growth) = read(files, trust, progress)?;
    growth.finish()?;
    Ok(report)
}

/// The same, without an end: what follows the checkpoint may still be added.
pub(super) fn read(
    files: &mut dyn Files,
    trust: &Trust,
    mut progress: impl FnMut(Progress),
) -> Result<(PublicReport, Growth), VerifyError> {
    let signed = latest(files)?;
    let checkpoint = signed.checkpoint().clone();
    let bad = |problem| VerifyError::Checkpoint {
        from: CHECKPOINT_FILE.to_owned(),
        problem,
    };
    let signers = signed.verify(&trust.keys).map_err(bad)?;
    // A witness alone does not speak for the log.
    if !speak_for(&checkpoint.origin, &signers, &trust.keys) {
        return Err(bad(NoteError::Unsigned));
    }
    let growth = Growth::new(trust.older.clone(), &checkpoint.origin, &trust.keys)?;
    let mut reader = Reader {
        files,
        growth,
        census: Census::default(),
        tiles: 0,
    };
    let bundles = checkpoint.size.div_ceil(TILE_WIDTH);
    for index in 0..bundles {
        let width = (checkpoint.size - index * TILE_WIDTH).min(TILE_WIDTH);
        reader.bundle(index, u16::try_from(width).unwrap_or(u16::MAX))?;
        progress(Progress {
            done: index + 1,
            of: bundles,
            leaves: reader.census.leaves,
        });
    }
    reader.right_edge()?;
    if reader.growth.edge().root() != checkpoint.root {
        return Err(wrong(CHECKPOINT_FILE, "has another root than the entries"));
    }
    // Nor does a key that is retired by a record under this very checkpoint.
    let in_force = keys::in_force(&reader.census.keys, &trust.keys);
    let signing: Vec<_> = signers
        .iter()
        .copied()
        .filter(|it| in_force.contains(it))
        .collect();
    if !speak_for(&checkpoint.origin, &signing, &in_force) {
        return Err(bad(NoteError::Retired));
    }
    let report = PublicReport {
        signers: signers.into_iter().cloned().collect(),
        checkpoint: signed,
        older: trust.older.len(),
        tiles: reader.tiles,
        census: reader.census,
    };
    Ok((report, reader.growth))
}

/// The latest checkpoint, unchecked.
pub(super) fn latest(files: &mut dyn Files) -> Result<SignedCheckpoint, VerifyError> {
    let bytes = files.get(CHECKPOINT_FILE).map_err(VerifyError::Fetch)?;
    let bytes = bytes.ok_or_else(|| wrong(CHECKPOINT_FILE, "is missing"))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong(CHECKPOINT_FILE, "is not UTF-8"))?;
    SignedCheckpoint::parse(&text).map_err(|problem| VerifyError::Checkpoint {
        from: CHECKPOINT_FILE.to_owned(),
        problem,
    })
}

struct Reader<'a> {
    files: &'a mut dyn Files,
    growth: Growth,
    census: Census,
    tiles: u64,
}

impl Reader<'_> {
    /// Adds the entries of a bundle, and compares the tiles that they fill.
    fn bundle(&mut self, index: u64, width: u16) -> Result<(), VerifyError> {
        let path = |width| entries_path(index, width);
        let (bytes, whole) = fetch(self.files, path, width)?;
        let mut rest = bytes.as_slice();
        let mut full = Vec::new();
        for _ in 0..width {
            let entry = next_entry(&mut rest);
            let entry = entry.ok_or_else(|| wrong(&path(width), "is shorter than its name"))?;
            let counted = self.census.add(entry);
            counted.map_err(|problem| wrong(&path(width), problem))?;
            self.growth.add(leaf_hash(entry), |tile, hashes| {
                full.push((tile, hashes.to_vec()));
            })?;
        }
        if whole && !rest.is_empty() {
            return Err(wrong(&path(width), "is longer than its name"));
        }
        for (tile, hashes) in full {
            self.compare(tile, &hashes)?;
        }
        Ok(())
    }

    fn right_edge(&mut self) -> Result<(), VerifyError> {
        let edge = self.growth.edge();
        let partial: Vec<_> = edge
            .partial()
            .map(|(tile, it)| (tile, it.to_vec()))
            .collect();
        for (tile, hashes) in partial {
            self.compare(tile, &hashes)?;
        }
        Ok(())
    }

    fn compare(&mut self, tile: Tile, hashes: &[Hash]) -> Result<(), VerifyError> {
        let path = |width| Tile { width, ..tile }.path();
        let (bytes, whole) = fetch(self.files, path, tile.width)?;
        let made = hashes.as_flattened();
        let same = if whole {
            bytes == made
        } else {
            bytes.starts_with(made)
        };
        self.tiles += 1;
        same.then_some(())
            .ok_or_else(|| wrong(&tile.path(), "is not what its entries say"))
    }
}

/// Fetches a file of some width; if it is partial and gone, the full one, of which it is the
/// beginning. Also says whether it was there by that width.
pub(super) fn fetch(
    files: &mut dyn Files,
    path: impl Fn(u16) -> String,
    width: u16,
) -> Result<(Vec<u8>, bool), VerifyError> {
    let mut get = |width| files.get(&path(width)).map_err(VerifyError::Fetch);
    if let Some(bytes) = get(width)? {
        return Ok((bytes, true));
    }
    let full = get(TILE_WIDTH as u16)?;
    full.map(|bytes| (bytes, false))
        .ok_or_else(|| wrong(&path(width), "is missing"))
}

pub(super) fn wrong(path: &str, problem: &'static str) -> VerifyError {
    VerifyError::Public {
        path: path.to_owned(),
        problem,
    }
}
