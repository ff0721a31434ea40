//! The JSON Schema of the configuration, out of the types that read it: every setting with what it
//! is, its default and its unit.
//!
//! Not here: what no schema says, such as that a file can be read or an address is one. Of that
//! `check-config` tells.
//!
//! *Invariant:* whatever the schema refuses, `check-config` refuses.

use adapter::{Addresses, Endpoint, guard};
use agencies::ALL;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, schema_for};
use serde_json::{Map, Value, json};

use super::draft::{Gateway, Sandbox, Tls};
use super::scrutiny::Scrutiny;
use crate::sharing;

/// A configuration of a gateway. Relative paths count from its folder; secrets are named by file.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "the stanzas are read one by one: `draft.rs`")]
struct File {
    gateway: Gateway,
    /// The listeners.
    edge: edge::Config,
    tls: Tls,
    /// The record.
    evidence: evidence::Config,
    sharing: Option<sharing::Config>,
    scrutiny: Option<Scrutiny>,
    sandbox: Option<Sandbox>,
    /// The agencies that are asked: a stanza switches one on.
    agency: Map<String, Value>,
}

/// The schema of the whole file.
pub(crate) fn schema() -> Value {
    // Stanza within stanza, as in the file.
    let whole = SchemaSettings::draft2020_12().with(|how| how.inline_subschemas = true);
    let schema = whole.into_generator().into_root_schema_for::<File>();
    let mut schema = schema.to_value();
    if let Some(agency) = schema.pointer_mut("/properties/agency") {
        let stanzas = ALL.iter().map(|entry| {
            let own = (entry.settings)().to_value();
            (entry.source.name().to_owned(), stanza(own))
        });
        let stanzas: Map<String, Value> = stanzas.collect();
        let what = agency.get("description").cloned();
        *agency = json!({
            "type": "object",
            "description": what,
            "properties": stanzas,
            "additionalProperties": false,
        });
    }
    plain(&mut schema);
    schema
}

/// The stanza of an agency: what all have, and its own keys.
fn stanza(own: Value) -> Value {
    let Value::Object(mut own) = without_head(own) else {
        return Value::Null;
    };
    let guard = schema_for!(guard::Config).to_value();
    let mut common = schema_for!(Endpoint<Addresses>).to_value();
    if let Some(properties) = common.pointer_mut("/properties") {
        properties["guard"] = without_head(guard);
    }
    for list in ["properties", "required"] {
        let common = common.get(list).cloned().unwrap_or_default();
        match (own.get_mut(list), common) {
            (Some(Value::Object(own)), Value::Object(common)) => own.extend(common),
            (Some(Value::Array(own)), Value::Array(common)) => own.extend(common),
            (_, common) => drop(own.insert(list.to_owned(), common)),
        }
    }
    own.into()
}

/// A schema without what only the whole file has.
fn without_head(mut schema: Value) -> Value {
    if let Value::Object(object) = &mut schema {
        object.remove("$schema");
        object.remove("title");
    }
    schema
}

/// Takes out what TOML does not have, and adds units.
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            units(object);
            no_null(object);
            object.values_mut().for_each(plain);
        }
        Value::Array(all) => all.iter_mut().for_each(plain),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Says the unit of each setting that has one in its name.
fn units(object: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = object.get_mut("properties") else {
        return;
    };
    for (name, setting) in properties {
        let unit = UNITS.iter().find(|(suffix, _)| name.ends_with(suffix));
        if let (Some((_, unit)), Value::Object(setting)) = (unit, setting) {
            setting.insert("x-unit".to_owned(), (*unit).into());
        }
    }
}

/// A setting that may be left out is never null.
fn no_null(object: &mut Map<String, Value>) {
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    let null = json!("null");
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|kind| *kind != null);
        if let [one] = types.as_slice() {
            let one = one.clone();
            object.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(any)) = object.get_mut("anyOf") {
        any.retain(|kind| kind.get("type") != Some(&null));
        if let [Value::Object(one)] = any.as_slice() {
            let one = one.clone();
            object.remove("anyOf");
            object.extend(one);
        }
    }
}

/// Units, by the end of a name.
const UNITS: [(&str, &str); 7] = [
    ("_ms", "ms"),
    ("_s", "s"),
    ("_bytes", "bytes"),
    ("_percent", "%"),
    ("_years", "years"),
    ("_per_hour", "1/h"),
    ("_per_day", "1/d"),
];

#[cfg(test)]
mod tests;
