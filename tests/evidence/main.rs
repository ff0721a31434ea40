//! The record, checked by programs nobody here wrote.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests stand outside the test functions"
)]

mod backup;
mod commands;
mod cosigned;
mod disk;
mod drain;
mod half_years;
mod kills;
mod logs;
mod proofs;
mod recorder;
mod rollback;
mod rotation;
mod served;
mod sizes;
mod strace;
mod syscalls;
mod tamper;
mod witness;
