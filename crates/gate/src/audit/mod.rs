//! The record as its readers ask for it.
//!
//! Proofs and checkpoints are of what anybody may read, so they need no more than a caller that the
//! policy knows. Whatever opens a record needs a duty, and is recorded itself. Not here: how the
//! record is kept and searched (crate `evidence`).

mod accesses;
mod inspect;
mod leaf;
mod pages;
mod proofs;
mod records;
mod usage;

pub use proofs::Checkpoints;
pub use records::{Period, Records};
pub use usage::{Usage, Usages};

/// A time in milliseconds since 1970, as the contract carries it.
pub(crate) fn time(ms: u64) -> api::Timestamp {
    api::Timestamp {
        seconds: i64::try_from(ms / 1_000).unwrap_or(i64::MAX),
        nanos: i32::try_from(ms % 1_000 * 1_000_000).unwrap_or(0),
    }
}
