//! Whether a question is asked again after a log-out.
//!
//! Who is logged out asks once again, in a fresh session, and no retry is paid for it. An agency that
//! logs out the second question too is asked once a question, until it says something else: or a storm
//! of callers would reach it twice as hard.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The log-outs of a source, as its last questions met them.
#[derive(Debug, Default)]
pub struct LogOuts {
    /// The last question ended with one.
    in_vain: AtomicBool,
}

impl LogOuts {
    /// True if a question that was logged out is worth asking again.
    pub fn may_ask_again(&self) -> bool {
        !self.in_vain.load(Relaxed)
    }

    /// Takes note of how a question ended: logged out, asked again or not, or with anything else.
    pub fn ended(&self, logged_out: bool) {
        if self.in_vain.load(Relaxed) != logged_out {
            self.in_vain.store(logged_out, Relaxed);
        }
    }
}
