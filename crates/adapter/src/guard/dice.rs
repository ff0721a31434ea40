//! Numbers that look like chance, of one atomic word.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Weyl's sequence through the mixer of splitmix64.
#[derive(Debug)]
pub(super) struct Dice(AtomicU64);

impl Dice {
    /// The same numbers for the same seed.
    pub(super) const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    pub(super) fn roll(&self) -> u64 {
        let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
