//! Keyed permutations: both directions compute, nothing is stored.

use super::mix;

/// A permutation of `0..size`: a Feistel network over the next even power of two, walked until
/// the result falls below `size`.
#[derive(Clone, Debug)]
pub(crate) struct Permutation {
    size: u64,
    half_bits: u32,
    keys: [u64; ROUNDS],
}

impl Permutation {
    /// The permutation of `0..size` under that key.
    pub(crate) fn new(size: u64, key: u64) -> Self {
        let bits = u64::BITS - size.saturating_sub(1).leading_zeros();
        let mut keys = [0; ROUNDS];
        let mut next = key;
        for round in &mut keys {
            next = mix(next);
            *round = next;
        }
        Self {
            size,
            half_bits: bits.div_ceil(2).max(1),
            keys,
        }
    }

    /// Where `place` goes; it must be below the size.
    pub(crate) fn forward(&self, place: u64) -> u64 {
        self.walk(place, |mut left, mut right| {
            for key in &self.keys {
                (left, right) = (right, left ^ self.round(right, *key));
            }
            (left, right)
        })
    }

    /// What goes to `place`; it must be below the size.
    pub(crate) fn backward(&self, place: u64) -> u64 {
        self.walk(place, |mut left, mut right| {
            for key in self.keys.iter().rev() {
                (left, right) = (right ^ self.round(left, *key), left);
            }
            (left, right)
        })
    }

    fn walk(&self, mut place: u64, step: impl Fn(u64, u64) -> (u64, u64)) -> u64 {
        debug_assert!(place < self.size, "outside the permutation");
        loop {
            let (left, right) = step(place >> self.half_bits, place & self.mask());
            place = (left << self.half_bits) | right;
            if place < self.size {
                return place;
            }
        }
    }

    const fn round(&self, half: u64, key: u64) -> u64 {
        mix(half ^ key) & self.mask()
    }

    const fn mask(&self) -> u64 {
        (1 << self.half_bits) - 1
    }
}

/// Four rounds hide every pattern that a reader of a sandbox could see.
const ROUNDS: usize = 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_place_is_reached_once() {
        for size in [1, 2, 10, 999, 1000, 4096] {
            let permutation = Permutation::new(size, 7);
            let mut seen: Vec<u64> = (0..size).map(|p| permutation.forward(p)).collect();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..size), "{size}");
        }
    }

    proptest! {
        #[test]
        fn backward_undoes_forward(size in 1_u64..600_000_000, key: u64, place: u64) {
            let permutation = Permutation::new(size, key);
            let place = place % size;
            prop_assert_eq!(permutation.backward(permutation.forward(place)), place);
            prop_assert_eq!(permutation.forward(permutation.backward(place)), place);
        }
    }
}
