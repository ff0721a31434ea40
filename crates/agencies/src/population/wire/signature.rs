//! The signature that every request carries.

use aws_lc_rs::digest::{Context, SHA256};
use base64_simd::STANDARD;

/// The value of `Authorization` for a request posted to `url` at `timestamp_ms`.
///
/// `Basic base64(account ":" hex(sha256(url account timestamp secret)))`, the four texts joined
/// without anything between them, the hex in lower case.
pub(in crate::population) fn authorization(
    url: &str,
    account: &str,
    timestamp_ms: &str,
    secret: &str,
) -> String {
    let mut context = Context::new(&SHA256);
    for part in [url, account, timestamp_ms, secret] {
        context.update(part.as_bytes());
    }
    let digest = hex::encode(context.finish());
    let credentials = format!("{account}:{digest}");
    let mut value = String::with_capacity(160);
    value.push_str("Basic ");
    STANDARD.encode_append(credentials, &mut value);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_written_example() {
        let value = authorization(
            "http://127.0.0.1:7001/dancuquocgia",
            "lienthong",
            "1790816400000",
            "not-a-real-secret",
        );
        assert!(include_str!("../WIRE.md").contains(&format!("Authorization: {value}")));
    }
}
