//! Proofs of RFC 6962, section 2.1: that a leaf is in a tree, and that a tree continues an older one.

use super::{Hash, TILE_WIDTH, Tile, node_hash, root_of_nothing, root_of_perfect};

/// Where the tiles of a tree come from.
pub trait Tiles {
    /// Why a tile cannot be had.
    type Error;

    /// The hashes of a tile: as many as it is wide.
    ///
    /// # Errors
    /// It cannot be had.
    fn tile(&mut self, tile: Tile) -> Result<Vec<Hash>, Self::Error>;
}

/// The root of a tree of that size.
///
/// # Errors
/// A tile cannot be had.
pub fn root<T: Tiles>(tiles: &mut T, size: u64) -> Result<Hash, T::Error> {
    Reader::new(tiles, size).subtree(0, size)
}

/// The root that a tree had when it was of the old size, out of the tiles that it has at the new one.
///
/// # Errors
/// A tile cannot be had.
pub(crate) fn root_before<T: Tiles>(tiles: &mut T, old: u64, new: u64) -> Result<Hash, T::Error> {
    Reader::new(tiles, new).subtree(0, old.min(new))
}

/// The audit path of a leaf in a tree of that size, from its sibling upwards; none if the tree has
/// no such leaf.
///
/// # Errors
/// A tile cannot be had.
pub fn inclusion<T: Tiles>(
    tiles: &mut T,
    index: u64,
    size: u64,
) -> Result<Option<Vec<Hash>>, T::Error> {
    if index >= size {
        return Ok(None);
    }
    let mut reader = Reader::new(tiles, size);
    let (mut from, mut to) = (0, size);
    let mut siblings = Vec::new();
    while to - from > 1 {
        let middle = from + left_part(to - from);
        if index < middle {
            siblings.push((middle, to));
            to = middle;
        } else {
            siblings.push((from, middle));
            from = middle;
        }
    }
    let path = siblings.iter().rev();
    path.map(|&(from, to)| reader.subtree(from, to))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// The proof that a tree of the new size continues one of the old size; none if the old one is
/// larger. Empty if it is the same, or has no leaf.
///
/// # Errors
/// A tile cannot be had.
pub fn consistency<T: Tiles>(
    tiles: &mut T,
    old: u64,
    new: u64,
) -> Result<Option<Vec<Hash>>, T::Error> {
    if old > new {
        return Ok(None);
    }
    if old == 0 || old == new {
        return Ok(Some(Vec::new()));
    }
    let mut reader = Reader::new(tiles, new);
    let (mut from, mut to) = (0, new);
    let mut parts = Vec::new();
    // Down to the subtree that ends where the old tree ends.
    while to != old {
        let middle = from + left_part(to - from);
        if old <= middle {
            parts.push((middle, to));
            to = middle;
        } else {
            parts.push((from, middle));
            from = middle;
        }
    }
    // From the front on, it is the old tree itself, whose root the other side knows.
    if from > 0 {
        parts.push((from, to));
    }
    let path = parts.iter().rev();
    path.map(|&(from, to)| reader.subtree(from, to))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// The root to which a path leads from a leaf, or none if the path does not fit the tree.
#[must_use]
pub fn root_of(leaf: &Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
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

/// True if the proof shows that the new tree continues the old one.
#[must_use]
pub fn is_consistent(old: (u64, &Hash), new: (u64, &Hash), proof: &[Hash]) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size > new_size {
        return false;
    }
    if old_size == 0 || old_size == new_size {
        let same = if old_size == new_size {
            old_root == new_root
        } else {
            *old_root == root_of_nothing()
        };
        return same && proof.is_empty();
    }
    // RFC 9162, section 2.1.4.2. If the old tree is a perfect one, its root begins the path.
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    let down = node.trailing_ones();
    (node, last) = (node >> down, last >> down);
    let mut proof = proof.iter();
    let first = if node > 0 {
        match proof.next() {
            Some(first) => *first,
            None => return false,
        }
    } else {
        *old_root
    };
    let (mut old_hash, mut new_hash) = (first, first);
    for part in proof {
        if last == 0 {
            return false;
        }
        if node % 2 == 1 || node == last {
            old_hash = node_hash(part, &old_hash);
            new_hash = node_hash(part, &new_hash);
            while node % 2 == 0 && node > 0 {
                (node, last) = (node / 2, last / 2);
            }
        } else {
            new_hash = node_hash(&new_hash, part);
        }
        (node, last) = (node / 2, last / 2);
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

/// Reads subtrees out of tiles, each tile once as long as it is the one in use at its level.
struct Reader<'a, T: Tiles> {
    tiles: &'a mut T,
    size: u64,
    kept: Vec<(Tile, Vec<Hash>)>,
}

impl<'a, T: Tiles> Reader<'a, T> {
    const fn new(tiles: &'a mut T, size: u64) -> Self {
        Self {
            tiles,
            size,
            kept: Vec::new(),
        }
    }

    /// The root over the leaves in a range that is a subtree of RFC 6962.
    fn subtree(&mut self, from: u64, to: u64) -> Result<Hash, T::Error> {
        let count = to - from;
        if count == 0 {
            return Ok(root_of_nothing());
        }
        if count.is_power_of_two() && from.is_multiple_of(count) {
            return self.perfect(from, count);
        }
        let middle = from + left_part(count);
        let left = self.subtree(from, middle)?;
        let right = self.subtree(middle, to)?;
        Ok(node_hash(&left, &right))
    }

    /// The root over a perfect subtree: out of the one tile that holds the hashes it is made of.
    fn perfect(&mut self, from: u64, count: u64) -> Result<Hash, T::Error> {
        let height = count.trailing_zeros();
        // A hash on a border of two levels of tiles is kept in the upper one.
        let level = height / 8;
        let place = from >> (8 * level);
        let hashes = 1_usize << (height % 8);
        let Some(tile) = Tile::holding(level as u8, place, self.size) else {
            return Ok(root_of_nothing());
        };
        let at = (place % TILE_WIDTH) as usize;
        let tile = self.tile(tile)?;
        Ok(root_of_perfect(
            tile.get(at..at + hashes).unwrap_or_default(),
        ))
    }

    fn tile(&mut self, tile: Tile) -> Result<&[Hash], T::Error> {
        let known = self.kept.iter().position(|(kept, _)| *kept == tile);
        let place = if let Some(place) = known {
            place
        } else {
            let hashes = self.tiles.tile(tile)?;
            self.kept
                .retain(|(kept, _)| kept.level != tile.level || !kept.is_full());
            self.kept.push((tile, hashes));
            self.kept.len() - 1
        };
        Ok(self.kept.get(place).map_or(&[], |(_, hashes)| hashes))
    }
}

/// The leaves of the left child: the largest power of two below their number.
const fn left_part(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::super::{Edge, leaf_hash, naive};
    use super::*;
    use std::collections::HashMap;
    use std::convert::Infallible;

    /// Every tile of a tree, also the partial ones of all sizes it had.
    struct All(HashMap<Tile, Vec<Hash>>);

    impl Tiles for All {
        type Error = Infallible;

        fn tile(&mut self, tile: Tile) -> Result<Vec<Hash>, Infallible> {
            Ok(self.0[&tile].clone())
        }
    }

    fn grown(size: u64) -> (All, Vec<Hash>) {
        let (mut edge, mut all) = (Edge::default(), HashMap::new());
        let leaves: Vec<Hash> = (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        for leaf in &leaves {
            edge.add(*leaf, |tile, hashes| {
                all.insert(tile, hashes.to_vec());
            });
            all.extend(edge.partial().map(|(tile, hashes)| (tile, hashes.to_vec())));
        }
        (All(all), leaves)
    }

    #[test]
    fn every_leaf_has_a_path_to_the_root_of_every_tree_that_holds_it() {
        let (mut all, leaves) = grown(300);
        for size in 0..=300_u64 {
            let expected = naive(&leaves[..size as usize]);
            assert_eq!(root(&mut all, size), Ok(expected), "{size}");
            for index in (0..size).step_by(7).chain(size.checked_sub(1)) {
                let path = inclusion(&mut all, index, size).unwrap().unwrap();
                let leaf = &leaves[index as usize];
                assert_eq!(
                    root_of(leaf, index, size, &path),
                    Some(expected),
                    "{index} {size}"
                );
            }
            assert_eq!(inclusion(&mut all, size, size), Ok(None));
        }
    }

    #[test]
    fn every_tree_continues_every_older_one_and_no_other() {
        let (mut all, leaves) = grown(70);
        let roots: Vec<Hash> = (0..=70).map(|size| naive(&leaves[..size])).collect();
        for new in 0..=70_u64 {
            for old in 0..=new {
                let mut proof = consistency(&mut all, old, new).unwrap().unwrap();
                let (old_root, new_root) = (&roots[old as usize], &roots[new as usize]);
                assert_eq!(root_before(&mut all, old, new).as_ref(), Ok(old_root));
                assert!(
                    is_consistent((old, old_root), (new, new_root), &proof),
                    "{old} {new}"
                );
                let other = leaf_hash(b"other");
                assert!(
                    !is_consistent((old, &other), (new, new_root), &proof),
                    "{old} {new}"
                );
                assert!(
                    !is_consistent((old, old_root), (new, &other), &proof) || old == 0 && new > 0
                );
                for place in 0..proof.len() {
                    let kept = std::mem::replace(&mut proof[place], other);
                    assert!(!is_consistent((old, old_root), (new, new_root), &proof));
                    proof[place] = kept;
                }
                proof.push(other);
                assert!(
                    !is_consistent((old, old_root), (new, new_root), &proof),
                    "{old} {new}"
                );
            }
            assert_eq!(consistency(&mut all, new + 1, new), Ok(None));
        }
    }

    #[test]
    fn proofs_cross_levels_of_tiles() {
        let (mut all, leaves) = grown(66_000);
        let at = |size: u64| naive(&leaves[..size as usize]);
        let new = at(66_000);
        for old in [1, 255, 256, 257, 65_535, 65_536, 65_537, 65_999] {
            assert_eq!(root_before(&mut all, old, 66_000), Ok(at(old)), "{old}");
            let proof = consistency(&mut all, old, 66_000).unwrap().unwrap();
            assert!(
                is_consistent((old, &at(old)), (66_000, &new), &proof),
                "{old}"
            );
            let path = inclusion(&mut all, old, 66_000).unwrap().unwrap();
            assert_eq!(
                root_of(&leaves[old as usize], old, 66_000, &path),
                Some(new)
            );
        }
    }
}
