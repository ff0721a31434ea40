//! What the document says of errors and headers.
//!
//! Not here: which reason has which status; that stands in the `edge`.

use serde_json::{Value, json};

/// The schema of an error: RFC 9457 with the members of this contract.
pub(super) fn schema() -> Value {
    json!({
        "type": "object",
        "description": "Why a call failed (RFC 9457).",
        "required": ["type", "title", "status", "reason", "domain"],
        "properties": {
            "type": text("uri-reference", "The page that explains the reason."),
            "title": string("The reason in few words."),
            "status": {
                "type": "integer", "minimum": 400, "maximum": 599,
                "description": "The HTTP status.",
            },
            "detail": string("What is wrong with this call. Never repeats a value of the request."),
            "instance": text("uri-reference", "This occurrence."),
            "reason": {
                "type": "string", "pattern": "^[A-Z][A-Z0-9_]*$", "examples": ["QUOTA_EXCEEDED"],
                "description": "The reason, in a stable name to program against.",
            },
            "domain": {"const": "lienthong", "description": "The domain of the reason."},
            "requestId": string("The request id, as given, or as the gateway chose it."),
            "violations": {
                "type": "array", "items": violation(),
                "description": "Everything that is wrong with the request, at once.",
            },
            "retryAfterSeconds": {
                "type": "integer", "minimum": 0,
                "description": "When to come again; absent if the same call cannot succeed.",
            },
            "quota": quota(),
            "metadata": {
                "type": "object", "additionalProperties": {"type": "string"},
                "description": "Further facts, such as the agreement.",
            },
            "messages": messages(),
        },
    })
}

fn violation() -> Value {
    json!({
        "type": "object",
        "required": ["field", "description", "reason"],
        "properties": {
            "field": string("The field, as its place in the body: `subject.personalId`, or `readMask[1]` for the second path of the mask."),
            "description": string("What is wrong with it."),
            "reason": string("The reason, in a stable name."),
        },
    })
}

fn quota() -> Value {
    json!({
        "type": "object",
        "description": "Which quota is spent.",
        "required": ["policy", "description"],
        "properties": {
            "policy": string("Its name, as in the RateLimit-Policy header."),
            "description": string("What it allows, for people."),
        },
    })
}

fn messages() -> Value {
    json!({
        "type": "object",
        "description": "The same for people, in two languages.",
        "required": ["vi", "en"],
        "properties": {"vi": string("In Vietnamese."), "en": string("In English.")},
    })
}

/// The answer to every call that fails.
pub(super) fn response() -> Value {
    json!({
        "description": "The call failed; `reason` says why.",
        "headers": {
            "RateLimit": header("RateLimit"),
            "RateLimit-Policy": header("RateLimit-Policy"),
            "Retry-After": header("Retry-After"),
        },
        "content": {"application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"},
        }},
    })
}

/// A reference to one of [`headers`].
pub(super) fn header(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

/// Every header that an answer may carry.
pub(super) fn headers() -> Value {
    json!({
        "RateLimit": {
            "description": "What is left of each quota that applies, and when it is whole again.",
            "schema": {"type": "string"},
        },
        "RateLimit-Policy": {
            "description": "The quotas that apply: how many calls in how many seconds.",
            "schema": {"type": "string"},
        },
        "Retry-After": {
            "description": "When to come again, in seconds.",
            "schema": {"type": "integer", "minimum": 0},
        },
    })
}

/// The header by which a caller sets its deadline.
pub(super) fn prefer() -> Value {
    json!({
        "name": "Prefer",
        "in": "header",
        "description": "The deadline of the call (RFC 7240): `wait` and a number of seconds.",
        "schema": {"type": "string", "examples": ["wait=3"]},
    })
}

fn string(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

fn text(format: &str, description: &str) -> Value {
    json!({"type": "string", "format": format, "description": description})
}
