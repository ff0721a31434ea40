//! What an answer of a witness says, before it is compared with anything.

use super::NotCosigned;
use crate::witness::{Answer, parse_size};

/// What an answer says.
#[derive(Debug)]
pub(super) enum Said<'a> {
    /// Lines that should be cosignatures.
    Lines(&'a [u8]),
    /// It knows the log with that size.
    Knows(u64),
    /// It knows another size, or another tree of that size.
    Conflict,
    /// The proof does not fit.
    Inconsistent,
    /// Nothing about the log.
    Nothing(NotCosigned),
}

impl<'a> Said<'a> {
    /// Reads an answer.
    pub(super) fn of(answer: &'a Answer) -> Self {
        match answer.status {
            200 => Self::Lines(&answer.body),
            409 => told_size(answer).map_or(Self::Conflict, Self::Knows),
            422 => Self::Inconsistent,
            status @ 500.. => Self::Nothing(NotCosigned::Failing(status)),
            status => Self::Nothing(NotCosigned::Refused(status)),
        }
    }
}

/// The size that the witness knows, in the form of the protocol.
fn told_size(answer: &Answer) -> Option<u64> {
    let text = std::str::from_utf8(&answer.body).ok()?;
    let size = text.strip_suffix('\n').filter(|_| answer.is_size)?;
    parse_size(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_told_in_one_form_only() {
        let told = |is_size, body: &str| {
            let answer = Answer {
                status: 409,
                is_size,
                body: body.into(),
            };
            if let Said::Knows(size) = Said::of(&answer) {
                return Some(size);
            }
            assert!(matches!(Said::of(&answer), Said::Conflict));
            None
        };
        assert_eq!(told(true, "0\n"), Some(0));
        assert_eq!(told(true, "18446744073709551615\n"), Some(u64::MAX));
        assert_eq!(told(false, "7\n"), None);
        for wrong in [
            "7",
            "07\n",
            "+7\n",
            "-7\n",
            " 7\n",
            "7\n\n",
            "\n",
            "",
            "18446744073709551616\n",
        ] {
            assert_eq!(told(true, wrong), None, "{wrong:?}");
        }
    }
}
