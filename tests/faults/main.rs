//! Agencies that fail, each in its own way, against the running program: what the caller, the
//! operator and the agency see of it.
//!
//! Each test names the rows of the fault matrix that it covers.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests stand outside the test functions, and what was measured is shown"
)]

mod agencies;
mod amplification;
mod bad_day;
mod batches;
mod bodies;
mod down;
mod elsewhere;
mod endpoints;
mod errors;
mod hurry;
mod identical;
mod line;
mod maintenance;
mod phases;
mod proxy;
mod refusals;
mod scenarios;
mod scene;
mod sessions;
mod silence;
mod slow;
mod storm;
mod strangers;
mod trust;
mod verdicts;
