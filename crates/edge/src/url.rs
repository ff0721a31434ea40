//! The search for a personal id in a URL: URLs end up in the logs of whatever lies in between.
//!
//! *Invariant:* what is found is neither repeated nor logged.

use exchange::{Fault, Reason, Violation};
use http::Uri;

/// Refuses a URL that has a personal id as a path segment or as a query value.
///
/// # Errors
/// `PII_IN_URL`.
pub(crate) fn check(uri: &Uri) -> Result<(), Fault> {
    let mut segments = uri.path().split('/');
    let query = uri.query().unwrap_or_default();
    let mut values = query
        .split('&')
        .map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
    if segments.any(is_personal) || values.any(is_personal) {
        return Err(Fault::invalid(vec![Violation {
            field: "url".to_owned(),
            description: "holds what reads as a personal id; ids travel in bodies only".to_owned(),
            reason: Reason::PiiInUrl,
        }]));
    }
    Ok(())
}

/// True if the text, percent-decoded and without separators, is exactly 12 digits.
fn is_personal(text: &str) -> bool {
    let mut bytes = text.bytes();
    let mut digits = 0;
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => match (bytes.next().and_then(hex), bytes.next().and_then(hex)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return false,
            },
            b'+' => b' ',
            other => other,
        };
        match byte {
            b'0'..=b'9' => digits += 1,
            b' ' | b'.' | b'-' | b'_' => {}
            _ => return false,
        }
    }
    digits == 12
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_or_value_that_is_a_personal_id_is_found() {
        for uri in [
            "/v1/citizens/999099000001",
            "/v1/citizens/999%20099%20000001/tax",
            "/v1/citizens/999.099.000-001",
            "/v1/citizens/%39%39%39099000001",
            "/v1/fields?id=999099000001",
            "/v1/fields?a=b&999099000001",
            "/v1/fields?id=999+099+000001",
        ] {
            assert!(check(&uri.parse().unwrap()).is_err(), "{uri}");
        }
    }

    #[test]
    fn other_numbers_pass() {
        for uri in [
            "/v1/citizens:lookup",
            "/v1/citizens/99909900000",
            "/v1/citizens/9990990000012",
            "/v1/citizens/a999099000001",
            "/v1/jobs/0190163d-8694-739b-aea5-966c26f8ad91",
            "/%",
            "/%zz",
        ] {
            assert!(check(&uri.parse().unwrap()).is_ok(), "{uri}");
        }
    }
}
