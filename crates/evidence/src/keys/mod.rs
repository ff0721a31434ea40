//! The keys of a log, and their public form.
//!
//! Two log keys sign checkpoints, one Ed25519 and one ML-DSA-44, which a quantum computer does not
//! break; the receipt key signs receipts. The private keys are PKCS#8 files that only their owner
//! can read; the file `keys` in the log's directory names the public ones, a line each:
//! `log <vkey>`, `receipt <vkey>`. Not here: rotation, hardware keys.

use std::fmt;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, ML_DSA_44_SIGNING, PqdsaKeyPair};
use zeroize::Zeroizing;

mod cosigning;
mod public;
pub(crate) mod secret;
mod vkey;

pub(crate) use cosigning::CosigningKeys;
pub use public::{PUBLIC_FILE, PublicKeys};
pub use vkey::{Algorithm, VerifierKey};

use crate::note::{Checkpoint, Signature, SignedCheckpoint, is_origin};
use crate::replace::replace_durably;
use crate::{Config, Error};

const LOG_FILE: &str = "log.pk8";
const LOG_ML_DSA_FILE: &str = "log.ml-dsa-44.pk8";
const RECEIPT_FILE: &str = "receipt.pk8";

/// The private keys of a log.
pub struct Keys {
    origin: String,
    log: Ed25519KeyPair,
    log_ml_dsa: PqdsaKeyPair,
    receipt: Ed25519KeyPair,
}

impl Keys {
    /// Reads the keys that [`create_if_missing`] has made.
    ///
    /// # Errors
    /// A key file is missing, readable for others, or no key of its kind.
    pub fn load(config: &Config) -> Result<Self, Error> {
        check_origin(&config.origin)?;
        let dir = config.signing_dir();
        Ok(Self {
            origin: config.origin.clone(),
            log: read_ed25519(&dir.join(LOG_FILE))?,
            log_ml_dsa: read_ml_dsa(&dir.join(LOG_ML_DSA_FILE))?,
            receipt: read_ed25519(&dir.join(RECEIPT_FILE))?,
        })
    }

    /// The public key of checkpoints.
    #[must_use]
    pub fn log(&self) -> VerifierKey {
        let public = self.log.public_key();
        VerifierKey::new(self.origin.clone(), Algorithm::Ed25519, public.as_ref())
    }

    /// The other public key of checkpoints.
    #[must_use]
    pub fn log_ml_dsa(&self) -> VerifierKey {
        let (name, public) = (self.origin.clone(), self.log_ml_dsa.public_key());
        VerifierKey::new(name, Algorithm::CosignatureMlDsa44, public.as_ref())
    }

    /// The public key of receipts.
    #[must_use]
    pub fn receipt(&self) -> VerifierKey {
        VerifierKey::new(
            receipt_name(&self.origin),
            Algorithm::Ed25519,
            self.receipt.public_key().as_ref(),
        )
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Signs the message of a receipt.
    pub(crate) fn sign_receipt(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        for (to, from) in signature
            .iter_mut()
            .zip(self.receipt.sign(message).as_ref())
        {
            *to = *from;
        }
        signature
    }
}

impl Keys {
    /// Signs a checkpoint with both keys of the log; `time` is in seconds since 1970.
    ///
    /// # Errors
    /// The cryptographic library refuses.
    pub(crate) fn sign_checkpoint(
        &self,
        checkpoint: Checkpoint,
        time: u64,
    ) -> Result<SignedCheckpoint, Error> {
        let ed25519 = self.log.sign(checkpoint.to_string().as_bytes());
        let message = vkey::subtree_message(&self.origin, time, &checkpoint);
        let ml_dsa = sign_ml_dsa(&self.log_ml_dsa, &message)?;
        let line = |key: VerifierKey, bytes: Vec<u8>| Signature {
            name: self.origin.clone(),
            id: key.id(),
            bytes,
        };
        let signatures = vec![
            line(self.log(), ed25519.as_ref().to_vec()),
            line(
                self.log_ml_dsa(),
                [time.to_be_bytes().as_slice(), &ml_dsa].concat(),
            ),
        ];
        Ok(SignedCheckpoint::new(checkpoint, signatures))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.origin)
    }
}

/// Makes the keys of a log where there are none, and writes their public form beside the log.
///
/// # Errors
/// A file cannot be written, or an existing one is no key.
pub fn create_if_missing(config: &Config) -> Result<Keys, Error> {
    check_origin(&config.origin)?;
    let dir = config.signing_dir();
    fs::create_dir_all(&config.dir).map_err(Error::io("create", &config.dir))?;
    make_dir(&dir)?;
    make_if_missing(&dir.join(LOG_FILE), new_ed25519)?;
    make_if_missing(&dir.join(LOG_ML_DSA_FILE), new_ml_dsa)?;
    make_if_missing(&dir.join(RECEIPT_FILE), new_ed25519)?;
    let keys = Keys::load(config)?;
    PublicKeys::publish(&keys, &config.dir)?;
    Ok(keys)
}

/// The name under which the receipts of a log are signed.
#[must_use]
pub fn receipt_name(origin: &str) -> String {
    format!("{origin}/receipt")
}

fn check_origin(origin: &str) -> Result<(), Error> {
    is_origin(origin).then_some(()).ok_or(Error::Setting {
        setting: "origin",
        problem: "must be a URL prefix without scheme, final slash, space or plus",
    })
}

/// Makes a directory that only its owner can read.
pub(crate) fn make_dir(dir: &Path) -> Result<(), Error> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(Error::io("create", dir))
}

fn make_if_missing(
    path: &Path,
    make: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, Unspecified>,
) -> Result<(), Error> {
    if path.exists() {
        return Ok(());
    }
    let der = make().map_err(|_| Error::Crypto("make a key"))?;
    replace_durably(path, 0o600, &der)
}

fn sign_ml_dsa(pair: &PqdsaKeyPair, message: &[u8]) -> Result<Vec<u8>, Error> {
    let mut signature = vec![0; ML_DSA_44_SIGNING.signature_len()];
    pair.sign(message, &mut signature)
        .map_err(|_| Error::Crypto("sign a checkpoint"))?;
    Ok(signature)
}

fn new_ed25519() -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let pair = Ed25519KeyPair::generate()?;
    let der: Pkcs8V1Der<'_> = pair.as_der()?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}

fn new_ml_dsa() -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let pair = PqdsaKeyPair::generate(&ML_DSA_44_SIGNING)?;
    Ok(Zeroizing::new(pair.to_pkcs8v1()?.as_ref().to_vec()))
}

fn read_ed25519(path: &Path) -> Result<Ed25519KeyPair, Error> {
    let bytes = read_private(path)?;
    Ed25519KeyPair::from_pkcs8(&bytes).map_err(|_| bad(path, "is not an Ed25519 key in PKCS#8"))
}

fn read_ml_dsa(path: &Path) -> Result<PqdsaKeyPair, Error> {
    let bytes = read_private(path)?;
    PqdsaKeyPair::from_pkcs8(&ML_DSA_44_SIGNING, &bytes)
        .map_err(|_| bad(path, "is not an ML-DSA-44 key in PKCS#8"))
}

fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let meta = fs::metadata(path).map_err(Error::io("read", path))?;
    if std::os::unix::fs::MetadataExt::mode(&meta) & 0o077 != 0 {
        return Err(bad(path, "others than its owner can open it; chmod 600"));
    }
    fs::read(path)
        .map(Zeroizing::new)
        .map_err(Error::io("read", path))
}

fn bad(path: &Path, problem: &'static str) -> Error {
    Error::Key {
        path: PathBuf::from(path),
        problem,
    }
}
