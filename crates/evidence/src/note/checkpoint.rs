//! Checkpoints: the size and root of a log at one moment.

use std::fmt;

use base64_simd::STANDARD;

use super::{Note, NoteError, Signature, is_key_name};
use crate::keys::VerifierKey;
use crate::tree::Hash;

/// The size and root of a log, unsigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log.
    pub origin: String,
    /// How many leaves it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Reads the text of a note. Extension lines may follow; they mean nothing here.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let has_one_form = size == "0" || !size.starts_with(['0', '+']);
        let root = STANDARD.decode_to_vec(root).ok()?;
        if origin.is_empty() || !has_one_form || lines.any(str::is_empty) {
            return None;
        }
        Some(Self {
            origin: origin.to_owned(),
            size: size.parse().ok()?,
            root: root.try_into().ok()?,
        })
    }
}

/// The text that is signed.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = STANDARD.encode_to_string(self.root);
        write!(f, "{}\n{}\n{root}\n", self.origin, self.size)
    }
}

/// A checkpoint with its signatures; they are checked by [`SignedCheckpoint::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

impl SignedCheckpoint {
    /// Puts signatures under a checkpoint.
    #[must_use]
    pub fn new(checkpoint: Checkpoint, signatures: Vec<Signature>) -> Self {
        let note = Note::new(checkpoint.to_string(), signatures);
        Self { checkpoint, note }
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        let note = Note::parse(note)?;
        let checkpoint = Checkpoint::parse(note.text()).ok_or(NoteError::Checkpoint)?;
        Ok(Self { checkpoint, note })
    }

    /// The same with more signatures under it.
    #[must_use]
    pub(crate) fn with(&self, more: &[Signature]) -> Self {
        let signatures = [self.note.signatures(), more].concat();
        let note = Note::new(self.note.text().to_owned(), signatures);
        Self {
            checkpoint: self.checkpoint.clone(),
            note,
        }
    }

    /// What it says, whoever says it.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note it is.
    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// The keys that have signed it, of those that are trusted.
    ///
    /// # Errors
    /// None has, or a signature that claims to be theirs is not.
    pub fn verify<'a>(&self, keys: &'a [VerifierKey]) -> Result<Vec<&'a VerifierKey>, NoteError> {
        let mut good = Vec::new();
        for signature in self.note.signatures() {
            for key in keys.iter().filter(|key| key.claims(signature)) {
                let time = key.signed(&self.checkpoint, self.note.text(), &signature.bytes);
                time.ok_or(NoteError::Forged)?;
                if !good.contains(&key) {
                    good.push(key);
                }
            }
        }
        if good.is_empty() {
            return Err(NoteError::Unsigned);
        }
        Ok(good)
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}

/// True if those who signed speak for a log: of every algorithm for which a key of it is trusted,
/// one must be among them. A witness alone does not, nor does Ed25519 where ML-DSA-44 is known.
pub(crate) fn speak_for(origin: &str, signers: &[&VerifierKey], trusted: &[VerifierKey]) -> bool {
    let mut ours = trusted.iter().filter(|key| key.name() == origin).peekable();
    ours.peek().is_some()
        && ours.all(|key| {
            let same = |it: &&&VerifierKey| it.algorithm() == key.algorithm();
            signers.iter().filter(same).any(|it| it.name() == origin)
        })
}

/// True if a log may have that name: it is the name of its key as well, and with `/receipt` that of
/// another, of 255 bytes at most.
pub(crate) fn is_origin(origin: &str) -> bool {
    is_key_name(origin)
        && origin.len() <= 247
        && !origin.contains("://")
        && !origin.starts_with('/')
        && !origin.ends_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

    #[test]
    fn a_checkpoint_reads_back() {
        let text = format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n");
        let checkpoint = Checkpoint::parse(&text).unwrap();
        assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
        assert_eq!(checkpoint.size, 20_852_163);
        assert_eq!(checkpoint.to_string(), text);
        let extended = Checkpoint::parse(&format!("{text}more\n")).unwrap();
        assert_eq!(extended, checkpoint);
    }

    #[test]
    fn a_number_has_one_form_and_a_root_its_length() {
        for wrong in [
            format!("a\n01\n{ROOT}\n"),
            format!("a\n+1\n{ROOT}\n"),
            format!("a\n-1\n{ROOT}\n"),
            format!("a\n\n{ROOT}\n"),
            format!("a\n18446744073709551616\n{ROOT}\n"),
            format!("\n1\n{ROOT}\n"),
            format!("a\n1\n{ROOT}"),
            format!("a\n1\n{ROOT}\n\n"),
            "a\n1\nAAAA\n".to_owned(),
            "a\n1\n".to_owned(),
        ] {
            assert_eq!(Checkpoint::parse(&wrong), None, "{wrong:?}");
        }
        assert!(Checkpoint::parse(&format!("a\n0\n{ROOT}\n")).is_some());
    }
}
