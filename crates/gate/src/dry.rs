//! A dry run: what would be asked, and what withheld and why. No agency is asked, and there is no record.
//!
//! Not told: what depends on the person, whom nobody has looked at.

use admission::{Permit, Withheld};
use api::v1;
use exchange::{Field, Request, Source, SourceState};

use crate::answer::Draft;
use crate::part::Part;
use crate::{Call, Gate};

impl Gate {
    /// The answer to a dry run.
    pub(crate) fn dry(&self, call: &Call, request: &Request, permit: &Permit) -> Draft {
        let sources = permit.granted().sources();
        let parts = sources.iter().map(|source| self.would_ask(source));
        let mut draft = Draft::dry(request, permit, parts.collect());
        if sources.iter().all(|source| self.unasked(source).is_none()) {
            draft.response.completeness = v1::Completeness::Complete.into();
        }
        draft.response.withheld = self.withheld(call, request, permit);
        draft
    }

    /// A source of which something is granted.
    fn would_ask(&self, source: Source) -> Part {
        let reason = match self.unasked(source) {
            Some(v1::WithheldReason::SourceSuspended) => "SOURCE_SUSPENDED",
            Some(_) => "NOT_CONFIGURED",
            None => "DRY_RUN",
        };
        Part::unasked(source, SourceState::Skipped, reason)
    }

    /// Each field of the mask that would not be asked for.
    fn withheld(&self, call: &Call, request: &Request, permit: &Permit) -> Vec<v1::WithheldField> {
        let by_policy = self.deps.admission.withheld(&call.caller, request, permit);
        let why = |field: Field| {
            let known = by_policy.iter().find(|(withheld, _)| *withheld == field);
            match known {
                Some((_, why)) => Some(reason(*why)),
                None => self.unasked(field.info().source),
            }
        };
        let fields = request.mask.iter();
        let fields = fields.filter_map(|field| {
            Some(v1::WithheldField {
                path: field.path().to_owned(),
                reason: why(field)?.into(),
            })
        });
        fields.collect()
    }

    /// Why a source would not be asked, whoever asks.
    fn unasked(&self, source: Source) -> Option<v1::WithheldReason> {
        if self.deps.switches.asks(source).is_err() {
            return Some(v1::WithheldReason::SourceSuspended);
        }
        let is_there = self.sources().any(|it| it == source);
        (!is_there).then_some(v1::WithheldReason::SourceNotConfigured)
    }
}

/// The reason as the contract has it.
const fn reason(why: Withheld) -> v1::WithheldReason {
    match why {
        Withheld::NotInAgreement => v1::WithheldReason::NotInAgreement,
        Withheld::OtherPurpose => v1::WithheldReason::OtherPurpose,
        Withheld::OtherAgreement => v1::WithheldReason::OtherAgreement,
        Withheld::NotInConsent => v1::WithheldReason::NotInConsent,
        Withheld::NotInEmergency => v1::WithheldReason::NotInEmergency,
        Withheld::VerifyOnly => v1::WithheldReason::VerifyOnly,
    }
}
