//! Proofs of inclusion as files: <https://c2sp.org/tlog-proof>.

use std::fmt;

use base64_simd::STANDARD;

use super::{NoteError, SignedCheckpoint, speak_for};
use crate::keys::VerifierKey;
use crate::tree::{Hash, root_of};

/// Proof that an entry is under a checkpoint; nothing in it is checked before
/// [`LogProof::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProof {
    /// What else the file carries; not covered by any signature.
    pub extra: Option<Vec<u8>>,
    /// The place of the entry in the log.
    pub index: u64,
    /// The audit path from the entry's sibling upwards.
    pub path: Vec<Hash>,
    /// The checkpoint it leads to.
    pub checkpoint: SignedCheckpoint,
}

impl LogProof {
    /// Reads a proof.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let rest = text.strip_prefix(FIRST_LINE).ok_or(NoteError::Proof)?;
        let (lines, checkpoint) = rest.split_once("\n\n").ok_or(NoteError::Proof)?;
        let mut lines = lines.split('\n').peekable();
        let extra = lines.next_if(|line| line.starts_with(EXTRA));
        let extra = extra.and_then(|line| line.strip_prefix(EXTRA));
        let extra = extra.map(|extra| STANDARD.decode_to_vec(extra)).transpose();
        let index = lines.next().and_then(|line| line.strip_prefix(INDEX));
        let index = index.filter(|it| *it == "0" || !it.starts_with(['0', '+']));
        let path = lines.map(|line| STANDARD.decode_to_vec(line).ok()?.try_into().ok());
        Ok(Self {
            extra: extra.map_err(|_| NoteError::Proof)?,
            index: index
                .and_then(|it| it.parse().ok())
                .ok_or(NoteError::Proof)?,
            path: path.collect::<Option<_>>().ok_or(NoteError::Proof)?,
            checkpoint: SignedCheckpoint::parse(checkpoint)?,
        })
    }

    /// Checks that an entry of that hash is in a log of those keys; returns the keys that say so.
    ///
    /// # Errors
    /// It is not, or none of the keys says so.
    pub fn verify<'a>(
        &self,
        leaf: &Hash,
        keys: &'a [VerifierKey],
    ) -> Result<Vec<&'a VerifierKey>, NoteError> {
        let good = self.checkpoint.verify(keys)?;
        let checkpoint = self.checkpoint.checkpoint();
        if !speak_for(&checkpoint.origin, &good, keys) {
            return Err(NoteError::Unsigned);
        }
        let root = root_of(leaf, self.index, checkpoint.size, &self.path);
        (root == Some(checkpoint.root))
            .then_some(good)
            .ok_or(NoteError::NotIncluded)
    }
}

impl fmt::Display for LogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FIRST_LINE)?;
        if let Some(extra) = &self.extra {
            writeln!(f, "{EXTRA}{}", STANDARD.encode_to_string(extra))?;
        }
        writeln!(f, "{INDEX}{}", self.index)?;
        for hash in &self.path {
            writeln!(f, "{}", STANDARD.encode_to_string(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1\n";
const EXTRA: &str = "extra ";
const INDEX: &str = "index ";

#[cfg(test)]
mod tests {
    use super::super::{Checkpoint, Signature};
    use super::*;
    use proptest::prelude::*;

    fn proof(extra: Option<Vec<u8>>, index: u64, hashes: u8) -> LogProof {
        let checkpoint = Checkpoint {
            origin: "a/b".to_owned(),
            size: 9,
            root: [7; 32],
        };
        let signature = Signature {
            name: "a/b".to_owned(),
            id: [1; 4],
            bytes: vec![2; 64],
        };
        LogProof {
            extra,
            index,
            path: (0..hashes).map(|n| [n; 32]).collect(),
            checkpoint: SignedCheckpoint::new(checkpoint, vec![signature]),
        }
    }

    proptest! {
        #[test]
        fn a_proof_reads_back(
            extra in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
            index in any::<u64>(),
            hashes in 0_u8..64,
        ) {
            let proof = proof(extra, index, hashes);
            prop_assert_eq!(LogProof::parse(&proof.to_string()), Ok(proof));
        }
    }

    #[test]
    fn what_is_no_proof_is_refused() {
        let right = proof(Some(b"more".to_vec()), 5, 2).to_string();
        assert!(LogProof::parse(&right).is_ok());
        for (from, to) in [
            ("@v1", "@v2"),
            ("extra bW9yZQ==", "extra bW9yZQ"),
            ("index 5", "index 05"),
            ("index 5", "index +5"),
            ("index 5", "index 18446744073709551616"),
            ("index 5\n", ""),
            ("AAAA", "AAA"),
            ("\n\n", "\n"),
            ("a/b\n9\n", "a/b\n09\n"),
        ] {
            let wrong = right.replacen(from, to, 1);
            assert_ne!(wrong, right);
            assert!(LogProof::parse(&wrong).is_err(), "{wrong}");
        }
    }
}
