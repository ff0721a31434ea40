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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_question_in_vain_each_is_asked_once_for_a_while_or_until_an_answer() {
        let log_outs = LogOuts::new();
        assert!(log_outs.may_ask_again());
        tokio::time::advance(Duration::from_secs(60)).await;
        log_outs.in_vain();
        tokio::time::advance(Duration::from_millis(4_999)).await;
        assert!(!log_outs.may_ask_again());
        log_outs.in_vain();
        tokio::time::advance(Duration::from_millis(4_999)).await;
        assert!(!log_outs.may_ask_again(), "a storm renews it");
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(log_outs.may_ask_again());
        log_outs.in_vain();
        log_outs.answered();
        assert!(log_outs.may_ask_again());
    }
}
