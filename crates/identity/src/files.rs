//! Reading and writing the files of an identity: PEM, lists in DER, and private keys.
//!
//! Not here: what the contents mean. Errors name the file and never quote it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use crate::Error;

/// The mode of a file that anyone may read.
pub(crate) const PUBLIC: u32 = 0o644;
/// The mode of a private key.
pub(crate) const SECRET: u32 = 0o600;

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })
}

/// Reads the certificates of a PEM file, at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    sections(path, &read(path)?, "certificate")
}

/// Reads the private key of a PEM file.
pub(crate) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_slice(&read(path)?)
        .map_err(|error| pem_error(path, "private key", &error))
}

/// Reads the revocation lists of a file: PEM, or one list in DER, as authorities publish it.
pub(crate) fn crls(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, Error> {
    const DER_SEQUENCE: u8 = 0x30;
    let bytes = read(path)?;
    if bytes.first() == Some(&DER_SEQUENCE) {
        return Ok(vec![CertificateRevocationListDer::from(bytes)]);
    }
    sections(path, &bytes, "revocation list")
}

/// Writes a file that did not exist, and makes it durable.
pub(crate) fn create(path: &Path, contents: &[u8], mode: u32) -> Result<(), Error> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|file| fill(file, contents));
    written.map_err(|source| {
        if source.kind() == io::ErrorKind::AlreadyExists {
            let path = path.to_owned();
            return Error::Exists { path };
        }
        write_error(path, source)
    })
}

/// Writes a file so that a reader sees the old contents or the new ones, never a part.
pub(crate) fn replace(path: &Path, contents: &[u8], mode: u32) -> Result<(), Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    // What a crash has left behind may have another mode.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(write_error(&new, error));
        }
        _ => {}
    }
    create(&new, contents, mode)?;
    fs::rename(&new, path).map_err(|source| write_error(path, source))
}

/// Says that a file could not be written.
pub(crate) fn write_error(path: &Path, source: io::Error) -> Error {
    Error::Write {
        path: path.to_owned(),
        source,
    }
}

/// Says what is wrong with a PEM text without quoting it: it may be a private key.
pub(crate) fn pem_error(path: &Path, what: &'static str, error: &pem::Error) -> Error {
    Error::Pem {
        path: path.to_owned(),
        what,
        problem: pem_problem(error),
    }
}

fn sections<T: PemObject>(path: &Path, text: &[u8], what: &'static str) -> Result<Vec<T>, Error> {
    let all: Result<Vec<T>, pem::Error> = T::pem_slice_iter(text).collect();
    match all {
        Ok(all) if all.is_empty() => Err(pem_error(path, what, &pem::Error::NoItemsFound)),
        Ok(all) => Ok(all),
        Err(error) => Err(pem_error(path, what, &error)),
    }
}

fn pem_problem(error: &pem::Error) -> &'static str {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the enum may grow; the rest needs no words of its own"
    )]
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no end",
        pem::Error::IllegalSectionStart { .. } => "a section has no proper beginning",
        pem::Error::Base64Decode(_) => "a section is not base64",
        pem::Error::NoItemsFound => "there is none",
        _ => "it is no PEM file",
    }
}

fn fill(mut file: File, contents: &[u8]) -> io::Result<()> {
    file.write_all(contents)?;
    file.sync_all()
}
