//! Signed notes, and what is made of them: checkpoints, proofs of inclusion.
//!
//! <https://c2sp.org/signed-note>, <https://c2sp.org/tlog-checkpoint>, <https://c2sp.org/tlog-proof>.
//!
//! Text forms only. Not here: keys (see [`crate::keys`]), files.

use std::fmt;

use base64_simd::STANDARD;

use crate::keys::{Algorithm, VerifierKey};

mod checkpoint;
mod policy;
mod proof;

pub use checkpoint::{Checkpoint, SignedCheckpoint};
pub(crate) use checkpoint::{is_origin, speak_for};
pub use policy::{Policy, PolicyError, Witness};
pub use proof::LogProof;

/// A text and the signatures under it; none of them is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// A signature line: `— <name> base64(id ‖ signature)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The name of the key.
    pub name: String,
    /// The id of the key.
    pub id: [u8; 4],
    /// What the key has made of the text.
    pub bytes: Vec<u8>,
}

/// Why a text is no note, or no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than any note of a log.
    #[error("is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// Something but line feeds below U+0020.
    #[error("holds a control character")]
    Control,
    /// The blank line before the signatures is missing, or there are none.
    #[error("has no signatures behind a blank line")]
    NoSignatures,
    /// A line behind the blank line is no signature.
    #[error("line {0} of the signatures is not of the form `— name base64`")]
    Signature(usize),
    /// More signatures than any log collects.
    #[error("has more than {MAX_SIGNATURES} signatures")]
    TooMany,
    /// The text is no checkpoint.
    #[error("its text is not origin, size and root hash")]
    Checkpoint,
    /// The text is no proof.
    #[error("is no proof of inclusion: first line, index, hashes, checkpoint")]
    Proof,
    /// The entry is not where the proof says.
    #[error("does not lead from the record to the checkpoint")]
    NotIncluded,
    /// It is a checkpoint of another log.
    #[error("belongs to another log")]
    OtherLog,
    /// A key that is known did not make its signature.
    #[error("the signature of a known key does not fit")]
    Forged,
    /// None of the keys that are known has signed, or of two kinds of keys only one.
    #[error("is not signed by a known key of each kind that is known")]
    Unsigned,
    /// Of two kinds of keys, one has signed only with keys that a record retires.
    #[error("is signed by keys that the log itself has retired")]
    Retired,
}

impl Note {
    /// A note with signatures.
    #[must_use]
    pub const fn new(text: String, signatures: Vec<Signature>) -> Self {
        Self { text, signatures }
    }

    /// Reads a note.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_BYTES {
            return Err(NoteError::TooLong);
        }
        if note.chars().any(|c| c.is_ascii_control() && c != '\n') {
            return Err(NoteError::Control);
        }
        let split = note.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
        let (text, lines) = note.split_at(split + 1);
        let lines = lines.strip_prefix('\n').unwrap_or(lines);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        let signatures = read_lines(lines)?;
        Ok(Self::new(text.to_owned(), signatures))
    }

    /// The text that is signed, with its last line feed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The keys that have signed the text itself with Ed25519, of those that are trusted. Not for
    /// checkpoints, which are signed in other ways too: [`SignedCheckpoint::verify`].
    ///
    /// # Errors
    /// None has, or a signature that claims to be theirs is not.
    pub fn signed_by<'a>(
        &self,
        keys: &'a [VerifierKey],
    ) -> Result<Vec<&'a VerifierKey>, NoteError> {
        let mut good = Vec::new();
        for signature in &self.signatures {
            for key in keys.iter().filter(|key| key.claims(signature)) {
                let is_plain = key.algorithm() == Algorithm::Ed25519;
                if !is_plain || !key.verifies(self.text.as_bytes(), &signature.bytes) {
                    return Err(NoteError::Forged);
                }
                good.push(key);
            }
        }
        match good.is_empty() {
            true => Err(NoteError::Unsigned),
            false => Ok(good),
        }
    }

    /// The signatures, in their order.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }
}

/// Reads signature lines, separated by line feeds, the last without one.
///
/// # Errors
/// A line is none, or there are too many.
pub(crate) fn read_lines(lines: &str) -> Result<Vec<Signature>, NoteError> {
    let lines: Vec<&str> = lines.split('\n').collect();
    if lines.len() > MAX_SIGNATURES {
        return Err(NoteError::TooMany);
    }
    let numbered = (1..).zip(lines);
    numbered
        .map(|(number, line)| Signature::parse(line).ok_or(NoteError::Signature(number)))
        .collect()
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|signature| write!(f, "{signature}"))
    }
}

impl Signature {
    fn parse(line: &str) -> Option<Self> {
        let (name, base64) = line.strip_prefix("— ")?.split_once(' ')?;
        if !is_key_name(name) {
            return None;
        }
        let bytes = STANDARD.decode_to_vec(base64).ok()?;
        let (id, bytes) = bytes.split_first_chunk::<4>()?;
        (!bytes.is_empty()).then(|| Self {
            name: name.to_owned(),
            id: *id,
            bytes: bytes.to_vec(),
        })
    }
}

/// The whole line, with its line feed.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id, self.bytes.as_slice()].concat();
        writeln!(f, "— {} {}", self.name, STANDARD.encode_to_string(bytes))
    }
}

/// True if a key may have that name.
pub(crate) fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

/// A verifier must take 16 signatures; those of ML-DSA-44 have 3.3 KB.
const MAX_SIGNATURES: usize = 64;
const MAX_BYTES: usize = 512 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of the specification.
    const POEM: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

    #[test]
    fn the_text_of_a_note_may_have_blank_lines() {
        let note = Note::parse(POEM).unwrap();
        assert!(note.text().ends_with("sole:\n\ned è subito sera.\n"));
        let signature = &note.signatures()[0];
        assert_eq!(signature.name, "quasimodo.example/salvatore");
        assert_eq!(signature.id, [0x36, 0x7b, 0xa0, 0x4b]);
        assert_eq!(signature.bytes.len(), 64);
        assert_eq!(note.to_string(), POEM);
    }

    #[test]
    fn what_is_no_note_is_refused_with_its_reason() {
        let line = "— a AAAAAAA=\n";
        let many = format!("text\n\n{}", line.repeat(65));
        for (text, reason) in [
            ("text\n", NoteError::NoSignatures),
            ("text\n\n", NoteError::NoSignatures),
            ("text\n\n— a AAAAAAA=", NoteError::NoSignatures),
            ("te\txt\n\n— a AAAAAAA=\n", NoteError::Control),
            ("text\n\n- a AAAAAAA=\n", NoteError::Signature(1)),
            ("text\n\n— a+b AAAAAAA=\n", NoteError::Signature(1)),
            ("text\n\n— a AAAAAAA=\n— a AAAA\n", NoteError::Signature(2)),
            ("text\n\n— a AAAAAAA\n", NoteError::Signature(1)),
            (&many, NoteError::TooMany),
            (&"t".repeat(MAX_BYTES + 1), NoteError::TooLong),
        ] {
            assert_eq!(Note::parse(text), Err(reason), "{text:.40}");
        }
    }

    proptest! {
        #[test]
        fn a_note_reads_back(text in "([a-z +]{0,9}\n){1,5}", names in prop::collection::vec("[a-z/.]{1,9}", 1..4)) {
            let signatures = names.into_iter().map(|name| Signature { name, id: [1, 2, 3, 4], bytes: vec![5; 64] });
            let note = Note::new(text, signatures.collect());
            prop_assert_eq!(Note::parse(&note.to_string()), Ok(note));
        }

        #[test]
        fn no_text_is_too_odd(text in "\\PC*\n{0,2}— [a-z+/ =\n—]*") {
            drop(Note::parse(&text));
        }
    }
}
