//! Small words of a request: purpose, procedure, dossier, officer, agreement, ids.
//!
//! Each is checked once for length and for characters that could forge a line of a log or a cell
//! of a table. Officer, dossier and consent identify people, so they redact themselves.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

/// Why a word is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordViolation {
    /// Nothing, or only spaces.
    #[error("must not be empty")]
    Empty,
    /// More characters than the word may have.
    #[error("is longer than {0} characters")]
    TooLong(usize),
    /// A control, bidirectional-override or zero-width character, or one outside the word's set.
    #[error("holds a character that is not allowed")]
    Character,
}

/// A request id: UUID v4 or v7, the caller's key of idempotency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Uuid);

impl RequestId {
    /// Parses the hyphenated form of a UUID v4 or v7; none for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let uuid = (text.len() == 36).then(|| Uuid::try_parse(text).ok())??;
        matches!(uuid.get_version_num(), 4 | 7).then_some(Self(uuid))
    }

    /// A fresh one, for calls that need none from the caller.
    #[must_use]
    pub fn fresh() -> Self {
        Self(Uuid::now_v7())
    }

    /// The UUID itself.
    #[must_use]
    pub const fn uuid(&self) -> Uuid {
        self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// True for characters that may not stand in any text of a request: controls, bidirectional
/// overrides and zero-width characters (they forge what a reader sees).
#[must_use]
pub fn forges(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

pub(crate) fn code(text: &str, max: usize) -> Result<Box<str>, WordViolation> {
    if text.is_empty() {
        Err(WordViolation::Empty)
    } else if text.len() > max {
        Err(WordViolation::TooLong(max))
    } else if !text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/' | b':'))
    {
        Err(WordViolation::Character)
    } else {
        Ok(text.into())
    }
}

fn prose(text: &str, max: usize) -> Result<Box<str>, WordViolation> {
    if text.trim().is_empty() {
        Err(WordViolation::Empty)
    } else if text.chars().count() > max {
        Err(WordViolation::TooLong(max))
    } else if text.chars().any(forges) {
        Err(WordViolation::Character)
    } else {
        Ok(text.trim().nfc().collect::<String>().into())
    }
}

macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $check:ident, $max:literal, open) => {
        word!(@type $(#[$doc])* $name, $check, $max);
        impl $name {
            /// The word as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
    ($(#[$doc:meta])* $name:ident, $check:ident, $max:literal, sealed) => {
        word!(@type $(#[$doc])* $name, $check, $max);
        impl $name {
            /// The text, for the agency that is asked and the commitment in the record.
            #[must_use]
            pub fn reveal(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
    (@type $(#[$doc:meta])* $name:ident, $check:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);
        impl $name {
            /// Checks and keeps the text.
            ///
            /// # Errors
            /// What is wrong with it.
            pub fn parse(text: &str) -> Result<Self, WordViolation> {
                $check(text, $max).map(Self)
            }
        }
    };
}

word!(
    /// Why a caller asks, as the catalogue of purposes spells it.
    PurposeCode, code, 64, open
);
word!(
    /// The id of an agreement between agencies, such as `A-113`.
    AgreementId, code, 64, open
);
word!(
    /// The administrative procedure that justifies the question, such as `2.000815.000.00.00.H55`.
    ProcedureCode, code, 64, open
);
word!(
    /// The number of the citizen's dossier.
    DossierNo, prose, 64, sealed
);
word!(
    /// The officer on whose screen the answer will stand.
    OfficerId, prose, 64, sealed
);
word!(
    /// The id of a registered consent.
    ConsentId, code, 64, sealed
);
word!(
    /// A reason in words, shown to the citizen in the access log.
    ReasonText, prose, 200, sealed
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_refuse_what_forges_a_line() {
        for text in ["a\r\nb", "a\u{1b}[31m", "a\u{202e}b", "a\u{200b}b"] {
            assert_eq!(
                OfficerId::parse(text),
                Err(WordViolation::Character),
                "{text:?}"
            );
        }
        assert_eq!(PurposeCode::parse(""), Err(WordViolation::Empty));
        assert_eq!(PurposeCode::parse("a b"), Err(WordViolation::Character));
        assert_eq!(
            PurposeCode::parse(&"x".repeat(65)),
            Err(WordViolation::TooLong(64))
        );
    }

    #[test]
    fn request_ids_are_uuid_4_or_7() {
        assert!(RequestId::parse("0190163d-8694-739b-aea5-966c26f8ad91").is_some());
        assert!(RequestId::parse("9f1f9a30-55e5-4f3f-9d7a-2b0a53c0e1ab").is_some());
        assert!(RequestId::parse("9f1f9a30-55e5-1f3f-9d7a-2b0a53c0e1ab").is_none());
        assert!(RequestId::parse("9f1f9a3055e54f3f9d7a2b0a53c0e1ab").is_none());
    }

    #[test]
    fn people_do_not_show_in_debug() {
        assert_eq!(
            format!("{:?}", OfficerId::parse("CB-17").unwrap()),
            "OfficerId(…)"
        );
    }
}
