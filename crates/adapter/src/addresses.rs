//! One address, or a list of them, as a stanza writes it.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use url::Url;

/// The addresses of the servers of one agency: at least one, and each once.
#[derive(Clone, Debug)]
pub struct Addresses(pub(crate) Vec<Url>);

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Addresses;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a URL or a list of URLs")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Addresses, E> {
        Ok(Addresses(vec![url(text)?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Addresses, A::Error> {
        let mut all = Vec::new();
        while let Some(text) = list.next_element::<String>()? {
            let url = url(&text)?;
            if all.contains(&url) {
                return Err(Error::custom(format_args!("{text} stands there twice")));
            }
            all.push(url);
        }
        if !(1..=MOST).contains(&all.len()) {
            let count = all.len();
            return Err(Error::custom(format_args!(
                "{count} addresses are not between 1 and {MOST}"
            )));
        }
        Ok(Addresses(all))
    }
}

fn url<E: Error>(text: &str) -> Result<Url, E> {
    let wrong = |error| E::custom(format_args!("{text} is no URL: {error}"));
    text.parse().map_err(wrong)
}

impl JsonSchema for Addresses {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Addresses".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let url = generator.subschema_for::<Url>();
        json_schema!({
            "anyOf": [
                url,
                {
                    "type": "array",
                    "items": url,
                    "minItems": 1,
                    "maxItems": MOST,
                    "uniqueItems": true,
                },
            ]
        })
    }
}

/// Each call looks at all of them.
const MOST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Vec<String>, String> {
        #[derive(Deserialize)]
        struct Stanza {
            url: Addresses,
        }
        let stanza: Result<Stanza, _> = serde_json::from_str(&format!("{{\"url\": {value}}}"));
        let texts = |it: Stanza| it.url.0.iter().map(Url::to_string).collect();
        stanza.map(texts).map_err(|error| error.to_string())
    }

    #[test]
    fn one_address_is_a_text_and_several_are_a_list() {
        let one = read(r#""https://a.example/""#).unwrap();
        assert_eq!(one, ["https://a.example/"]);
        let two = read(r#"["https://a.example", "https://b.example"]"#).unwrap();
        assert_eq!(two, ["https://a.example/", "https://b.example/"]);
    }

    #[test]
    fn what_is_no_list_of_addresses_is_refused_by_what_is_wrong() {
        for (value, what) in [
            ("[]", "0 addresses"),
            (r#"["https://a.example", "https://a.example/"]"#, "twice"),
            (
                r#"["https://a.example", "b.example"]"#,
                "b.example is no URL",
            ),
            (r#""b.example""#, "b.example is no URL"),
            ("3", "a URL or a list of URLs"),
        ] {
            let said = read(value).unwrap_err();
            assert!(said.contains(what), "{value}: {said}");
        }
    }
}
