//! A receipt as a caller keeps it: the proto-JSON of the public contract.

use base64_simd::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;

use crate::Receipt;

/// A receipt that was read from a file or an answer; nothing in it is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptText {
    /// The name of the log.
    pub origin: String,
    /// The place of the leaf in the log.
    pub seq: u64,
    /// The hash of the leaf.
    pub leaf_hash: [u8; 32],
    /// When the batch was durable, in milliseconds since 1970.
    pub committed_at_ms: u64,
    /// The sequence number of the first leaf of the batch.
    pub batch_first: u64,
    /// The number of leaves in the batch.
    pub batch_size: u32,
    /// The audit path from the leaf to the root of the batch.
    pub path: Vec<[u8; 32]>,
    /// The signature over the batch.
    pub signature: Vec<u8>,
}

/// Why a text is no receipt.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// Not JSON, or not that of a receipt.
    #[error("is not the JSON of an answer or a receipt")]
    Json(#[source] serde_json::Error),
    /// A value has the wrong form.
    #[error("{field} is not {expected}")]
    Value {
        /// The name in the JSON.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// The answer carries no receipt.
    #[error("there is no receipt in it")]
    Missing,
}

impl ReceiptText {
    /// Reads the receipt in the JSON of an answer, or a receipt alone.
    ///
    /// # Errors
    /// What makes the text no receipt.
    pub fn from_json(json: &[u8]) -> Result<Self, TextError> {
        let answer: Answer = serde_json::from_slice(json).map_err(TextError::Json)?;
        match answer.receipt {
            Some(wire) => wire.parse(),
            None => {
                let bare: Wire = serde_json::from_slice(json).map_err(TextError::Json)?;
                bare.parse()
            }
        }
    }
}

impl From<&Receipt> for ReceiptText {
    fn from(receipt: &Receipt) -> Self {
        Self {
            origin: receipt.origin().to_owned(),
            seq: receipt.seq(),
            leaf_hash: receipt.leaf_hash(),
            committed_at_ms: receipt.committed_at_ms(),
            batch_first: receipt.batch_first(),
            batch_size: receipt.batch_size(),
            path: receipt.path(),
            signature: receipt.signature().to_vec(),
        }
    }
}

/// The part of an answer that matters here.
#[derive(Deserialize)]
struct Answer {
    receipt: Option<Wire>,
}

/// A receipt in proto-JSON: what has its default value may be missing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Wire {
    log_origin: String,
    seq: Int64,
    leaf_hash: String,
    committed_at: String,
    batch_first: Int64,
    batch_size: u32,
    path: Vec<String>,
    signature: String,
}

/// Proto-JSON writes 64-bit numbers as text and reads both.
#[derive(Deserialize)]
#[serde(untagged)]
enum Int64 {
    Number(u64),
    Text(String),
}

impl Default for Int64 {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl Wire {
    fn parse(self) -> Result<ReceiptText, TextError> {
        if self.log_origin.is_empty() && self.signature.is_empty() {
            return Err(TextError::Missing);
        }
        let path = self.path.iter().map(|node| hash("path", node));
        Ok(ReceiptText {
            seq: self.seq.parse("seq")?,
            leaf_hash: hash("leafHash", &self.leaf_hash)?,
            committed_at_ms: milliseconds(&self.committed_at)?,
            batch_first: self.batch_first.parse("batchFirst")?,
            batch_size: self.batch_size,
            path: path.collect::<Result<_, _>>()?,
            signature: bytes("signature", &self.signature)?,
            origin: self.log_origin,
        })
    }
}

impl Int64 {
    fn parse(&self, field: &'static str) -> Result<u64, TextError> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Text(text) => text.parse().map_err(|_| TextError::Value {
                field,
                expected: "a 64-bit number",
            }),
        }
    }
}

fn bytes(field: &'static str, text: &str) -> Result<Vec<u8>, TextError> {
    STANDARD.decode_to_vec(text).map_err(|_| TextError::Value {
        field,
        expected: "base64",
    })
}

fn hash(field: &'static str, text: &str) -> Result<[u8; 32], TextError> {
    bytes(field, text)?
        .try_into()
        .map_err(|_| TextError::Value {
            field,
            expected: "32 bytes in base64",
        })
}

fn milliseconds(text: &str) -> Result<u64, TextError> {
    if text.is_empty() {
        return Ok(0);
    }
    let time: Option<Timestamp> = text.parse().ok();
    time.and_then(|time| u64::try_from(time.as_millisecond()).ok())
        .ok_or(TextError::Value {
            field: "committedAt",
            expected: "a time as RFC 3339 has it",
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZEROS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    #[test]
    fn an_answer_gives_its_receipt_and_defaults_may_be_missing() {
        let json = format!(
            r#"{{"view":{{}},"receipt":{{"logOrigin":"a/b","leafHash":"{ZEROS}","seq":"12",
            "committedAt":"2026-02-16T09:36:07.890Z","batchSize":1,"signature":"AQID"}}}}"#
        );
        let receipt = ReceiptText::from_json(json.as_bytes()).unwrap();
        assert_eq!((receipt.seq, receipt.batch_first), (12, 0));
        assert_eq!(receipt.committed_at_ms, 1_771_234_567_890);
        assert_eq!((receipt.path.len(), receipt.signature), (0, vec![1, 2, 3]));
    }

    #[test]
    fn a_receipt_may_stand_alone() {
        let json = format!(r#"{{"logOrigin":"a/b","leafHash":"{ZEROS}","batchSize":1}}"#);
        assert!(ReceiptText::from_json(json.as_bytes()).is_ok());
        for wrong in [
            "{}",
            "[]",
            "",
            r#"{"receipt":{"logOrigin":"a","seq":"-1"}}"#,
        ] {
            assert!(ReceiptText::from_json(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
