//! The schema beside what reads the file.

use std::path::{Path, PathBuf};

use jsonschema::Validator;

use super::*;
use crate::config::draft::Draft;

fn validator() -> Validator {
    jsonschema::validator_for(&schema()).unwrap()
}

/// A TOML text as the schema sees it.
fn json_of(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap()
}

/// What `check-config` says of a text, but for the files that it names and the agencies' own keys.
fn said(text: &str) -> String {
    Draft::parse(text, PathBuf::from("/x")).problems.to_string()
}

const GOOD: &str = r#"
[gateway]
node = "a"
trust_domain = "sandbox.b.example"
policy = "agreements.toml"
[tls]
certificate = "c.pem"
key = "c.key"
client_ca = "ca.pem"
[edge]
listen = "127.0.0.1:1"
proxy_protocol_from = ["10.0.0.0/8"]
[edge.find_usage]
agency = "G24"
system = "portal"
[edge.limits]
idle_ms = 1
[evidence]
dir = "log"
origin = "log.example/1"
node = "a"
places = 7
[sharing]
nodes = 3
redis = "r"
secret = "s"
[scrutiny]
misses = 60
[sandbox]
panics = ["tax"]
[agency.tax]
url = "https://localhost:1"
timeout_ms = 9
[agency.tax.guard]
max_calls = 64
[agency.civil_status]
url = ["https://localhost:2", "https://localhost:3"]
user = "u"
secret_file = "f"
"#;

#[test]
fn the_published_schema_is_the_one_that_is_printed() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/config.schema.json");
    let published = std::fs::read_to_string(&file).unwrap_or_default();
    let printed = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    let file = file.display();
    assert!(published == printed, "lienthong schema config > {file}");
}

#[test]
fn a_good_file_is_taken_by_both() {
    assert_eq!(said(GOOD), "");
    let (validator, json) = (validator(), json_of(GOOD));
    let refused = validator.iter_errors(&json).map(|error| error.to_string());
    assert_eq!(refused.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn what_the_schema_refuses_is_refused_by_check_config_alike() {
    let validator = validator();
    let is_refused = |from: &str, to: &str| {
        assert!(GOOD.contains(from), "{from}");
        let text = GOOD.replacen(from, to, 1);
        let by_schema = !validator.is_valid(&json_of(&text));
        assert!(by_schema, "the schema takes {text}");
        assert_ne!(said(&text), "", "check-config takes {text}");
    };
    for stanza in STANZAS {
        let head = format!("[{stanza}]\n");
        is_refused(&head, &format!("{head}colour = 1\n"));
    }
    for key in REQUIRED {
        is_refused(&format!("{key}\n"), "");
    }
    for (from, to) in WRONG {
        is_refused(from, to);
    }
}

const STANZAS: [&str; 9] = [
    "sandbox",
    "gateway",
    "tls",
    "edge",
    "edge.find_usage",
    "evidence",
    "sharing",
    "scrutiny",
    "agency.tax.guard",
];

const REQUIRED: [&str; 12] = [
    "node = \"a\"",
    "trust_domain = \"sandbox.b.example\"",
    "policy = \"agreements.toml\"",
    "certificate = \"c.pem\"",
    "key = \"c.key\"",
    "client_ca = \"ca.pem\"",
    "listen = \"127.0.0.1:1\"",
    "system = \"portal\"",
    "dir = \"log\"",
    "origin = \"log.example/1\"",
    "redis = \"r\"",
    "url = \"https://localhost:1\"",
];

const WRONG: [(&str, &str); 22] = [
    ("idle_ms = 1", "calls = 0"),
    ("[agency.tax]", "[agency.nobody]"),
    ("[gateway]", "colour = 1\n[gateway]"),
    ("idle_ms = 1", "idle_ms = -1"),
    ("idle_ms = 1", "idle_ms = \"1 s\""),
    ("idle_ms = 1", "idle = 1"),
    ("places = 7", "places = 0"),
    ("places = 7", "retention_years = 256"),
    ("places = 7", "page_token_s = 0"),
    ("nodes = 3", "nodes = 0"),
    ("timeout_ms = 9", "timeout_ms = \"soon\""),
    ("max_calls = 64", "eject_after = 0"),
    ("max_calls = 64", "max_ejected_percent = 101"),
    ("\"https://localhost:1\"", "[]"),
    ("\"https://localhost:1\"", "[7]"),
    ("max_calls = 64", "max_calls = 0"),
    ("max_calls = 64", "max_calls = \"many\""),
    ("max_calls = 64", "min_success_percent = 101"),
    ("\"sandbox.b.example\"", "\"NOT A DOMAIN\""),
    ("\"c.pem\"", "7"),
    ("listen =", "reflection = \"yes\"\nlisten ="),
    ("[\"10.0.0.0/8\"]", "\"10.0.0.0/8\""),
];

#[test]
fn the_own_keys_of_an_agency_are_in_the_schema() {
    let validator = validator();
    for (from, to) in [
        ("user = \"u\"\n", ""),
        ("user =", "colour = 1\nuser ="),
        ("\"f\"", "7"),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert!(!validator.is_valid(&json_of(&text)), "{text}");
    }
}

/// Every setting of a schema, with its name.
fn settings(schema: &Value, into: &mut Vec<(String, Value)>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                into.extend(properties.iter().map(|(key, it)| (key.clone(), it.clone())));
            }
            object.values().for_each(|it| settings(it, into));
        }
        Value::Array(all) => all.iter().for_each(|it| settings(it, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_setting_says_what_it_is_and_in_what_it_is_counted() {
    let schema = schema();
    let mut all = Vec::new();
    settings(&schema, &mut all);
    assert!(all.len() > 60, "{} settings", all.len());
    for (name, setting) in &all {
        let is_stanza = setting.get("$ref").is_some() || setting.get("properties").is_some();
        let is_told = setting["description"]
            .as_str()
            .is_some_and(|it| it.len() > 7);
        assert!(is_told || is_stanza, "{name}: {setting}");
        let is_number = setting["type"] == "integer" && !COUNTS.contains(&name.as_str());
        let has_unit = setting.get("x-unit").is_some();
        assert_eq!(is_number, has_unit, "{name}: {setting}");
    }
    let at = |pointer: &str| schema.pointer(pointer).unwrap_or(&Value::Null).clone();
    assert_eq!(
        at("/properties/edge/properties/limits/properties/idle_ms/default"),
        300_000
    );
    assert_eq!(
        at("/properties/edge/properties/limits/properties/idle_ms/x-unit"),
        "ms"
    );
    assert_eq!(
        at("/properties/gateway/properties/verification_step_ms/default"),
        50
    );
}

/// What is counted in itself.
const COUNTS: [&str; 17] = [
    "calls",
    "handshakes",
    "connections",
    "connections_per_certificate",
    "places",
    "nodes",
    "pool_size",
    "misses",
    "misses_step_down",
    "sequence",
    "mismatches",
    "max_calls",
    "min_calls",
    "failures_in_a_row",
    "min_samples",
    "retries_per_second",
    "eject_after",
];
