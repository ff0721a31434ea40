//! What was counted and told while a gate worked.

use std::sync::Mutex;
use std::time::Duration;

use exchange::{Caller, Closed, RequestId, Source, SourceState};

use crate::Observer;

/// Which sources were counted, and how they ended; who asked about a canary; what was closed; which
/// sources were asked once for several; and which were not asked for a remembered verdict.
#[derive(Debug, Default)]
pub(super) struct Seen(
    Mutex<Vec<(Source, SourceState)>>,
    Mutex<Vec<String>>,
    Mutex<Vec<(Source, Closed)>>,
    Mutex<Vec<Source>>,
    Mutex<Vec<Source>>,
);

impl Seen {
    pub(super) fn all(&self) -> Vec<(Source, SourceState)> {
        self.0.lock().unwrap().clone()
    }

    pub(super) fn hits(&self) -> Vec<String> {
        self.1.lock().unwrap().clone()
    }

    pub(super) fn joined(&self) -> Vec<Source> {
        self.3.lock().unwrap().clone()
    }

    pub(super) fn remembered(&self) -> Vec<Source> {
        self.4.lock().unwrap().clone()
    }

    pub(super) fn closed(&self) -> Vec<(Source, Closed)> {
        self.2.lock().unwrap().clone()
    }
}

impl Observer for Seen {
    fn source(&self, _caller: &Caller, source: Source, state: SourceState, _took: Duration) {
        self.0.lock().unwrap().push((source, state));
    }

    fn joined(&self, source: Source) {
        self.3.lock().unwrap().push(source);
    }

    fn remembered(&self, source: Source) {
        self.4.lock().unwrap().push(source);
    }

    fn closed(&self, _caller: &Caller, _request: &RequestId, source: Source, why: Closed) {
        self.2.lock().unwrap().push((source, why));
    }

    fn canary(&self, caller: &Caller, request: &RequestId) {
        let hit = format!("{} {} {request}", caller.agency(), caller.system());
        self.1.lock().unwrap().push(hit);
    }
}
