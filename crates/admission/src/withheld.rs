//! Why a field of a question is not granted: what a dry run tells the caller.
//!
//! Only agreements of the caller itself are looked at, and nothing of the person: it tells no more than
//! the catalogue of the caller's grants.

use exchange::{Caller, Field, Request};

use crate::policy::Agreement;
use crate::{Admission, Permit};

/// Why a field is withheld: the nearest reason to having it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// No agreement of the caller that is in force has it.
    NotInAgreement,
    /// One has it, for other purposes.
    OtherPurpose,
    /// Another one has it, for this purpose.
    OtherAgreement,
    /// The agreement has it, and the person's consent has not.
    NotInConsent,
    /// The agreement has it, but not in an emergency.
    NotInEmergency,
    /// The agreement lets it be compared with claims alone.
    VerifyOnly,
}

impl<Q: governor::clock::Clock + Clone> Admission<Q> {
    /// Why each field that a permit withholds is withheld, by the policy in force.
    #[must_use]
    pub fn withheld(
        &self,
        caller: &Caller,
        request: &Request,
        permit: &Permit,
    ) -> Vec<(Field, Withheld)> {
        self.with_agreements(caller, |agreements| {
            let fields = permit.withheld().iter();
            fields
                .map(|field| (field, why(field, request, permit, agreements)))
                .collect()
        })
    }
}

/// The first reason that fits, nearest first. `agreements` are those of the caller in force.
fn why(field: Field, request: &Request, permit: &Permit, agreements: &[&Agreement]) -> Withheld {
    if permit.unconsented().contains(field) {
        return Withheld::NotInConsent;
    }
    if permit.not_in_emergency().contains(field) {
        return Withheld::NotInEmergency;
    }
    let has = |it: &&&Agreement| it.fields.contains(field);
    let own = agreements.iter().find(|it| it.id == *permit.agreement());
    if own.is_some_and(|it| it.verify.contains(field)) {
        return Withheld::VerifyOnly;
    }
    let mut others = agreements.iter().filter(has);
    let is_for_this = |it: &Agreement| it.purposes.contains(&request.purpose);
    match (others.clone().any(|it| is_for_this(it)), others.next()) {
        (true, _) => Withheld::OtherAgreement,
        (false, Some(_)) => Withheld::OtherPurpose,
        (false, None) => Withheld::NotInAgreement,
    }
}
