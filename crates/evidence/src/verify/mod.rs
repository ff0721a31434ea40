//! Reading a log to check it: its segments whole, or the receipts that callers hold.
//!
//! Writes nothing and takes no lock, so the gateway may run meanwhile: reading then ends at the
//! last whole batch. What is checked: frames, checksums, sequence numbers, running hash, times,
//! the JSON of leaves, attempts and their leaves; of the public log entries, tiles, checkpoints, and
//! that it agrees with older checkpoints. Not here: where files come from if not from a directory.

use crate::Damage;

mod batch;
mod census;
mod directory;
mod extra;
mod growth;
mod half_years;
mod keys;
mod leftover;
mod prove;
mod public;
mod receipts;
mod standing;
mod text;
mod whole;

pub use batch::{BatchProofError, batch};
pub use census::Census;
pub use directory::{Report, directory};
pub use extra::Extra;
pub use growth::Witnessed;
pub use half_years::{Follows, follows, half_years, is_first, is_last};
pub use keys::KeyChange;
pub use prove::{prove, prove_consistency};
pub use public::{Directory, FetchError, Files, PublicReport, Trust, public};
pub use receipts::{ReceiptError, ReceiptReport, receipt, receipts, receipts_shown};
pub(crate) use standing::{standing_public, standing_wal};
pub use text::{ReceiptText, TextError};
pub use whole::whole;

/// How far a check has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The segments or bundles that are read.
    pub done: u64,
    /// Those there are.
    pub of: u64,
    /// The leaves that are read.
    pub leaves: u64,
}

/// Why a log fails.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file of the log cannot be read.
    #[error("the log cannot be read")]
    Unreadable(#[source] crate::Error),
    /// The directory holds no log.
    #[error("{} holds no log", .0.display())]
    NoLog(std::path::PathBuf),
    /// A file of the public log cannot be had.
    #[error("a file of the public log cannot be had")]
    Fetch(#[source] FetchError),
    /// A file of the public log is missing or wrong.
    #[error("the public log is damaged: {path} {problem}")]
    Public {
        /// Its path below the prefix of the log.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A checkpoint is none, or none of this log.
    #[error("the checkpoint from {from}: {problem}")]
    Checkpoint {
        /// Where it comes from.
        from: String,
        /// What is wrong with it.
        problem: crate::note::NoteError,
    },
    /// The log is not the one that was shown before.
    #[error("the log was set back: {from} knows {size} records, {problem}")]
    SetBack {
        /// Who knows.
        from: String,
        /// How many records that one knows.
        size: u64,
        /// What does not fit.
        problem: String,
    },
    /// The log of a half-year does not follow the one before it.
    #[error("the log {log} does not follow {before}: {problem}")]
    Unlinked {
        /// The newer log.
        log: String,
        /// The older one.
        before: String,
        /// What does not fit.
        problem: String,
    },
    /// The file of the log's keys is not what its records say.
    #[error("the file `keys` lists {key} {problem}")]
    Keys {
        /// The key.
        key: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A segment is of a later format than this program reads.
    #[error("wal/{0:016}.seg is of a later format: verify it with a later version of this program")]
    Newer(u64),
    /// The log of an earlier half-year, beside the one that is written, is wrong.
    #[error("the older log {log}")]
    Older {
        /// Its name.
        log: String,
        /// What is wrong with it.
        #[source]
        found: Box<Self>,
    },
    /// The log contradicts itself.
    #[error("the log is damaged: {0}")]
    Damaged(Damage),
}
