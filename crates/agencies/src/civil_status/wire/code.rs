//! A code, number or status that is spelled as a JSON number here and as a string there.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A whole number or a text, kept as text without surrounding spaces.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Code(String);

impl Code {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The text itself.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl From<String> for Code {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Spelling;

        impl Visitor<'_> for Spelling {
            type Value = Code;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Code, E> {
                Ok(Code(text.trim().to_owned()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Code, E> {
                Ok(Code(number.to_string()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Code, E> {
                Ok(Code(number.to_string()))
            }
        }

        deserializer.deserialize_any(Spelling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_are_one_code() {
        for spelling in ["4", r#""4""#, r#"" 4 ""#] {
            let code: Code = serde_json::from_str(spelling).unwrap();
            assert_eq!(code.as_str(), "4");
        }
        for wrong in ["4.5", "true", "{}", "[4]"] {
            assert!(serde_json::from_str::<Code>(wrong).is_err(), "{wrong}");
        }
    }
}
