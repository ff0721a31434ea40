//! Private keys in PKCS#8 files that only their owner can read. Not here: which there are.
//!
//! What is read is wiped when the key has been made of it; the key itself is wiped by the
//! cryptographic library when it goes.

use std::fmt;
use std::fs;
use std::path::Path;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, ML_DSA_44_SIGNING, PqdsaKeyPair};
use zeroize::Zeroizing;

use super::signer::{SignError, Signer};
use super::{Algorithm, bad};
use crate::Error;
use crate::replace::replace_durably;

/// A private key that was read from a file.
pub(super) enum FileKey {
    /// Ed25519, whatever it signs.
    Ed25519(Ed25519KeyPair),
    /// ML-DSA-44.
    MlDsa44(PqdsaKeyPair),
}

impl FileKey {
    /// Reads a key.
    ///
    /// # Errors
    /// The file cannot be read, is readable for others, or holds no key of that kind.
    pub(super) fn read(path: &Path, algorithm: Algorithm) -> Result<Self, Error> {
        let bytes = read_private(path)?;
        match algorithm {
            Algorithm::Ed25519 | Algorithm::CosignatureEd25519 => {
                Ed25519KeyPair::from_pkcs8(&bytes)
                    .map(Self::Ed25519)
                    .map_err(|_| bad(path, "is not an Ed25519 key in PKCS#8"))
            }
            Algorithm::CosignatureMlDsa44 => PqdsaKeyPair::from_pkcs8(&ML_DSA_44_SIGNING, &bytes)
                .map(Self::MlDsa44)
                .map_err(|_| bad(path, "is not an ML-DSA-44 key in PKCS#8")),
        }
    }

    /// Makes a key where there is none; its file is durable then.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn make_if_missing(path: &Path, algorithm: Algorithm) -> Result<(), Error> {
        if path.exists() {
            return Ok(());
        }
        let der = new(algorithm).map_err(|_| Error::Crypto("make a key"))?;
        replace_durably(path, 0o600, &der)
    }
}

impl Signer for FileKey {
    fn public(&self) -> &[u8] {
        match self {
            Self::Ed25519(pair) => pair.public_key().as_ref(),
            Self::MlDsa44(pair) => pair.public_key().as_ref(),
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match self {
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Self::MlDsa44(pair) => {
                let mut signature = vec![0; ML_DSA_44_SIGNING.signature_len()];
                let signed = pair.sign(message, &mut signature);
                signed.map_err(|_| "the cryptographic library refuses")?;
                Ok(signature)
            }
        }
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519(_) => "FileKey(Ed25519)",
            Self::MlDsa44(_) => "FileKey(ML-DSA-44)",
        })
    }
}

fn new(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let copy = |der: Pkcs8V1Der<'_>| Zeroizing::new(der.as_ref().to_vec());
    match algorithm {
        Algorithm::Ed25519 | Algorithm::CosignatureEd25519 => {
            Ed25519KeyPair::generate()?.as_der().map(copy)
        }
        Algorithm::CosignatureMlDsa44 => {
            let pair = PqdsaKeyPair::generate(&ML_DSA_44_SIGNING)?;
            pair.private_key().as_der().map(copy)
        }
    }
}

/// Reads a file that nobody but its owner can; what was read is wiped when it goes.
pub(super) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let meta = fs::metadata(path).map_err(Error::io("read", path))?;
    if std::os::unix::fs::MetadataExt::mode(&meta) & 0o077 != 0 {
        return Err(bad(path, "others than its owner can open it; chmod 600"));
    }
    fs::read(path)
        .map(Zeroizing::new)
        .map_err(Error::io("read", path))
}
