//! Public keys in the form of signed notes: `name+id+base64`. Not here: private keys.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{ED25519, ML_DSA_44, UnparsedPublicKey};
use base64_simd::STANDARD;

use crate::note::{Checkpoint, Signature};

/// A public key with its name, in the form of signed notes: `name+id+base64`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    algorithm: Algorithm,
    public: Vec<u8>,
}

/// What a key signs, and how: the registry of <https://c2sp.org/signed-note>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Algorithm {
    /// Ed25519 over the text of the note: a log.
    Ed25519 = 0x01,
    /// Ed25519 over the text and a time: a witness.
    CosignatureEd25519 = 0x04,
    /// ML-DSA-44 over name, time, origin, size and root: a log or a witness.
    CosignatureMlDsa44 = 0x06,
}

impl Algorithm {
    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::CosignatureEd25519),
            0x06 => Some(Self::CosignatureMlDsa44),
            _ => None,
        }
    }

    /// The bytes of a public key.
    const fn public_len(self) -> usize {
        match self {
            Self::Ed25519 | Self::CosignatureEd25519 => 32,
            Self::CosignatureMlDsa44 => 1312,
        }
    }
}

impl VerifierKey {
    /// A key; its bytes are as many as the algorithm has.
    pub(crate) fn new(name: String, algorithm: Algorithm, public: &[u8]) -> Self {
        debug_assert_eq!(public.len(), algorithm.public_len());
        Self {
            name,
            algorithm,
            public: public.to_vec(),
        }
    }

    /// The name of the key: the origin of the log, or that with `/receipt`; or a witness's.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs, and how.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// True if both are the same public key, whatever their names and what they sign.
    pub(crate) fn is_same_key(&self, other: &Self) -> bool {
        self.public == other.public
    }

    /// The first four bytes of SHA-256 over name, line feed, algorithm and key.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(self.name.as_bytes());
        context.update(&[b'\n', self.algorithm as u8]);
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
        let good = match self.algorithm {
            Algorithm::Ed25519 | Algorithm::CosignatureEd25519 => {
                UnparsedPublicKey::new(&ED25519, &self.public).verify(message, signature)
            }
            Algorithm::CosignatureMlDsa44 => {
                UnparsedPublicKey::new(&ML_DSA_44, &self.public).verify(message, signature)
            }
        };
        good.is_ok()
    }

    /// True if a signature line names this key.
    pub(crate) fn claims(&self, signature: &Signature) -> bool {
        signature.name == self.name && signature.id == self.id()
    }

    /// Checks what a line under a checkpoint says to be this key's signature: when it was made, 0
    /// if the algorithm does not say; none if it is not.
    pub(crate) fn signed(&self, checkpoint: &Checkpoint, text: &str, line: &[u8]) -> Option<u64> {
        let (time, message, signature) = match self.algorithm {
            Algorithm::Ed25519 => (0, text.as_bytes().to_vec(), line),
            Algorithm::CosignatureEd25519 => {
                let (time, signature) = timed(line)?;
                (time, cosignature_message(time, text), signature)
            }
            Algorithm::CosignatureMlDsa44 => {
                let (time, signature) = timed(line)?;
                (
                    time,
                    subtree_message(&self.name, time, checkpoint),
                    signature,
                )
            }
        };
        self.verifies(&message, signature).then_some(time)
    }
}

/// What an Ed25519 cosigner signs: <https://c2sp.org/tlog-cosignature>.
pub(crate) fn cosignature_message(time: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

/// What an ML-DSA-44 cosigner signs of a checkpoint: <https://c2sp.org/tlog-cosignature>. Names are
/// at most 255 bytes long.
pub(crate) fn subtree_message(name: &str, time: u64, checkpoint: &Checkpoint) -> Vec<u8> {
    let mut message = b"subtree/v1\n\0".to_vec();
    let push_name = |message: &mut Vec<u8>, name: &str| {
        message.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        message.extend_from_slice(name.as_bytes());
    };
    push_name(&mut message, name);
    message.extend_from_slice(&time.to_be_bytes());
    push_name(&mut message, &checkpoint.origin);
    message.extend_from_slice(&0_u64.to_be_bytes());
    message.extend_from_slice(&checkpoint.size.to_be_bytes());
    message.extend_from_slice(&checkpoint.root);
    message
}

/// The time in front of a signature; it stays below 2⁶³.
fn timed(line: &[u8]) -> Option<(u64, &[u8])> {
    let (time, signature) = line.split_first_chunk()?;
    let time = u64::from_be_bytes(*time);
    (time <= i64::MAX as u64).then_some((time, signature))
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.name, hex::encode(self.id()))
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![self.algorithm as u8];
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
        if !crate::note::is_key_name(name) || name.len() > 255 {
            return Err("the name of a key has no space and at most 255 bytes");
        }
        let bytes = STANDARD
            .decode_to_vec(key)
            .map_err(|_| "the key is not base64")?;
        let (&algorithm, public) = bytes.split_first().ok_or("the key is empty")?;
        let algorithm = Algorithm::from_byte(algorithm)
            .ok_or("the key is neither an Ed25519 nor an ML-DSA-44 key")?;
        if public.len() != algorithm.public_len() {
            return Err("the key has not the length of its algorithm");
        }
        let key = Self::new(name.to_owned(), algorithm, public);
        if hex::encode(key.id()) == id {
            Ok(key)
        } else {
            Err("the id of the key does not fit")
        }
    }
}
