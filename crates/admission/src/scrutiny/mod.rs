//! Who asks as nobody with a reason to ask does.
//!
//! Scope: what is remembered of past questions so that guessing and scraping are noticed, and what
//! follows. Not here: how often one may ask (`quota`), and what one may ask (`check.rs`).
//!
//! *Invariant:* of officers and citizens only hashes are kept, under a key that is drawn when the
//! process starts and never leaves it, and of these never more than a fixed number.

mod mismatch;
mod names;

pub(crate) use mismatch::Mismatches;
pub(crate) use names::{Name, Names};
