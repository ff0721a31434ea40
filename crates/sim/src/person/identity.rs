//! Names, numbers and papers of a person.

use std::borrow::Cow;

use exchange::CitizenId;
use jiff::civil::Date;

use super::redacted;

/// A name in NFC and mixed case.
#[derive(Clone, PartialEq, Eq)]
pub struct Name {
    /// Family name (họ).
    pub family: Cow<'static, str>,
    /// Middle name (chữ đệm), possibly empty.
    pub middle: Cow<'static, str>,
    /// Given name (tên).
    pub given: Cow<'static, str>,
}

impl Name {
    /// The whole name, parts separated by one space.
    #[must_use]
    pub fn full(&self) -> String {
        let parts = [&self.family, &self.middle, &self.given];
        let mut full = String::with_capacity(40);
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            if !full.is_empty() {
                full.push(' ');
            }
            full.push_str(part);
        }
        full
    }

    /// The whole name in capitals, as the population wire spells it.
    #[must_use]
    pub fn full_upper(&self) -> String {
        self.full().to_uppercase()
    }
}

/// How texts are encoded on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameForm {
    /// Precomposed letters, as nearly everywhere.
    Nfc,
    /// Letters and their marks apart: the trap of persona 000008.
    Nfd,
}

/// What a personal number is today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdStatus {
    /// In force.
    Current,
    /// Replaced by another number after a correction.
    Superseded,
    /// Cancelled as issued in error; the person has another number.
    Cancelled,
}

/// A number that stood for a person before.
#[derive(Clone, PartialEq, Eq)]
pub struct PreviousId {
    /// The old number.
    pub personal_id: CitizenId,
    /// [`IdStatus::Superseded`] or [`IdStatus::Cancelled`].
    pub status: IdStatus,
    /// The last day on which it was in force.
    pub until: Date,
}

/// Marital status, numbered as on the population wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum MaritalStatus {
    /// Nothing recorded.
    Unknown = 0,
    /// Never married.
    Single = 1,
    /// Married.
    Married = 2,
    /// Divorced; one number with widowed on the population wire.
    Divorced = 3,
    /// Widowed; 3 on the population wire.
    Widowed = 4,
}

/// Blood group, numbered as on the population wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum BloodGroup {
    /// Nothing recorded.
    Unknown = 0,
    /// A.
    A = 1,
    /// B.
    B = 2,
    /// AB.
    Ab = 3,
    /// O.
    O = 4,
}

/// An identity card.
#[derive(Clone, PartialEq, Eq)]
pub struct Card {
    /// Day of issue.
    pub issued_on: Date,
    /// Who issued it.
    pub issuer: &'static str,
    /// Last day of validity; none from the age of 60 on.
    pub expires_on: Option<Date>,
}

redacted!(Name, PreviousId, Card);
