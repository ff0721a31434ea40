//! Whether this node should be sent calls. One agency more or less does not change it.
//!
//! Not here: how it is told (`operations`, `grpc.health.v1`).

use std::sync::Arc;

use tokio::sync::watch;

/// Whether this node should be sent calls; cloned by reference count.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<watch::Sender<State>>);

/// What readiness is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) record: Record,
    pub(crate) certificate: Certificate,
    pub(crate) draining: bool,
}

/// Whether the record of exchanges can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// It can.
    Writable,
    /// It cannot: no question is asked.
    Unwritable,
}

/// Whether the listener's own certificate and the revocation lists are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certificate {
    /// They are.
    InForce,
    /// One of them has ended.
    Ended,
}

impl Readiness {
    /// Ready: the log has been opened, the certificates have been loaded.
    #[must_use]
    pub fn new() -> Self {
        let state = State {
            record: Record::Writable,
            certificate: Certificate::InForce,
            draining: false,
        };
        Self(Arc::new(watch::Sender::new(state)))
    }

    /// Says whether the record can be written.
    pub fn record(&self, record: Record) {
        self.change(|state| state.record = record);
    }

    /// Says that this node takes no more calls; there is no way back.
    pub fn draining(&self) {
        self.change(|state| state.draining = true);
    }

    /// True if calls should be sent here.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.borrow().is_ready()
    }

    pub(crate) fn certificate(&self, certificate: Certificate) {
        self.change(|state| state.certificate = certificate);
    }

    pub(crate) fn state(&self) -> State {
        *self.0.borrow()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<State> {
        self.0.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        self.0.send_if_modified(|state| {
            let before = *state;
            change(state);
            *state != before
        });
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    /// True if calls should be sent here.
    pub(crate) fn is_ready(self) -> bool {
        self.checks().all(|(_, passes)| passes)
    }

    /// Every check by its name.
    pub(crate) fn checks(self) -> impl Iterator<Item = (&'static str, bool)> {
        [
            ("record", self.record == Record::Writable),
            ("certificates", self.certificate == Certificate::InForce),
            ("accepting", !self.draining),
        ]
        .into_iter()
    }
}
