//! The keys of a witness: two under one name, as a log has them.

use std::fmt;
use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, PqdsaKeyPair};

use super::vkey::{cosignature_message, subtree_message};
use super::{Algorithm, VerifierKey};
use crate::Error;
use crate::note::{Checkpoint, Signature, is_key_name};

/// The private keys of a witness.
pub(crate) struct CosigningKeys {
    name: String,
    ed25519: Ed25519KeyPair,
    ml_dsa: PqdsaKeyPair,
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
        let (ed25519, ml_dsa) = (dir.join("witness.pk8"), dir.join("witness.ml-dsa-44.pk8"));
        super::make_if_missing(&ed25519, super::new_ed25519)?;
        super::make_if_missing(&ml_dsa, super::new_ml_dsa)?;
        Ok(Self {
            name: name.to_owned(),
            ed25519: super::read_ed25519(&ed25519)?,
            ml_dsa: super::read_ml_dsa(&ml_dsa)?,
        })
    }

    /// Their public forms.
    pub(crate) fn public(&self) -> [VerifierKey; 2] {
        let key = |algorithm, public| VerifierKey::new(self.name.clone(), algorithm, public);
        [
            key(
                Algorithm::CosignatureEd25519,
                self.ed25519.public_key().as_ref(),
            ),
            key(
                Algorithm::CosignatureMlDsa44,
                self.ml_dsa.public_key().as_ref(),
            ),
        ]
    }

    /// Cosigns a checkpoint with both; `time` is in seconds since 1970.
    ///
    /// # Errors
    /// The cryptographic library refuses.
    pub(crate) fn cosign(
        &self,
        checkpoint: &Checkpoint,
        time: u64,
    ) -> Result<[Signature; 2], Error> {
        let message = cosignature_message(time, &checkpoint.to_string());
        let ed25519 = self.ed25519.sign(&message);
        let message = subtree_message(&self.name, time, checkpoint);
        let ml_dsa = super::sign_ml_dsa(&self.ml_dsa, &message)?;
        let [first, second] = self.public();
        let line = |key: &VerifierKey, signature: &[u8]| Signature {
            name: self.name.clone(),
            id: key.id(),
            bytes: [time.to_be_bytes().as_slice(), signature].concat(),
        };
        Ok([line(&first, ed25519.as_ref()), line(&second, &ml_dsa)])
    }
}

impl fmt::Debug for CosigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosigningKeys({})", self.name)
    }
}
