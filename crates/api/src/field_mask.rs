//! `google.protobuf.FieldMask` with its proto-JSON form: one string of lowerCamelCase paths.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// A set of field paths, as the wire carries it.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FieldMask {
    /// Paths in `snake_case`, such as `population.birth_date`; one that is not UTF-8 is no field's.
    ///
    /// A mask may name every field there is: those of a gRPC call are slices of its message, which
    /// stays in memory, at most 64 KiB, as long as one of them.
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub paths: Vec<Bytes>,
}

impl FieldMask {
    /// The paths as texts, in their order; one that is not UTF-8 is shown with replacements.
    pub fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.paths.iter().map(|path| String::from_utf8_lossy(path))
    }
}

impl<S: Into<String>> FromIterator<S> for FieldMask {
    fn from_iter<I: IntoIterator<Item = S>>(paths: I) -> Self {
        let paths = paths.into_iter().map(|path| Bytes::from(path.into()));
        Self {
            paths: paths.collect(),
        }
    }
}

impl Serialize for FieldMask {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let camel: Vec<String> = self.texts().map(|path| to_camel(&path)).collect();
        serializer.serialize_str(&camel.join(","))
    }
}

impl<'de> Deserialize<'de> for FieldMask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Paths;
        impl Visitor<'_> for Paths {
            type Value = FieldMask;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("lowerCamelCase field paths in one string, separated by commas")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<FieldMask, E> {
                let parts = text.split(',').filter(|part| !part.is_empty());
                Ok(parts.map(to_snake).collect())
            }
        }
        deserializer.deserialize_str(Paths)
    }
}

fn to_camel(snake: &str) -> String {
    let mut out = String::with_capacity(snake.len());
    let mut up = false;
    for c in snake.chars() {
        match c {
            '_' => up = true,
            _ if up => {
                out.extend(c.to_uppercase());
                up = false;
            }
            _ => out.push(c),
        }
    }
    out
}

fn to_snake(camel: &str) -> String {
    let mut out = String::with_capacity(camel.len() + 4);
    for c in camel.trim().chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
            out.push(c.to_ascii_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_form_is_one_camel_case_string() {
        let mask = FieldMask::from_iter(["population.birth_date", "civil_status.mother"]);
        let json = serde_json::to_string(&mask).unwrap();
        assert_eq!(json, r#""population.birthDate,civilStatus.mother""#);
        assert_eq!(serde_json::from_str::<FieldMask>(&json).unwrap(), mask);
        assert!(serde_json::from_str::<FieldMask>(r#"{"paths":[]}"#).is_err());
    }
}
