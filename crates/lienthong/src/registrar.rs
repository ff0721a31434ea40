//! Registers and withdraws consents, each with its record. Not here: how they are kept and checked
//! (crate `admission`).
//!
//! *Invariant:* nothing is registered or withdrawn before its record is durable.

use std::sync::Arc;

use admission::{ConsentError, Consents};
use edge::{Consented, Registration, Undone, Withdrawal};
use evidence::{Deed, Evidence};
use tokio::sync::Mutex;
use tokio::task::{JoinError, spawn_blocking};

use crate::config::chain;
use crate::deed;

/// Does what an operator wants of the registry.
#[derive(Debug)]
pub(crate) struct Registrar {
    consents: Arc<Consents>,
    evidence: Evidence,
    /// One change at a time: what is checked before the record holds behind it.
    turn: Mutex<()>,
}

impl Registrar {
    pub(crate) fn new(consents: Arc<Consents>, evidence: Evidence) -> Self {
        Self {
            consents,
            evidence,
            turn: Mutex::new(()),
        }
    }

    /// Registers a consent.
    pub(crate) async fn register(&self, it: Registration) -> Result<Consented, Undone> {
        let _turn = self.turn.lock().await;
        if self.consents.knows(&it.consent.id) {
            return Err(refused(&ConsentError::Known));
        }
        let deed = Deed::Consent(&it.consent.agency, &it.consent.id);
        let seq = self.record(deed, &it.operator, &it.reason).await?;
        let consents = Arc::clone(&self.consents);
        done(
            spawn_blocking(move || consents.register(&it.consent)).await,
            seq,
        )
    }

    /// Withdraws a consent.
    pub(crate) async fn withdraw(&self, it: Withdrawal) -> Result<Consented, Undone> {
        let _turn = self.turn.lock().await;
        if !self.consents.holds(&it.consent) {
            return Err(refused(&ConsentError::Unknown));
        }
        let deed = Deed::Withdraw(&it.consent);
        let seq = self.record(deed, &it.operator, &it.reason).await?;
        let consents = Arc::clone(&self.consents);
        done(
            spawn_blocking(move || consents.withdraw(&it.consent)).await,
            seq,
        )
    }

    async fn record(
        &self,
        deed: Deed<'_>,
        operator: &exchange::OfficerId,
        reason: &exchange::ReasonText,
    ) -> Result<u64, Undone> {
        if !self.consents.are_kept() {
            let what = format!("{}: gateway.consents names its file", ConsentError::None);
            return Err(Undone::Refused(what));
        }
        deed::record(&self.evidence, deed, operator, reason).await
    }
}

fn done(
    written: Result<Result<(), ConsentError>, JoinError>,
    seq: u64,
) -> Result<Consented, Undone> {
    match written {
        Ok(Ok(())) => Ok(Consented { seq }),
        Ok(Err(error)) => Err(Undone::Unavailable(format!(
            "record {seq} stands, but it is not done: {}",
            chain(&error)
        ))),
        Err(error) => Err(Undone::Unavailable(error.to_string())),
    }
}

fn refused(error: &ConsentError) -> Undone {
    Undone::Refused(error.to_string())
}
