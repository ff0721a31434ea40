//! Public keys in the form of signed notes: `name+id+base64`. Not here: private keys.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64_simd::STANDARD;

/// A public key with its name, in the form of signed notes: `name+id+base64`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public: [u8; 32],
}

impl VerifierKey {
    pub(super) fn new(name: String, bytes: &[u8]) -> Self {
        let mut public = [0; 32];
        for (to, from) in public.iter_mut().zip(bytes) {
            *to = *from;
        }
        Self { name, public }
    }

    /// The name of the key: the origin of the log, or that with `/receipt`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of SHA-256 over name, line feed, algorithm and key.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(self.name.as_bytes());
        context.update(&[b'\n', ALGORITHM]);
        context.update(&self.public);
        let mut id = [0; 4];
        for (to, from) in id.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        id
    }

    /// True if the signature over the message is this key's.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.public)
            .verify(message, signature)
            .is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ALGORITHM];
        bytes.extend_from_slice(&self.public);
        let (id, key) = (hex::encode(self.id()), STANDARD.encode_to_string(bytes));
        write!(f, "{}+{id}+{key}", self.name)
    }
}

impl FromStr for VerifierKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err("a key has the form name+id+base64");
        };
        let bytes = STANDARD
            .decode_to_vec(key)
            .map_err(|_| "the key is not base64")?;
        let Some((&ALGORITHM, public)) = bytes.split_first().filter(|(_, k)| k.len() == 32) else {
            return Err("the key is not an Ed25519 key");
        };
        let key = Self::new(name.to_owned(), public);
        if hex::encode(key.id()) == id {
            Ok(key)
        } else {
            Err("the id of the key does not fit")
        }
    }
}

/// Ed25519, in the registry of signed notes.
const ALGORITHM: u8 = 0x01;
