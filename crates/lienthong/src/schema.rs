//! `lienthong schema`: the JSON Schemas of the files that people write, for editors and for those who
//! check files before they are signed. That of the configuration is made of its types (`config`). Not
//! here: what no schema says, such as that a purpose is in the catalogue (`policy check`).

use std::process::ExitCode;

use admission::Duty;
use exchange::{Closed, FIELDS, Mask, Source};
use serde_json::{Map, Value, json};

use crate::cli::{Schema, SchemaOf};
use crate::{config, exit};

/// Prints a schema.
pub(crate) fn run(arguments: &Schema) -> anyhow::Result<ExitCode> {
    let schema = match arguments.of {
        SchemaOf::Agreement => agreement(),
        SchemaOf::Config => config::schema(),
    };
    println!("{}", serde_json::to_string_pretty(&schema)?);
    Ok(exit::COMPLETE.into())
}

/// The schema of the file of one agreement.
fn agreement() -> Value {
    let mut properties = Map::new();
    for part in [parties(), rights(), bounds(), sight()] {
        if let Value::Object(part) = part {
            properties.extend(part);
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An agreement between agencies",
        "type": "object",
        "required": ["id", "agency", "purposes", "valid_from", "valid_to"],
        "additionalProperties": false,
        "properties": properties,
    })
}

fn parties() -> Value {
    json!({
        "id": text("The id of the agreement: the name of its file."),
        "agency": text("The agency, as its certificates spell it."),
        "systems": list(&text("A system of the agency."), "Its systems; every one if left out."),
        "purposes": list(&text("A code of purposes.toml."), "Why it may ask."),
        "procedures": list(&text("A procedure."), "For which procedures; every one if left out."),
    })
}

fn rights() -> Value {
    let sources = Source::ALL.iter().map(|source| source.name());
    let fields: Vec<&str> = sources.chain(FIELDS.iter().map(|info| info.path)).collect();
    let duties = Duty::ALL.map(Duty::name);
    let masked = |mask: Mask, what: &str| {
        let fields = FIELDS.iter().filter(|info| info.mask == Some(mask));
        let paths: Vec<&str> = fields.map(|info| info.path).collect();
        list(&json!({"enum": paths}), what)
    };
    json!({
        "fields": list_or_none(&json!({"enum": fields}), "What it may have: a field, or all of a source."),
        "last_four_only": masked(Mask::LastFour, "Numbers of which it may have the last four characters."),
        "year_only": masked(Mask::Year, "Dates of which it may have the year."),
        "province_only": masked(Mask::Province, "Addresses of which it may have the province."),
        "break_glass": list(&json!({"enum": fields}), "What it may have in an emergency."),
        "duties": list(&json!({"enum": duties}), "What it may do with the record."),
    })
}

fn bounds() -> Value {
    let hours = json!({
        "type": "string",
        "pattern": "^(MON|TUE|WED|THU|FRI|SAT|SUN)(-(MON|TUE|WED|THU|FRI|SAT|SUN))? \
                    [0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$",
    });
    json!({
        "valid_from": day("The first day, in Asia/Ho_Chi_Minh."),
        "valid_to": day("The last day."),
        "hours": list(&hours, "When it may ask about citizens; always if left out."),
        "outside_hours": choice(&["REFUSE", "FLAG"], "REFUSE", "What becomes of other hours."),
        "own_record": choice(&["REFUSE", "FLAG"], "FLAG", "What becomes of an officer who asks about themselves."),
        "flag_relatives": flag(false, "Whether an officer who asks about a relative is looked for, and flagged."),
        "also_about": list(
            &json!({"enum": Closed::OPENED.map(Closed::word)}),
            "Whom it is told of, who are closed otherwise.",
        ),
        "second_factor": flag(true, "Whether name and birth date must be given."),
        "officer_required": flag(false, "Whether the officer must be named."),
        "consent_required": flag(false, "Whether the person must have agreed."),
        "criticality_cap": choice(
            &["CITIZEN_WAITING", "BACK_OFFICE", "BULK"],
            "CITIZEN_WAITING",
            "The most urgent class it may claim.",
        ),
    })
}

fn sight() -> Value {
    json!({
        "visibility": choice(&["CITIZEN", "DELAYED", "SEALED"], "CITIZEN", "When the citizen sees it."),
        "delay_days": {"type": "integer", "minimum": 1, "maximum": 3_653, "description": "For DELAYED."},
        "legal_basis": text("For SEALED."),
    })
}

fn text(what: &str) -> Value {
    json!({"type": "string", "minLength": 1, "description": what})
}

fn day(what: &str) -> Value {
    json!({"type": "string", "format": "date", "description": what})
}

fn flag(default: bool, what: &str) -> Value {
    json!({"type": "boolean", "default": default, "description": what})
}

fn choice(of: &[&str], default: &str, what: &str) -> Value {
    json!({"enum": of, "default": default, "description": what})
}

fn list(items: &Value, what: &str) -> Value {
    json!({"type": "array", "minItems": 1, "items": items, "description": what})
}

/// A list that is empty where only duties are granted.
fn list_or_none(items: &Value, what: &str) -> Value {
    json!({"type": "array", "items": items, "description": what})
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use admission::{Error, Policy};
    use toml::Table;

    use super::*;

    fn fixtures() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../admission/fixtures")
    }

    fn examples() -> Vec<Table> {
        let files = std::fs::read_dir(fixtures().join("bundle/agreements")).unwrap();
        let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        texts.map(|text| toml::from_str(&text).unwrap()).collect()
    }

    fn keys() -> Vec<String> {
        agreement()["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    }

    #[test]
    fn the_published_schema_is_the_one_that_is_printed() {
        let file = fixtures().join("agreement.schema.json");
        let published = std::fs::read_to_string(&file).unwrap_or_default();
        let printed = serde_json::to_string_pretty(&agreement()).unwrap() + "\n";
        assert_eq!(
            published,
            printed,
            "lienthong schema agreement > {}",
            file.display()
        );
    }

    #[test]
    fn every_key_of_the_examples_is_in_the_schema_and_every_required_one_there() {
        let (keys, schema) = (keys(), agreement());
        for example in examples() {
            assert!(example.keys().all(|key| keys.contains(key)), "{example:?}");
            for required in schema["required"].as_array().unwrap() {
                assert!(
                    example.contains_key(required.as_str().unwrap()),
                    "{required}"
                );
            }
        }
    }

    #[test]
    fn every_key_of_the_schema_is_read_and_no_other() {
        for key in keys().iter().map(String::as_str).chain(["colour"]) {
            let mut wrong = examples().remove(0);
            wrong.insert(key.to_owned(), toml::Value::Float(1.5));
            let policy = Table::from_iter([("agreement".to_owned(), vec![wrong].into())]);
            let text = toml::to_string(&policy).unwrap();
            let Err(Error::Invalid(problems)) = Policy::parse(text.as_bytes()) else {
                panic!("{key} may be anything");
            };
            let path = format!("agreement[0].{key}");
            let problem = problems
                .iter()
                .find(|problem| problem.path.starts_with(&path));
            let is_unknown = problem.unwrap().what == "unknown key";
            assert_eq!(is_unknown, key == "colour", "{key}");
        }
    }
}
