//! Sealing with AES-256-GCM under random nonces: nonce ‖ ciphertext ‖ tag. Not here: whose keys.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::keys::secret::{SECRET_LEN, Secret};

pub(super) const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;
/// How much longer the sealed text is than the plain one.
pub(super) const OVERHEAD: usize = NONCE_LEN + TAG_LEN;

/// A key that seals and opens.
pub(super) struct Key(LessSafeKey);

impl Key {
    pub(super) fn new(bytes: &Secret) -> Result<Self, Unspecified> {
        let key = UnboundKey::new(&AES_256_GCM, bytes.as_slice())?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Appends the sealed text; `label` says what it is, and only the same label opens it.
    pub(super) fn seal(
        &self,
        label: &[u8],
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Unspecified> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce)?;
        self.seal_under(nonce, label, plain, out)
    }

    /// The same under a nonce that was drawn already, and is used for nothing else.
    pub(super) fn seal_under(
        &self,
        nonce: [u8; NONCE_LEN],
        label: &[u8],
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Unspecified> {
        out.extend_from_slice(&nonce);
        let begin = out.len();
        out.extend_from_slice(plain);
        let text = out.get_mut(begin..).unwrap_or_default();
        let (nonce, label) = (Nonce::from(&nonce), Aad::from(label));
        let tag = self.0.seal_in_place_separate_tag(nonce, label, text)?;
        out.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// The plain text; none if it was sealed under another key or label, or has changed since.
    pub(super) fn open(&self, label: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::from(nonce);
        let opened = self.0.open_in_place(nonce, Aad::from(label), &mut text);
        let len = opened.ok()?.len();
        text.truncate(len);
        Some(text)
    }

    /// Seals another key.
    pub(super) fn wrap(&self, label: &[u8], key: &Secret) -> Result<Vec<u8>, Unspecified> {
        let mut out = Vec::with_capacity(SECRET_LEN + OVERHEAD);
        self.seal(label, key.as_slice(), &mut out)?;
        Ok(out)
    }

    /// Opens another key.
    pub(super) fn unwrap(&self, label: &[u8], wrapped: &[u8]) -> Option<Secret> {
        let plain = self.open(label, wrapped)?;
        let bytes: &[u8; SECRET_LEN] = plain.as_slice().try_into().ok()?;
        Some(Secret::new(bytes))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;

    use super::*;
    use crate::keys::secret::fresh;

    #[test]
    fn what_is_sealed_opens_under_its_key_and_label_alone() {
        let random = SystemRandom::new();
        let (key, other) = (fresh(&random).unwrap(), fresh(&random).unwrap());
        let key = Key::new(&key).unwrap();
        let mut sealed = Vec::new();
        key.seal(b"a", b"secret", &mut sealed).unwrap();
        assert_eq!(sealed.len(), b"secret".len() + OVERHEAD);
        assert_eq!(key.open(b"a", &sealed).unwrap().as_slice(), b"secret");
        assert!(key.open(b"b", &sealed).is_none());
        assert!(Key::new(&other).unwrap().open(b"a", &sealed).is_none());
        for place in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[place] ^= 1;
            assert!(key.open(b"a", &flipped).is_none(), "byte {place}");
        }
        let wrapped = key.wrap(b"w", &other).unwrap();
        let unwrapped = key.unwrap(b"w", &wrapped).unwrap();
        assert_eq!(unwrapped.as_slice(), other.as_slice());
    }
}
