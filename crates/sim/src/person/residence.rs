//! Where a person lives, and with whom.

use jiff::civil::Date;

use super::{Address, Relation, Relative, redacted};

/// Registered and actual residence.
#[derive(Clone, PartialEq, Eq)]
pub struct Residence {
    /// Permanent residence (thường trú).
    pub permanent: Address,
    /// Where the person lives today (nơi ở hiện tại).
    pub current: Address,
    /// Temporary residence (tạm trú).
    pub temporary: Option<TemporaryResidence>,
    /// Declared absence (tạm vắng).
    pub temporary_absence: Option<TemporaryAbsence>,
    /// Number of the residence file (số hồ sơ cư trú).
    pub file_no: String,
}

/// A temporary residence.
#[derive(Clone, PartialEq, Eq)]
pub struct TemporaryResidence {
    /// Where.
    pub address: Address,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

/// A declared absence.
#[derive(Clone, PartialEq, Eq)]
pub struct TemporaryAbsence {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Why.
    pub reason: &'static str,
}

/// A household.
#[derive(Clone, PartialEq, Eq)]
pub struct Household {
    /// Household code, the same for all members.
    pub code: String,
    /// Number of the paper book that ended on 1 January 2023 (sổ hộ khẩu).
    pub book_no: String,
    /// The head.
    pub head: Relative,
    /// What this person is to the head.
    pub relation: Relation,
    /// Everybody in it, this person and the head included.
    pub members: Vec<Member>,
}

/// A member of a household.
#[derive(Clone, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub person: Relative,
    /// What they are to the head.
    pub relation: Relation,
}

redacted!(
    Residence,
    TemporaryResidence,
    TemporaryAbsence,
    Household,
    Member,
);
