//! Which keys sign a log and since when, as its own records say: those of type `KEY`.
//!
//! The first generation has no record. Every later key is named by one before it signs, and by
//! another when it signs no more. Not here: whom to believe about the first.

use serde::Deserialize;

use super::VerifyError;
use crate::keys::{PublicKeys, VerifierKey};

/// A record that says that other keys sign from there on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// Its sequence number.
    pub seq: u64,
    /// Its time, in milliseconds since 1970.
    pub ts: u64,
    /// The keys that sign from there on.
    pub add: Vec<VerifierKey>,
    /// The keys that sign no more.
    pub gone: Vec<VerifierKey>,
}

#[derive(Deserialize)]
struct Leaf {
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    gone: Vec<String>,
}

impl KeyChange {
    /// Reads a record; says what is wrong with it.
    pub(super) fn parse(json: &[u8], seq: u64, ts: u64) -> Result<Self, &'static str> {
        let leaf: Option<Leaf> = serde_json::from_slice(json).ok();
        let keys = |texts: &[String]| -> Option<Vec<VerifierKey>> {
            texts.iter().map(|text| text.parse().ok()).collect()
        };
        let read = leaf.and_then(|leaf| Some((keys(&leaf.add)?, keys(&leaf.gone)?)));
        let (add, gone) = read.ok_or("a KEY record does not name its keys")?;
        Ok(Self { seq, ts, add, gone })
    }
}

/// Where a key was named first; none for one of the first generation.
pub(super) fn begins(changes: &[KeyChange], key: &VerifierKey) -> Option<u64> {
    let mut changes = changes.iter();
    let change = changes.find(|change| change.add.contains(key));
    change.map(|change| change.seq)
}

/// Where a key was retired first; none for one that signs.
pub(super) fn ends(changes: &[KeyChange], key: &VerifierKey) -> Option<u64> {
    let mut changes = changes.iter();
    let change = changes.find(|change| change.gone.contains(key));
    change.map(|change| change.seq)
}

/// Those of the keys that no record retires.
pub(super) fn in_force(changes: &[KeyChange], keys: &[VerifierKey]) -> Vec<VerifierKey> {
    let signs = |key: &&VerifierKey| ends(changes, key).is_none();
    keys.iter().filter(signs).cloned().collect()
}

/// Holds the file `keys` of a log against its records.
///
/// # Errors
/// It lists a key that neither belongs to the first generation nor is named by a record, or one as
/// retired that no record retires.
pub(super) fn check(listed: &PublicKeys, changes: &[KeyChange]) -> Result<(), VerifyError> {
    let wrong = |key: &VerifierKey, problem| VerifyError::Keys {
        key: format!("{key:?}"),
        problem,
    };
    let mut first: Vec<VerifierKey> = Vec::new();
    for key in [listed.of_checkpoints(), listed.of_receipts()].concat() {
        if begins(changes, &key).is_some() {
            continue;
        }
        let is_same = |it: &VerifierKey| {
            it.name() == key.name() && it.algorithm() == key.algorithm() && *it != key
        };
        if first.iter().any(is_same) {
            return Err(wrong(&key, "which no KEY record names"));
        }
        first.push(key);
    }
    let retired = listed.retired_log.iter().chain(&listed.retired_receipt);
    for key in retired {
        if ends(changes, key).is_none() {
            return Err(wrong(key, "as retired, but no KEY record does"));
        }
    }
    Ok(())
}
