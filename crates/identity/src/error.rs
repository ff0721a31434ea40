//! What can be wrong with the files of an identity: which one, and what is wrong with it.
//!
//! Not here: what is wrong with a caller's certificate ([`Violation`]) or with a handshake
//! (module `why`).

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::Violation;

/// Why an identity could not be loaded, issued or revoked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file or directory cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file or directory cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file stands where a new one is to be made.
    #[error("{} exists already and is not overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The PEM text of the file is damaged, or holds none of what is expected.
    #[error("{} holds no readable {what}: {problem}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is expected in it.
        what: &'static str,
        /// What the PEM reader says; never the text of the file.
        problem: &'static str,
    },
    /// A certificate of the file cannot be used.
    #[error("{}: the certificate cannot be used", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What TLS says of it.
        #[source]
        source: rustls::Error,
    },
    /// The certificate of this side is out of date.
    #[error("{}: the certificate expired at {not_after}", path.display())]
    Expired {
        /// The file.
        path: PathBuf,
        /// The end of its validity.
        not_after: Timestamp,
    },
    /// The private key cannot be used.
    #[error("{}: the private key cannot be used", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What TLS says of it.
        #[source]
        source: rustls::Error,
    },
    /// The private key belongs to another certificate.
    #[error("{} is not the key of the certificate in {}", key.display(), certificate.display())]
    KeyMismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// A revocation list cannot be used.
    #[error("{}: the revocation list {problem}", path.display())]
    Crl {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: CrlProblem,
    },
    /// Lists are configured, but none for one of the authorities: all its clients would be refused.
    #[error("{}: no revocation list is issued by \"{authority}\"", path.display())]
    CrlMissing {
        /// The file of the authorities.
        path: PathBuf,
        /// The subject of the authority that has no list.
        authority: String,
    },
    /// The TLS library refuses the configuration.
    #[error("the TLS configuration is refused")]
    Tls {
        /// What it says.
        #[source]
        source: rustls::Error,
    },
    /// The verifier of certificates refuses its input.
    #[error("the verifier of certificates is refused")]
    Verifier {
        /// What it says.
        #[source]
        source: rustls::server::VerifierBuilderError,
    },
    /// A name that no certificate of this authority may carry.
    #[error("\"{}\" is no {what}", name.escape_default())]
    Name {
        /// The name.
        name: String,
        /// What it should be.
        what: &'static str,
    },
    /// The SPIFFE id of a request or of an authority is not acceptable.
    #[error("the SPIFFE id is not acceptable")]
    Identity {
        /// What is wrong with it.
        #[source]
        source: Violation,
    },
    /// The certificate signing request cannot be used.
    #[error("the certificate signing request {problem}")]
    Request {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Making a key, a certificate or a list fails.
    #[error("signing fails")]
    Sign {
        /// What the library says.
        #[source]
        source: rcgen::Error,
    },
    /// A file is no part of a development authority, or of another one.
    #[error("{}: {problem}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A line of the index of issued certificates is damaged.
    #[error("{} line {line}: not an entry of the index", path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
    },
    /// The authority has issued no certificate with this serial number.
    #[error("the authority has issued no certificate with serial number {serial}")]
    NotIssued {
        /// The serial number in hex.
        serial: String,
    },
}

/// What is wrong with a revocation list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CrlProblem {
    /// It is no list, or a damaged or half-written one.
    #[error("is damaged")]
    Damaged,
    /// It does not say when the next one is due, so nobody could tell that it is stale.
    #[error("does not say when the next one is due")]
    NoNextUpdate,
    /// The next one was due before the present time.
    #[error("is out of date: the next one was due at {0}")]
    Expired(Timestamp),
    /// It bears the name of an authority that has not signed it.
    #[error("is not signed by the authority it names")]
    Signature,
}
