//! The files of a public log by the path at which HTTP serves them. Not here: HTTP.

use std::path::PathBuf;
use std::sync::Arc;

use super::store::CHECKPOINT_FILE;
use crate::private::Epoch;
use crate::tree::Name;
use crate::verify::Directory;
use crate::{Config, Error};

/// The public files of a node: of its only log, or of those of all half-years.
#[derive(Clone, Debug)]
pub struct Shelf(Arc<Config>);

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
    /// The files of a node, of each log below what its origin has behind the name of the host.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self(Arc::new(config.clone()))
    }

    /// The files of the log of that name, to make proofs of; none if it is not kept here. Reading them
    /// blocks.
    #[must_use]
    pub fn files(&self, origin: &str) -> Option<Directory> {
        let log = self.0.named(origin)?;
        log.dir.is_dir().then_some(Directory(log.dir))
    }

    /// The files of the oldest log that has begun.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn oldest(&self) -> Result<Directory, Error> {
        let node = &*self.0;
        if !node.has_half_years() {
            return Ok(Directory(node.dir.clone()));
        }
        let oldest = node.begun()?.into_iter().next();
        Ok(Directory(
            oldest.map_or(node.dir.clone(), |(_, log)| log.dir),
        ))
    }

    /// The file of a path, if a log may have one of that name.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<Item> {
        let (_, below) = self.0.origin.split_once('/').unwrap_or_default();
        let (log, name) = match self.0.has_half_years() {
            false => (self.0.dir.clone(), below_of(path, below)?),
            true => {
                let (epoch, name) = self.half_year(path, below)?;
                (self.0.of(epoch).dir, name)
            }
        };
        let kind = match name {
            CHECKPOINT_FILE => ItemKind::Checkpoint,
            _ if Name::parse(name).is_some() => ItemKind::Fixed,
            _ => return None,
        };
        Some(Item {
            path: log.join(name),
            kind,
        })
    }

    /// The half-year that a path names, and the name behind the origin.
    fn half_year<'a>(&self, path: &'a str, below: &str) -> Option<(Epoch, &'a str)> {
        let (host, _) = self.0.origin.split_once('/')?;
        let depth = below.split('/').count() + 1;
        let (end, _) = path.match_indices('/').nth(depth - 1)?;
        let (origin, name) = path.split_at_checked(end)?;
        let epoch = self.0.half_year(&format!("{host}{origin}"))?;
        Some((epoch, name.strip_prefix('/')?))
    }
}

/// What a path has behind the prefix of a log.
fn below_of<'a>(path: &'a str, below: &str) -> Option<&'a str> {
    let name = path.strip_prefix('/')?;
    if below.is_empty() {
        return Some(name);
    }
    name.strip_prefix(below)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_a_log_may_have_is_found_and_no_other() {
        let config = |origin: &str| Config::new("/log", origin, "n1");
        let shelf = Shelf::new(&config("audit.example/gw-1/2026h2"));
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

    #[test]
    fn the_logs_of_all_half_years_stand_under_their_names() {
        for (origin, before, after) in [
            ("audit.example/gw-1/{half-year}", "/gw-1/", ""),
            ("audit.example/gw-1-{half-year}/log", "/gw-1-", "/log"),
        ] {
            let shelf = Shelf::new(&Config::new("/log", origin, "n1"));
            for epoch in ["2026h2", "2027h1"] {
                let item = shelf.find(&format!("{before}{epoch}{after}/checkpoint"));
                let expected = PathBuf::from(format!("/log/{epoch}/checkpoint"));
                assert_eq!(item.unwrap().path, expected);
            }
            for wrong in [
                format!("{before}2026h3{after}/checkpoint"),
                format!("{before}{{half-year}}{after}/checkpoint"),
                format!("{before}2026h2{after}/keys"),
                format!("{before}2026h2{after}"),
                format!("{before}../2026h2{after}/checkpoint"),
                "/checkpoint".to_owned(),
                String::new(),
            ] {
                assert_eq!(shelf.find(&wrong), None, "{wrong}");
            }
        }
    }
}
