//! What the gate tells whoever counts. Not here: a metrics library.

use std::fmt;
use std::time::Duration;

use admission::Suspicion;
use evidence::BatchState;
use exchange::{Caller, Closed, RequestId, Source, SourceState};

use crate::ItemEnd;

/// Is told what happens on the road; called on it, so it returns at once.
pub trait Observer: Send + Sync + fmt::Debug {
    /// A source is done with a question.
    fn source(&self, _caller: &Caller, _source: Source, _state: SourceState, _took: Duration) {}
    /// A source is not asked for a question of its own: it was asked once for it and for the same one.
    fn joined(&self, _source: Source) {}
    /// A source is not asked for a verification, whose verdict is remembered.
    fn remembered(&self, _source: Source) {}
    /// A source answered about another person: wake someone.
    fn wrong_subject(&self, _source: Source) {}
    /// The adapter of a source panicked at a question: wake someone.
    fn panicked(&self, _source: Source) {}
    /// A caller is about to be answered in an emergency: wake someone.
    fn break_glass(&self, _caller: &Caller, _request: &RequestId) {}
    /// A caller asks as no officer at work does: wake someone if it is suspended.
    fn suspected(&self, _caller: &Caller, _suspicion: Suspicion) {}
    /// A caller asks a source about a person who is closed to it: wake someone.
    fn closed(&self, _caller: &Caller, _request: &RequestId, _source: Source, _why: Closed) {}
    /// A caller to whom they are open asks about a highly protected person: wake someone.
    fn protected(&self, _caller: &Caller, _request: &RequestId) {}
    /// So many batch jobs are in each state; of a state that is not told there are none.
    fn batch_jobs(&self, _jobs: &[(BatchState, u64)]) {}
    /// An item of a batch job was asked.
    fn batch_item(&self, _end: ItemEnd) {}
    /// A caller asks about a canary: wake someone.
    fn canary(&self, _caller: &Caller, _request: &RequestId) {}
}

/// Counts nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}
