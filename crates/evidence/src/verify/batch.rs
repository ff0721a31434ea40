//! Checks that a record about many commits to the entry of one. Not here: that the log holds the
//! record.

use base64_simd::STANDARD;
use exchange::BatchProof;
use serde::Deserialize;

use crate::batch::Place;
use crate::tree::{Hash, leaf_hash, root_of};

/// Why an entry is not proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchProofError {
    /// The record commits to no entries.
    #[error("the record commits to no entries")]
    NoBatch,
    /// The entry is not what stands at this place.
    #[error("the entry does not say that it stands at place {0}")]
    Place(u64),
    /// The path does not lead from the entry to the root in the record.
    #[error("the path does not lead from the entry to the root in the record")]
    Path,
}

/// What of a record about many is checked.
#[derive(Deserialize)]
struct Many {
    n: u64,
    subs_root: String,
}

/// Checks an entry against the record, or against what opens the commitment `all` of a sealed one.
///
/// # Errors
/// What is wrong.
pub fn batch(proof: &BatchProof, record: &[u8]) -> Result<(), BatchProofError> {
    let many: Many = serde_json::from_slice(record).map_err(|_| BatchProofError::NoBatch)?;
    let root = STANDARD.decode_to_vec(&many.subs_root).ok();
    let root: Option<Hash> = root.and_then(|root| root.try_into().ok());
    let root = root.ok_or(BatchProofError::NoBatch)?;
    let place = serde_json::from_str::<Place>(&proof.entry).ok();
    if place.is_none_or(|place| place.i != proof.index) {
        return Err(BatchProofError::Place(proof.index));
    }
    let hash = leaf_hash(proof.entry.as_bytes());
    let leads_to = root_of(&hash, proof.index, many.n, &proof.path);
    if leads_to == Some(root) {
        Ok(())
    } else {
        Err(BatchProofError::Path)
    }
}
