//! A citizen's own list in the shape of Estonia's Data Tracker, which pages by number and names no
//! purpose.

use admission::Duty;
use api::v1;
use evidence::verify::{self, VerifyError};
use exchange::{
    CallContext, Criticality, Fault, Identifier, OfficerId, PurposeCode, Reason, RequestId,
};
use jiff::Timestamp;

use super::leaf::Leaf;
use super::proofs::read_from;
use super::records::Period;
use crate::{Call, Gate, Reply};

/// Which accesses are asked for.
#[derive(Clone, Debug)]
pub struct Usage {
    /// The citizen.
    pub subject: Identifier,
    /// Whoever asks: the citizen, or somebody in their place.
    pub asker: OfficerId,
    /// Accesses then or later.
    pub from: Option<Timestamp>,
    /// Accesses before.
    pub until: Option<Timestamp>,
    /// How many accesses are left out, the newest first.
    pub offset: u32,
    /// How many accesses at most.
    pub limit: u32,
}

/// The accesses that were found, without proofs.
#[derive(Clone, Debug, Default)]
pub struct Usages {
    /// How many there are in the period.
    pub total: u64,
    /// Some of them, newest first.
    pub accesses: Vec<v1::Access>,
}

impl Gate {
    /// Who has asked about a citizen, newest first. The purpose is the caller's own one for which it
    /// has the duty.
    ///
    /// # Errors
    /// As [`Gate::list_accesses`].
    pub async fn find_usage(&self, call: &Call, asked: &Usage) -> Result<Reply<Usages>, Fault> {
        let duty = Duty::ListAccesses;
        let Some(purpose) = self.deps.admission.purpose_of(&call.caller, duty) else {
            let reason = Reason::DutyNotGranted;
            self.refuse(call, reason).await?;
            return Err(Fault::new(
                reason,
                "no agreement of the caller has the duty",
            ));
        };
        let period = Period {
            subject: &asked.subject,
            from: asked.from,
            until: asked.until,
            after: None,
            skip: asked.offset,
            limit: asked.limit,
        };
        let context = context(purpose, &asked.asker);
        let Reply { message, quota } = self.accesses(call, &context, &period).await?;
        let records = message.found.records.iter();
        let message = Usages {
            total: message.total,
            accesses: records.map(|record| self.access(record)).collect(),
        };
        Ok(Reply { message, quota })
    }

    /// Since when the logs of this node hold records; none while they hold none.
    ///
    /// # Errors
    /// The caller is unknown, or a file of the log cannot be read.
    pub async fn usage_period(&self, call: &Call) -> Result<Option<Timestamp>, Fault> {
        self.read_by(call, "").await?;
        if self.deps.evidence.checkpoints().borrow().is_none() {
            return Ok(None);
        }
        let first = read_from(self.deps.log.clone(), |log| {
            let mut files = log.oldest().map_err(VerifyError::Unreadable)?;
            verify::prove(&mut files, 0)
        });
        let first = first.await?;
        let first = first.map(|(_, leaf)| Leaf::read(&leaf).ts);
        Ok(first.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
    }
}

/// The context of a call that has none of its own.
fn context(purpose: PurposeCode, asker: &OfficerId) -> CallContext {
    CallContext {
        id: RequestId::fresh(),
        purpose,
        agreement: None,
        procedure: None,
        dossier: None,
        officer: Some(asker.clone()),
        consent: None,
        criticality: Criticality::CitizenWaiting,
        reason: None,
    }
}
