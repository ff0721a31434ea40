//! The listener as an attacker, a careless client and a slow line meet it: TLS, HTTP/1.1, HTTP/2 and
//! payloads, against the running program over real sockets, raw frames where a library would refuse to
//! misbehave.
//!
//! Each test names the rows of the fault matrix that it covers.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "helpers of tests stand outside the test functions"
)]

mod balancer;
mod certificates;
mod floods;
mod fuzz;
mod identity;
mod injection;
mod messages;
mod payload;
mod rotation;
mod slow;
mod smuggling;
mod testssl;
mod tls;
