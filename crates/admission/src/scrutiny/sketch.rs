//! About how many different citizens: exactly as long as they are few, and then within some 3 %.
//!
//! A set with a cap would need 4 bytes for each of a hundred thousand; `HyperLogLog` needs 1 KiB for any
//! number, and tells a hundred from two hundred no worse.
//!
//! *Invariant:* 1 KiB at most, whatever is added; of citizens only what a keyed hash leaves.

use super::watch::Mark;

/// Different citizens, as far as they can be told apart.
#[derive(Debug)]
pub(super) enum Sketch {
    Few(Vec<u32>),
    Many(Box<Registers>),
}

/// `HyperLogLog`: for each of 1,024 parts of the citizens the longest run of zeros that was seen.
pub(super) struct Registers {
    ranks: [u8; REGISTERS],
    /// Σ 2^-rank: exact, since no rank is above 23.
    sum: f64,
    zeros: u16,
}

impl Default for Sketch {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Sketch {
    /// Adds a citizen.
    pub(super) fn add(&mut self, mark: Mark) {
        match self {
            Self::Few(all) if all.contains(&mark.0) => {}
            Self::Few(all) if all.len() < FEW => all.push(mark.0),
            Self::Few(all) => {
                let mut registers = Registers::new();
                for hash in all.drain(..).chain([mark.0]) {
                    registers.add(hash);
                }
                *self = Self::Many(Box::new(registers));
            }
            Self::Many(registers) => registers.add(mark.0),
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u32 {
        match self {
            Self::Few(all) => u32::try_from(all.len()).unwrap_or(u32::MAX),
            // As far as floats go it saturates.
            Self::Many(registers) => registers.estimate() as u32,
        }
    }
}

impl Registers {
    const fn new() -> Self {
        Self {
            ranks: [0; REGISTERS],
            sum: REGISTERS as f64,
            zeros: REGISTERS as u16,
        }
    }

    fn add(&mut self, hash: u32) {
        let place = hash as usize % REGISTERS;
        // Of the 22 bits that are left.
        let rank = (hash | (REGISTERS as u32 - 1)).leading_zeros() as u8 + 1;
        if let Some(held) = self.ranks.get_mut(place).filter(|held| **held < rank) {
            self.sum += power(rank) - power(*held);
            self.zeros -= u16::from(*held == 0);
            *held = rank;
        }
    }

    /// Few leave places empty, which tells better than the runs do.
    fn estimate(&self) -> f64 {
        let places = REGISTERS as f64;
        let raw = 0.7213 / (1.0 + 1.079 / places) * places * places / self.sum;
        match self.zeros {
            empty if empty > 0 && raw <= 2.5 * places => places * (places / f64::from(empty)).ln(),
            _ => raw,
        }
    }
}

/// 2^-rank.
fn power(rank: u8) -> f64 {
    f64::from(rank).exp2().recip()
}

impl std::fmt::Debug for Registers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registers(…)")
    }
}

/// Counted exactly: an officer's budget of an hour.
const FEW: usize = 256;
/// The standard error is 1.04 / √1,024: 3.3 %.
const REGISTERS: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    /// `SplitMix64`: every bit depends on every other.
    fn mark(n: u64) -> Mark {
        let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Mark((mixed ^ (mixed >> 31)) as u32)
    }

    #[test]
    fn few_are_counted_one_by_one_and_each_once() {
        let mut sketch = Sketch::default();
        for n in 0..FEW as u64 {
            assert_eq!(u64::from(sketch.count()), n);
            sketch.add(mark(n));
            sketch.add(mark(n / 2));
        }
        assert_eq!(sketch.count() as usize, FEW);
    }

    #[test]
    fn many_are_counted_within_a_tenth_and_in_one_kibibyte() {
        let mut sketch = Sketch::default();
        let mut next = 300;
        for n in 0..3_000_000_u64 {
            sketch.add(mark(n));
            sketch.add(mark(n / 3));
            if n + 1 == next {
                let (told, truth) = (f64::from(sketch.count()), next as f64);
                assert!((told / truth - 1.0).abs() < 0.1, "{told} of {truth}");
                next *= 3;
            }
        }
        assert!(next > 3_000_000 && size_of::<Registers>() < 1_100);
    }
}
