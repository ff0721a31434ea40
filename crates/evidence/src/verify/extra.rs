//! What a proof carries beside itself: its record, what opens the commitments in it, and of a record
//! about many the entry of one.
//!
//! None of it is signed by itself: the record is hashed, and [`Extra::check`] holds each opening
//! against the commitment in the record.

use base64_simd::STANDARD;
use exchange::{BatchProof, Opening};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::note::LogProof;
use crate::{Commitment, SALT_LEN};

/// A record and what opens it, as a proof carries them.
#[derive(Serialize, Deserialize)]
pub struct Extra {
    /// The record, byte for byte: its hash is what is proved.
    pub leaf: String,
    openings: Vec<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    batch: Option<BatchText>,
}

/// One opening; salt and value in base64.
#[derive(Serialize, Deserialize)]
struct Text {
    field: String,
    salt: String,
    value: String,
}

/// The entry of one in a record about many; the hashes of its path in base64.
#[derive(Serialize, Deserialize)]
struct BatchText {
    entry: String,
    index: u64,
    path: Vec<String>,
}

impl Extra {
    /// A record and what opens it; none if the record is not UTF-8, which no record is.
    #[must_use]
    pub fn new(leaf: Vec<u8>, openings: &[Opening]) -> Option<Self> {
        let openings = openings.iter().map(|opening| Text {
            field: opening.field.clone(),
            salt: STANDARD.encode_to_string(opening.salt),
            value: STANDARD.encode_to_string(&opening.value),
        });
        Some(Self {
            leaf: String::from_utf8(leaf).ok()?,
            openings: openings.collect(),
            batch: None,
        })
    }

    /// The same with the entry of one in a record about many: openings may open what is in it.
    #[must_use]
    pub fn with_batch(self, proof: &BatchProof) -> Self {
        let path = proof
            .path
            .iter()
            .map(|hash| STANDARD.encode_to_string(hash));
        let batch = Some(BatchText {
            entry: proof.entry.clone(),
            index: proof.index,
            path: path.collect(),
        });
        Self { batch, ..self }
    }

    /// What a proof carries; none if that is something else.
    #[must_use]
    pub fn of(proof: &LogProof) -> Option<Self> {
        serde_json::from_slice(proof.extra.as_deref()?).ok()
    }

    /// The same proof, carrying this.
    #[must_use]
    pub fn on(&self, proof: LogProof) -> LogProof {
        // Texts alone: nothing that JSON cannot hold.
        let extra = serde_json::to_vec(self).ok();
        LogProof { extra, ..proof }
    }

    /// The name of the first opening that does not open its commitment in the record, or in the
    /// entry; `entry` if the record does not commit to that.
    #[must_use]
    pub fn check(&self) -> Option<&str> {
        let mut records = vec![json(&self.leaf)];
        if let Some(batch) = &self.batch {
            let proof = batch.proof();
            if proof.is_none_or(|proof| super::batch(&proof, self.leaf.as_bytes()).is_err()) {
                return Some("entry");
            }
            records.push(json(&batch.entry));
        }
        let wrong = |text: &&Text| !records.iter().any(|record| text.opens(record));
        self.openings.iter().find(wrong).map(|text| &*text.field)
    }
}

impl BatchText {
    /// The proof; none if a hash is not one.
    fn proof(&self) -> Option<BatchProof> {
        let hash = |text: &String| STANDARD.decode_to_vec(text).ok()?.try_into().ok();
        Some(BatchProof {
            entry: self.entry.clone(),
            index: self.index,
            path: self.path.iter().map(hash).collect::<Option<_>>()?,
        })
    }
}

impl Text {
    /// True if the record holds the commitment: under the first part of the name, or in one of its
    /// sources.
    fn opens(&self, leaf: &Value) -> bool {
        let Some(commitment) = self.commitment() else {
            return false;
        };
        let name = self.field.split('.').next().unwrap_or_default();
        let sources = leaf["src"].as_array().into_iter().flatten();
        let mut places = sources.chain([leaf]);
        places.any(|place| place[name] == commitment.as_str())
    }

    fn commitment(&self) -> Option<Commitment> {
        let salt = STANDARD.decode_to_vec(&self.salt).ok()?;
        let salt: [u8; SALT_LEN] = salt.try_into().ok()?;
        let value = STANDARD.decode_to_vec(&self.value).ok()?;
        Some(Commitment::new(&salt, &self.field, &value))
    }
}

impl std::fmt::Debug for Extra {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Extra(…)")
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_that_does_not_open_is_named() {
        let opening = |value: &[u8]| Opening {
            field: "off".to_owned(),
            salt: [7; SALT_LEN],
            value: value.to_vec(),
        };
        let commitment = Commitment::new(&[7; SALT_LEN], "off", b"CB-17");
        let leaf = format!(r#"{{"off":"{}"}}"#, commitment.as_str());
        let check = |opening: Opening| {
            let extra = Extra::new(leaf.clone().into_bytes(), &[opening]).unwrap();
            extra.check().map(str::to_owned)
        };
        assert_eq!(check(opening(b"CB-17")), None);
        assert_eq!(check(opening(b"CB-18")).as_deref(), Some("off"));
        let mut elsewhere = opening(b"CB-17");
        elsewhere.field = "sub".to_owned();
        assert_eq!(check(elsewhere).as_deref(), Some("sub"));
    }
}
