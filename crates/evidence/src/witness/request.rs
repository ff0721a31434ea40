//! What a log asks of a witness: a checkpoint, and the proof that it continues an older one. The text
//! is that of <https://c2sp.org/tlog-witness>. Not here: HTTP.

use std::fmt;

use base64_simd::STANDARD;

use crate::note::SignedCheckpoint;
use crate::tree::Hash;

/// A request as it is sent; nothing in it is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The size from which the proof leads.
    pub old: u64,
    /// The proof of consistency.
    pub proof: Vec<Hash>,
    /// The checkpoint to which it leads.
    pub checkpoint: SignedCheckpoint,
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(request: &str) -> Result<Self, &'static str> {
        let (head, checkpoint) = request
            .split_once("\n\n")
            .ok_or("has no blank line before the checkpoint")?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let proof = lines.map(|line| STANDARD.decode_to_vec(line).ok()?.try_into().ok());
        let proof: Option<Vec<Hash>> = proof.collect();
        let proof = proof.ok_or("has a line that is no hash in base64")?;
        if proof.len() > 63 {
            return Err("has more than 63 hashes");
        }
        Ok(Self {
            old: old
                .and_then(parse_size)
                .ok_or("does not begin with `old` and a size")?,
            proof,
            checkpoint: SignedCheckpoint::parse(checkpoint).map_err(|_| "has no checkpoint")?,
        })
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{}", STANDARD.encode_to_string(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

/// A size in the one form that it has.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    let has_one_form = text == "0" || !text.starts_with(['0', '+']);
    has_one_form.then(|| text.parse().ok()).flatten()
}
