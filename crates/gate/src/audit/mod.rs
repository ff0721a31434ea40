//! The record as its readers ask for it.
//!
//! Proofs and checkpoints are of what anybody may read, so they need no more than a caller that the
//! policy knows. Not here: how the record is kept and searched (crate `evidence`).

mod proofs;

pub use proofs::Checkpoints;
