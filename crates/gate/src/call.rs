//! What the doors hand over with a request, and what they get back.

use std::sync::Arc;

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
    /// The record of the same question before, if it is asked again.
    pub repeats: Option<Place>,
}

/// The place of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The log, by its origin.
    pub log: Arc<str>,
    /// The number of the record in it.
    pub seq: u64,
}

/// An answer, and the state of the caller's quota for the headers.
#[derive(Debug)]
pub struct Reply<T> {
    /// The answer.
    pub message: T,
    /// The caller's quota after this call.
    pub quota: QuotaState,
}
