//! The public log as it grows: entries go in, tiles, bundles and checkpoints come out.
//!
//! *Invariant:* a checkpoint is signed only when every tile and bundle under it is durable, and
//! shown only when the lock store holds it.

use super::lock::LockStore;
use super::store::{CHECKPOINT_FILE, Store};
use super::written::Written;
use crate::frame::{Frame, Kind};
use crate::keys::Keys;
use crate::note::{Checkpoint, Signature, SignedCheckpoint};
use crate::tree::proof::Tiles as _;
use crate::tree::{Edge, Hash, TILE_WIDTH, Tile, entries_path, leaf_hash};
use crate::{Error, priority};

/// A public log that can grow.
#[derive(Debug)]
pub(crate) struct PublicLog {
    store: Store,
    lock: LockStore,
    edge: Edge,
    /// The entries of the partial bundle, as they stand in it.
    bundle: Vec<u8>,
    /// The size of which every partial tile is on the disk.
    written: u64,
    /// The files that are there in full since the last checkpoint.
    filled: Vec<String>,
    /// As the lock store holds it: with the signatures of the log alone.
    latest: Option<SignedCheckpoint>,
    /// What else is shown under it.
    cosignatures: Vec<Signature>,
}

impl PublicLog {
    /// A log without entries and without a checkpoint.
    pub(crate) fn empty(store: Store, lock: LockStore) -> Self {
        Self {
            store,
            lock,
            edge: Edge::default(),
            bundle: Vec::new(),
            written: 0,
            filled: Vec::new(),
            latest: None,
            cosignatures: Vec::new(),
        }
    }

    /// The log at a checkpoint that it has shown.
    ///
    /// # Errors
    /// The files at its right edge are missing, or do not have the root of the checkpoint.
    pub(crate) fn at(
        mut store: Store,
        lock: LockStore,
        latest: SignedCheckpoint,
    ) -> Result<Self, Error> {
        let size = latest.checkpoint().size;
        let mut tiles = Vec::new();
        for tile in Tile::partial(size) {
            tiles.push((tile, store.tile(tile)?));
        }
        let edge = Edge::of(size, tiles);
        if edge.root() != latest.checkpoint().root {
            return Err(Error::Public {
                path: store.dir().join(CHECKPOINT_FILE),
                problem: "has another root than the tiles",
            });
        }
        let mut log = Self {
            edge,
            written: size,
            latest: Some(latest),
            ..Self::empty(store, lock)
        };
        log.read_bundle()?;
        Ok(log)
    }

    /// The number of entries.
    pub(crate) const fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The tree over them.
    pub(crate) const fn edge(&self) -> &Edge {
        &self.edge
    }

    /// The hash of the last entry; none of an empty log.
    pub(crate) fn last_leaf(&mut self) -> Result<Option<Hash>, Error> {
        let size = self.size();
        let last = size.checked_sub(1);
        let Some(tile) = last.and_then(|last| Tile::holding(0, last, size)) else {
            return Ok(None);
        };
        Ok(self.store.tile(tile)?.last().copied())
    }

    /// The checkpoint that was shown last.
    pub(crate) const fn latest(&self) -> Option<&SignedCheckpoint> {
        self.latest.as_ref()
    }

    /// Adds the leaf in a frame, if it is one that is not there yet.
    ///
    /// # Errors
    /// As [`PublicLog::append`].
    pub(crate) fn append_frame(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        let leaf = frame.leaf().filter(|_| frame.seq >= self.size());
        leaf.map_or(Ok(()), |leaf| self.append(leaf, leaf_hash(leaf)))
    }

    /// Adds the leaves of a batch that are not there yet.
    ///
    /// # Errors
    /// As [`PublicLog::append`].
    pub(crate) fn append_batch(&mut self, batch: &Written) -> Result<(), Error> {
        let leaves = batch.frames().filter(|frame| frame.kind == Kind::Leaf);
        for (frame, hash) in leaves.zip(batch.hashes()) {
            if let Some(leaf) = frame.leaf().filter(|_| frame.seq == self.size()) {
                self.append(leaf, *hash)?;
                priority::give_way();
            }
        }
        Ok(())
    }

    /// Adds an entry by its hash; it is shown with the next checkpoint.
    ///
    /// # Errors
    /// A bundle or tile that is now full cannot be written.
    pub(crate) fn append(&mut self, entry: &[u8], hash: Hash) -> Result<(), Error> {
        // A leaf is far below 64 KiB: what it is made of is capped at the door.
        let len = u16::try_from(entry.len()).map_err(|_| Error::Setting {
            setting: "leaf",
            problem: "is longer than 65535 bytes",
        })?;
        self.bundle.extend_from_slice(&len.to_be_bytes());
        self.bundle.extend_from_slice(entry);
        let mut full = Vec::new();
        self.edge.add(hash, |tile, hashes| {
            full.push((tile.path(), hashes.as_flattened().to_vec()));
        });
        if self.edge.size().is_multiple_of(TILE_WIDTH) {
            let index = self.edge.size() / TILE_WIDTH - 1;
            let path = entries_path(index, TILE_WIDTH as u16);
            full.push((path, std::mem::take(&mut self.bundle)));
        }
        for (path, bytes) in full {
            self.store.put(&path, &bytes)?;
            self.filled.push(path);
        }
        Ok(())
    }

    /// Writes what is partial, signs a checkpoint over all entries, and shows it; `time` is in
    /// seconds since 1970.
    ///
    /// # Errors
    /// A file cannot be written, or the lock store holds another checkpoint than expected.
    pub(crate) fn publish(&mut self, keys: &Keys, time: u64) -> Result<&SignedCheckpoint, Error> {
        self.write_partial()?;
        self.store.sync()?;
        let signed = self.sign(keys, time)?;
        self.lock.replace(self.latest.as_ref(), &signed)?;
        self.show(signed)
    }

    /// Signs a checkpoint over all entries, and keeps it to itself.
    pub(super) fn sign(&self, keys: &Keys, time: u64) -> Result<SignedCheckpoint, Error> {
        let checkpoint = Checkpoint {
            origin: keys.origin().to_owned(),
            size: self.size(),
            root: self.edge.root(),
        };
        keys.sign_checkpoint(checkpoint, time)
    }

    /// Shows a checkpoint that the lock store holds: after a crash, the one it held already.
    pub(crate) fn show(&mut self, signed: SignedCheckpoint) -> Result<&SignedCheckpoint, Error> {
        self.store
            .put(CHECKPOINT_FILE, signed.to_string().as_bytes())?;
        self.store.sync()?;
        for path in self.filled.drain(..) {
            self.store.remove_partial(&path)?;
        }
        self.cosignatures.clear();
        Ok(self.latest.insert(signed))
    }

    /// Shows the latest checkpoint again, with more signatures under it; returns how many have been
    /// added since it was signed, and what is shown.
    pub(crate) fn cosign(&mut self, more: Vec<Signature>) -> Result<(usize, String), Error> {
        self.cosignatures.extend(more);
        let signed = self.latest.as_ref().map(|it| it.with(&self.cosignatures));
        let text = signed.map_or_else(String::new, |signed| signed.to_string());
        if !text.is_empty() {
            // Its name is made durable with the next checkpoint: a crash may leave the file without
            // these lines, which is as whole.
            self.store.put(CHECKPOINT_FILE, text.as_bytes())?;
        }
        Ok((self.cosignatures.len(), text))
    }

    /// Writes the partial bundle and those partial tiles that have changed.
    pub(crate) fn write_partial(&mut self) -> Result<(), Error> {
        let before: Vec<Tile> = Tile::partial(self.written).collect();
        for (tile, hashes) in self
            .edge
            .partial()
            .filter(|(tile, _)| !before.contains(tile))
        {
            self.store.put(&tile.path(), hashes.as_flattened())?;
            if tile.level == 0 {
                let path = entries_path(tile.index, tile.width);
                self.store.put(&path, &self.bundle)?;
            }
        }
        self.written = self.size();
        Ok(())
    }

    /// Reads the entries of the partial bundle again.
    fn read_bundle(&mut self) -> Result<(), Error> {
        let Some((tile, hashes)) = self.edge.partial().find(|(tile, _)| tile.level == 0) else {
            return Ok(());
        };
        let entries = self.store.entries(tile.index, tile.width)?;
        for (entry, hash) in entries.iter().zip(hashes) {
            if leaf_hash(entry) != *hash {
                return Err(Error::Public {
                    path: self.store.dir().join(entries_path(tile.index, tile.width)),
                    problem: "holds another entry than its tile says",
                });
            }
            let len = u16::try_from(entry.len()).unwrap_or(u16::MAX);
            self.bundle.extend_from_slice(&len.to_be_bytes());
            self.bundle.extend_from_slice(entry);
        }
        Ok(())
    }
}
