//! The files of the public log: tiles, entry bundles, `checkpoint`. Each is written whole or not at
//! all. Not here: what is in them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::note::SignedCheckpoint;
use crate::replace::{replace, sync_dir};
use crate::tree::proof::Tiles;
use crate::tree::{Hash, TILE_WIDTH, Tile, entries_path};
use crate::{Error, priority};

/// The name of the file with the latest checkpoint.
pub const CHECKPOINT_FILE: &str = "checkpoint";

/// The directory of a public log.
#[derive(Debug)]
pub(crate) struct Store {
    dir: PathBuf,
    /// Directories with entries that are not on the disk yet.
    unsynced: BTreeSet<PathBuf>,
}

impl Store {
    /// The public log in a directory.
    pub(crate) fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            unsynced: BTreeSet::new(),
        }
    }

    /// Where it is.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes a file such that a crash leaves the old one, the new one, or none. Its name is durable
    /// after [`Store::sync`].
    pub(crate) fn put(&mut self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        priority::give_way();
        let path = self.dir.join(path);
        let parent = path.parent().unwrap_or(&self.dir).to_owned();
        self.make_dir(&parent)?;
        replace(&path, 0o644, bytes)?;
        self.unsynced.insert(parent);
        Ok(())
    }

    /// Makes the names of what was put durable.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        while let Some(dir) = self.unsynced.pop_last() {
            sync_dir(&dir)?;
        }
        Ok(())
    }

    /// Removes the partial forms of a file that is there in full.
    pub(crate) fn remove_partial(&self, path: &str) -> Result<(), Error> {
        let path = self.dir.join(format!("{path}.p"));
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("remove", path)(error))
            }
            _ => Ok(()),
        }
    }

    /// The latest checkpoint; none if there is no file of it. Its signatures are not checked.
    pub(crate) fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, Error> {
        read_checkpoint(&self.dir.join(CHECKPOINT_FILE))
    }

    /// The entries of a tile of level 0, each without its length.
    pub(crate) fn entries(&self, index: u64, width: u16) -> Result<Vec<Vec<u8>>, Error> {
        let bytes = self.read(|width| entries_path(index, width), width)?;
        let mut rest = bytes.as_slice();
        let mut entries = Vec::with_capacity(usize::from(width));
        while entries.len() < usize::from(width) {
            let entry = next_entry(&mut rest);
            let entry = entry.ok_or_else(|| self.bad(&entries_path(index, width), SHORT))?;
            entries.push(entry.to_vec());
        }
        Ok(entries)
    }

    /// Reads a file in full or, if it is there in that form, in part; what is partial may have been
    /// removed since the full one is there.
    fn read(&self, path: impl Fn(u16) -> String, width: u16) -> Result<Vec<u8>, Error> {
        let exact = self.dir.join(path(width));
        match fs::read(&exact) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let full = self.dir.join(path(TILE_WIDTH as u16));
                fs::read(full).map_err(|_| Error::io("read", exact)(error))
            }
            read => read.map_err(Error::io("read", exact)),
        }
    }

    fn make_dir(&mut self, dir: &Path) -> Result<(), Error> {
        if dir.is_dir() {
            return Ok(());
        }
        if let Some(parent) = dir.parent() {
            self.make_dir(parent)?;
            self.unsynced.insert(parent.to_owned());
        }
        match fs::create_dir(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(Error::io("create", dir)(error))
            }
            _ => Ok(()),
        }
    }

    fn bad(&self, path: &str, problem: &'static str) -> Error {
        Error::Public {
            path: self.dir.join(path),
            problem,
        }
    }
}

impl Tiles for Store {
    type Error = Error;

    fn tile(&mut self, tile: Tile) -> Result<Vec<Hash>, Error> {
        let path = |width| Tile { width, ..tile }.path();
        let bytes = self.read(path, tile.width)?;
        let (hashes, rest) = bytes.as_chunks();
        match hashes.get(..usize::from(tile.width)) {
            Some(hashes) if rest.is_empty() => Ok(hashes.to_vec()),
            _ => Err(self.bad(&tile.path(), SHORT)),
        }
    }
}

/// The number of the bundle that holds an entry, and its place in it.
pub(crate) const fn bundle_of(seq: u64) -> (u64, usize) {
    (seq / TILE_WIDTH, (seq % TILE_WIDTH) as usize)
}

/// Reads the entries of a bundle as far as the latest checkpoint reaches.
pub(crate) fn read_bundle(dir: &Path, number: u64) -> Result<Vec<Vec<u8>>, Error> {
    let store = Store::new(dir);
    let size = store.checkpoint()?.map_or(0, |it| it.checkpoint().size);
    let width = size.saturating_sub(number * TILE_WIDTH).min(TILE_WIDTH);
    store.entries(number, u16::try_from(width).unwrap_or(u16::MAX))
}

/// Takes the entry at the front of a bundle.
pub(crate) fn next_entry<'a>(bundle: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, rest) = bundle.split_first_chunk()?;
    let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
    *bundle = rest;
    Some(entry)
}

/// Reads a file with a checkpoint; none if it is not there.
pub(crate) fn read_checkpoint(path: &Path) -> Result<Option<SignedCheckpoint>, Error> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(Error::io("read", path))?,
    };
    parse_checkpoint(&text, path).map(Some)
}

/// Reads a checkpoint that comes from there.
pub(super) fn parse_checkpoint(text: &str, path: &Path) -> Result<SignedCheckpoint, Error> {
    SignedCheckpoint::parse(text).map_err(|problem| Error::Checkpoint {
        path: path.to_owned(),
        problem,
    })
}

const SHORT: &str = "is shorter than its name says";
