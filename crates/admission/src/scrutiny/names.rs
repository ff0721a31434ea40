//! What stands for an officer or a citizen in memory.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hash, Hasher};

/// A keyed hash, good for this process alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Name(pub(super) u64);

/// Gives the names of one process: `SipHash` under a random key.
///
/// 64 bits: among a million names, two are the same by chance once in 37 million processes.
#[derive(Clone, Default)]
pub(crate) struct Names(RandomState);

impl Names {
    /// The name of what is given.
    pub(crate) fn of(&self, what: impl Hash) -> Name {
        Name(self.0.hash_one(what))
    }
}

/// A map by name, which does not hash again what is a keyed hash.
pub(crate) type ByName<T> = HashMap<Name, T, BuildHasherDefault<AsItIs>>;

/// The hash of a name: itself.
#[derive(Clone, Copy, Default)]
pub(crate) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte); // never reached: a name is one number
        }
    }

    fn write_u64(&mut self, name: u64) {
        self.0 = name;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name(…)")
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names(…)")
    }
}
