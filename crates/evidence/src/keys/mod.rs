//! The two keys of a log, and their public form.
//!
//! The log key signs checkpoints, the receipt key signs receipts. The private keys are PKCS#8
//! files that only their owner can read; the file `keys` in the log's directory names the public
//! ones, a line each: `log <vkey>`, `receipt <vkey>`. Not here: rotation, hardware keys.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use zeroize::Zeroizing;

mod vkey;

pub use vkey::VerifierKey;

use crate::{Config, Error};

/// The file of public keys in the directory of a log.
pub const PUBLIC_FILE: &str = "keys";

const LOG_FILE: &str = "log.pk8";
const RECEIPT_FILE: &str = "receipt.pk8";

/// The private keys of a log.
pub struct Keys {
    origin: String,
    log: Ed25519KeyPair,
    receipt: Ed25519KeyPair,
}

impl Keys {
    /// Reads the keys that [`create_if_missing`] has made.
    ///
    /// # Errors
    /// A key file is missing, readable for others, or no Ed25519 key.
    pub fn load(config: &Config) -> Result<Self, Error> {
        check_origin(&config.origin)?;
        let dir = config.keys_dir();
        Ok(Self {
            origin: config.origin.clone(),
            log: read_private(&dir.join(LOG_FILE))?,
            receipt: read_private(&dir.join(RECEIPT_FILE))?,
        })
    }

    /// The public key of checkpoints.
    #[must_use]
    pub fn log(&self) -> VerifierKey {
        VerifierKey::new(self.origin.clone(), self.log.public_key().as_ref())
    }

    /// The public key of receipts.
    #[must_use]
    pub fn receipt(&self) -> VerifierKey {
        VerifierKey::new(
            receipt_name(&self.origin),
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
    let dir = config.keys_dir();
    fs::create_dir_all(&config.dir).map_err(Error::io("create", &config.dir))?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&dir)
        .map_err(Error::io("create", &dir))?;
    for name in [LOG_FILE, RECEIPT_FILE] {
        let path = dir.join(name);
        if !path.exists() {
            let pair = Ed25519KeyPair::generate().map_err(|_| Error::Crypto("make a key"))?;
            let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| Error::Crypto("encode a key"))?;
            write_durably(&path, 0o600, der.as_ref())?;
        }
    }
    let keys = Keys::load(config)?;
    PublicKeys::publish(&keys, &config.dir)?;
    Ok(keys)
}

/// The public keys of a log, as its file `keys` lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicKeys {
    /// The keys of checkpoints.
    pub log: Vec<VerifierKey>,
    /// The keys of receipts.
    pub receipt: Vec<VerifierKey>,
}

impl PublicKeys {
    /// Reads the file `keys` of a log. Lines of other kinds are skipped.
    ///
    /// # Errors
    /// The file cannot be read, or a line of a known kind holds no key.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(PUBLIC_FILE);
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let mut keys = Self::default();
        for (kind, vkey) in text.lines().filter_map(|line| line.split_once(' ')) {
            let list = match kind {
                "log" => &mut keys.log,
                "receipt" => &mut keys.receipt,
                _ => continue,
            };
            list.push(vkey.parse().map_err(|problem| Error::Key {
                path: path.clone(),
                problem,
            })?);
        }
        Ok(keys)
    }

    /// Adds the keys to the file of the log; keys that stood there before stay.
    fn publish(keys: &Keys, dir: &Path) -> Result<(), Error> {
        let mut all = if dir.join(PUBLIC_FILE).exists() {
            Self::read(dir)?
        } else {
            Self::default()
        };
        let before = all.clone();
        for (list, key) in [
            (&mut all.log, keys.log()),
            (&mut all.receipt, keys.receipt()),
        ] {
            if !list.contains(&key) {
                list.push(key);
            }
        }
        if all == before {
            return Ok(());
        }
        write_durably(&dir.join(PUBLIC_FILE), 0o644, all.to_string().as_bytes())
    }
}

impl fmt::Display for PublicKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for key in &self.log {
            writeln!(f, "log {key}")?;
        }
        for key in &self.receipt {
            writeln!(f, "receipt {key}")?;
        }
        Ok(())
    }
}

/// The name under which the receipts of a log are signed.
#[must_use]
pub fn receipt_name(origin: &str) -> String {
    format!("{origin}/receipt")
}

fn check_origin(origin: &str) -> Result<(), Error> {
    let fits = !origin.is_empty()
        && origin.len() <= 255
        && !origin.contains("://")
        && !origin.ends_with('/')
        && !origin.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+');
    fits.then_some(()).ok_or(Error::Setting {
        setting: "origin",
        problem: "must be a URL prefix without scheme, final slash, space or plus",
    })
}

fn read_private(path: &Path) -> Result<Ed25519KeyPair, Error> {
    let bad = |problem| Error::Key {
        path: PathBuf::from(path),
        problem,
    };
    let meta = fs::metadata(path).map_err(Error::io("read", path))?;
    if std::os::unix::fs::MetadataExt::mode(&meta) & 0o077 != 0 {
        return Err(bad("others than its owner can open it; chmod 600"));
    }
    let bytes = Zeroizing::new(fs::read(path).map_err(Error::io("read", path))?);
    Ed25519KeyPair::from_pkcs8(&bytes).map_err(|_| bad("is not an Ed25519 key in PKCS#8"))
}

/// Writes a file such that a crash leaves the old one, the new one, or none.
fn write_durably(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), Error> {
    let tmp = path.with_extension("tmp");
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&tmp)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&tmp, path)?;
        path.parent()
            .map_or(Ok(()), |dir| fs::File::open(dir)?.sync_all())
    };
    write().map_err(Error::io("write", path))
}
