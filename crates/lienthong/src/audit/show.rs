//! `lienthong audit show`: finds records through a gateway, opens them, and checks what was opened
//! against the records themselves.
//!
//! Whoever shows records is on record: the gateway writes a DISCLOSURE before it answers.

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use base64_simd::STANDARD;
use evidence::Commitment;
use exchange::{Opening, RequestId};
use serde_json::{Map, Value, json};

use crate::cli::Show;
use crate::exit;
use crate::lookup::{Answer, Asker, Target, explain, refuse};

/// Searches, page by page, and prints.
pub(super) fn run(arguments: &Show) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(show(arguments)).or_else(explain)
}

async fn show(arguments: &Show) -> anyhow::Result<ExitCode> {
    let target = Target::find(&arguments.address)?;
    let purpose = target.purpose(arguments.purpose.as_deref())?;
    let asker = Asker::new(&target)?;
    let mut search = search(arguments, &purpose)?;
    let (mut shown, mut sound) = (0, true);
    loop {
        let page = match asker.post(SEARCH, &search, arguments.wait).await? {
            Answer { status: 200, body } => body,
            refused => return Ok(refuse(&refused, arguments.json)),
        };
        let records = page.get("records").and_then(Value::as_array);
        for record in records.into_iter().flatten() {
            sound &= print(record, arguments.json)?;
            shown += 1;
        }
        let next = page.get("nextPageToken").and_then(Value::as_str);
        let Some(next) = next.filter(|next| !next.is_empty() && shown < arguments.limit) else {
            break;
        };
        insert(&mut search, "pageToken", json!(next));
        insert(&mut search, "context", context(arguments, &purpose));
    }
    if shown == 0 {
        eprintln!("no record was found");
        return Ok(exit::NOT_FOUND.into());
    }
    Ok(if sound { exit::COMPLETE } else { exit::FAILED }.into())
}

/// The body of a search.
fn search(arguments: &Show, purpose: &str) -> anyhow::Result<Map<String, Value>> {
    let mut search = Map::new();
    let given = [
        ("callerAgency", &arguments.agency),
        ("officerId", &arguments.about_officer),
        ("requestId", &arguments.request),
        ("startTime", &arguments.from),
        ("endTime", &arguments.until),
    ];
    for (key, value) in given {
        if let Some(value) = value {
            insert(&mut search, key, json!(value));
        }
    }
    if let Some(subject) = &arguments.subject {
        let key = if subject.len() == 9 {
            "legacyId"
        } else {
            "personalId"
        };
        insert(&mut search, "subject", json!({ key: subject }));
    }
    ensure!(
        !search.is_empty(),
        "say which records: --subject, --request, --agency, --about-officer, --from or --until"
    );
    insert(&mut search, "context", context(arguments, purpose));
    insert(
        &mut search,
        "pageSize",
        json!(arguments.limit.clamp(1, PAGE)),
    );
    Ok(search)
}

fn context(arguments: &Show, purpose: &str) -> Value {
    let mut context = Map::new();
    insert(
        &mut context,
        "requestId",
        json!(RequestId::fresh().to_string()),
    );
    insert(&mut context, "purposeCode", json!(purpose));
    if let Some(officer) = &arguments.officer {
        insert(&mut context, "officerId", json!(officer));
    }
    if let Some(reason) = &arguments.reason {
        insert(&mut context, "reasonText", json!(reason));
    }
    Value::Object(context)
}

fn insert(into: &mut Map<String, Value>, key: &str, value: Value) {
    into.insert(key.to_owned(), value);
}

/// Prints a record; false if something that was opened is not what the record commits to.
fn print(record: &Value, json: bool) -> anyhow::Result<bool> {
    let leaf = STANDARD.decode_to_vec(text(record, "leaf"))?;
    let leaf = String::from_utf8(leaf).context("a record is not UTF-8")?;
    let openings = record.get("openings").and_then(Value::as_array);
    let openings = openings.into_iter().flatten().map(opening);
    let openings: Vec<Opening> = openings.collect::<anyhow::Result<_>>()?;
    let committed = committed(&leaf, &openings);
    let fits = |opening: &Opening| committed.contains(Commitment::of(opening).as_str());
    // The record of another node is not at hand.
    let sound = leaf.is_empty() || openings.iter().all(fits);
    if json {
        println!("{record}");
        return Ok(sound);
    }
    let parsed: Value = serde_json::from_str(&leaf).unwrap_or_default();
    println!(
        "{}  {} {}  {}",
        text(record, "logTime"),
        text(record, "logOrigin"),
        text(record, "seq"),
        headline(&parsed)
    );
    for source in parsed
        .get("src")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let fields = source.get("f").and_then(Value::as_array);
        let fields = fields.into_iter().flatten().filter_map(Value::as_str);
        let fields: Vec<&str> = fields.collect();
        println!(
            "    {:<16} {} {}",
            text(source, "s"),
            text(source, "st"),
            fields.join(", ")
        );
    }
    for opening in &openings {
        let value = String::from_utf8_lossy(&opening.value);
        let doubt = if fits(opening) || leaf.is_empty() {
            ""
        } else {
            "  (NOT what the record commits to)"
        };
        println!("    {:<16} {value}{doubt}", name(&opening.field));
    }
    Ok(sound)
}

/// Everything that commits: the record and, of a sealed one, what its own commitments hide.
fn committed(leaf: &str, openings: &[Opening]) -> String {
    let mut all = leaf.to_owned();
    for opening in openings
        .iter()
        .filter(|it| matches!(&*it.field, "all" | "try"))
    {
        if leaf.contains(Commitment::of(opening).as_str()) {
            all.push_str(&String::from_utf8_lossy(&opening.value));
        }
    }
    all
}

/// Who did what, why, and what came of it.
fn headline(leaf: &Value) -> String {
    let caller = leaf.get("caller").unwrap_or(&Value::Null);
    let system = match (text(caller, "ag"), text(caller, "sys")) {
        ("", _) => String::new(),
        (agency, system) => format!("{agency}/{system}"),
    };
    let words = [
        text(leaf, "t"),
        text(leaf, "act"),
        text(leaf, "dec"),
        text(leaf, "why"),
        &system,
        text(leaf, "purpose"),
        text(leaf, "agr"),
        text(leaf, "rid"),
    ];
    let words = words.into_iter().filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// What a commitment is of, in words.
fn name(field: &str) -> &str {
    match field {
        "sub" => "person",
        "who" => "person in force",
        "off" => "officer",
        "dos" => "dossier",
        "con" => "consent",
        "txt" => "reason",
        "all" => "sealed record",
        "try" => "sealed attempt",
        other => other,
    }
}

fn opening(value: &Value) -> anyhow::Result<Opening> {
    let salt = STANDARD.decode_to_vec(text(value, "salt"))?;
    Ok(Opening {
        field: text(value, "field").to_owned(),
        salt: salt.try_into().ok().context("a salt has 32 bytes")?,
        value: STANDARD.decode_to_vec(text(value, "value"))?,
    })
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

const SEARCH: &str = "/v1/audit/records:search";
/// As many records as a page may have.
const PAGE: u32 = 200;
