//! The built program from the outside: a sandbox with five simulated agencies, asked over both
//! doors, broken, killed, restarted and verified.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "helpers of tests stand outside the test functions; a matrix of cases is long"
)]

mod answers;
mod audit;
mod citizen;
mod database;
mod evidence;
mod faults;
mod life;
mod operators;
mod policies;
mod refusals;
mod reload;
mod scan;
mod schema;
mod snippets;
mod telemetry;
