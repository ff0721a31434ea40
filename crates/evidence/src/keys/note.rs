//! A private key that signs notes of any text: Ed25519, in the form of Go's `sumdb/note`. Not here: keys of
//! a log, which sign nothing else.

use std::fmt;
use std::path::Path;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64_simd::STANDARD;
use zeroize::Zeroizing;

use super::file::read_private;
use super::{Algorithm, VerifierKey, bad};
use crate::Error;
use crate::note::{Signature, is_key_name};
use crate::replace::replace_durably;

/// A private key with its name; its file holds `PRIVATE+KEY+name+id+base64`.
pub struct NoteKey {
    pair: Ed25519KeyPair,
    public: VerifierKey,
}

impl NoteKey {
    /// Makes a key of that name; its file is durable then, and readable for its owner alone.
    ///
    /// # Errors
    /// The name is none, there is a file already, or it cannot be written.
    pub fn make(path: &Path, name: &str) -> Result<Self, Error> {
        if !is_key_name(name) || name.len() > 255 {
            return Err(bad(path, "the name of a key has no space and no plus"));
        }
        if path.exists() {
            return Err(bad(path, "is there already"));
        }
        let mut seed = Zeroizing::new([0; SEED_LEN]);
        let random = SystemRandom::new().fill(seed.as_mut_slice());
        random.map_err(|_| Error::Crypto("make a key"))?;
        let key = Self::of(name, &seed).ok_or(Error::Crypto("make a key"))?;
        let text = key.private(&seed);
        replace_durably(path, 0o600, text.as_bytes())?;
        Ok(key)
    }

    /// Reads a key.
    ///
    /// # Errors
    /// The file cannot be read, is readable for others, or holds no such key.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = read_private(path)?;
        let text = std::str::from_utf8(&bytes).unwrap_or_default().trim();
        Self::parse(text).ok_or_else(|| bad(path, "is no key PRIVATE+KEY+name+id+base64"))
    }

    /// The public key.
    #[must_use]
    pub const fn public(&self) -> &VerifierKey {
        &self.public
    }

    /// Signs the text of a note.
    #[must_use]
    pub fn sign(&self, text: &str) -> Signature {
        Signature {
            name: self.public.name().to_owned(),
            id: self.public.id(),
            bytes: self.pair.sign(text.as_bytes()).as_ref().to_vec(),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(PREFIX)?.splitn(3, '+');
        let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = Zeroizing::new(STANDARD.decode_to_vec(key).ok()?);
        let (&algorithm, seed) = bytes.split_first()?;
        let is_ed25519 = algorithm == Algorithm::Ed25519 as u8;
        let key = Self::of(name, seed.try_into().ok()?)?;
        (is_ed25519 && is_key_name(name) && hex::encode(key.public.id()) == id).then_some(key)
    }

    fn of(name: &str, seed: &[u8; SEED_LEN]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let public = pair.public_key().as_ref();
        let public = VerifierKey::new(name.to_owned(), Algorithm::Ed25519, public);
        Some(Self { pair, public })
    }

    fn private(&self, seed: &[u8; SEED_LEN]) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(1 + SEED_LEN));
        bytes.push(Algorithm::Ed25519 as u8);
        bytes.extend_from_slice(seed);
        let key = Zeroizing::new(STANDARD.encode_to_string(bytes.as_slice()));
        let (name, id) = (self.public.name(), hex::encode(self.public.id()));
        Zeroizing::new(format!("{PREFIX}{name}+{id}+{}\n", key.as_str()))
    }
}

impl fmt::Debug for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteKey({:?})", self.public)
    }
}

const PREFIX: &str = "PRIVATE+KEY+";
const SEED_LEN: usize = 32;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::note::{Note, NoteError};

    /// The key pair in the documentation of Go's `sumdb/note`.
    const GO: &str =
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const GO_PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn a_key_of_another_program_signs_as_it_does_there() {
        let key = NoteKey::parse(GO).unwrap();
        assert_eq!(key.public().to_string(), GO_PUBLIC);
        let text = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
        let line = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        assert_eq!(key.sign(text).to_string(), line);
    }

    #[test]
    fn a_key_that_was_made_reads_back_and_is_not_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("policy.key");
        let made = NoteKey::make(&path, "registry.example/policy").unwrap();
        let read = NoteKey::read(&path).unwrap();
        assert_eq!(read.public(), made.public());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(NoteKey::make(&path, "registry.example/policy").is_err());
        assert!(NoteKey::make(&dir.path().join("b"), "a b").is_err());
        std::fs::write(&path, "PRIVATE+KEY+a+b+c").unwrap();
        assert!(NoteKey::read(&path).is_err());
    }

    #[test]
    fn a_note_is_signed_by_the_keys_that_fit_its_text_and_by_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let key = |name: &str| NoteKey::make(&dir.path().join(name), name).unwrap();
        let (one, other, stranger) = (key("one"), key("other"), key("stranger"));
        let text = "agreed\n".to_owned();
        let note = Note::new(text.clone(), vec![one.sign(&text), other.sign(&text)]);
        let note = Note::parse(&note.to_string()).unwrap();
        let (known, unknown) = (one.public().clone(), stranger.public().clone());
        assert_eq!(
            note.signed_by(&[unknown.clone(), known.clone()]).unwrap(),
            [&known]
        );
        assert_eq!(note.signed_by(&[unknown]), Err(NoteError::Unsigned));
        let altered = Note::new("agreed!\n".to_owned(), note.signatures().to_vec());
        assert_eq!(altered.signed_by(&[known]), Err(NoteError::Forged));
    }
}
