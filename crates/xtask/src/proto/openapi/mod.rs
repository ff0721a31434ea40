//! Generates the OpenAPI 3.1 document of the REST door from the contract.
//!
//! Here: the frame of the document. The schemas of messages stand in `schema`, the operations in
//! `paths`, errors and headers, which no proto file describes, in `problem`.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use prost_reflect::DescriptorPool;
use serde_json::{Value, json};

use super::routes::{Route, routes};
use super::text::comment;

mod paths;
mod problem;
mod schema;
#[cfg(test)]
mod tests;

/// The document as pretty JSON, with sorted keys.
pub(crate) fn generate(pool: &DescriptorPool) -> Result<String> {
    let mut document = document(pool)?;
    // Sorted here, because whether a JSON object keeps its order is a feature of the build.
    document.sort_all_objects();
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn document(pool: &DescriptorPool) -> Result<Value> {
    let routes = routes(pool)?;
    let mut schemas = schema::schemas(pool, &routes)?;
    schemas.insert("Problem".to_owned(), problem::schema());
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lienthong",
            "version": "v1",
            "summary": "Asks the national databases about one citizen, and proves what was asked.",
            "description": NOTES,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "https://localhost:8443", "description": "The sandbox."}],
        "security": [{"mutualTLS": []}],
        "tags": tags(&routes)?,
        "paths": paths::paths(&routes)?,
        "components": {
            "schemas": schemas,
            "responses": {"Problem": problem::response()},
            "headers": problem::headers(),
            "parameters": {"Prefer": problem::prefer()},
            "securitySchemes": {"mutualTLS": {
                "type": "mutualTLS",
                "description": "The client certificate names the calling agency and system.",
            }},
        },
    }))
}

/// One tag per service that has a route.
fn tags(routes: &[Route]) -> Result<Vec<Value>> {
    let mut seen = BTreeSet::new();
    let mut tags = Vec::new();
    for route in routes {
        let service = route.method.parent_service();
        if seen.insert(service.name().to_owned()) {
            let text = comment(&service.parent_file(), service.path());
            let text = Some(text).filter(|text| !text.is_empty());
            let text = text.with_context(|| format!("{} has no comment", service.name()))?;
            tags.push(json!({"name": service.name(), "description": text}));
        }
    }
    Ok(tags)
}

const NOTES: &str = "\
The same contract as over gRPC, in canonical proto-JSON: names in lowerCamelCase, 64-bit numbers \
as strings, bytes in base64, enums by name. A member that holds its default (0, false, an empty \
string, an empty list) may be left out, and is left out of answers. An unknown member of a \
request is refused.\n\n\
Personal ids travel in bodies only, never in a URL.";
