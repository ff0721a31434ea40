//! Whether a question is asked again after a log-out.
//!
//! Who is logged out asks once again, in a fresh session, and no retry is paid for it. An agency that
//! logs out the second question too is asked once a question for a while, or until it answers one: or
//! a storm of callers would reach it twice as hard.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

/// The log-outs of a source.
#[derive(Debug)]
pub struct LogOuts {
    begun: Instant,
    /// Until how many milliseconds after the begin no question is asked again.
    once_until_ms: AtomicU64,
}

impl LogOuts {
    /// None so far.
    pub fn new() -> Self {
        Self {
            begun: Instant::now(),
            once_until_ms: AtomicU64::new(0),
        }
    }

    /// True if a question that was logged out is worth asking again.
    pub fn may_ask_again(&self) -> bool {
        self.now_ms() >= self.once_until_ms.load(Relaxed)
    }

    /// Takes note of a question that was logged out in the end, whether or not it was asked again.
    pub fn in_vain(&self) {
        self.once_until_ms.store(self.now_ms() + WHILE_MS, Relaxed);
    }

    /// Takes note of an answer.
    pub fn answered(&self) {
        if self.once_until_ms.load(Relaxed) != 0 {
            self.once_until_ms.store(0, Relaxed);
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Default for LogOuts {
    fn default() -> Self {
        Self::new()
    }
}

/// A storm renews it with every question; who asks more seldom asks twice.
const WHILE_MS: u64 = Duration::from_secs(5).as_millis() as u64;
