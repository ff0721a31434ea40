//! What leaves the process, as it leaves.

mod lines;
mod spans;

use exchange::Clock;
use jiff::Timestamp;

/// A clock that stands still.
#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        "2026-02-03T04:05:06.789Z".parse().unwrap()
    }
}
