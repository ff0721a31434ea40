//! Receipts: signed proof that a leaf was durable before its answer left.
//!
//! One signature covers a batch; a receipt leads from its leaf to the signed root. Not here: how a
//! receipt travels (crate `api`), how it is checked ([`crate::verify`]).

use std::sync::Arc;

use base64_simd::STANDARD;

use crate::tree::{Hash, Tree};

/// A batch that is durable and signed.
#[derive(Debug)]
pub(crate) struct Committed {
    pub(crate) origin: Arc<str>,
    pub(crate) first: u64,
    pub(crate) tree: Tree,
    pub(crate) at_ms: u64,
    pub(crate) signature: [u8; 64],
}

/// Proof that a leaf is in the log.
#[derive(Clone, Debug)]
pub struct Receipt {
    batch: Arc<Committed>,
    index: u32,
}

impl Receipt {
    pub(crate) const fn new(batch: Arc<Committed>, index: u32) -> Self {
        Self { batch, index }
    }

    /// The name of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.batch.origin
    }

    /// The place of the leaf in the log.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.batch.first + u64::from(self.index)
    }

    /// SHA-256(0x00 ‖ leaf).
    #[must_use]
    pub fn leaf_hash(&self) -> [u8; 32] {
        let leaves = self.batch.tree.leaves();
        leaves.get(self.index as usize).copied().unwrap_or_default()
    }

    /// When the batch was durable, in milliseconds since 1970.
    #[must_use]
    pub fn committed_at_ms(&self) -> u64 {
        self.batch.at_ms
    }

    /// The sequence number of the first leaf of the batch.
    #[must_use]
    pub fn batch_first(&self) -> u64 {
        self.batch.first
    }

    /// The number of leaves in the batch.
    #[must_use]
    pub fn batch_size(&self) -> u32 {
        u32::try_from(self.batch.tree.leaves().len()).unwrap_or(u32::MAX)
    }

    /// The audit path (RFC 6962) from the leaf to the root of the batch.
    #[must_use]
    pub fn path(&self) -> Vec<[u8; 32]> {
        self.batch.tree.path(self.index as usize)
    }

    /// The Ed25519 signature of the receipt key over the batch.
    #[must_use]
    pub fn signature(&self) -> &[u8; 64] {
        &self.batch.signature
    }
}

/// The message that the receipt key signs, once per batch.
pub(crate) fn message(origin: &str, first: u64, size: u64, root: &Hash, at_ms: u64) -> String {
    let root = STANDARD.encode_to_string(root);
    format!("lienthong.receipt/v1\n{origin}\n{first}\n{size}\n{root}\n{at_ms}\n")
}
