//! The private side of the record: what its commitments hide, sealed, and the index to find it by.
//!
//! ```text
//! exchange ─ openings, sealed under a key of their own, that under the intake key ─▶ write-ahead log
//!                                                                                         │
//!            keyring: record key under the subject's key  ◀── thread `evidence-private` ──┤
//!            index:   keyed tags → places in the log      ◀───────────────────────────────┘
//! ```
//!
//! An exchange waits for none of it. What is sealed lies in the write-ahead log for good; the keys to
//! it move from the intake key, which is soon destroyed, to a key per person and half-year. Destroying
//! that key erases; no record changes. The index is made of the other two and can be made again.
//! Keyring and index are files of a node that stands alone, or one PostgreSQL of several
//! (`databases.rs`). Not here: who may search.
//!
//! *Invariant:* no file of the index holds a value, a number of a person or an unkeyed hash of one:
//! only tags under a key that is not in it, and ciphertext.

mod access;
mod aead;
mod batches;
mod cleaning;
mod daily;
mod databases;
mod dossiers;
mod entry;
mod epoch;
mod erased;
mod file;
mod forget;
mod index;
mod intake;
mod keyring;
mod lazy;
mod locks;
mod older;
mod opening;
mod pages;
mod parts;
mod postgres;
mod promise;
mod reach;
mod records;
mod reindex;
mod request_ids;
mod retire;
mod reviews;
mod sealed;
mod shared;
mod sound;
mod sql;
mod sqlite;
mod suspensions;
mod switches;
mod tags;
#[cfg(test)]
mod tests;
mod thread;

pub use batches::{
    BatchEnd, BatchKey, BatchState, BatchStore, Created, Due, KeptBatch, KeptResult, NewBatch, Step,
};
pub use daily::IndexRoot;
pub(crate) use databases::check_access;
pub use dossiers::{DossierStore, KeptDossier};
pub(crate) use epoch::Epoch;
pub(crate) use forget::forget;
pub(crate) use intake::Intake;
pub(crate) use locks::LockTable;
pub(crate) use opening::Openings;
pub use pages::Page;
pub(crate) use promise::Promise;
pub(crate) use reach::Reach;
pub use records::Accesses;
pub(crate) use records::{Eyes, Records};
pub use reindex::{Reindexed, reindex};
pub use request_ids::{ContentTag, Past, RecordAt, RequestIdDeps, RequestIds, RequestTag, Ruling};
pub(crate) use reviews::REVIEW;
pub use reviews::{Review, Reviews, Verdict};
pub(crate) use shared::Private;
pub use suspensions::{Suspended, SuspensionStore};
pub use switches::{Stopped, SwitchStore};
pub(crate) use thread::{Filer, Progress};

/// The number of a log in keyring and index: of its name, so that every node gives it the same.
pub(crate) fn log_number(origin: &str) -> i64 {
    let hash = crate::tree::sha256(&[origin.as_bytes()]);
    hash.first_chunk()
        .map_or(0, |head| i64::from_be_bytes(*head))
}
