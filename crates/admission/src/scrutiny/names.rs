//! What stands for an officer or a citizen in memory.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher as _, Hash};

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
