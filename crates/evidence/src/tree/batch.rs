//! The tree over one batch, whole in memory: what receipts lead to.

use super::{Hash, node_hash, root_of_nothing};

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
            None => root_of_nothing(),
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

#[cfg(test)]
mod tests {
    use super::super::{leaf_hash, naive, root_of};
    use super::*;

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
