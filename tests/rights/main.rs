//! Who may ask what, how often, and nobody else: agreements, quotas, scraping, verification, switches and
//! break-glass, against the running program.
//!
//! Each test names the rows of the fault matrix that it covers.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "helpers of tests stand outside the test functions; a scene is long, and what was measured shown"
)]

mod agreements;
mod batches;
mod bounds;
mod citizens;
mod closed;
mod consents;
mod dry;
mod emergency;
mod hindsight;
mod masks;
mod nodes;
mod pages;
mod quotas;
mod remembered;
mod replays;
mod scraping;
mod statistics;
mod switches;
mod verification;
mod withheld;
