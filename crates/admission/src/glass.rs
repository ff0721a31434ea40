//! Break-glass: what an emergency overrides of an agreement, and what it asks for in return.
//!
//! Overridden are the second factor, procedure, dossier and consent, the hours, and the officer's own
//! quota: what nobody has at hand beside somebody unconscious at night. Not overridden are the agreement itself, its validity and
//! its purpose, and the caller's quota. Not here: who reviews it (crates `evidence` and `lienthong`).
//!
//! *Invariant:* an emergency is answered with fields of `break_glass` alone, never without an officer
//! and a reason in words.

use exchange::{CallContext, Caller, Criticality, Fault, FieldSet, Reason, Violation};

use crate::check;
use crate::policy::{Agreement, Party};

/// The fields that an emergency is answered with; none if the request claims none, or the agreement
/// does not let it break the glass: then it is an ordinary question.
pub(crate) fn broken<'a>(agreement: &'a Agreement, context: &CallContext) -> Option<&'a FieldSet> {
    let is_emergency = context.criticality == Criticality::Emergency;
    agreement.break_glass.as_ref().filter(|_| is_emergency)
}

/// True if the request claims an emergency, and some agreement lets the caller break the glass for its
/// purpose.
pub(crate) fn is_claimed(party: &Party, caller: &Caller, context: &CallContext) -> bool {
    context.criticality == Criticality::Emergency
        && party
            .fitting(&context.purpose, caller.system())
            .any(|agreement| agreement.break_glass.is_some())
}

/// Checks that officer and reason are given; lists both if both are not.
pub(crate) fn completeness(agreement: &Agreement, context: &CallContext) -> Result<(), Fault> {
    let officer = context.officer.is_none();
    let reason = context.reason.is_none();
    let violations: Vec<Violation> = [officer.then(check::no_officer), reason.then(no_reason)]
        .into_iter()
        .flatten()
        .collect();
    if violations.is_empty() {
        return Ok(());
    }
    let detail = "an emergency lacks its officer or its reason";
    let fault = Fault::invalid(violations).detailed(detail);
    Err(check::about(fault, context, Some(agreement)))
}

fn no_reason() -> Violation {
    Violation {
        field: "context.reason_text".to_owned(),
        description: "is needed in an emergency".to_owned(),
        reason: Reason::InvalidArgument,
    }
}
