//! `lienthong audit show`: finds records through a gateway, opens them, and checks what was opened
//! against the records themselves.
//!
//! Whoever shows records is on record: the gateway writes a DISCLOSURE before it answers.

use std::process::ExitCode;

use anyhow::Context as _;
use base64_simd::STANDARD;
use evidence::{Commitment, verify};
use exchange::{BatchProof, Opening, RequestId};
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
    if search.is_empty() {
        return Err(exit::USAGE.because(NO_CONDITION));
    }
    insert(&mut search, "context", context(arguments, purpose));
    insert(
        &mut search,
        "pageSize",
        json!(arguments.limit.clamp(1, PAGE)),
    );
    Ok(search)
}

const NO_CONDITION: &str =
    "say which records: --subject, --request, --agency, --about-officer, --from or --until";

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

/// A record as it was answered.
struct Shown {
    leaf: String,
    openings: Vec<Opening>,
    entries: Vec<BatchProof>,
}

impl Shown {
    fn read(record: &Value) -> anyhow::Result<Self> {
        let leaf = STANDARD.decode_to_vec(text(record, "leaf"))?;
        Ok(Self {
            leaf: String::from_utf8(leaf).context("a record is not UTF-8")?,
            openings: list(record, "openings")
                .map(opening)
                .collect::<Result<_, _>>()?,
            entries: list(record, "entries")
                .map(entry)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Everything that commits: the record, of a sealed one what its own commitments hide, and of one
    /// about many the entries that are proved.
    fn committed(&self) -> String {
        let mut all = self.leaf.clone();
        for opening in self.hidden() {
            all.push_str(&String::from_utf8_lossy(&opening.value));
        }
        for entry in self.entries.iter().filter(|entry| self.proves(entry)) {
            all.push_str(&entry.entry);
        }
        all
    }

    /// What a sealed record hides of itself.
    fn hidden(&self) -> impl Iterator<Item = &Opening> {
        let hidden = self.openings.iter();
        let hidden = hidden.filter(|it| matches!(&*it.field, "all" | "try"));
        hidden.filter(|it| self.leaf.contains(Commitment::of(it).as_str()))
    }

    /// True if the record commits to that entry.
    fn proves(&self, entry: &BatchProof) -> bool {
        let hidden = self.hidden().map(|opening| opening.value.as_slice());
        let mut records = hidden.chain([self.leaf.as_bytes()]);
        records.any(|record| verify::batch(entry, record).is_ok())
    }

    fn doubt(&self, is_proved: bool) -> &'static str {
        // The record of another node may not be at hand.
        if is_proved || self.leaf.is_empty() {
            ""
        } else {
            "  (NOT what the record commits to)"
        }
    }
}

/// Prints a record; false if something that was opened is not what the record commits to.
fn print(record: &Value, json: bool) -> anyhow::Result<bool> {
    let shown = Shown::read(record)?;
    let committed = shown.committed();
    let fits = |opening: &Opening| committed.contains(Commitment::of(opening).as_str());
    let are_proved = shown.entries.iter().all(|entry| shown.proves(entry));
    let sound = shown.leaf.is_empty() || (are_proved && shown.openings.iter().all(fits));
    if json {
        println!("{record}");
        return Ok(sound);
    }
    let parsed: Value = serde_json::from_str(&shown.leaf).unwrap_or_default();
    println!(
        "{}  {} {}  {}",
        text(record, "logTime"),
        text(record, "logOrigin"),
        text(record, "seq"),
        headline(&parsed)
    );
    print_sources(&parsed);
    for entry in &shown.entries {
        let doubt = shown.doubt(shown.proves(entry));
        println!("    {:<16} {}{doubt}", "entry", entry.index);
        print_sources(&serde_json::from_str(&entry.entry).unwrap_or_default());
    }
    for opening in &shown.openings {
        let value = String::from_utf8_lossy(&opening.value);
        let doubt = shown.doubt(fits(opening));
        println!("    {:<16} {value}{doubt}", name(&opening.field));
    }
    Ok(sound)
}

/// Prints which source gave what.
fn print_sources(of: &Value) {
    for source in list(of, "src") {
        let fields = list(source, "f").filter_map(Value::as_str);
        let fields: Vec<&str> = fields.collect();
        println!(
            "    {:<16} {} {}",
            text(source, "s"),
            text(source, "st"),
            fields.join(", ")
        );
    }
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
        "ver" => "verdict",
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

fn entry(value: &Value) -> anyhow::Result<BatchProof> {
    let entry = STANDARD.decode_to_vec(text(value, "entry"))?;
    let hash = |hash: &Value| {
        let hash = STANDARD.decode_to_vec(hash.as_str().unwrap_or_default())?;
        hash.try_into().ok().context("a hash has 32 bytes")
    };
    Ok(BatchProof {
        entry: String::from_utf8(entry).context("an entry is not UTF-8")?,
        // JSON has 64 bits as a text; 0 is left out.
        index: match text(value, "index") {
            "" => 0,
            index => index.parse()?,
        },
        path: list(value, "path")
            .map(hash)
            .collect::<anyhow::Result<_>>()?,
    })
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    let list = value.get(key).and_then(Value::as_array);
    list.into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

const SEARCH: &str = "/v1/audit/records:search";
/// As many records as a page may have.
const PAGE: u32 = 200;

#[cfg(test)]
mod tests {
    use super::*;

    /// A record about two, and the answer with the entry of the second.
    fn answer() -> Value {
        let entries = [r#"{"i":0}"#, r#"{"i":1,"sub":"SUB"}"#];
        let opening = Opening {
            field: "sub".to_owned(),
            salt: [7; 32],
            value: b"999099000001".to_vec(),
        };
        let commitment = Commitment::of(&opening);
        let second = entries[1].replace("SUB", commitment.as_str());
        let first = evidence::tree::leaf_hash(entries[0].as_bytes());
        let hash = evidence::tree::leaf_hash(second.as_bytes());
        let root = evidence::tree::root_of(&hash, 1, 2, &[first]).unwrap();
        let root = STANDARD.encode_to_string(root);
        let leaf = format!(r#"{{"v":1,"t":"BATCH","n":2,"subs_root":"{root}"}}"#);
        json!({
            "leaf": STANDARD.encode_to_string(leaf),
            "openings": [{
                "field": "sub",
                "salt": STANDARD.encode_to_string(opening.salt),
                "value": STANDARD.encode_to_string(&opening.value),
            }],
            "entries": [{
                "entry": STANDARD.encode_to_string(second),
                "index": "1",
                "path": [STANDARD.encode_to_string(first)],
            }],
        })
    }

    #[test]
    fn an_entry_is_held_against_the_record_and_its_opening_against_the_entry() {
        let mut good = answer();
        assert!(print(&good, false).unwrap());
        let shown = Shown::read(&good).unwrap();
        assert!(shown.proves(&shown.entries[0]));
        good["entries"][0]["path"][0] = json!(STANDARD.encode_to_string([0; 32]));
        assert!(!print(&good, false).unwrap(), "another path");
        let mut without = answer();
        without["entries"] = json!([]);
        assert!(!print(&without, false).unwrap(), "nothing commits to it");
    }
}
