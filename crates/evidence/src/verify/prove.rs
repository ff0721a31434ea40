//! Makes proofs out of the files of a public log, wherever they are.

use super::VerifyError;
use super::public::{Files, fetch, latest, wrong};
use crate::note::{Checkpoint, LogProof};
use crate::publish::next_entry;
use crate::tree::proof::{self, Tiles};
use crate::tree::{Hash, TILE_WIDTH, Tile, entries_path, leaf_hash};

/// Proves that an entry is under the latest checkpoint; also returns the entry. None if the
/// checkpoint has no such entry yet.
///
/// What is returned was compared with the checkpoint's root, but the checkpoint's signatures were
/// not checked.
///
/// # Errors
/// A file is missing or does not fit.
pub fn prove(
    files: &mut dyn Files,
    index: u64,
) -> Result<Option<(LogProof, Vec<u8>)>, VerifyError> {
    let signed = latest(files)?;
    let Checkpoint { size, root, .. } = *signed.checkpoint();
    let mut tiles = Fetched(files);
    let Some(path) = proof::inclusion(&mut tiles, index, size)? else {
        return Ok(None);
    };
    let entry = tiles.entry(index, size)?;
    if proof::root_of(&leaf_hash(&entry), index, size, &path) != Some(root) {
        return Err(wrong("tile", "does not lead to the root of the checkpoint"));
    }
    let proof = LogProof {
        extra: None,
        index,
        path,
        checkpoint: signed,
    };
    Ok(Some((proof, entry)))
}

/// Proves that the latest checkpoint continues a tree of an older size; none if that is larger.
/// Also returns the checkpoint, its signatures unchecked.
///
/// # Errors
/// A file is missing or does not fit.
pub fn prove_consistency(
    files: &mut dyn Files,
    old: u64,
) -> Result<(crate::note::SignedCheckpoint, Option<Vec<Hash>>), VerifyError> {
    let signed = latest(files)?;
    let size = signed.checkpoint().size;
    let proof = proof::consistency(&mut Fetched(files), old, size)?;
    Ok((signed, proof))
}

/// Tiles that are fetched when they are needed.
pub(super) struct Fetched<'a>(pub(super) &'a mut dyn Files);

impl Fetched<'_> {
    fn entry(&mut self, index: u64, size: u64) -> Result<Vec<u8>, VerifyError> {
        let bundle = index / TILE_WIDTH;
        let width = (size - bundle * TILE_WIDTH).min(TILE_WIDTH);
        let path = |width| entries_path(bundle, width);
        let width = u16::try_from(width).unwrap_or(u16::MAX);
        let (bytes, _) = fetch(self.0, path, width)?;
        let mut rest = bytes.as_slice();
        let mut entry = None;
        for _ in 0..=index % TILE_WIDTH {
            entry = next_entry(&mut rest);
        }
        entry
            .map(<[u8]>::to_vec)
            .ok_or_else(|| wrong(&path(width), "is shorter than its name"))
    }
}

impl Tiles for Fetched<'_> {
    type Error = VerifyError;

    fn tile(&mut self, tile: Tile) -> Result<Vec<Hash>, VerifyError> {
        let (bytes, _) = fetch(self.0, |width| Tile { width, ..tile }.path(), tile.width)?;
        let (hashes, _) = bytes.as_chunks();
        let hashes = hashes.get(..usize::from(tile.width));
        let hashes = hashes.ok_or_else(|| wrong(&tile.path(), "is shorter than its name"))?;
        Ok(hashes.to_vec())
    }
}
