//! The other numbers a person is known by: old identity cards, tax codes, insurance codes.

use std::fmt;

use crate::{CitizenId, IdViolation, Source};

/// A number by which one person can be asked for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Identifier {
    /// The 12-digit personal id.
    Personal(CitizenId),
    /// The 9-digit number of an identity card before 2016 (CMND). May name several people.
    Legacy(Box<str>),
    /// A 10-digit personal tax code from before July 2025.
    TaxCode(Box<str>),
    /// A 10-digit social-insurance code from before August 2025.
    InsuranceCode(Box<str>),
}

/// What kind of number an [`Identifier`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentifierKind {
    /// The 12-digit personal id.
    Personal,
    /// The 9-digit CMND.
    Legacy,
    /// The old 10-digit personal tax code.
    TaxCode,
    /// The old 10-digit social-insurance code.
    InsuranceCode,
}

impl IdentifierKind {
    /// The source that gives numbers of that kind out, and knows who is behind one.
    #[must_use]
    pub const fn issuer(self) -> Source {
        match self {
            Self::Personal | Self::Legacy => Source::Population,
            Self::TaxCode => Source::Tax,
            Self::InsuranceCode => Source::SocialSecurity,
        }
    }
}

/// Why a text is no identifier of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierViolation {
    /// The personal id is malformed.
    #[error(transparent)]
    Personal(IdViolation),
    /// Not the number of digits that the kind has.
    #[error("has exactly {0} digits, or is a 12-digit personal id")]
    Digits(usize),
    /// The check digit of the tax code does not fit (Circular 105/2020/TT-BTC).
    #[error("the check digit of the tax code does not fit")]
    CheckDigit,
}

impl Identifier {
    /// Parses a number of the given kind. Where a 12-digit number stands for a tax or insurance
    /// code (since 2025 they are one), the result is the personal id.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn parse(
        kind: IdentifierKind,
        text: &str,
        this_year: i16,
    ) -> Result<Self, Vec<IdentifierViolation>> {
        let personal = || {
            CitizenId::parse(text, this_year)
                .map(Self::Personal)
                .map_err(|all| all.into_iter().map(IdentifierViolation::Personal).collect())
        };
        let digits = |n: usize| {
            if text.len() == n && text.bytes().all(|b| b.is_ascii_digit()) {
                Ok(Box::from(text))
            } else {
                Err(vec![IdentifierViolation::Digits(n)])
            }
        };
        match kind {
            IdentifierKind::Personal => personal(),
            IdentifierKind::Legacy => digits(9).map(Self::Legacy),
            IdentifierKind::TaxCode | IdentifierKind::InsuranceCode if text.len() == 12 => {
                personal()
            }
            IdentifierKind::TaxCode => match digits(10)? {
                code if tax_check_digit(&code) => Ok(Self::TaxCode(code)),
                _ => Err(vec![IdentifierViolation::CheckDigit]),
            },
            IdentifierKind::InsuranceCode => digits(10).map(Self::InsuranceCode),
        }
    }

    /// What kind of number it is.
    #[must_use]
    pub const fn kind(&self) -> IdentifierKind {
        match self {
            Self::Personal(_) => IdentifierKind::Personal,
            Self::Legacy(_) => IdentifierKind::Legacy,
            Self::TaxCode(_) => IdentifierKind::TaxCode,
            Self::InsuranceCode(_) => IdentifierKind::InsuranceCode,
        }
    }

    /// The digits, for the agency that is asked and the commitment in the record.
    #[must_use]
    pub fn reveal(&self) -> &str {
        match self {
            Self::Personal(id) => id.reveal(),
            Self::Legacy(text) | Self::TaxCode(text) | Self::InsuranceCode(text) => text,
        }
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}(…)", self.kind())
    }
}

/// Checks the tenth digit: `10 − (Σ weightᵢ·dᵢ mod 11)`; a result of 10 cannot be a code.
fn tax_check_digit(code: &str) -> bool {
    const WEIGHTS: [u32; 9] = [31, 29, 23, 19, 17, 13, 7, 5, 3];
    let digits: Vec<u32> = code.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = WEIGHTS.iter().zip(&digits).map(|(w, d)| w * d).sum();
    digits.get(9) == Some(&(10 - sum % 11)) && code.get(2..9) != Some("0000000")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: IdentifierKind, text: &str) -> Result<Identifier, Vec<IdentifierViolation>> {
        Identifier::parse(kind, text, 2026)
    }

    #[test]
    fn tax_codes_carry_a_check_digit() {
        assert!(parse(IdentifierKind::TaxCode, "0100233488").is_ok());
        assert!(parse(IdentifierKind::TaxCode, "0314409058").is_ok());
        assert_eq!(
            parse(IdentifierKind::TaxCode, "0100233480"),
            Err(vec![IdentifierViolation::CheckDigit])
        );
    }

    #[test]
    fn twelve_digits_are_the_personal_id_whatever_the_kind() {
        let id = parse(IdentifierKind::InsuranceCode, "999099000001").unwrap();
        assert_eq!(id.kind(), IdentifierKind::Personal);
        assert!(parse(IdentifierKind::Legacy, "999099000001").is_err());
    }

    #[test]
    fn debug_shows_no_digit() {
        let id = parse(IdentifierKind::Legacy, "123456789").unwrap();
        assert_eq!(format!("{id:?}"), "Legacy(…)");
    }
}
