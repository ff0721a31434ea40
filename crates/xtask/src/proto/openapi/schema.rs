//! The schemas of messages and enums, as canonical proto-JSON writes them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use crate::proto::catalogue::{Releasable, records};
use crate::proto::routes::Route;
use crate::proto::text::{comment, field_comment, message_comment};

/// The schema of everything that a body of a route may hold, by name.
pub(super) fn schemas(pool: &DescriptorPool, routes: &[Route]) -> Result<Map<String, Value>> {
    let mut asked = BTreeSet::new();
    let mut found = BTreeMap::new();
    for route in routes {
        if route.has_body() {
            reach(route.method.input(), &mut found);
        }
    }
    asked.extend(found.keys().cloned());
    for route in routes {
        reach(route.method.output(), &mut found);
    }
    let releasable: BTreeMap<_, _> = records(pool)?
        .into_iter()
        .flat_map(|(_, fields)| fields)
        .map(|field| (field.field.full_name().to_owned(), field))
        .collect();
    let mut schemas = Map::new();
    for (full_name, found) in &found {
        let name = full_name.rsplit('.').next().unwrap_or_default();
        let schema = match found {
            Found::Message(message) => {
                message_schema(message, asked.contains(full_name), &releasable)?
            }
            Found::Choice(choice) => choice_schema(choice),
        };
        let former = schemas.insert(name.to_owned(), schema);
        ensure!(former.is_none(), "two things are called {name}");
    }
    Ok(schemas)
}

/// A reference to a schema of [`schemas`].
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Something a body may hold.
enum Found {
    Message(MessageDescriptor),
    Choice(EnumDescriptor),
}

/// Adds a message and all that it may hold.
fn reach(message: MessageDescriptor, found: &mut BTreeMap<String, Found>) {
    if found.contains_key(message.full_name()) {
        return;
    }
    let fields: Vec<_> = message.fields().map(|field| field.kind()).collect();
    found.insert(message.full_name().to_owned(), Found::Message(message));
    for kind in fields {
        if let Kind::Message(message) = kind {
            reach(message, found);
        } else if let Kind::Enum(choice) = kind {
            found.insert(choice.full_name().to_owned(), Found::Choice(choice));
        }
    }
}

fn message_schema(
    message: &MessageDescriptor,
    asked: bool,
    releasable: &BTreeMap<String, Releasable>,
) -> Result<Value> {
    if message.package_name() == "google.protobuf" {
        return well_known(message.name());
    }
    let mut properties = Map::new();
    for field in message.fields() {
        let schema = field_schema(&field, releasable.get(field.full_name()))?;
        properties.insert(field.json_name().to_owned(), schema);
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("description".to_owned(), json!(message_comment(message)));
    schema.insert("properties".to_owned(), json!(properties));
    if asked {
        schema.insert("additionalProperties".to_owned(), json!(false));
    }
    let choices: Vec<_> = oneofs(message)
        .map(|members| at_most_one(&members))
        .collect();
    if !choices.is_empty() {
        schema.insert("allOf".to_owned(), json!(choices));
    }
    Ok(Value::Object(schema))
}

/// The JSON names of the members of each `oneof`.
fn oneofs(message: &MessageDescriptor) -> impl Iterator<Item = Vec<String>> {
    message
        .oneofs()
        .filter(|oneof| !oneof.is_synthetic())
        .map(|oneof| oneof.fields().map(|f| f.json_name().to_owned()).collect())
}

/// The constraint that an object holds one of the members, or none.
fn at_most_one(members: &[String]) -> Value {
    let each: Vec<_> = members.iter().map(|m| json!({"required": [m]})).collect();
    let none = json!({"not": {"anyOf": each}});
    json!({"oneOf": each.iter().chain([&none]).collect::<Vec<_>>()})
}

fn field_schema(field: &FieldDescriptor, releasable: Option<&Releasable>) -> Result<Value> {
    ensure!(!field.is_map(), "{}: no schema for maps", field.full_name());
    let single = kind_schema(&field.kind());
    let schema = if field.is_list() {
        json!({"type": "array", "items": single})
    } else {
        single
    };
    let Value::Object(mut schema) = schema else {
        bail!("a schema is no object");
    };
    let mut add = |name: &str, value: Value| schema.insert(name.to_owned(), value);
    add("description", json!(field_description(field)?));
    if let Some(rule) = releasable {
        add("title", json!(rule.title_vi));
        add("x-field-id", json!(rule.path));
        add("x-sensitivity", json!(rule.sensitivity_name()));
        add("x-authority", json!(rule.authority_name()));
        add("x-title-en", json!(rule.title_en));
        add("x-unconfirmed", json!(rule.unconfirmed));
    }
    Ok(Value::Object(schema))
}

/// The comment, and what else a member of a `oneof` should say.
fn field_description(field: &FieldDescriptor) -> Result<String> {
    let text = Some(field_comment(field)).filter(|text| !text.is_empty());
    let mut text = text.with_context(|| format!("{} has no comment", field.full_name()))?;
    if let Some(oneof) = field.containing_oneof().filter(|o| !o.is_synthetic()) {
        let others: Vec<_> = oneof
            .fields()
            .filter(|other| other != field)
            .map(|other| format!("`{}`", other.json_name()))
            .collect();
        if !others.is_empty() {
            text = format!("{text} Excludes {}.", others.join(", "));
        }
    }
    Ok(text)
}

/// The schema of one value.
pub(super) fn kind_schema(kind: &Kind) -> Value {
    match kind {
        Kind::Message(message) => reference(message.name()),
        Kind::Enum(choice) => reference(choice.name()),
        Kind::Bool => json!({"type": "boolean"}),
        Kind::String => json!({"type": "string"}),
        Kind::Bytes => json!({"type": "string", "contentEncoding": "base64", "format": "byte"}),
        Kind::Double => json!({"type": "number", "format": "double"}),
        Kind::Float => json!({"type": "number", "format": "float"}),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            json!({"type": "integer", "format": "int32"})
        }
        Kind::Uint32 | Kind::Fixed32 => {
            json!({"type": "integer", "format": "uint32", "minimum": 0})
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            json!({"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"})
        }
        Kind::Uint64 | Kind::Fixed64 => {
            json!({"type": "string", "format": "uint64", "pattern": "^[0-9]+$"})
        }
    }
}

/// The JSON forms that the proto-JSON mapping gives to messages of Google's.
fn well_known(name: &str) -> Result<Value> {
    Ok(match name {
        "Timestamp" => json!({
            "type": "string", "format": "date-time",
            "description": "A moment, in RFC 3339.",
            "examples": ["2026-01-15T08:30:00Z"],
        }),
        "Duration" => json!({
            "type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$",
            "description": "A span of time in seconds, with the letter s.",
            "examples": ["1.5s"],
        }),
        "FieldMask" => json!({
            "type": "string",
            "description": "Field ids in lowerCamelCase, separated by commas.",
            "examples": ["population.name,population.birthDate,civilStatus.maritalStatus"],
        }),
        _ => bail!("google.protobuf.{name} has no schema yet"),
    })
}

fn choice_schema(choice: &EnumDescriptor) -> Value {
    let file = choice.parent_file();
    let mut text = comment(&file, choice.path());
    text.push('\n');
    for value in choice.values() {
        let meaning = comment(&file, value.path());
        text.push_str(&format!("\n- `{}`: {meaning}", value.name()));
    }
    let names: Vec<_> = choice.values().map(|v| v.name().to_owned()).collect();
    json!({"type": "string", "description": text, "enum": names})
}
