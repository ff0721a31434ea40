//! The checks of a request against the policy, and the fault of each.
//!
//! The order is that of `Admission::admit`. A fault names what the caller itself sent and the
//! caller's own agreement, never another's; a refusal for want of an agreement reads the same
//! whether the agreement that was named exists or not.

use std::sync::Arc;

use exchange::{
    AgreementId, CallContext, Caller, Disclosure, Fault, FieldSet, Flag, FlagSet, Identifier,
    MatchHints, OfficerId, PurposeCode, QuotaViolation, Reason, Request, Source, Verification,
    Violation,
};
use jiff::Timestamp;

use crate::policy::{Agreement, Exception, Party};
use crate::quota::Spent;
use crate::scrutiny::HeldBack;
use crate::{Consents, Duty, Policy, Purpose, glass};

/// Finds the agency's agreements and the purpose; nothing here depends on what was agreed.
pub(crate) fn standing<'p>(
    policy: &'p Policy,
    caller: &Caller,
    context: &CallContext,
) -> Result<(&'p Party, &'p Arc<Purpose>), Fault> {
    let party = policy.party(caller.agency());
    if party.is_some_and(|party| !party.knows(caller.system())) {
        let detail = "no agreement of the agency is open to this system";
        return Err(Fault::new(Reason::CallerUnknown, detail));
    }
    let purpose = policy.purpose(&context.purpose).ok_or_else(|| {
        let fault = Fault::invalid(vec![missing(PURPOSE)]);
        fault.detailed("the purpose is in no catalogue")
    })?;
    let party = party.ok_or_else(|| not_allowed(context, "the agency has no agreement"))?;
    Ok((party, purpose))
}

/// What is wrong with a purpose that is in no catalogue.
pub(crate) fn unknown(policy: &Policy, purpose: &PurposeCode) -> Option<Violation> {
    policy.purpose(purpose).is_none().then(|| missing(PURPOSE))
}

/// Finds the one agreement under which the caller asks.
///
/// When none is named, an agreement fits if it is in force: a successor takes over at midnight
/// without the caller doing anything.
pub(crate) fn agreement<'p>(
    party: &'p Party,
    caller: &'p Caller,
    context: &CallContext,
    now: Timestamp,
) -> Result<&'p Agreement, Fault> {
    let mut fitting = party.fitting(&context.purpose, caller.system());
    if let Some(named) = &context.agreement {
        return match fitting.find(|agreement| agreement.is_named(named)) {
            Some(own) if own.is_valid_at(now) => Ok(own),
            Some(own) => Err(expired(context, own)),
            None => Err(misnamed(party, caller, context, named)),
        };
    }
    let mut valid = fitting.clone().filter(|a| a.is_valid_at(now));
    match (valid.next(), valid.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(agreement_required(context)),
        (None, _) => Err(fitting.max_by_key(|a| a.valid_to).map_or_else(
            || not_allowed(context, "no agreement fits the purpose"),
            |last| expired(context, last),
        )),
    }
}

/// Checks that the agreement has the duty that a call needs, if it needs one.
pub(crate) fn duty(
    agreement: &Agreement,
    context: &CallContext,
    duty: Option<Duty>,
) -> Result<(), Fault> {
    match duty {
        Some(duty) if !agreement.duties.contains(&duty) => {
            let fault = Fault::new(Reason::DutyNotGranted, "the agreement has no such duty");
            Err(about(fault, context, Some(agreement)).with("duty", duty.name()))
        }
        _ => Ok(()),
    }
}

/// Checks that the agreement lets the caller verify every claim; lists all that it does not.
pub(crate) fn claims(agreement: &Agreement, asked: &Verification) -> Result<(), Fault> {
    let verifiable = agreement.verifiable();
    let claims = asked.claims.iter().enumerate();
    let mut violations: Vec<Violation> = claims
        .filter(|(_, claim)| !verifiable.contains(claim.predicate.field()))
        .map(|(place, claim)| Violation {
            field: format!("claims[{place}]"),
            description: format!(
                "rests on {}, which the agreement does not let you verify",
                claim.predicate.field().path()
            ),
            reason: Reason::ClaimNotGranted,
        })
        .collect();
    if asked.disclosure == Disclosure::PerClaim && agreement.disclosure != Disclosure::PerClaim {
        violations.push(missing(PER_CLAIM));
    }
    if violations.is_empty() {
        return Ok(());
    }
    let fault = Fault::invalid(violations).detailed("the agreement does not have every claim");
    Err(about(fault, asked, Some(agreement)))
}

/// Checks that the procedure is one the agreement is for.
pub(crate) fn procedure(agreement: &Agreement, context: &CallContext) -> Result<(), Fault> {
    match (&agreement.procedures, &context.procedure) {
        (Some(allowed), Some(asked)) if !allowed.contains(asked) => {
            let detail = "the procedure is not in the agreement";
            let fault = Fault::new(Reason::PurposeNotAllowed, detail);
            Err(about(fault, context, Some(agreement)))
        }
        _ => Ok(()),
    }
}

/// Checks that everything is given that purpose and agreement ask for; lists all that is not.
pub(crate) fn completeness(
    purpose: &Purpose,
    agreement: &Agreement,
    context: &CallContext,
    hints: Option<&MatchHints>,
) -> Result<(), Fault> {
    let procedure = purpose.procedure_required || agreement.procedures.is_some();
    let officer = purpose.officer_required || agreement.officer_required;
    // Nobody consents to what is done with the record.
    let consent = agreement.consent_required && hints.is_some();
    let factor = hints.filter(|_| agreement.second_factor);
    let violations: Vec<Violation> = [
        (procedure && context.procedure.is_none()).then(|| missing(PROCEDURE)),
        (purpose.dossier_required && context.dossier.is_none()).then(|| missing(DOSSIER)),
        (officer && context.officer.is_none()).then(|| missing(OFFICER)),
        (consent && context.consent.is_none()).then(|| missing(CONSENT)),
        factor
            .is_some_and(|hints| hints.full_name.is_none())
            .then(|| missing(NAME)),
        factor
            .is_some_and(|hints| hints.birth_date.is_none())
            .then(|| missing(BIRTH_DATE)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if violations.is_empty() {
        return Ok(());
    }
    let detail = "the request lacks what purpose or agreement ask for";
    let fault = Fault::invalid(violations).detailed(detail);
    Err(about(fault, context, Some(agreement)))
}

/// Checks that a consent is named where the agreement needs one.
pub(crate) fn consent_named(agreement: &Agreement, context: &CallContext) -> Result<(), Fault> {
    if !agreement.consent_required || context.consent.is_some() {
        return Ok(());
    }
    let fault = Fault::invalid(vec![missing(CONSENT)]).detailed("no consent is named");
    Err(about(fault, context, Some(agreement)))
}

/// The fields that the person's consent covers, where the agreement needs one. A consent that is named
/// must hold, needed or not: the record says that it did. Reads the same whatever is wrong with it.
pub(crate) fn consent(
    agreement: &Agreement,
    consents: &Consents,
    caller: &Caller,
    request: &Request,
    now: Timestamp,
) -> Result<FieldSet, Fault> {
    // Beside somebody unconscious nobody is asked for it.
    if let Some(fields) = glass::broken(agreement, request) {
        return Ok(*fields);
    }
    let Some(id) = &request.consent else {
        return Ok(agreement.fields);
    };
    let (subject, agency) = (&request.subject.identifier, caller.agency());
    match consents.fields(id, subject, agency, &request.purpose, now) {
        Some(covered) if agreement.consent_required => Ok(covered),
        Some(_) => Ok(agreement.fields),
        None => {
            let fault = Fault::new(Reason::ConsentInvalid, "no consent covers the question");
            Err(about(fault, &request.context, Some(agreement)))
        }
    }
}

/// Checks that something may be had of every source that the caller requires.
pub(crate) fn required(
    agreement: &Agreement,
    request: &Request,
    granted: &FieldSet,
) -> Result<(), Fault> {
    let lacking = request.required.minus(granted.sources());
    if lacking.is_empty() {
        return Ok(());
    }
    let violation = |source: Source| Violation {
        field: "required_sources".to_owned(),
        description: format!("all that is asked of {source} is withheld"),
        reason: Reason::InvalidArgument,
    };
    let fault = Fault::invalid(lacking.iter().map(violation).collect());
    let fault = fault.detailed("a required source is withheld");
    Err(about(fault, &request.context, Some(agreement)))
}

/// Checks that the person's consent covers every claim, where the agreement needs one.
pub(crate) fn consent_to_claims(
    agreement: &Agreement,
    consents: &Consents,
    caller: &Caller,
    asked: &Verification,
    now: Timestamp,
) -> Result<(), Fault> {
    if glass::broken(agreement, asked).is_some() {
        return Ok(());
    }
    let covered = consent(agreement, consents, caller, asked, now)?;
    if !agreement.consent_required || asked.mask.minus(&covered).is_empty() {
        return Ok(());
    }
    let fault = Fault::new(Reason::ConsentInvalid, "no consent covers every claim");
    Err(about(fault, asked, Some(agreement)))
}

/// Checks what an agreement may let pass with a flag: the hours, and an officer who asks about
/// themselves; returns the flags. Whether there is such a person is not looked at.
pub(crate) fn exceptions(
    agreement: &Agreement,
    context: &CallContext,
    subject: Option<&Identifier>,
    now: Timestamp,
) -> Result<FlagSet, Fault> {
    let outside_hours = match glass::broken(agreement, context) {
        Some(_) => Exception::Flag,
        None => agreement.outside_hours,
    };
    let officer = context.officer.as_ref().map(OfficerId::reveal);
    let is_own = officer.is_some() && officer == subject.map(Identifier::reveal);
    let found = [
        (
            !agreement.is_open_at(now),
            Flag::OutOfHours,
            outside_hours,
            Reason::OutOfHours,
        ),
        (
            is_own,
            Flag::OwnRecord,
            agreement.own_record,
            Reason::OwnRecord,
        ),
    ];
    let mut flags = FlagSet::NONE;
    for (_, flag, exception, reason) in found.into_iter().filter(|(is_so, ..)| *is_so) {
        if exception == Exception::Refuse {
            let fault = Fault::new(reason, "the agreement lets this pass under no flag");
            return Err(about(fault, context, Some(agreement)));
        }
        flags = flags.with(flag);
    }
    Ok(flags)
}

/// The fault of a spent quota.
pub(crate) fn quota_exceeded(spent: &Spent) -> Fault {
    let fault = Fault::new(Reason::QuotaExceeded, "a quota is spent");
    let mut fault = fault.retry_after(spent.retry_after);
    fault.quota = Some(QuotaViolation {
        policy: spent.state.policy,
        description: spent.limit.to_string(),
        limit: spent.state.limit,
        window: spent.state.window,
    });
    fault
}

/// The fault of a question from somebody who is held back.
pub(crate) fn held_back(held: HeldBack) -> Fault {
    match held {
        HeldBack::Suspended => {
            let detail = "suspended for how they asked";
            Fault::new(Reason::EnumerationSuspected, detail)
        }
        HeldBack::SteppedDown { retry_after, each } => {
            let fault = Fault::new(Reason::QuotaExceeded, "stepped down");
            let mut fault = fault.retry_after(retry_after);
            fault.quota = Some(QuotaViolation {
                policy: "step-down",
                description: match each.as_millis() {
                    1_000 => "1 request per second".to_owned(),
                    each => format!("1 request in {each} ms"),
                },
                limit: 1,
                window: each,
            });
            fault
        }
    }
}

/// The fault of too many claims about one person that did not match.
pub(crate) fn locked() -> Fault {
    let detail = "too many claims about one person did not match";
    Fault::new(Reason::EnumerationSuspected, detail)
}

fn agreement_required(context: &CallContext) -> Fault {
    let fault = Fault::invalid(vec![missing(AGREEMENT)]).detailed("several agreements fit");
    about(fault, context, None)
}

/// The fault of a named agreement that does not fit: the caller's own, which is for other purposes, or
/// none of the caller's.
fn misnamed(party: &Party, caller: &Caller, context: &CallContext, named: &AgreementId) -> Fault {
    let mut own = party.agreements();
    let is_own = own.any(|it| it.is_named(named) && it.is_open_to(caller.system()));
    if !is_own {
        let fault = Fault::new(Reason::AgreementUnknown, "none of the caller's is named so");
        return about(fault, context, None);
    }
    let mut fault = not_allowed(context, "the agreement named is for other purposes");
    fault.violations = vec![missing(OTHER_PURPOSE)];
    fault
}

fn not_allowed(context: &CallContext, detail: &str) -> Fault {
    about(Fault::new(Reason::PurposeNotAllowed, detail), context, None)
}

fn expired(context: &CallContext, agreement: &Agreement) -> Fault {
    let detail = "the agreement is not in force";
    let fault = Fault::new(Reason::AgreementExpired, detail);
    about(fault, context, Some(agreement))
}

/// Adds the public pairs that the catalogue of errors promises.
pub(crate) fn about(fault: Fault, context: &CallContext, agreement: Option<&Agreement>) -> Fault {
    let fault = fault.with("purpose", context.purpose.as_str());
    match agreement {
        Some(agreement) => fault.with("agreementId", &*agreement.id),
        None => fault,
    }
}

/// The officer is missing.
pub(crate) fn no_officer() -> Violation {
    missing(OFFICER)
}

fn missing((field, description, reason): (&str, &str, Reason)) -> Violation {
    Violation {
        field: field.to_owned(),
        description: description.to_owned(),
        reason,
    }
}

const PURPOSE: (&str, &str, Reason) = (
    "context.purpose_code",
    "names no purpose of the catalogue",
    Reason::PurposeUnknown,
);
const AGREEMENT: (&str, &str, Reason) = (
    "context.agreement_id",
    "is needed: several agreements fit the purpose",
    Reason::AgreementRequired,
);
const OTHER_PURPOSE: (&str, &str, Reason) = (
    "context.agreement_id",
    "names an agreement of yours for other purposes",
    Reason::PurposeNotAllowed,
);
const PER_CLAIM: (&str, &str, Reason) = (
    "disclosure",
    "the agreement has one verdict about all claims together",
    Reason::ClaimNotGranted,
);
const PROCEDURE: (&str, &str, Reason) = (
    "context.procedure_code",
    "is needed for this purpose",
    Reason::DossierRequired,
);
const DOSSIER: (&str, &str, Reason) = (
    "context.dossier_no",
    "is needed for this purpose",
    Reason::DossierRequired,
);
const OFFICER: (&str, &str, Reason) = (
    "context.officer_id",
    "is needed for this purpose",
    Reason::OfficerRequired,
);
const CONSENT: (&str, &str, Reason) = (
    "context.consent_id",
    "is needed under this agreement",
    Reason::ConsentRequired,
);
const NAME: (&str, &str, Reason) = (
    "subject.hints.full_name",
    "is needed under this agreement",
    Reason::SecondFactorRequired,
);
const BIRTH_DATE: (&str, &str, Reason) = (
    "subject.hints.birth_date",
    "is needed under this agreement",
    Reason::SecondFactorRequired,
);
