//! A growing tree: of each level of tiles only the last, partial tile is kept.

use super::{Hash, TILE_WIDTH, Tile, node_hash, root_of_nothing, root_of_perfect};

/// The right edge of a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edge {
    size: u64,
    /// The hashes of the partial tile of each level; none is full.
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge of a tree of that size, of which the partial tiles are known.
    pub(crate) fn of(size: u64, tiles: impl IntoIterator<Item = (Tile, Vec<Hash>)>) -> Self {
        let mut edge = Self {
            size,
            levels: Vec::new(),
        };
        for (tile, hashes) in tiles {
            *edge.level(usize::from(tile.level)) = hashes;
        }
        edge
    }

    /// The number of leaves.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// Adds the hash of a leaf; tells `full` of every tile that it fills, lowest level first.
    pub(crate) fn add(&mut self, leaf: Hash, mut full: impl FnMut(Tile, &[Hash])) {
        self.size += 1;
        let mut hash = leaf;
        for level in 0.. {
            let hashes = self.level(level);
            hashes.push(hash);
            if (hashes.len() as u64) < TILE_WIDTH {
                return;
            }
            let hashes = std::mem::take(hashes);
            let place = Tile {
                level: level as u8,
                index: (self.size >> (8 * (level + 1))) - 1,
                width: 0,
            };
            full(place.full(), &hashes);
            hash = root_of_perfect(&hashes);
        }
    }

    /// The partial tiles and their hashes, lowest level first.
    pub(crate) fn partial(&self) -> impl Iterator<Item = (Tile, &[Hash])> {
        Tile::partial(self.size).map(|tile| {
            let hashes = self.levels.get(usize::from(tile.level));
            (tile, hashes.map_or(&[][..], Vec::as_slice))
        })
    }

    /// The root of the tree.
    pub(crate) fn root(&self) -> Hash {
        // The perfect subtrees from right to left: low levels first, in each the last bits first.
        let mut root: Option<Hash> = None;
        for hashes in &self.levels {
            let mut rest = hashes.as_slice();
            while !rest.is_empty() {
                let width = 1 << rest.len().trailing_zeros();
                let (front, subtree) = rest.split_at(rest.len() - width);
                let left = root_of_perfect(subtree);
                root = Some(root.map_or(left, |right| node_hash(&left, &right)));
                rest = front;
            }
        }
        root.unwrap_or_else(root_of_nothing)
    }

    fn level(&mut self, level: usize) -> &mut Vec<Hash> {
        if self.levels.len() <= level {
            self.levels.resize(level + 1, Vec::new());
        }
        #[expect(clippy::indexing_slicing, reason = "there are more levels than that")]
        &mut self.levels[level]
    }
}

#[cfg(test)]
mod tests {
    use super::super::{leaf_hash, naive};
    use super::*;

    #[test]
    fn a_tree_grown_leaf_by_leaf_has_the_root_and_the_tiles_of_the_definition() {
        let leaves: Vec<Hash> = (0..1_000_u64)
            .map(|n| leaf_hash(&n.to_be_bytes()))
            .collect();
        let (mut edge, mut tiles) = (Edge::default(), Vec::new());
        for (count, leaf) in (0..).zip(&leaves) {
            assert_eq!(edge.root(), naive(&leaves[..count]), "{count}");
            edge.add(*leaf, |tile, hashes| tiles.push((tile, hashes.to_vec())));
        }
        let full = |index| Tile {
            level: 0,
            index,
            width: 256,
        };
        let names: Vec<Tile> = tiles.iter().map(|(tile, _)| *tile).collect();
        assert_eq!(names, [full(0), full(1), full(2)]);
        assert_eq!(tiles[1].1, leaves[256..512]);
        let partial: Vec<_> = edge
            .partial()
            .map(|(tile, it)| (tile, it.to_vec()))
            .collect();
        assert_eq!(partial[1].1.len(), 3);
        assert_eq!(Edge::of(1_000, partial), edge);
    }

    #[test]
    fn a_tile_above_is_full_after_65536_leaves() {
        let (mut edge, mut above) = (Edge::default(), Vec::new());
        for n in 0..65_537_u64 {
            edge.add(leaf_hash(&n.to_be_bytes()), |tile, hashes| {
                if tile.level > 0 {
                    above.push((tile, hashes.len()));
                }
            });
        }
        let tile = Tile {
            level: 1,
            index: 0,
            width: 256,
        };
        assert_eq!(above, [(tile, 256)]);
        let partial: Vec<Tile> = edge.partial().map(|(tile, _)| tile).collect();
        assert_eq!(partial, Tile::partial(65_537).collect::<Vec<_>>());
    }
}
