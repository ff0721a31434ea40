//! The operations of the document: one path per route.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use prost_reflect::{FieldDescriptor, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::problem::header;
use super::schema::{kind_schema, reference};
use crate::proto::routes::Route;
use crate::proto::text::{comment, field_comment, message_comment};

/// Every route, by path and verb.
pub(super) fn paths(routes: &[Route]) -> Result<Value> {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for route in routes {
        let (verb, path) = (route.verb, path(route));
        let operation = operation(route)?;
        let verbs = paths.entry(path.clone()).or_default();
        let former = verbs.insert(verb.to_lowercase(), operation);
        ensure!(former.is_none(), "{verb} {path} is two methods");
    }
    Ok(json!(paths))
}

/// The path with its variable as JSON spells it.
pub(super) fn path(route: &Route) -> String {
    match (route.variable(), variable(route)) {
        (Some((before, _, behind)), Some(field)) => {
            format!("{before}{{{}}}{behind}", field.json_name())
        }
        _ => route.path.clone(),
    }
}

/// The field that stands in the path.
fn variable(route: &Route) -> Option<FieldDescriptor> {
    let (_, field, _) = route.variable()?;
    route.method.input().get_field_by_name(field)
}

/// The header that every method takes, what stands in the path, and of a GET the rest of the message.
fn parameters(route: &Route) -> Result<Vec<Value>> {
    let mut parameters = vec![json!({"$ref": "#/components/parameters/Prefer"})];
    let mut add = |field: &FieldDescriptor, place: &str| -> Result<()> {
        let description = field_comment(field);
        ensure!(
            !description.is_empty(),
            "{} has no comment",
            field.full_name()
        );
        parameters.push(json!({
            "name": field.json_name(),
            "in": place,
            "required": place == "path",
            "description": description,
            "schema": kind_schema(&field.kind()),
        }));
        Ok(())
    };
    if let Some(field) = variable(route) {
        add(&field, "path")?;
    }
    if route.verb == "GET" {
        for field in route.fields() {
            add(&field, "query")?;
        }
    }
    Ok(parameters)
}

fn operation(route: &Route) -> Result<Value> {
    let method = &route.method;
    let text = comment(&method.parent_service().parent_file(), method.path());
    ensure!(!text.is_empty(), "{} has no comment", method.full_name());
    let mut operation = json!({
        "operationId": method.name(),
        "summary": first_sentence(&text),
        "description": text,
        "tags": [method.parent_service().name()],
        "parameters": parameters(route)?,
        "responses": {
            "200": answer(&method.output(), method.is_server_streaming()),
            "default": {"$ref": "#/components/responses/Problem"},
        },
    });
    if let Some(members) = operation.as_object_mut()
        && route.has_body()
    {
        members.insert("requestBody".to_owned(), body(&method.input()));
    }
    Ok(operation)
}

fn body(message: &MessageDescriptor) -> Value {
    json!({
        "required": true,
        "content": {"application/json": {"schema": reference(message.name())}},
    })
}

fn answer(message: &MessageDescriptor, stream: bool) -> Value {
    let mut description = message_comment(message);
    let mut media = "application/json";
    if stream {
        description.push_str(" Server-sent events: the `data` of each is one such message.");
        media = "text/event-stream";
    }
    json!({
        "description": description,
        "headers": {
            "RateLimit": header("RateLimit"),
            "RateLimit-Policy": header("RateLimit-Policy"),
        },
        "content": {media: {"schema": reference(message.name())}},
    })
}

/// `One thing. Another.` → `One thing.`
fn first_sentence(text: &str) -> &str {
    text.find(". ")
        .and_then(|end| text.get(..=end))
        .unwrap_or(text)
}
