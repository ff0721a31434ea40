//! The names of tiles and entry bundles: `tile/0/x001/x234/067.p/8`, `tile/entries/000`.

use std::fmt::Write as _;

/// How many hashes a full tile holds, and how many leaves a full bundle.
pub const TILE_WIDTH: u64 = 256;

/// A tile: so many hashes, side by side, of one level in 8 levels of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// 0 holds the hashes of leaves; each hash above is the root of a full tile below.
    pub level: u8,
    /// Its place among the tiles of its level.
    pub index: u64,
    /// How many hashes it holds, 1 to 256.
    pub width: u16,
}

impl Tile {
    /// The tile that holds the hash at a place of a level, in a tree of that size; none if the tree
    /// has no such hash.
    #[must_use]
    pub fn holding(level: u8, place: u64, size: u64) -> Option<Self> {
        let hashes = hashes_at(level, size);
        if place >= hashes {
            return None;
        }
        let index = place / TILE_WIDTH;
        let width = (hashes - index * TILE_WIDTH).min(TILE_WIDTH);
        Some(Self {
            level,
            index,
            width: u16::try_from(width).ok()?,
        })
    }

    /// The tiles of a tree of that size that are partial: its right edge, lowest level first.
    pub fn partial(size: u64) -> impl Iterator<Item = Self> {
        (0..=MAX_LEVEL).filter_map(move |level| {
            let hashes = hashes_at(level, size);
            let width = u16::try_from(hashes % TILE_WIDTH).ok()?;
            let index = hashes / TILE_WIDTH;
            (width > 0).then_some(Self {
                level,
                index,
                width,
            })
        })
    }

    /// True if it will never grow.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.width as u64 == TILE_WIDTH
    }

    /// The same tile when it is full.
    #[must_use]
    pub const fn full(self) -> Self {
        Self {
            width: TILE_WIDTH as u16,
            ..self
        }
    }

    /// Its path below the prefix of the log.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = format!("tile/{}/", self.level);
        push_index(&mut path, self.index, self.width);
        path
    }
}

/// The path of the bundle with the entries of a tile of level 0.
#[must_use]
pub fn entries_path(index: u64, width: u16) -> String {
    let mut path = "tile/entries/".to_owned();
    push_index(&mut path, index, width);
    path
}

/// A name of a tile or bundle, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// Whether it is a bundle; its tile is of level 0 then.
    pub(crate) is_bundle: bool,
    pub(crate) tile: Tile,
}

impl Name {
    /// Takes a path below the prefix of a log apart; none unless it is the one way to write it.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, width.parse().ok()?),
            None => (rest, TILE_WIDTH as u16),
        };
        let index = index.split('/').try_fold(0_u64, |index, group| {
            let digits = group.strip_prefix('x').unwrap_or(group);
            index.checked_mul(1000)?.checked_add(digits.parse().ok()?)
        })?;
        let is_bundle = level == "entries";
        let level = if is_bundle { 0 } else { level.parse().ok()? };
        let tile = Tile {
            level,
            index,
            width,
        };
        let name = Self { is_bundle, tile };
        (name.path() == path).then_some(name)
    }

    /// The path.
    pub(crate) fn path(&self) -> String {
        match self.is_bundle {
            true => entries_path(self.tile.index, self.tile.width),
            false => self.tile.path(),
        }
    }
}

/// How many hashes a tree of that size has at a level of tiles.
fn hashes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

fn push_index(path: &mut String, index: u64, width: u16) {
    let mut groups = [0; 7];
    let (mut rest, mut count) = (index, 0);
    for group in &mut groups {
        (*group, rest) = (rest % 1000, rest / 1000);
        count += 1;
        if rest == 0 {
            break;
        }
    }
    let groups = groups.get(..count).unwrap_or_default();
    for (place, group) in groups.iter().enumerate().rev() {
        let (mark, slash) = if place > 0 { ("x", "/") } else { ("", "") };
        // Writing to a string cannot fail.
        write!(path, "{mark}{group:03}{slash}").ok();
    }
    if u64::from(width) < TILE_WIDTH {
        write!(path, ".p/{width}").ok();
    }
}

/// Of 2⁶⁴ leaves, the eighth level of tiles holds one hash.
const MAX_LEVEL: u8 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let tile = |level, index, width| Tile {
            level,
            index,
            width,
        };
        assert_eq!(tile(0, 1_234_067, 256).path(), "tile/0/x001/x234/067");
        assert_eq!(tile(1, 0, 1).path(), "tile/1/000.p/1");
        assert_eq!(entries_path(273, 112), "tile/entries/273.p/112");
        assert_eq!(entries_path(1000, 256), "tile/entries/x001/000");
        let last = "tile/0/x018/x446/x744/x073/x709/x551/615";
        assert_eq!(tile(0, u64::MAX, 256).path(), last);
    }

    #[test]
    fn the_right_edge_is_that_of_the_specification() {
        let edge = |size| -> Vec<(u8, u64, u16)> {
            Tile::partial(size)
                .map(|tile| (tile.level, tile.index, tile.width))
                .collect()
        };
        assert_eq!(edge(70_000), [(0, 273, 112), (1, 1, 17), (2, 0, 1)]);
        assert_eq!(edge(256), [(1, 0, 1)]);
        assert_eq!(edge(0), []);
    }

    #[test]
    fn a_hash_is_held_by_one_tile_as_wide_as_the_tree_has_it() {
        let tile = Tile::holding(0, 70_000 - 1, 70_000).unwrap();
        assert_eq!((tile.index, tile.width), (273, 112));
        assert!(Tile::holding(0, 300, 70_000).unwrap().is_full());
        assert_eq!(Tile::holding(0, 70_000, 70_000), None);
        assert_eq!(Tile::holding(3, 0, 70_000), None);
    }
}
