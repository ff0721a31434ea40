//! What is looked for in the record, and what is found: the words of who keeps it and who asks.
//!
//! Not here: how it is kept and searched, who may search it.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use zeroize::Zeroize as _;

use crate::{AgencyCode, Identifier, OfficerId, RequestId};

/// What is searched for; all conditions that are given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Records about this person.
    pub subject: Option<Identifier>,
    /// Records of calls by this agency.
    pub agency: Option<AgencyCode>,
    /// Records of calls in the name of this officer.
    pub officer: Option<OfficerId>,
    /// Records of the call with this id.
    pub request: Option<RequestId>,
    /// Records made then or later.
    pub from: Option<Timestamp>,
    /// Records made before.
    pub until: Option<Timestamp>,
    /// Records behind this one, in the order of an answer.
    pub after: Option<Position>,
    /// How many of these are left out, the first ones of an answer.
    pub skip: u32,
    /// How many records at most.
    pub limit: u32,
}

/// The place of a record among all, newest first: what a page begins behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// When it was made, in milliseconds since 1970.
    pub ts: u64,
    /// The log that holds it, by its number in the index.
    pub log: i64,
    /// Its place in that log.
    pub seq: u64,
}

/// A [`Position`] as callers carry it: sealed to who asked and what for, by who keeps the record. All
/// tokens are of one length, and tell nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PageToken([u8; Self::LEN]);

impl PageToken {
    /// A version, a nonce of 12 bytes, four numbers of 8 and a tag of 16.
    pub const LEN: usize = 1 + 12 + 4 * 8 + 16;

    /// The token of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageToken(…)")
    }
}

/// What a search has found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The records, newest first.
    pub records: Vec<Opened>,
    /// Where the next page begins; none behind the last.
    pub next: Option<Position>,
    /// True if everything under the latest checkpoint was searched.
    pub complete: bool,
}

/// One record, and what could be opened of it.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The log, by its origin.
    pub origin: Arc<str>,
    /// Its place in the log.
    pub seq: u64,
    /// When it was made, in milliseconds since 1970.
    pub ts_ms: u64,
    /// The record, byte for byte. It holds nothing personal.
    pub leaf: Vec<u8>,
    /// What its commitments open to.
    pub openings: Vec<Opening>,
    /// Of a record about many: the entries of the person searched for.
    pub entries: Vec<BatchProof>,
}

/// Proves that a record about many commits to the entry of one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchProof {
    /// The entry, byte for byte. It holds nothing personal.
    pub entry: String,
    /// Its place among the entries of the record.
    pub index: u64,
    /// The audit path (RFC 6962) from the entry to the root in the record, from its sibling upwards.
    pub path: Vec<[u8; 32]>,
}

/// Opens one commitment of a record. `Debug` shows its name alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    /// Its name in the record, such as `sub`.
    pub field: String,
    /// The salt of the commitment.
    pub salt: [u8; 32],
    /// What it commits to.
    pub value: Vec<u8>,
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.salt.zeroize();
        self.value.zeroize();
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opening({}, …)", self.field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value() {
        let opening = Opening {
            field: "sub".to_owned(),
            salt: [0; 32],
            value: b"999099000001".to_vec(),
        };
        assert_eq!(format!("{opening:?}"), "Opening(sub, …)");
    }
}
