//! One question, as both doors hand it to the gate: why it is asked, about whom, and what.

use std::ops::Deref;

use crate::{
    AgreementId, ConsentId, DossierNo, FieldSet, OfficerId, ProcedureCode, PurposeCode, ReasonText,
    RequestId, SourceSet, Subject,
};

/// How urgent an exchange is; decides what is shed first.
///
/// The discriminant is the number in the public contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Criticality {
    /// Break-glass, reviewed afterwards.
    Emergency = 1,
    /// A citizen stands at the desk.
    CitizenWaiting = 2,
    /// An officer works on a file.
    #[default]
    BackOffice = 3,
    /// Nobody waits.
    Bulk = 4,
}

impl Criticality {
    /// Every class, the most urgent first.
    pub const ALL: [Self; 4] = [
        Self::Emergency,
        Self::CitizenWaiting,
        Self::BackOffice,
        Self::Bulk,
    ];

    /// The class of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// The name in metrics and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Emergency => "EMERGENCY",
            Self::CitizenWaiting => "CITIZEN_WAITING",
            Self::BackOffice => "BACK_OFFICE",
            Self::Bulk => "BULK",
        }
    }
}

/// Why and for whom is asked, whatever is asked. Who asks is not in it: that is the certificate's
/// to say.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// The caller's key of idempotency.
    pub id: RequestId,
    /// Why.
    pub purpose: PurposeCode,
    /// Under which agreement; needed only when several fit.
    pub agreement: Option<AgreementId>,
    /// For which administrative procedure.
    pub procedure: Option<ProcedureCode>,
    /// For which dossier.
    pub dossier: Option<DossierNo>,
    /// On whose behalf.
    pub officer: Option<OfficerId>,
    /// With whose consent.
    pub consent: Option<ConsentId>,
    /// How urgent.
    pub criticality: Criticality,
    /// In words, for the citizen.
    pub reason: Option<ReasonText>,
}

/// A question about one citizen.
#[derive(Clone, Debug)]
pub struct Request {
    /// Why and for whom.
    pub context: CallContext,
    /// About whom.
    pub subject: Subject,
    /// What is asked; never empty.
    pub mask: FieldSet,
    /// Sources without whose answer the exchange fails.
    pub required: SourceSet,
    /// Check and authorise only; ask no agency.
    pub dry_run: bool,
}

impl Deref for Request {
    type Target = CallContext;

    fn deref(&self) -> &CallContext {
        &self.context
    }
}
