//! What the view may hold, for tests that put anything into it.
//!
//! Not here: the PostgreSQL wire, which the client library reads.

use super::translate;
use super::wire::Person;

/// Reads the bytes as a row in JSON, of which the lists come so, and translates it.
pub(super) fn read(bytes: &[u8]) {
    if let Ok(row) = serde_json::from_slice::<Person<'_>>(bytes) {
        translate::as_of(&row);
        translate::record(row);
    }
}
