//! What a caller may ask, as the catalogue shows it: the caller's own agreements only.

use std::sync::Arc;

use exchange::{Caller, FieldSet, PurposeCode};
use jiff::Timestamp;

use crate::{Duty, Policy};

/// What one agreement grants for one purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The id of the agreement.
    pub agreement: Arc<str>,
    /// The purpose.
    pub purpose: PurposeCode,
    /// The fields.
    pub fields: FieldSet,
    /// Those of them that are granted in their masked form alone.
    pub masked: FieldSet,
    /// What the caller may do with the record.
    pub duties: Vec<Duty>,
    /// True if name and birth date must be given beside the number.
    pub second_factor: bool,
    /// The first instant at which the agreement is over.
    pub valid_to: Timestamp,
}

/// The grants of a caller that are in force, in the order of the policy.
pub(crate) fn grants(policy: &Policy, caller: &Caller, now: Timestamp) -> Vec<Grant> {
    let valid = policy.agreements(caller).filter(|a| a.is_valid_at(now));
    valid
        .flat_map(|agreement| {
            agreement.purposes.iter().map(|purpose| Grant {
                agreement: Arc::clone(&agreement.id),
                purpose: purpose.clone(),
                fields: agreement.fields,
                masked: agreement.masked,
                duties: agreement.duties.clone(),
                second_factor: agreement.second_factor,
                valid_to: agreement.valid_to,
            })
        })
        .collect()
}
