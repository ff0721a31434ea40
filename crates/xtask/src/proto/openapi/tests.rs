//! The document against the contract of this checkout.

use std::collections::BTreeSet;

use prost_reflect::DescriptorPool;
use serde_json::{Value, json};

use super::*;
use crate::proto::Contract;

fn pool() -> DescriptorPool {
    Contract::compile(&crate::root().unwrap()).unwrap().pool
}

fn parsed() -> Value {
    serde_json::from_str(&generate(&pool()).unwrap()).unwrap()
}

fn at<'a>(document: &'a Value, pointer: &str) -> &'a Value {
    document
        .pointer(pointer)
        .unwrap_or_else(|| panic!("no {pointer}"))
}

fn property<'a>(document: &'a Value, path: &str) -> &'a Value {
    let (message, field) = path.split_once('.').unwrap();
    let pointer = format!("/components/schemas/{message}/properties/{field}");
    at(document, &pointer)
}

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_reference_resolves_and_every_schema_is_referred_to() {
    let document = parsed();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        at(&document, reference.strip_prefix('#').unwrap());
    }
    for name in at(&document, "/components/schemas")
        .as_object()
        .unwrap()
        .keys()
    {
        let reference = format!("#/components/schemas/{name}");
        assert!(found.contains(reference.as_str()), "{name} is not used");
    }
}

#[test]
fn every_route_is_an_operation_with_an_id_of_its_own() {
    let document = parsed();
    let routes = routes(&pool()).unwrap();
    let mut ids = BTreeSet::new();
    for route in &routes {
        let path = paths::path(route).replace('/', "~1");
        let pointer = format!("/paths/{path}/{}", route.verb.to_lowercase());
        let operation = at(&document, &pointer);
        ids.insert(operation["operationId"].as_str().unwrap());
        assert_eq!(operation["requestBody"].is_object(), route.has_body());
    }
    assert_eq!(ids.len(), routes.len());
    let paths = at(&document, "/paths").as_object().unwrap();
    let verbs: usize = paths.values().map(|p| p.as_object().unwrap().len()).sum();
    assert_eq!(verbs, routes.len());
}

#[test]
fn a_variable_and_the_rest_of_a_get_are_parameters() {
    let document = parsed();
    let results = "/paths/~1v1~1batchJobs~1{jobId}~1results/get";
    let parameters = at(&document, &format!("{results}/parameters"));
    let placed = |name: &str| {
        let mut all = parameters.as_array().unwrap().iter();
        let it = all.find(|it| it["name"] == name).unwrap();
        (it["in"].as_str().unwrap(), it["required"] == true)
    };
    assert_eq!(placed("jobId"), ("path", true));
    assert_eq!(placed("pageSize"), ("query", false));
    assert_eq!(placed("pageToken"), ("query", false));
    let cancel = at(&document, "/paths/~1v1~1batchJobs~1{jobId}:cancel/post");
    assert!(cancel["requestBody"].is_null(), "{cancel}");
}

#[test]
fn a_streaming_method_answers_with_events() {
    let document = parsed();
    let answers = at(
        &document,
        "/paths/~1v1~1citizens:stream/post/responses/200/content",
    );
    assert_eq!(
        answers,
        &json!({"text/event-stream": {
            "schema": {"$ref": "#/components/schemas/StreamCitizenResponse"},
        }})
    );
}

#[test]
fn values_look_as_proto_json_writes_them() {
    let document = parsed();
    let form = |path: &str| property(&document, path)["type"].clone();
    assert_eq!(form("AuditReceipt.seq"), "string");
    assert_eq!(property(&document, "AuditReceipt.seq")["format"], "uint64");
    assert_eq!(form("AuditReceipt.batchSize"), "integer");
    assert_eq!(form("AuditReceipt.leafHash"), "string");
    assert_eq!(form("AuditReceipt.path"), "array");
    assert_eq!(form("LookupCitizenRequest.dryRun"), "boolean");
    let schema = |name: &str| at(&document, &format!("/components/schemas/{name}"));
    assert_eq!(schema("FieldMask")["type"], "string");
    assert_eq!(schema("Timestamp")["format"], "date-time");
    assert!(
        schema("Source")["enum"]
            .as_array()
            .unwrap()
            .contains(&json!("SOURCE_TAX"))
    );
}

#[test]
fn requests_are_closed_and_answers_are_open() {
    let document = parsed();
    let closed = |name: &str| {
        at(&document, &format!("/components/schemas/{name}"))["additionalProperties"].clone()
    };
    assert_eq!(closed("LookupCitizenRequest"), false);
    assert_eq!(closed("MatchHints"), false);
    assert_eq!(closed("LookupCitizenResponse"), Value::Null);
}

#[test]
fn a_oneof_allows_one_of_its_members_or_none() {
    let document = parsed();
    let subject = at(&document, "/components/schemas/SubjectRef/allOf/0/oneOf");
    assert_eq!(subject[0], json!({"required": ["personalId"]}));
    assert_eq!(subject.as_array().unwrap().len(), 5);
    assert!(subject[4]["not"]["anyOf"].is_array());
}

#[test]
fn releasable_fields_carry_their_rule() {
    let document = parsed();
    let field = property(&document, "CivilStatusRecord.personalId");
    assert_eq!(field["x-field-id"], "civil_status.personal_id");
    assert_eq!(field["x-sensitivity"], "SENSITIVITY_BASIC");
    assert_eq!(field["x-authority"], "SOURCE_POPULATION");
    assert_eq!(field["title"], "Số định danh cá nhân");
    let own = property(&document, "CivilStatusRecord.marriages");
    assert_eq!(own["x-authority"], "SOURCE_CIVIL_STATUS");
}

#[test]
fn the_same_contract_gives_the_same_text() {
    let pool = pool();
    assert_eq!(generate(&pool).unwrap(), generate(&pool).unwrap());
}
