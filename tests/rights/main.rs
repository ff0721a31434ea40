//! Who may ask what, how often, and nobody else: agreements, quotas, scraping, verification, switches and
//! break-glass, against the running program.
//!
//! Each test names the rows of the fault matrix that it covers.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests stand outside the test functions"
)]

mod agreements;
mod bounds;
mod hindsight;
mod masks;
mod quotas;
mod scraping;
