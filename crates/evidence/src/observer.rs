//! What the log tells whoever measures it. Not here: a metrics library.

use std::fmt;
use std::time::Duration;

use crate::Error;

/// Is told what the log does; every method has a default that does nothing.
///
/// All but `commit_wait` are called on the writing thread: they must return at once.
pub trait Observer: Send + Sync + fmt::Debug {
    /// An exchange waited this long for its record.
    fn commit_wait(&self, _wait: Duration) {}
    /// One `fdatasync` took this long.
    fn synced(&self, _took: Duration) {}
    /// A batch with that many leaves is durable.
    fn batch(&self, _leaves: u32) {}
    /// That many exchanges are open or wait for their record.
    fn queue_depth(&self, _places: u32) {}
    /// That many bytes are free on the disk of the log.
    fn free_bytes(&self, _bytes: u64) {}
    /// The sequence number of the next leaf.
    fn next_seq(&self, _seq: u64) {}
    /// A checkpoint over that many leaves is shown. Called on the publishing thread.
    fn published(&self, _size: u64) {}
    /// Records before that number are in the index. Called on the filing thread.
    fn filed(&self, _next: u64) {}
    /// What is published could not be filed; it is tried again. Called on the filing thread.
    fn not_filed(&self, _error: &Error) {}
    /// What is durable could not be published; it is tried again. Called on the publishing thread.
    fn not_published(&self, _error: &Error) {}
}

/// Measures nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}
