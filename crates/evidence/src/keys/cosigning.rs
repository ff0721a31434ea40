//! The keys of a witness: two under one name, as a log has them.

use std::fmt;
use std::path::Path;

use super::file::FileKey;
use super::signer::Signer as _;
use super::vkey::{cosignature_message, subtree_message};
use super::{Algorithm, VerifierKey};
use crate::Error;
use crate::note::{Checkpoint, Signature, is_key_name};

/// The private keys of a witness.
pub(crate) struct CosigningKeys {
    name: String,
    ed25519: FileKey,
    ml_dsa: FileKey,
}

impl CosigningKeys {
    /// Reads the keys in a directory; makes them where there are none.
    ///
    /// # Errors
    /// A file cannot be written, or an existing one is no key.
    pub(crate) fn create_if_missing(dir: &Path, name: &str) -> Result<Self, Error> {
        if !is_key_name(name) || name.len() > 255 {
            return Err(Error::Setting {
                setting: "name",
                problem: "must have no space and no plus, and at most 255 bytes",
            });
        }
        super::make_dir(dir)?;
        let open = |file: &str, algorithm| {
            let path = dir.join(file);
            FileKey::make_if_missing(&path, algorithm)?;
            FileKey::read(&path, algorithm)
        };
        Ok(Self {
            name: name.to_owned(),
            ed25519: open("witness.pk8", Algorithm::CosignatureEd25519)?,
            ml_dsa: open("witness.ml-dsa-44.pk8", Algorithm::CosignatureMlDsa44)?,
        })
    }

    /// Their public forms.
    pub(crate) fn public(&self) -> [VerifierKey; 2] {
        let key = |algorithm, signer: &FileKey| {
            VerifierKey::new(self.name.clone(), algorithm, signer.public())
        };
        [
            key(Algorithm::CosignatureEd25519, &self.ed25519),
            key(Algorithm::CosignatureMlDsa44, &self.ml_dsa),
        ]
    }

    /// Cosigns a checkpoint with both; `time` is in seconds since 1970.
    ///
    /// # Errors
    /// A key does not sign.
    pub(crate) fn cosign(
        &self,
        checkpoint: &Checkpoint,
        time: u64,
    ) -> Result<[Signature; 2], Error> {
        let message = cosignature_message(time, &checkpoint.to_string());
        let [first, second] = self.public();
        let sign = |signer: &FileKey, key: &VerifierKey, message: &[u8]| {
            signer.sign(message).map_err(|source| Error::Signer {
                key: format!("{key:?}"),
                source,
            })
        };
        let ed25519 = sign(&self.ed25519, &first, &message)?;
        let message = subtree_message(&self.name, time, checkpoint);
        let ml_dsa = sign(&self.ml_dsa, &second, &message)?;
        let line = |key: &VerifierKey, signature: &[u8]| Signature {
            name: self.name.clone(),
            id: key.id(),
            bytes: [time.to_be_bytes().as_slice(), signature].concat(),
        };
        Ok([line(&first, &ed25519), line(&second, &ml_dsa)])
    }
}

impl fmt::Debug for CosigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosigningKeys({})", self.name)
    }
}
