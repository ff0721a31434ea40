//! The Merkle tree of RFC 6962, and how C2SP tlog-tiles lays it out: <https://c2sp.org/tlog-tiles>.
//!
//! Arithmetic only: `Edge` grows a tree, [`Tile`] names its parts, [`proof`] leads from a leaf or
//! an older tree to a root. Not here: files.

use aws_lc_rs::digest;

mod batch;
mod edge;
pub mod proof;
mod tile;

pub(crate) use batch::Tree;
pub(crate) use edge::Edge;
pub use proof::root_of;
pub(crate) use tile::Name;
pub use tile::{TILE_WIDTH, Tile, entries_path};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// SHA-256 over the parts.
pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    to_hash(&context.finish())
}

/// The bytes of a SHA-256 digest.
pub(crate) fn to_hash(digest: &digest::Digest) -> Hash {
    digest.as_ref().try_into().unwrap_or_default()
}

/// The hash of a leaf: SHA-256(0x00 ‖ leaf).
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    sha256(&[&[0], leaf])
}

/// The hash of a node: SHA-256(0x01 ‖ left ‖ right).
pub(crate) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    let (_, children) = bytes.split_at_mut(1);
    for (to, from) in children.iter_mut().zip(left.iter().chain(right)) {
        *to = *from;
    }
    to_hash(&digest::digest(&digest::SHA256, &bytes))
}

/// The root of the empty tree: SHA-256 of nothing.
pub(crate) fn root_of_nothing() -> Hash {
    sha256(&[])
}

/// The root over the hashes of a perfect subtree: their number is a power of two.
pub(crate) fn root_of_perfect(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => root_of_nothing(),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            node_hash(&root_of_perfect(left), &root_of_perfect(right))
        }
    }
}

/// The definition of RFC 6962, word by word.
#[cfg(test)]
pub(crate) fn naive(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => root_of_nothing(),
        [one] => *one,
        many => {
            let split = many.len().next_power_of_two() / 2;
            node_hash(&naive(&many[..split]), &naive(&many[split..]))
        }
    }
}
