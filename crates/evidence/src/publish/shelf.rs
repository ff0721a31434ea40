//! The files of a public log by the path at which HTTP serves them. Not here: HTTP.

use std::path::PathBuf;

use super::store::CHECKPOINT_FILE;
use crate::Config;
use crate::tree::{TILE_WIDTH, Tile, entries_path};
use crate::verify::Directory;

/// The public files of one log.
#[derive(Clone, Debug)]
pub struct Shelf {
    dir: PathBuf,
    origin: String,
    prefix: String,
}

/// A file that may be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub kind: ItemKind,
}

/// What a public file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// The latest checkpoint: text, another one every second.
    Checkpoint,
    /// A tile or a bundle: bytes, the same for ever.
    Fixed,
}

impl Shelf {
    /// The files of a log, below what its origin has behind the name of the host.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let (_, below) = config.origin.split_once('/').unwrap_or_default();
        let slash = if below.is_empty() { "" } else { "/" };
        Self {
            dir: config.dir.clone(),
            origin: config.origin.clone(),
            prefix: format!("/{below}{slash}"),
        }
    }

    /// The name of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The files themselves, to make proofs of. Reading them blocks.
    #[must_use]
    pub fn files(&self) -> Directory {
        Directory(self.dir.clone())
    }

    /// The path under which all files stand, with a slash at either end.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The file of a path, if a log may have one of that name.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<Item> {
        let name = path.strip_prefix(&self.prefix)?;
        let kind = match name {
            CHECKPOINT_FILE => ItemKind::Checkpoint,
            _ if is_tile(name) => ItemKind::Fixed,
            _ => return None,
        };
        Some(Item {
            path: self.dir.join(name),
            kind,
        })
    }
}

/// True for the one name that a tile or bundle has.
fn is_tile(name: &str) -> bool {
    let parse = || {
        let (level, rest) = name.strip_prefix("tile/")?.split_once('/')?;
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, width.parse().ok()?),
            None => (rest, TILE_WIDTH as u16),
        };
        let index = index.split('/').try_fold(0_u64, |index, group| {
            let digits = group.strip_prefix('x').unwrap_or(group);
            index.checked_mul(1000)?.checked_add(digits.parse().ok()?)
        })?;
        Some(match level {
            "entries" => entries_path(index, width),
            level => {
                let level = level.parse().ok()?;
                let tile = Tile {
                    level,
                    index,
                    width,
                };
                tile.path()
            }
        })
    };
    parse().is_some_and(|right| right == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_a_log_may_have_is_found_and_no_other() {
        let config = |origin: &str| Config::new("/log", origin, "n1");
        let shelf = Shelf::new(&config("audit.example/gw-1/2026h2"));
        assert_eq!(shelf.prefix(), "/gw-1/2026h2/");
        let find = |name: &str| shelf.find(&format!("/gw-1/2026h2/{name}"));
        let item = find("tile/entries/x001/067.p/8").unwrap();
        assert_eq!(item.path, PathBuf::from("/log/tile/entries/x001/067.p/8"));
        assert_eq!(item.kind, ItemKind::Fixed);
        assert_eq!(find("checkpoint").unwrap().kind, ItemKind::Checkpoint);
        assert!(find("tile/1/000").is_some());
        for wrong in [
            "",
            "keys",
            "wal/0000000000000000.seg",
            "private/log.pk8",
            "../log.head",
            "tile/0/../../keys",
            "tile/0/000.tmp",
            "tile/0/000.p/3.tmp",
            "tile/0/00",
            "tile/0/0000",
            "tile/0/+00",
            "tile/0/x000/001",
            "tile/0/001/002",
            "tile/00/000",
            "tile/0/000.p/256",
            "tile/0/000.p/08",
            "tile/entries/",
            "tile//000",
        ] {
            assert_eq!(find(wrong), None, "{wrong}");
        }
        assert_eq!(shelf.find("/checkpoint"), None);
        let whole_host = Shelf::new(&config("audit.example"));
        assert!(whole_host.find("/checkpoint").is_some());
    }
}
