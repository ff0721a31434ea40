//! Until when the certificates and revocation lists in use are good, and which policy is in force.
//!
//! Not here: reading them. Who loads them says so, at the start and after each reload.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use identity::Lifetimes;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::{counter, gauge};

/// What is in force.
#[derive(Debug, Default)]
pub(super) struct InForce {
    lifetimes: Mutex<Option<Lifetimes>>,
    policy: Mutex<Option<Box<str>>>,
    reloads: [AtomicU64; 2],
}

/// How it went when a configuration or the certificates were read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// All of it was good.
    Good,
    /// It was refused, and what was in force stays.
    Refused,
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
        let read = Arc::clone(&this);
        counter(
            meter,
            "config.reloads",
            "How often the configuration or the certificates were read again.",
            move |counted| {
                for (result, count) in ["good", "refused"].into_iter().zip(&read.reloads) {
                    let result = KeyValue::new("result", result);
                    counted.observe(count.load(Ordering::Relaxed), &[result]);
                }
            },
        );
        this
    }

    pub(super) fn reloaded(&self, how: Reading) {
        let [good, refused] = &self.reloads;
        let place = match how {
            Reading::Good => good,
            Reading::Refused => refused,
        };
        place.fetch_add(1, Ordering::Relaxed);
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
