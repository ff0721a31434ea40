//! A private key of a log as the log knows it: the place where an HSM plugs in.
//!
//! Each generation of keys has three: two sign checkpoints, one signs receipts. Here every one is a
//! file ([`FileKey`]). A key in a PKCS#11 token or behind a service that signs is one more
//! implementation of [`Signer`], chosen in [`open`] by the file that stands for the key: it names
//! the token, the object and the file of the PIN, as the PKCS#8 file holds the key itself.
//!
//! What the log asks of it, and what its failure means:
//!
//! - Messages are signed whole, not hashed before: a checkpoint's text (Ed25519), the message of
//!   <https://c2sp.org/tlog-cosignature> (ML-DSA-44, empty context), the message of a receipt (Ed25519).
//!   They have some hundred bytes; [`open`] has one more message signed, to see that the key is
//!   the one it says.
//! - The receipt key signs once per batch, on the thread that commits: up to some hundred times a
//!   second, and every exchange of the batch waits. The keys of checkpoints sign once per
//!   checkpoint each, on the thread that publishes.
//! - If a checkpoint is not signed, publishing waits and tries again each second, for
//!   `publish_grace_s`. If a receipt is not, the gateway ends as when the disk fails: the records
//!   are durable, and no answer leaves without its receipt. So an implementation reconnects by
//!   itself, and fails only when it has tried for as long as an exchange may wait.
//! - `public` never changes, and `Debug` tells nothing of the private key.

use std::fmt;
use std::path::Path;

use super::file::FileKey;
use super::{Algorithm, VerifierKey, bad, receipt_name};
use crate::Error;

/// A private key that signs, wherever it is.
pub trait Signer: Send + Sync + fmt::Debug {
    /// The public key, as many bytes as the algorithm has.
    fn public(&self) -> &[u8];

    /// Signs a message.
    ///
    /// # Errors
    /// The key cannot be reached, or refuses.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why a key does not sign.
pub type SignError = Box<dyn std::error::Error + Send + Sync>;

/// What a key of a generation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Checkpoints, Ed25519.
    Log,
    /// Checkpoints, ML-DSA-44.
    LogMlDsa,
    /// Receipts.
    Receipt,
}

impl Role {
    /// All of them, in the order in which they are told.
    pub(super) const ALL: [Self; 3] = [Self::Log, Self::LogMlDsa, Self::Receipt];

    pub(super) const fn algorithm(self) -> Algorithm {
        match self {
            Self::Log | Self::Receipt => Algorithm::Ed25519,
            Self::LogMlDsa => Algorithm::CosignatureMlDsa44,
        }
    }

    /// The name of its file.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Log => "log.pk8",
            Self::LogMlDsa => "log.ml-dsa-44.pk8",
            Self::Receipt => "receipt.pk8",
        }
    }

    /// The public key under the name it has in a log.
    pub(super) fn verifier(self, origin: &str, signer: &dyn Signer) -> VerifierKey {
        let name = match self {
            Self::Log | Self::LogMlDsa => origin.to_owned(),
            Self::Receipt => receipt_name(origin),
        };
        VerifierKey::new(name, self.algorithm(), signer.public())
    }
}

/// Opens a key of the generation in a directory, and sees that it signs.
///
/// # Errors
/// The file is missing, readable for others, or no key of its kind.
pub(super) fn open(dir: &Path, role: Role) -> Result<Box<dyn Signer>, Error> {
    let path = dir.join(role.file());
    let signer = FileKey::read(&path, role.algorithm())?;
    let public = VerifierKey::new("probe".to_owned(), role.algorithm(), signer.public());
    let signature = signer.sign(PROBE).map_err(|source| Error::Signer {
        key: path.display().to_string(),
        source,
    })?;
    if !public.verifies(PROBE, &signature) {
        return Err(bad(&path, "does not sign as its public half says"));
    }
    Ok(Box::new(signer))
}

/// Neither a checkpoint nor a receipt begins like this.
const PROBE: &[u8] = b"lienthong.probe/v1\n";
