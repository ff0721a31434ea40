//! Other people in a person's records.

use exchange::{CitizenId, PartialDate, Sex};

use super::{Name, redacted};

/// A relative as a record names them.
#[derive(Clone, PartialEq, Eq)]
pub struct Relative {
    /// Their number, itself a synthetic citizen whose records agree; none for ancestors born
    /// before numbers reach (1900).
    pub personal_id: Option<CitizenId>,
    /// Their old nine-digit number, if they have one.
    pub legacy_id: Option<String>,
    /// Name.
    pub name: Name,
    /// Sex.
    pub sex: Sex,
    /// Birth date.
    pub birth_date: PartialDate,
    /// Ethnic group, a code of the list of 1979.
    pub ethnicity: &'static str,
    /// Nationality, ISO 3166 alpha-2.
    pub nationality: &'static str,
}

/// What somebody is to the head of a household.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The head.
    Head,
    /// Husband or wife.
    Spouse,
    /// Child.
    Child,
}

impl Relation {
    /// The code on the population wire. Only `CH01` is seen in public code; the others follow it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Head => "CH01",
            Self::Spouse => "CH02",
            Self::Child => "CH03",
        }
    }

    /// The Vietnamese word.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Head => "Chủ hộ",
            Self::Spouse => "Vợ, chồng",
            Self::Child => "Con",
        }
    }
}

/// Who acts for a minor.
#[derive(Clone, PartialEq, Eq)]
pub struct Representative {
    /// The person.
    pub person: Relative,
    /// What they are to the minor: `Cha`, `Mẹ` or `Người giám hộ`.
    pub title: &'static str,
}

redacted!(Relative, Representative);
