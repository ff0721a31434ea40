//! Claims about one citizen, and the verdicts on them.
//!
//! Not here: how a claim is compared with what an agency holds (crate `gate`).
//!
//! *Invariant:* every claim rests on exactly one field, so that it is known before any agency is
//! asked what a verification needs.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::{Field, Identifier, PartialDate, Request, WordViolation, words};

/// A question whether claims about one citizen are so.
#[derive(Clone, Debug)]
pub struct Verification {
    /// Why, for whom and about whom; its mask is what the claims rest on.
    pub request: Arc<Request>,
    /// One to eight claims.
    pub claims: Vec<Claim>,
    /// How much is told.
    pub disclosure: Disclosure,
}

impl Verification {
    /// The most claims that one question may have.
    pub const MAX_CLAIMS: usize = 8;
}

impl Deref for Verification {
    type Target = Request;

    fn deref(&self) -> &Request {
        &self.request
    }
}

/// How much a verification tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Disclosure {
    /// One verdict about all claims together.
    #[default]
    AllOrNothing,
    /// A verdict about each claim.
    PerClaim,
}

/// Something said of a citizen.
#[derive(Clone, Debug)]
pub struct Claim {
    /// What the answer calls it.
    pub id: ClaimId,
    /// What is said.
    pub predicate: Predicate,
}

/// What a caller calls a claim.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimId(Box<str>);

impl ClaimId {
    /// Checks length and characters.
    ///
    /// # Errors
    /// What makes the text none.
    pub fn parse(text: &str) -> Result<Self, WordViolation> {
        words::code(text, 64).map(Self)
    }

    /// The word itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a claim says.
#[derive(Clone, Debug)]
pub enum Predicate {
    /// A field has a value.
    Equals {
        /// The field.
        field: Field,
        /// The value.
        value: Given,
        /// How the two are compared.
        mode: MatchMode,
    },
    /// The person is so many full years old.
    AgeAtLeast(u8),
    /// The person is not registered as dead or missing.
    IsAlive,
    /// Somebody is related to the person.
    Relation {
        /// What they are to the person.
        kind: RelationKind,
        /// By which number they are known.
        other: Identifier,
        /// Their full name, NFC, if it is to be compared.
        name: Option<OtherName>,
    },
    /// The person has a status.
    Status(StatusKind),
}

impl Predicate {
    /// The field that it rests on.
    #[must_use]
    pub const fn field(&self) -> Field {
        match self {
            Self::Equals { field, .. } => *field,
            Self::AgeAtLeast(_) => Field::PopulationBirthDate,
            Self::IsAlive => Field::PopulationDeath,
            Self::Relation { kind, .. } => kind.field(),
            Self::Status(status) => status.field(),
        }
    }
}

/// A value as a caller gives it. `Debug` shows its form alone.
#[derive(Clone, PartialEq, Eq)]
pub enum Given {
    /// A text, NFC.
    Text(String),
    /// A personal name, NFC.
    Name(String),
    /// A date, perhaps partial.
    Date(PartialDate),
    /// A code of a list.
    Code {
        /// The list.
        list: String,
        /// The code.
        code: String,
    },
    /// A value of an enum of the contract, by its number.
    Choice(i32),
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Name(_) => "Name(…)",
            Self::Date(_) => "Date(…)",
            Self::Code { .. } => "Code(…)",
            Self::Choice(_) => "Choice(…)",
        })
    }
}

/// The name of somebody who is said to be related to a person.
#[derive(Clone, PartialEq, Eq)]
pub struct OtherName(pub String);

impl fmt::Debug for OtherName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OtherName(…)")
    }
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MatchMode {
    /// Letter by letter.
    Exact,
    /// Whatever case, spaces, apostrophe and place of a tone mark.
    #[default]
    Normalized,
    /// The same, and whatever the diacritics.
    NoDiacritics,
}

/// What somebody is to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelationKind {
    /// Father.
    Father,
    /// Mother.
    Mother,
    /// Husband or wife.
    Spouse,
    /// Legal representative.
    Representative,
    /// Head of the household.
    HouseholdHead,
}

impl RelationKind {
    /// The field that names them.
    #[must_use]
    pub const fn field(self) -> Field {
        match self {
            Self::Father => Field::PopulationFather,
            Self::Mother => Field::PopulationMother,
            Self::Spouse => Field::PopulationSpouse,
            Self::Representative => Field::PopulationRepresentative,
            Self::HouseholdHead => Field::PopulationHouseholdHead,
        }
    }
}

/// A status that a person may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusKind {
    /// A health-insurance card is valid today.
    HealthInsured,
    /// Registered for tax, and not closed.
    TaxRegistered,
    /// Married.
    Married,
}

impl StatusKind {
    /// The field that it rests on.
    #[must_use]
    pub const fn field(self) -> Field {
        match self {
            Self::HealthInsured => Field::SocialSecurityHealthCards,
            Self::TaxRegistered => Field::TaxStatus,
            Self::Married => Field::CivilStatusMaritalStatus,
        }
    }
}

/// Whether something is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Confirmed.
    Match,
    /// Not confirmed: it is not so, or there is no such person, or nothing is told about them.
    NoMatch,
    /// Not known: no answer, or not enough to decide. Never a no.
    Unknown,
}

impl Verdict {
    /// The name in the contract, without its prefix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Match => "MATCH",
            Self::NoMatch => "NO_MATCH",
            Self::Unknown => "UNKNOWN",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value() {
        let predicate = Predicate::Equals {
            field: Field::PopulationName,
            value: Given::Name("Nguyễn Văn Thử".to_owned()),
            mode: MatchMode::Normalized,
        };
        let shown = format!("{predicate:?} {:?}", OtherName("Thử".to_owned()));
        assert!(!shown.contains("Thử"), "{shown}");
    }

    #[test]
    fn claim_ids_are_short_words() {
        assert_eq!(ClaimId::parse("name-1").unwrap().as_str(), "name-1");
        for wrong in ["", "a b", "tên", &"x".repeat(65)] {
            assert!(ClaimId::parse(wrong).is_err(), "{wrong}");
        }
    }
}
