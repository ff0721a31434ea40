//! Load, and the life of a gateway under it: overload, deadlines, cancellation, restarts, and what
//! runs out: against the running program.
//!
//! Each test names the rows of the fault matrix that it covers.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests stand outside the test functions; what was measured is shown"
)]

mod cancelled;
mod collector;
mod deadlines;
mod descriptors;
mod dossiers;
mod memory;
mod overload;
mod panics;
mod restart;
