//! What the suites share: an agency with its simulator in one line, a whole gateway in another.
//!
//! Not here: any assertion about the gateway.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "the harness of tests: what cannot be set up ends the test"
)]

mod bench;

pub use bench::{Ask, Bench, ask_agency};
