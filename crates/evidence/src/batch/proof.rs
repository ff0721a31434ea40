//! From sealed openings back to the proof of an entry. Not here: checking it, see
//! [`crate::verify::batch`].

use exchange::{BatchProof, Opening};

use super::{ENTRY, HASHES, Place};
use crate::tree::{Hash, Tree};

/// Takes entries and their hashes out of what was opened of a record, and makes a proof of each
/// entry. What is left opens commitments.
pub(crate) fn take_proofs(openings: &mut Vec<Opening>) -> Vec<BatchProof> {
    let is_inner = |opening: &mut Opening| matches!(&*opening.field, ENTRY | HASHES);
    let inner: Vec<Opening> = openings.extract_if(.., is_inner).collect();
    let hashes = inner.iter().find(|opening| opening.field == HASHES);
    let Some(hashes) = hashes else {
        return Vec::new();
    };
    let (hashes, _) = hashes.value.as_chunks::<{ size_of::<Hash>() }>();
    let tree = Tree::new(hashes.to_vec());
    let entries = inner.iter().filter(|opening| opening.field == ENTRY);
    entries
        .filter_map(|opening| prove(opening, &tree))
        .collect()
}

fn prove(opening: &Opening, tree: &Tree) -> Option<BatchProof> {
    let entry = std::str::from_utf8(&opening.value).ok()?.to_owned();
    let Place { i: index } = serde_json::from_str(&entry).ok()?;
    let path = tree.path(usize::try_from(index).ok()?);
    Some(BatchProof { entry, index, path })
}
