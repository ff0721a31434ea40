//! What the log tells whoever measures it. Not here: a metrics library.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::keys::VerifierKey;
use crate::verify::VerifyError;
use crate::{Error, NotCosigned};

/// Is told what the log does; every method has a default that does nothing.
///
/// Called on the writing thread where nothing else is said: they must return at once.
pub trait Observer: Send + Sync + fmt::Debug {
    /// An exchange waited this long for its record. Called by the exchange.
    fn commit_wait(&self, _wait: Duration) {}
    /// One `fdatasync` took this long.
    fn synced(&self, _took: Duration) {}
    /// A batch with that many leaves is durable.
    fn batch(&self, _leaves: u32) {}
    /// That many exchanges are open or wait for their record.
    fn queue_depth(&self, _places: u32) {}
    /// That many bytes are free on the disk of the log.
    fn free_bytes(&self, _bytes: u64) {}
    /// From now on the disk of the log has no room for what is new, or it has again; only when that
    /// changes.
    fn disk_low(&self, _low: bool) {}
    /// The sequence number of the next leaf.
    fn next_seq(&self, _seq: u64) {}
    /// A checkpoint over that many leaves is shown. Called on the publishing thread.
    fn published(&self, _size: u64) {}
    /// Records before that number are in the index. Called on the filing thread.
    fn filed(&self, _next: u64) {}
    /// So many sealed openings cannot be opened and were not erased: their keys are lost. Called on
    /// the filing thread.
    fn openings_lost(&self, _count: u64) {}
    /// What is published could not be filed; it is tried again. Called on the filing thread.
    fn not_filed(&self, _error: &Error) {}
    /// What was done with request ids is stored; `again` after a failure. Called on the thread that keeps
    /// them, as the two that follow.
    fn request_ids_stored(&self, _again: bool) {}
    /// It could not be stored; it is tried again. `is_first` if it could the last time.
    fn request_ids_not_stored(&self, _error: &Error, _is_first: bool) {}
    /// So many steps were never stored: too many waited.
    fn request_ids_lost(&self, _count: u64) {}
    /// The whole log was read again and nothing was wrong with it, at this time in seconds since 1970.
    /// Called on the scrubbing thread, as the two that follow.
    fn scrubbed(&self, _at_s: u64) {}
    /// The log was read again, and this is wrong with it.
    fn scrub_found(&self, _found: &VerifyError) {}
    /// The log is larger than is read within the interval: it takes so long.
    fn scrub_late(&self, _needs: Duration) {}
    /// The wall clock was set, by so many milliseconds.
    fn clock_set(&self, _step_ms: i64) {}
    /// Other keys sign from here on, and some do not any more. Called on the thread that keeps keys, or
    /// at the start.
    fn keys_changed(&self, _add: &[VerifierKey], _gone: &[VerifierKey]) {}
    /// The keys that are wanted could not be brought in force; it is tried again. Called on the thread
    /// that keeps keys, once for every reason.
    fn keys_not_changed(&self, _error: &Error) {}
    /// What is durable could not be published; it is tried again. Called on the publishing thread.
    fn not_published(&self, _error: &Error) {}
    /// The log of the next half-year could not be prepared or begun, or this one not be linked to it; it
    /// is tried again. Called on the thread that turns.
    fn not_turned(&self, _error: &Error) {}
    /// The lock store of a half-year was taken out of the directory of the node. Called at the start, or
    /// on the thread that turns.
    fn lock_store_moved(&self, _from: &Path, _to: &Path) {}
    /// So many cosignatures are under the latest checkpoint. Called on the publishing thread.
    fn cosigned(&self, _count: usize) {}
    /// A witness did not cosign; it is asked again. `is_first` if it did the last time. Called on the
    /// thread that asks witnesses, as all that follow.
    fn not_cosigned(&self, _witness: &str, _why: &NotCosigned, _is_first: bool) {}
    /// A witness that had failed cosigns again.
    fn cosigns_again(&self, _witness: &str) {}
    /// No checkpoint has met the quorum for so long; zero if the latest one has. Every second.
    fn quorum_missing(&self, _time: Duration) {}
    /// The quorum is missing for so long that somebody must look; once each time.
    fn quorum_overdue(&self, _time: Duration) {}
}

/// Measures nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}
