//! Until when the certificates and revocation lists in use are good, and which policy is in force.
//!
//! Not here: reading them. Who loads them says so, at the start and after each reload.

use std::sync::{Arc, Mutex, PoisonError};

use identity::Lifetimes;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::gauge;

/// What is in force.
#[derive(Debug, Default)]
pub(super) struct InForce {
    lifetimes: Mutex<Option<Lifetimes>>,
    policy: Mutex<Option<Box<str>>>,
}

impl InForce {
    pub(super) fn new(meter: &Meter) -> Arc<Self> {
        let this = Arc::<Self>::default();
        let seconds = |name, description| {
            let gauge = meter.i64_observable_gauge(name);
            gauge.with_unit("s").with_description(description)
        };
        let read = Arc::clone(&this);
        seconds(
            "tls.certificate.not_after",
            "When a certificate in use ends, in seconds of Unix time.",
        )
        .with_callback(move |gauge| {
            if let Some(lifetimes) = read.lifetimes() {
                let role = KeyValue::new("role", "server");
                gauge.observe(lifetimes.certificate_not_after.as_second(), &[role]);
            }
        })
        .build();
        let read = Arc::clone(&this);
        seconds(
            "tls.crl.next_update",
            "When the first revocation list is due, in seconds of Unix time.",
        )
        .with_callback(move |gauge| {
            if let Some(due) = read.lifetimes().and_then(|l| l.crl_next_update) {
                gauge.observe(due.as_second(), &[]);
            }
        })
        .build();
        this.show_policy(meter);
        this
    }

    fn show_policy(self: &Arc<Self>, meter: &Meter) {
        let read = Arc::clone(self);
        gauge(
            meter,
            "config.digest.info",
            "",
            "One; its label is the digest of what is in force.",
            move |gauge| {
                let policy = read.policy.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(digest) = policy.as_deref() {
                    let labels = [
                        KeyValue::new("part", "policy"),
                        KeyValue::new("digest", digest.to_owned()),
                    ];
                    gauge.observe(1, &labels);
                }
            },
        );
    }

    pub(super) fn certificates(&self, lifetimes: Lifetimes) {
        let mut place = self
            .lifetimes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *place = Some(lifetimes);
    }

    pub(super) fn policy(&self, digest: &[u8; 32]) {
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut place = self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        *place = Some(hex.into());
    }

    fn lifetimes(&self) -> Option<Lifetimes> {
        *self
            .lifetimes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
