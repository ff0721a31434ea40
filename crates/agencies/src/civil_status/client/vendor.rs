//! The numbers of the register's refusals, and what each means to the gateway.
//!
//! *Invariant:* no number but 201 ever says that a person does not exist.

use adapter::Miss;

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The session is over, or the account is not taken.
    Session,
    /// The register found nothing; whether that is a person or a dossier depends on what was asked.
    NothingFound,
    /// It does not answer, for this reason.
    Refused(&'static str),
    /// It does not answer that question, for this reason.
    Question(&'static str),
}

impl Refusal {
    /// Of a number in no list: a refusal whose reason nobody knows.
    pub(super) const UNKNOWN: Self = Self::Refused("VENDOR_ERROR");

    /// The meaning of a number.
    pub(super) fn from_code(code: &str) -> Self {
        match code {
            "100" => Self::Session,
            "101" => Self::Refused("ADDRESS_NOT_ALLOWED"),
            "106" => Self::Question("AGENCY_NOT_ACCEPTED"),
            "108" => Self::Question("PROVINCE_NOT_ACCEPTED"),
            "200" => Self::Question("ENQUIRY_INCOMPLETE"),
            "201" => Self::NothingFound,
            "302" => Self::Question("TYPE_NOT_ACCEPTED"),
            "500" => Self::Question("DATA_NOT_ACCEPTED"),
            _ => Self::UNKNOWN,
        }
    }

    /// The miss of a refusal for that reason.
    pub(super) fn miss(reason: &'static str) -> Miss {
        Miss::unavailable(reason, "the register refused, with a number of its own")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Row U08: of the numbers of the vendor only 201 says that nothing is found; a timeout never does.
    #[test]
    fn every_number_has_its_meaning_and_only_201_finds_nothing() {
        let table = [
            ("100", Refusal::Session),
            ("101", Refusal::Refused("ADDRESS_NOT_ALLOWED")),
            ("106", Refusal::Question("AGENCY_NOT_ACCEPTED")),
            ("108", Refusal::Question("PROVINCE_NOT_ACCEPTED")),
            ("200", Refusal::Question("ENQUIRY_INCOMPLETE")),
            ("201", Refusal::NothingFound),
            ("302", Refusal::Question("TYPE_NOT_ACCEPTED")),
            ("500", Refusal::Question("DATA_NOT_ACCEPTED")),
            ("999", Refusal::Refused("VENDOR_ERROR")),
            ("timeout", Refusal::Refused("VENDOR_ERROR")),
            ("404", Refusal::Refused("VENDOR_ERROR")),
            ("0201", Refusal::Refused("VENDOR_ERROR")),
        ];
        for (code, meaning) in table {
            assert_eq!(Refusal::from_code(code), meaning, "{code}");
        }
    }
}
