//! Which exchanges are traced: all, none, or a share of them, decided when one begins.
//!
//! Not here: agreement with other services by trace id. A trace begins here, so there is none to
//! agree with; the agencies follow the flag they are sent.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many exchanges are traced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sampling {
    /// Every one.
    All,
    /// None.
    None,
    /// This share of them, between 0 and 1.
    Share(f64),
}

/// Decides exchange by exchange.
#[derive(Debug)]
pub(super) struct Sampler {
    sampling: Sampling,
    /// Draws below this are traced.
    threshold: u64,
    state: AtomicU64,
}

impl Sampler {
    pub(super) fn new(sampling: Sampling) -> Self {
        let share = match sampling {
            Sampling::All => 1.0,
            Sampling::None => 0.0,
            Sampling::Share(share) => share,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "the cast saturates, and a share is not exact"
        )]
        let threshold = (share * u64::MAX as f64) as u64;
        Self {
            sampling,
            threshold,
            state: AtomicU64::new(RandomState::new().hash_one("sampling")),
        }
    }

    /// True if the exchange that begins is to be traced.
    pub(super) fn draw(&self) -> bool {
        match self.sampling {
            Sampling::All => true,
            Sampling::None => false,
            Sampling::Share(_) => mixed(self.state.fetch_add(GOLDEN, Relaxed)) < self.threshold,
        }
    }
}

/// The output function of `SplitMix64`: neighbours in, unrelated numbers out.
const fn mixed(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 2⁶⁴ divided by the golden ratio: the step of `SplitMix64`.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    fn traced(sampling: Sampling) -> usize {
        let sampler = Sampler::new(sampling);
        (0..100_000).filter(|_| sampler.draw()).count()
    }

    #[test]
    fn a_share_of_exchanges_is_traced() {
        // Six standard deviations of 100,000 draws at 1 %.
        let one_percent = traced(Sampling::Share(0.01));
        assert!((811..1189).contains(&one_percent), "{one_percent}");
        assert_eq!(traced(Sampling::Share(0.0)), 0);
        assert_eq!(traced(Sampling::Share(1.0)), 100_000);
        assert_eq!(traced(Sampling::All), 100_000);
        assert_eq!(traced(Sampling::None), 0);
    }
}
