//! The operations of the document: one path per route.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use prost_reflect::{MessageDescriptor, MethodDescriptor};
use serde_json::{Map, Value, json};

use super::problem::header;
use super::schema::reference;
use crate::proto::routes::Route;
use crate::proto::text::{comment, message_comment};

/// Every route, by path and verb.
pub(super) fn paths(routes: &[Route]) -> Result<Value> {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for Route { verb, path, method } in routes {
        let verbs = paths.entry(path).or_default();
        let former = verbs.insert(verb.to_lowercase(), operation(verb, method)?);
        ensure!(former.is_none(), "{verb} {path} is two methods");
    }
    Ok(json!(paths))
}

fn operation(verb: &str, method: &MethodDescriptor) -> Result<Value> {
    let text = comment(&method.parent_service().parent_file(), method.path());
    ensure!(!text.is_empty(), "{} has no comment", method.full_name());
    let mut operation = json!({
        "operationId": method.name(),
        "summary": first_sentence(&text),
        "description": text,
        "tags": [method.parent_service().name()],
        "parameters": [{"$ref": "#/components/parameters/Prefer"}],
        "responses": {
            "200": answer(&method.output(), method.is_server_streaming()),
            "default": {"$ref": "#/components/responses/Problem"},
        },
    });
    if verb == "GET" {
        let fields = method.input().fields().len();
        ensure!(fields == 0, "{}: a GET has no fields", method.full_name());
    } else if let Some(members) = operation.as_object_mut() {
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
