//! What is searched for in the record, and what is found. Not here: how.

use std::sync::Arc;

use exchange::{AgencyCode, Identifier, OfficerId, RequestId};
use jiff::Timestamp;

use super::opening::Opening;

/// What is searched for; all that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Records about this person.
    pub subject: Option<Identifier>,
    /// Records of calls by this agency.
    pub agency: Option<AgencyCode>,
    /// Records of calls on behalf of this officer.
    pub officer: Option<OfficerId>,
    /// Records of the call with this id.
    pub request: Option<RequestId>,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Only what comes behind this place, newest first: the next page.
    pub after: Option<Position>,
    /// At most so many records.
    pub limit: u32,
}

/// The place of a record among all there are, of every log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Its time in milliseconds since 1970.
    pub ts: u64,
    /// Its log, by a number that is made of the log's name.
    pub log: i64,
    /// Its sequence number.
    pub seq: u64,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The records, newest first.
    pub records: Vec<Opened>,
    /// Where the next page begins; none if there is none.
    pub next: Option<Position>,
    /// How many records there are on all pages; only counted for a person's own list.
    pub total: Option<u64>,
    /// The time of the oldest record that is searched.
    pub available_from: Option<Timestamp>,
    /// False if records that are durable are not in the index yet.
    pub complete: bool,
}

/// A record with what its commitments hide.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The name of its log.
    pub origin: Arc<str>,
    /// Its sequence number.
    pub seq: u64,
    /// Its time in milliseconds since 1970.
    pub ts_ms: u64,
    /// The leaf as it stands in the log; empty if the log is another node's.
    pub leaf: Vec<u8>,
    /// What is still to be opened; what was erased is missing.
    pub openings: Vec<Opening>,
}
