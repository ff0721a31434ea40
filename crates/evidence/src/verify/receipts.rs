//! Checks receipts against the log they come from.

use std::collections::HashMap;
use std::path::Path;

use super::directory::walk;
use super::prove::Fetched;
use super::public::{Files, PublicReport, wrong};
use super::{KeyChange, ReceiptText, VerifyError, keys};
use crate::keys::{PublicKeys, VerifierKey, receipt_name};
use crate::receipt::message;
use crate::tree::proof::{self, Tiles};
use crate::tree::{Hash, TILE_WIDTH, Tile, leaf_hash, root_of};

/// Why a receipt is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// No key of that log is known.
    #[error("the log names no receipt key of that origin")]
    Key,
    /// The path leads nowhere.
    #[error("the path does not fit the batch")]
    Path,
    /// The signature is not that of the receipt key.
    #[error("the signature does not fit")]
    Signature,
    /// The log has no leaf of that number.
    #[error("the log has no leaf of that number")]
    Missing,
    /// The log has another leaf at that place.
    #[error("the log has another leaf at that place")]
    OtherLeaf,
    /// The log is another one.
    #[error("the receipt is of another log")]
    OtherLog,
    /// The log itself says that its key signed no receipts then.
    #[error("its key did not sign receipts at that record")]
    OtherTime,
}

/// What came of checking receipts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptReport {
    /// How many are right.
    pub accepted: u64,
    /// Which are not, by their place in the list, and why.
    pub refused: Vec<(usize, ReceiptError)>,
}

/// Checks one receipt by the keys that the log itself names: its signature, its path, and that the
/// log holds its leaf, once.
///
/// # Errors
/// The log itself fails.
pub fn receipt(dir: &Path, receipt: &ReceiptText) -> Result<Result<(), ReceiptError>, VerifyError> {
    let keys = PublicKeys::read(dir).map_err(VerifyError::Unreadable)?;
    let report = receipts(dir, &keys.of_receipts(), [receipt.clone()])?;
    Ok(report.refused.first().map_or(Ok(()), |(_, why)| Err(*why)))
}

/// Checks many receipts by the keys that are trusted, and reads the log, whole, once.
///
/// # Errors
/// The log itself fails.
pub fn receipts(
    dir: &Path,
    keys: &[VerifierKey],
    receipts: impl IntoIterator<Item = ReceiptText>,
) -> Result<ReceiptReport, VerifyError> {
    let mut wanted = Wanted::of(keys, receipts);
    let log = walk(dir, |_| (), |seq, leaf| wanted.found(seq, &leaf_hash(leaf)))?;
    Ok(wanted.finish(&log.origin, &log.census.keys))
}

/// Checks many receipts by the keys that are trusted against a public log that was checked, as far
/// as its checkpoint reaches: the hash of each record is proved to the root of that.
///
/// # Errors
/// A tile is missing, or is not the one that was checked.
pub fn receipts_shown(
    files: &mut dyn Files,
    log: &PublicReport,
    keys: &[VerifierKey],
    receipts: impl IntoIterator<Item = ReceiptText>,
) -> Result<ReceiptReport, VerifyError> {
    let mut wanted = Wanted::of(keys, receipts);
    let checkpoint = log.checkpoint.checkpoint();
    let size = checkpoint.size;
    let mut tiles = Remembered::new(Fetched(files));
    for seq in wanted.seqs().filter(|seq| *seq < size).collect::<Vec<_>>() {
        let hash = tiles.leaf(seq, size)?;
        let path = proof::inclusion(&mut tiles, seq, size)?;
        let root = path.and_then(|path| root_of(&hash, seq, size, &path));
        if root != Some(checkpoint.root) {
            return Err(wrong("tile", "does not lead to the root of the checkpoint"));
        }
        wanted.found(seq, &hash);
    }
    Ok(wanted.finish(&checkpoint.origin, &log.census.keys))
}

/// Tiles, each of which is fetched once.
struct Remembered<'a> {
    files: Fetched<'a>,
    read: HashMap<String, Vec<Hash>>,
}

impl<'a> Remembered<'a> {
    fn new(files: Fetched<'a>) -> Self {
        Self {
            files,
            read: HashMap::new(),
        }
    }

    /// The hash of a record.
    fn leaf(&mut self, seq: u64, size: u64) -> Result<Hash, VerifyError> {
        let tile = Tile::holding(0, seq, size);
        let hashes = tile.map(|tile| self.tile(tile)).transpose()?;
        let place = usize::try_from(seq % TILE_WIDTH).unwrap_or(usize::MAX);
        let hash = hashes.as_ref().and_then(|hashes| hashes.get(place));
        hash.copied()
            .ok_or_else(|| wrong("tile", "is shorter than its name"))
    }
}

impl Tiles for Remembered<'_> {
    type Error = VerifyError;

    fn tile(&mut self, tile: Tile) -> Result<Vec<Hash>, VerifyError> {
        let path = tile.path();
        if let Some(hashes) = self.read.get(&path) {
            return Ok(hashes.clone());
        }
        let hashes = self.files.tile(tile)?;
        self.read.insert(path, hashes.clone());
        Ok(hashes)
    }
}

/// Checks signatures, those over one batch once.
struct Signatures<'a> {
    keys: &'a [VerifierKey],
    good: HashMap<(String, Vec<u8>), &'a VerifierKey>,
}

impl<'a> Signatures<'a> {
    fn new(keys: &'a [VerifierKey]) -> Self {
        Self {
            keys,
            good: HashMap::new(),
        }
    }

    /// The key that has signed.
    fn check(&mut self, receipt: &ReceiptText) -> Result<&'a VerifierKey, ReceiptError> {
        let (first, size) = (receipt.batch_first, u64::from(receipt.batch_size));
        let index = receipt.seq.checked_sub(first).ok_or(ReceiptError::Path)?;
        let root =
            root_of(&receipt.leaf_hash, index, size, &receipt.path).ok_or(ReceiptError::Path)?;
        let at_ms = receipt.committed_at_ms;
        let signed = (
            message(&receipt.origin, first, size, &root, at_ms),
            receipt.signature.clone(),
        );
        if let Some(key) = self.good.get(&signed) {
            return Ok(key);
        }
        let name = receipt_name(&receipt.origin);
        let mut keys = self.keys.iter().filter(|key| key.name() == name).peekable();
        keys.peek().ok_or(ReceiptError::Key)?;
        let key = keys.find(|key| key.verifies(signed.0.as_bytes(), &signed.1));
        let key = key.ok_or(ReceiptError::Signature)?;
        self.good.insert(signed, key);
        Ok(key)
    }
}

/// Receipts whose leaves are looked for.
#[derive(Default)]
struct Wanted<'a> {
    by_seq: HashMap<u64, Vec<Claim<'a>>>,
    accepted: Vec<Claim<'a>>,
    refused: Vec<(usize, ReceiptError)>,
}

struct Claim<'a> {
    place: usize,
    /// The first and the last record of the batch, and the key that has signed it.
    batch: (u64, u64),
    key: &'a VerifierKey,
    origin: String,
    leaf_hash: [u8; 32],
}

impl<'a> Wanted<'a> {
    /// Those of the receipts that a key has signed.
    fn of(keys: &'a [VerifierKey], receipts: impl IntoIterator<Item = ReceiptText>) -> Self {
        let mut signatures = Signatures::new(keys);
        let mut wanted = Self::default();
        for (place, receipt) in receipts.into_iter().enumerate() {
            match signatures.check(&receipt) {
                Ok(key) => wanted.add(place, &receipt, key),
                Err(why) => wanted.refused.push((place, why)),
            }
        }
        wanted
    }

    /// The places in the log that are looked for.
    fn seqs(&self) -> impl Iterator<Item = u64> {
        self.by_seq.keys().copied()
    }

    fn add(&mut self, place: usize, receipt: &ReceiptText, key: &'a VerifierKey) {
        let more = u64::from(receipt.batch_size).saturating_sub(1);
        let last = receipt.batch_first.saturating_add(more);
        self.by_seq.entry(receipt.seq).or_default().push(Claim {
            place,
            batch: (receipt.batch_first, last),
            key,
            origin: receipt.origin.clone(),
            leaf_hash: receipt.leaf_hash,
        });
    }

    /// Each number comes once: a walk refuses a gap and a repetition, and a tree has one place for it.
    fn found(&mut self, seq: u64, hash: &Hash) {
        let Some(claims) = self.by_seq.remove(&seq) else {
            return;
        };
        for claim in claims {
            if claim.leaf_hash == *hash {
                self.accepted.push(claim);
            } else {
                self.refused.push((claim.place, ReceiptError::OtherLeaf));
            }
        }
    }

    fn finish(mut self, origin: &str, changes: &[KeyChange]) -> ReceiptReport {
        let missing = self.by_seq.into_values().flatten();
        self.refused
            .extend(missing.map(|claim| (claim.place, ReceiptError::Missing)));
        let (ours, others): (Vec<_>, Vec<_>) = self
            .accepted
            .into_iter()
            .partition(|claim| claim.origin == origin);
        self.refused.extend(
            others
                .iter()
                .map(|claim| (claim.place, ReceiptError::OtherLog)),
        );
        let (good, odd): (Vec<_>, Vec<_>) =
            ours.into_iter().partition(|claim| claim.is_timely(changes));
        let odd = odd
            .iter()
            .map(|claim| (claim.place, ReceiptError::OtherTime));
        self.refused.extend(odd);
        self.refused.sort_unstable_by_key(|(place, _)| *place);
        ReceiptReport {
            accepted: good.len() as u64,
            refused: self.refused,
        }
    }
}

impl Claim<'_> {
    /// True if the key signed receipts when the batch was written: the batch that names a key is the
    /// first that it signs, and the one that retires it is signed by another.
    fn is_timely(&self, changes: &[KeyChange]) -> bool {
        let (first, last) = self.batch;
        keys::begins(changes, self.key).is_none_or(|seq| seq <= last)
            && keys::ends(changes, self.key).is_none_or(|seq| first <= seq)
    }
}
