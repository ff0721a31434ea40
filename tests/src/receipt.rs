//! A receipt as a caller keeps it.

use base64_simd::STANDARD;
use evidence::Receipt;
use jiff::Timestamp;
use serde_json::json;

/// The proto-JSON of a receipt, on a line of its own.
pub fn receipt_text(receipt: &Receipt) -> String {
    let at = i64::try_from(receipt.committed_at_ms()).unwrap();
    let path = receipt.path();
    let path: Vec<_> = path
        .iter()
        .map(|it| STANDARD.encode_to_string(it))
        .collect();
    let receipt = json!({
        "logOrigin": receipt.origin(),
        "seq": receipt.seq().to_string(),
        "leafHash": STANDARD.encode_to_string(receipt.leaf_hash()),
        "committedAt": Timestamp::from_millisecond(at).unwrap().to_string(),
        "batchFirst": receipt.batch_first().to_string(),
        "batchSize": receipt.batch_size(),
        "path": path,
        "signature": STANDARD.encode_to_string(receipt.signature()),
    });
    format!("{receipt}\n")
}
