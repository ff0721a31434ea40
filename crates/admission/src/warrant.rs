//! The proof that a caller may do something with the record.
//!
//! *Invariant:* a [`Warrant`] has no public constructor and cannot be cloned; who holds one has
//! been through [`crate::Admission::admit_duty`].

use std::sync::Arc;

use crate::policy::Agreement;
use crate::{Duty, Policy, QuotaState};

/// Proof that a caller may do one thing with the record, once.
#[derive(Debug)]
#[must_use]
pub struct Warrant {
    duty: Duty,
    agreement: Arc<str>,
    policy_digest: [u8; 32],
    quota: QuotaState,
}

impl Warrant {
    pub(crate) fn new(
        policy: &Policy,
        agreement: &Agreement,
        duty: Duty,
        quota: QuotaState,
    ) -> Self {
        Self {
            duty,
            agreement: Arc::clone(&agreement.id),
            policy_digest: *policy.digest(),
            quota,
        }
    }

    /// What the caller may do.
    #[must_use]
    pub const fn duty(&self) -> Duty {
        self.duty
    }

    /// The id of the agreement that grants it.
    #[must_use]
    pub const fn agreement(&self) -> &Arc<str> {
        &self.agreement
    }

    /// SHA-256 of the policy that decided, for the record.
    #[must_use]
    pub const fn policy_digest(&self) -> &[u8; 32] {
        &self.policy_digest
    }

    /// The caller's quota after this request.
    #[must_use]
    pub const fn quota(&self) -> &QuotaState {
        &self.quota
    }
}
