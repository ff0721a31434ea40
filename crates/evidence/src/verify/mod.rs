//! Reading a log to check it: its segments whole, or the receipts that callers hold.
//!
//! Writes nothing and takes no lock, so the gateway may run meanwhile: reading then ends at the
//! last whole batch. What is checked: frames, checksums, sequence numbers, running hash, times,
//! the JSON of leaves, attempts and their leaves. Not here: checkpoints, witnesses.

use crate::Damage;

mod directory;
mod receipts;
mod text;

pub use directory::{Progress, Report, directory};
pub use receipts::{ReceiptError, ReceiptReport, receipt, receipts};
pub use text::{ReceiptText, TextError};

/// Why a log fails.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file of the log cannot be read.
    #[error("the log cannot be read")]
    Unreadable(#[source] crate::Error),
    /// The directory holds no log.
    #[error("{} holds no log", .0.display())]
    NoLog(std::path::PathBuf),
    /// The log contradicts itself.
    #[error("the log is damaged: {0}")]
    Damaged(Damage),
}
