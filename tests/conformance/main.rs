//! What every agency's adapter must do, whatever its wire: one suite over the whole registry.
//!
//! Each test starts every agency's simulator on its own wire, over a real socket, and asks it by
//! its adapter. An agency is asked what it can do; a new one is covered by its line in the
//! registry.

#![expect(
    clippy::panic,
    reason = "helpers of tests stand outside the test functions"
)]

mod answers;
mod faults;
mod resolution;
