//! What happened: write-ahead log, receipts, public log, witnesses, verifier.
//!
//! Scope: the record of every exchange is durable before its answer leaves. [`Evidence::open`]
//! writes the attempt, [`Evidence::seal`] the outcome, [`Evidence::refuse`] the refusal; each
//! resolves to a signed [`Receipt`] once the bytes are on the disk. A [`Batch`] does so for many
//! persons with one record. Within a second the record is
//! in a public Merkle log, which anybody may read and a [`witness`] cosigns; [`Witnesses`] are asked to.
//! What its commitments hide is sealed and filed for search. [`verify`] reads both logs without writing
//! to them. Not here: who may ask or search, and the network.
//!
//! *Invariant:* a [`Receipt`] exists only for a leaf that `fdatasync` has reported durable; after
//! a failed write or sync no receipt is made any more.
//!
//! *Invariant:* no leaf holds a personal value: only salted commitments to it.
//!
//! *Invariant:* one thread, named `evidence`, writes the write-ahead log; another, named
//! `evidence-public`, the public log that is made of it; a third, `evidence-private`, index and keys
//! to what is sealed. Of the others, `evidence-witness`, which asks witnesses, `evidence-scrub`, which
//! reads the log again, and `evidence-scrub-old`, which reads those of earlier half-years, read only;
//! erasure deletes keys; `evidence-keys`, which sees when other keys are to sign, writes the list of them
//! beside the file `keys`, in whose place the first thread puts it, and deletes private keys that are
//! retired. `request-ids` touches no file of the log: it keeps the [request ids](RequestIds) that were used.

mod alarm;
mod attempt;
mod backup;
mod batch;
mod chain;
mod commitment;
mod config;
mod cosign;
mod disclosure;
mod error;
mod evidence;
mod fold;
mod frame;
mod gaps;
mod half_years;
mod handle;
mod intervention;
pub mod keys;
mod leaf;
mod link;
mod mac;
pub mod note;
mod observer;
mod open;
mod policy;
mod priority;
mod private;
mod publish;
mod receipt;
mod record;
mod recover;
mod replace;
mod retention;
mod scan;
mod scrub;
mod segment;
mod series;
#[cfg(test)]
mod tests;
pub mod tree;
mod turn;
pub mod verify;
pub mod witness;
mod writer;

pub use alarm::Alarm;
pub use attempt::{Asked, Attempt, Outcome, Refusal, SourceOutcome};
pub use backup::back_up;
pub use batch::{Batch, BatchAttempt, RecordSalts, SubjectOutcome};
pub use commitment::{Commitment, SALT_LEN, Salt};
pub use config::{Config, NODE_NAME, is_node};
pub use cosign::{NotCosigned, Witnesses};
pub use disclosure::{Act, Disclosure, Erased};
pub use error::{Damage, Error};
pub use evidence::{Deps, Evidence, prepare};
pub use fold::Refusing;
pub use gaps::RETIRED_FILE;
pub use half_years::lock_files;
pub use handle::Handle;
pub use intervention::{Deed, Intervention};
pub use observer::{NoObserver, Observer};
pub use open::Open;
pub use private::{
    Accesses, BatchEnd, BatchKey, BatchState, BatchStore, ContentTag, Created, DossierStore, Due,
    IndexRoot, KeptBatch, KeptDossier, KeptResult, NewBatch, Page, Past, RecordAt, Reindexed,
    RequestIdDeps, RequestIds, RequestTag, Review, Reviews, Ruling, Step, Stopped, Suspended,
    SuspensionStore, SwitchStore, Verdict, reindex,
};
pub use publish::{CHECKPOINT_FILE, Item, ItemKind, Shelf};
pub use receipt::Receipt;
pub use record::digest;
pub use retention::retire;
pub use writer::Sealing;
