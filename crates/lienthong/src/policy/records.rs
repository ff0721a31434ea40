//! The calls that a log has recorded, as far as they show what a policy decided. Not here: deciding.
//!
//! The log is checked while it is read: nothing is told of one that does not verify.

use std::path::Path;

use admission::{Duty, Recorded};
use anyhow::{Context as _, bail};
use evidence::verify::{self, Directory, FetchError, Files, Trust};
use exchange::{
    AgencyCode, AgreementId, CallContext, Caller, Criticality, DossierNo, Field, FieldSet,
    OfficerId, ProcedureCode, PurposeCode, RequestId, SystemId,
};
use jiff::Timestamp;
use serde_json::Value;

use crate::audit::{believed, progress};
use crate::config::chain;

/// A call, and how it was decided.
#[derive(Debug)]
pub(super) struct Call {
    /// The number of its record.
    pub(super) seq: u64,
    /// The id of the call.
    pub(super) request: String,
    /// What the record shows of it.
    pub(super) recorded: Recorded,
    /// The reason of a refusal; none if it was admitted.
    pub(super) refused: Option<String>,
    /// The digest of the policy that decided: `sha256:…`.
    pub(super) policy: String,
    /// The state of each source, and what left of it.
    pub(super) sources: Vec<String>,
}

/// What was read of a log.
#[derive(Debug, Default)]
pub(super) struct Census {
    /// Records of calls that were told.
    pub(super) calls: u64,
    /// Records of calls that show nothing of themselves.
    pub(super) hidden: u64,
}

/// Reads the log in a directory, or those of all half-years in it, and tells each call.
///
/// # Errors
/// A log cannot be read, or does not verify.
pub(super) fn read(dir: &Path, tell: &mut dyn FnMut(Call)) -> anyhow::Result<Census> {
    let half_years = verify::half_years(dir)?;
    let logs = if half_years.is_empty() {
        vec![dir.to_owned()]
    } else {
        half_years
    };
    let mut census = Census::default();
    for log in logs {
        let trust = Trust {
            keys: believed(&log)?.of_checkpoints(),
            older: Vec::new(),
        };
        let mut files = Reading {
            files: Directory(log.clone()),
            seq: 0,
            census: &mut census,
            tell,
        };
        if let Err(error) = verify::public(&mut files, &trust, progress("bundle")) {
            bail!("{} does not verify: {}", log.display(), chain(&error));
        }
    }
    Ok(census)
}

/// The files of a log; what is read of its entries is told.
struct Reading<'a> {
    files: Directory,
    seq: u64,
    census: &'a mut Census,
    tell: &'a mut dyn FnMut(Call),
}

impl Files for Reading<'_> {
    fn get(&mut self, path: &str) -> Result<Option<Vec<u8>>, FetchError> {
        let bytes = self.files.get(path)?;
        if path.starts_with(ENTRIES) {
            for entry in entries(bytes.as_deref().unwrap_or_default()) {
                self.entry(entry);
                self.seq += 1;
            }
        }
        Ok(bytes)
    }
}

impl Reading<'_> {
    fn entry(&mut self, entry: &[u8]) {
        let leaf: Value = serde_json::from_slice(entry).unwrap_or_default();
        if leaf.get("try").is_some() {
            self.census.hidden += 1;
        } else if let Some(call) = call(self.seq, &leaf) {
            self.census.calls += 1;
            (self.tell)(call);
        }
    }
}

/// The entries of a bundle, each behind its length.
fn entries(mut bundle: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (len, rest) = bundle.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
        bundle = rest;
        Some(entry)
    })
}

/// The call that a record is about; none if it is about something else.
fn call(seq: u64, leaf: &Value) -> Option<Call> {
    let duty = match (text(leaf, "t"), text(leaf, "act")) {
        ("ACCESS" | "DENIED", _) => None,
        ("DISCLOSURE", "SEARCH") => Some(Duty::SearchRecords),
        ("DISCLOSURE", "ACCESS_LIST") => Some(Duty::ListAccesses),
        ("ADMIN", "ERASE") => Some(Duty::EraseSubject),
        _ => return None,
    };
    let refused = (text(leaf, "dec") == "DENY").then(|| text(leaf, "why").to_owned());
    let sources = leaf.get("src").and_then(Value::as_array);
    let sources = || sources.into_iter().flatten();
    let paths = |source: &Value| -> Vec<String> {
        let paths = source
            .get("f")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        paths.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let masked = sources().filter_map(|source| source.get("m")?.as_object());
    let masked = masked.flat_map(serde_json::Map::keys);
    Some(Call {
        seq,
        request: text(leaf, "rid").to_owned(),
        recorded: Recorded {
            caller: caller(leaf.get("caller")?)?,
            context: context(leaf)?,
            at: Timestamp::from_millisecond(leaf.get("ts")?.as_i64()?).ok()?,
            released: fields(sources().flat_map(paths)),
            masked: fields(masked.cloned()),
            duty,
        },
        refused,
        policy: text(leaf, "pol").to_owned(),
        sources: sources()
            .map(|source| {
                let (name, state) = (text(source, "s"), text(source, "st"));
                format!("{name} {state} {}", paths(source).join(", "))
            })
            .collect(),
    })
}

fn caller(caller: &Value) -> Option<Caller> {
    let agency = AgencyCode::parse(text(caller, "ag"))?;
    Some(Caller::new(
        agency,
        SystemId::parse(text(caller, "sys"))?,
        "",
    ))
}

/// Why and for whom it was called; what is hidden is there, under another name.
fn context(leaf: &Value) -> Option<CallContext> {
    let hidden = |key: &str| leaf.get(key).map(|_| HIDDEN);
    Some(CallContext {
        id: RequestId::parse(text(leaf, "rid"))?,
        purpose: PurposeCode::parse(text(leaf, "purpose")).ok()?,
        agreement: AgreementId::parse(text(leaf, "agr")).ok(),
        procedure: ProcedureCode::parse(text(leaf, "proc")).ok(),
        dossier: hidden("dos").and_then(|it| DossierNo::parse(it).ok()),
        officer: hidden("off").and_then(|it| OfficerId::parse(it).ok()),
        consent: None,
        criticality: Criticality::default(),
        reason: None,
    })
}

fn fields(paths: impl Iterator<Item = String>) -> FieldSet {
    paths.filter_map(|path| Field::from_path(&path)).collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The policy in a directory or a file, and its digest as records have it.
pub(super) fn policy(path: &Path) -> anyhow::Result<(admission::Policy, String)> {
    let policy = admission::Policy::load(path);
    let policy = policy.with_context(|| path.display().to_string())?;
    let digest = format!("sha256:{}", hex::encode(policy.digest()));
    Ok((policy, digest))
}

const ENTRIES: &str = "tile/entries/";
/// Stands for a word that a record commits to.
const HIDDEN: &str = "hidden";
