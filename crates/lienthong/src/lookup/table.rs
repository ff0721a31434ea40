//! An answer as a table for people.

use serde_json::Value;

/// Prints every source with its state, then what it released.
pub(crate) fn print(body: &Value, colour: bool) {
    let citizen = body.get("citizen");
    for status in list(body, "sources") {
        let source = text(status, "source")
            .trim_start_matches("SOURCE_")
            .to_lowercase();
        let state = text(status, "state").trim_start_matches("SOURCE_STATE_");
        let notes = [
            text(status, "reason").to_owned(),
            milliseconds(text(status, "latency")),
        ];
        let notes: Vec<String> = notes.into_iter().filter(|note| !note.is_empty()).collect();
        println!(
            "{} {} {}",
            bold(&format!("{source:<16}"), colour),
            paint(state, colour),
            notes.join(", ")
        );
        let released = citizen.and_then(|citizen| citizen.get(key(&source)));
        if let Some(Value::Object(fields)) = released {
            for (name, value) in fields {
                println!("  {name:<26} {}", brief(value));
            }
        }
    }
    print_lists(body);
    if let Some(receipt) = body.get("receipt") {
        println!(
            "recorded as {} of {}",
            text(receipt, "seq"),
            text(receipt, "logOrigin")
        );
    }
}

fn print_lists(body: &Value) {
    let withheld: Vec<&str> = list(body, "withheldPaths")
        .filter_map(Value::as_str)
        .collect();
    let masked: Vec<&str> = list(body, "masked")
        .map(|field| text(field, "path"))
        .collect();
    if !masked.is_empty() {
        println!("masked: {}", masked.join(", "));
    }
    // A dry run says why of each.
    let mut reasons = list(body, "withheld").peekable();
    if reasons.peek().is_none() && !withheld.is_empty() {
        println!("withheld: {}", withheld.join(", "));
    }
    for field in reasons {
        let reason = text(field, "reason").trim_start_matches("WITHHELD_REASON_");
        println!("withheld ({reason}): {}", text(field, "path"));
    }
    for found in list(body, "discrepancies") {
        let kind = text(found, "kind").trim_start_matches("DISCREPANCY_KIND_");
        println!(
            "differs ({kind}): {} and {}",
            text(found, "path"),
            text(found, "otherPath")
        );
    }
    for signal in list(body, "quality") {
        let kind = text(signal, "kind").trim_start_matches("QUALITY_KIND_");
        println!("note ({kind}): {}", text(signal, "path"));
    }
}

/// A value on one line: names and dates as people write them, all else as compact JSON.
fn brief(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(brief).collect();
            items.join("; ")
        }
        Value::Object(_) if value.get("full").is_some() => printable(text(value, "full")),
        Value::Object(_) if value.get("year").is_some() => date(value),
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(k, v)| format!("{k} {}", brief(v)))
                .collect();
            fields.join(", ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// What an agency sent, without what could steer a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// `0.008403895s` → `8.4 ms`.
fn milliseconds(duration: &str) -> String {
    let seconds: Option<f64> = duration.trim_end_matches('s').parse().ok();
    seconds
        .map(|seconds| format!("{:.1} ms", seconds * 1_000.0))
        .unwrap_or_default()
}

fn date(value: &Value) -> String {
    let part = |key: &str| value.get(key).and_then(Value::as_u64).unwrap_or_default();
    match (part("year"), part("month"), part("day")) {
        (y, 0, _) => format!("{y:04}"),
        (y, m, 0) => format!("{y:04}-{m:02}"),
        (y, m, d) => format!("{y:04}-{m:02}-{d:02}"),
    }
}

/// `civil_status` → `civilStatus`.
fn key(source: &str) -> String {
    let mut parts = source.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| {
        let (head, tail) = part.split_at(part.len().min(1));
        out + &head.to_uppercase() + tail
    })
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn bold(text: &str, colour: bool) -> String {
    if colour {
        format!("\x1b[1m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// Green for an answer, yellow for what policy or the register says, red for a failure.
fn paint(state: &str, colour: bool) -> String {
    let code = match state {
        _ if !colour => return format!("{state:<14}"),
        "OK" => "32",
        "NOT_FOUND" | "WITHHELD" | "AMBIGUOUS" => "33",
        _ => "31",
    };
    format!("\x1b[{code}m{state:<14}\x1b[0m")
}
