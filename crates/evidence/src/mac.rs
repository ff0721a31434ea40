//! HMAC-SHA-256 of a few bytes, under a key of 32.
//!
//! Not by the library that does all other cryptography: that one allocates a context for each, and so
//! takes twice the time of values as short as these.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::tree::Hash;

/// A key that is ready, or what was put in under it so far. Wiped when it is dropped.
#[derive(Clone)]
pub(crate) struct Mac(Hmac<Sha256>);

impl Mac {
    /// Makes a key ready.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        // A key shorter than a block of the hash stands for itself and zeros: RFC 2104.
        let mut block = Zeroizing::new([0; BLOCK_LEN]);
        let (head, _) = block.split_at_mut(key.len());
        head.copy_from_slice(key);
        Self(Hmac::new((&*block).into()))
    }

    /// The whole tag of the parts, one behind the other.
    pub(crate) fn of(&self, parts: &[&[u8]]) -> Hash {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

const BLOCK_LEN: usize = 64;

#[cfg(test)]
mod tests {
    use aws_lc_rs::hmac;

    use super::*;

    #[test]
    fn it_is_that_of_another_library() {
        for len in [0, 1, 31, 55, 56, 63, 64, 65, 1_000] {
            let (key, value) = ([7; 32], vec![3; len]);
            let other = hmac::Key::new(hmac::HMAC_SHA256, &key);
            let mine = Mac::new(&key).of(&[b"field", &[0], &value]);
            let whole = [b"field\0", &*value].concat();
            assert_eq!(mine, hmac::sign(&other, &whole).as_ref(), "{len}");
        }
    }
}
