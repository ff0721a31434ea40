//! The Merkle tree of RFC 6962 over the leaves of one batch. Not here: the tree over the log.

use aws_lc_rs::digest;

/// A SHA-256 hash.
pub(crate) type Hash = [u8; 32];

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
pub(crate) fn leaf_hash(leaf: &[u8]) -> Hash {
    sha256(&[&[0], leaf])
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    let (_, children) = bytes.split_at_mut(1);
    for (to, from) in children.iter_mut().zip(left.iter().chain(right)) {
        *to = *from;
    }
    to_hash(&digest::digest(&digest::SHA256, &bytes))
}

/// Every level of the tree over a batch, leaves first.
///
/// An odd last node rises unchanged, which gives the left-full trees of RFC 6962.
#[derive(Debug)]
pub(crate) struct Tree {
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// Builds the tree over the hashes of its leaves.
    pub(crate) fn new(leaves: Vec<Hash>) -> Self {
        let mut levels = vec![leaves];
        while let Some(level) = levels.last().filter(|level| level.len() > 1) {
            let next = level
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => node_hash(left, right),
                    _ => pair.first().copied().unwrap_or_default(),
                })
                .collect();
            levels.push(next);
        }
        Self { levels }
    }

    /// The hashes of the leaves.
    pub(crate) fn leaves(&self) -> &[Hash] {
        self.levels.first().map_or(&[], Vec::as_slice)
    }

    /// The root; that of the empty tree is SHA-256 of nothing.
    pub(crate) fn root(&self) -> Hash {
        match self.levels.last().and_then(|level| level.first()) {
            Some(root) => *root,
            None => sha256(&[]),
        }
    }

    /// The audit path of a leaf, from its sibling upwards.
    pub(crate) fn path(&self, index: usize) -> Vec<Hash> {
        let siblings = self.levels.iter().enumerate();
        siblings
            .filter_map(|(height, level)| level.get((index >> height) ^ 1).copied())
            .collect()
    }
}

/// The root to which a path leads from a leaf, or none if the path does not fit the tree.
pub(crate) fn root_of(leaf: &Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut index, mut last) = (index, size - 1);
    let mut path = path.iter();
    let mut hash = *leaf;
    while last > 0 {
        if index % 2 == 1 {
            hash = node_hash(path.next()?, &hash);
        } else if index < last {
            hash = node_hash(&hash, path.next()?);
        }
        (index, last) = (index / 2, last / 2);
    }
    path.next().is_none().then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 6962, word by word.
    fn naive(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => sha256(&[]),
            [one] => *one,
            many => {
                let split = many.len().next_power_of_two() / 2;
                node_hash(&naive(&many[..split]), &naive(&many[split..]))
            }
        }
    }

    #[test]
    fn every_size_has_the_root_of_the_definition_and_paths_to_it() {
        for size in 0..70_u64 {
            let leaves: Vec<Hash> = (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect();
            let tree = Tree::new(leaves.clone());
            assert_eq!(tree.root(), naive(&leaves), "{size}");
            for (index, leaf) in (0..).zip(&leaves) {
                let mut path = tree.path(index as usize);
                assert_eq!(root_of(leaf, index, size, &path), Some(tree.root()));
                assert_eq!(root_of(leaf, size, size, &path), None);
                path.push(*leaf);
                assert_eq!(root_of(leaf, index, size, &path), None);
            }
        }
    }
}
