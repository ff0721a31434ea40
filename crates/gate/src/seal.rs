//! The last room: the record is durable, then the answer leaves.

use admission::Permit;
use api::v1;
use evidence::{Open, Outcome, Receipt};
use exchange::Fault;
use tracing::Instrument as _;

use crate::answer::Draft;
use crate::audit::time;
use crate::{Gate, Reply, trace};

impl Draft {
    /// The answer or the fault, with the place of its record.
    pub(crate) fn sealed(
        mut self,
        receipt: &Receipt,
        permit: &Permit,
    ) -> Result<Reply<v1::LookupCitizenResponse>, Fault> {
        match self.fault {
            Some(fault) => Err(fault.with("seq", receipt.seq().to_string())),
            None => {
                self.response.receipt = Some(message(receipt));
                Ok(Reply {
                    message: self.response,
                    quota: permit.quota().clone(),
                })
            }
        }
    }
}

impl Gate {
    /// Seals the record of a lookup: waits until it is durable.
    pub(crate) async fn record(&self, open: Open, draft: &Draft) -> Result<Receipt, Fault> {
        let span = trace::record();
        let outcome = Outcome {
            sources: &draft.outcomes,
            failure: draft.fault.as_ref().map(|fault| fault.reason),
            person: draft.person,
            verdict: None,
        };
        let receipt = self
            .deps
            .evidence
            .seal(open, &outcome)
            .instrument(span.clone())
            .await?;
        span.record("gw.audit.seq", receipt.seq());
        Ok(receipt)
    }
}

/// A receipt as the contract carries it.
pub(crate) fn message(receipt: &Receipt) -> v1::AuditReceipt {
    v1::AuditReceipt {
        log_origin: receipt.origin().to_owned(),
        seq: receipt.seq(),
        leaf_hash: receipt.leaf_hash().to_vec(),
        committed_at: Some(time(receipt.committed_at_ms())),
        batch_first: receipt.batch_first(),
        batch_size: receipt.batch_size(),
        path: receipt.path().iter().map(|hash| hash.to_vec()).collect(),
        signature: receipt.signature().to_vec(),
    }
}
