//! `google.protobuf.FieldMask` with its proto-JSON form: one string of lowerCamelCase paths.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// A set of field paths, as the wire carries it.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FieldMask {
    /// Paths in `snake_case`, such as `population.birth_date`.
    #[prost(string, repeated, tag = "1")]
    pub paths: Vec<String>,
}

impl Serialize for FieldMask {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let camel: Vec<String> = self.paths.iter().map(|path| to_camel(path)).collect();
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
                Ok(FieldMask {
                    paths: parts.map(to_snake).collect(),
                })
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
        let mask = FieldMask {
            paths: vec!["population.birth_date".into(), "civil_status.mother".into()],
        };
        let json = serde_json::to_string(&mask).unwrap();
        assert_eq!(json, r#""population.birthDate,civilStatus.mother""#);
        assert_eq!(serde_json::from_str::<FieldMask>(&json).unwrap(), mask);
        assert!(serde_json::from_str::<FieldMask>(r#"{"paths":[]}"#).is_err());
    }
}
