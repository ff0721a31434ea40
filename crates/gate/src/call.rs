//! What the doors hand over with a request, and what they get back.

use admission::QuotaState;
use exchange::Caller;
use tokio::time::Instant;

/// Who calls, and until when they wait.
#[derive(Clone, Debug)]
pub struct Call {
    /// The verified caller.
    pub caller: Caller,
    /// When an answer is too late for them.
    pub deadline: Instant,
}

/// An answer, and the state of the caller's quota for the headers.
#[derive(Debug)]
pub struct Reply<T> {
    /// The answer.
    pub message: T,
    /// The caller's quota after this call.
    pub quota: QuotaState,
}
