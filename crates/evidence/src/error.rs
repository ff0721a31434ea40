//! Why the log cannot be opened or written. Not here: what a caller is told (a `Fault`).

use std::io;
use std::path::PathBuf;

use crate::note::{NoteError, PolicyError};

/// Why the log cannot be opened, written or closed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// Another process writes this log.
    #[error("the log {} is held by another process", .0.display())]
    Held(PathBuf),
    /// The log contradicts itself in a place that was durable.
    #[error("the log is damaged: {0}")]
    Damaged(#[from] Damage),
    /// A later version of this program has written what this one does not know.
    #[error(
        "{} holds {what} of a later version of this program; start that one: this one would damage \
         the log and leaves it as it is",
        path.display()
    )]
    Newer {
        /// Where.
        path: PathBuf,
        /// What.
        what: &'static str,
    },
    /// The log was written under another name.
    #[error("the log belongs to origin {found}, not {expected}")]
    Origin {
        /// The name in the configuration.
        expected: String,
        /// The name in the log.
        found: String,
    },
    /// A key file is missing, or not a key.
    #[error("{}: {problem}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A private key does not sign.
    #[error("the key {key} does not sign")]
    Signer {
        /// The key, or the file of it.
        key: String,
        /// Why.
        #[source]
        source: crate::keys::SignError,
    },
    /// A key is to sign that was retired.
    #[error("the key {0} was retired and does not come back")]
    Retired(String),
    /// A private key is not the one that the log lists.
    #[error("the private key {0} is none that the log lists; restore the one that it had")]
    Unlisted(String),
    /// The keys of the log cannot be changed like this.
    #[error("{0}")]
    Rotation(&'static str),
    /// A file of the public log is missing or wrong.
    #[error("{} {problem}", path.display())]
    Public {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file holds no checkpoint of this log.
    #[error("{} {problem}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: NoteError,
    },
    /// Another process has signed a checkpoint of this log.
    #[error("the lock store {store} holds another checkpoint than this log has signed last")]
    LockStore {
        /// The file, or the database without its password.
        store: String,
        /// The size in the checkpoint that it holds.
        holds: Option<u64>,
    },
    /// The log is smaller or another than it has once said under its signature.
    #[error(
        "AuditRollbackDetected: {known} knows this log with {size} records, {problem}; \
         an old copy of its directory must not be written on"
    )]
    Rollback {
        /// Who knows more.
        known: String,
        /// How many records that one knows.
        size: u64,
        /// What does not fit.
        problem: String,
    },
    /// There are records, but nobody knows that any were ever shown.
    #[error(
        "AuditRollbackDetected: the log has {0} records, but neither its checkpoint nor its lock \
         store is there; restore both, or begin a new log under a new origin"
    )]
    Unshown(u64),
    /// The file of witnesses is no policy.
    #[error("{} is no policy of witnesses", path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: PolicyError,
    },
    /// Too few witnesses have cosigned for too long.
    #[error("no checkpoint has met the quorum of witnesses for {0} s")]
    NoQuorum(u64),
    /// The write-ahead log does not go back far enough.
    #[error("the write-ahead log does not hold record {seq}, which is not in the public log yet")]
    Forgotten {
        /// The sequence number of the record.
        seq: u64,
    },
    /// A setting cannot be used.
    #[error("{setting}: {problem}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The index, the keyring or a lock store in a database cannot be read or written.
    #[error("cannot {action} {database}")]
    Database {
        /// What was tried.
        action: &'static str,
        /// Which one, without its password.
        database: String,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A log cannot be retired.
    #[error("the log {log} is not retired: {problem}")]
    Kept {
        /// Its name.
        log: String,
        /// Why not.
        problem: String,
    },
    /// A log that another one names is not here.
    #[error("the log {log} {problem}: {named_by} names it; restore its directory")]
    Unlinked {
        /// Its name.
        log: String,
        /// The log that names it.
        named_by: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The index or the keyring was changed.
    #[error(
        "index and keyring are not what the log says: of record {seq} of {log}, {problem}; \
         make the index again"
    )]
    Misfiled {
        /// The log of the record.
        log: String,
        /// Its place.
        seq: u64,
        /// What does not fit.
        problem: &'static str,
    },
    /// What was recorded is not in the index yet.
    #[error("what was recorded is not in the index yet")]
    Unfiled,
    /// An erasure could not be noted in time.
    #[error("the keyring has not taken the promise of an erasure in time")]
    Unpromised,
    /// A batch has as many subjects as one leaf may have.
    #[error("a batch has {0} subjects at most")]
    BatchFull(usize),
    /// The log is started outside a tokio runtime.
    #[error("the log needs a tokio runtime to complete waiting exchanges")]
    NoRuntime,
    /// The cryptographic library refused an operation.
    #[error("the cryptographic library refused to {0}")]
    Crypto(&'static str),
    /// The writing thread has ended before it was asked to.
    #[error("the writer of the log has ended")]
    Ended,
}

/// Where and how a log contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("wal/{segment:016}.seg, byte {offset}: {problem}")]
pub struct Damage {
    /// The number of the segment.
    pub segment: u64,
    /// The byte at which reading stopped.
    pub offset: u64,
    /// What is wrong there.
    pub problem: &'static str,
}

impl Error {
    /// True if it may be gone when the same is tried again: a full disk, too many open files, a
    /// key that cannot be reached.
    pub(crate) const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Io { .. } | Self::Database { .. } | Self::Signer { .. }
        )
    }

    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
