//! Headers that may not be sent.
//!
//! *Invariant:* no header says who is calling. The closed list of those that would claim to is
//! refused rather than ignored, so that nobody builds on one; `forwarded` and `x-forwarded-for`
//! claim no identity and are ignored.

use exchange::{Fault, Reason, Violation};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};

/// Checks all headers of a request.
///
/// # Errors
/// `IDENTITY_MISMATCH`, or `INVALID_ARGUMENT` for one that is too long or stands twice.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Fault> {
    for (name, value) in headers {
        if claims_identity(name.as_str()) {
            let detail = "a header claims an identity";
            return Err(Fault::new(Reason::IdentityMismatch, detail));
        }
        if value.len() > LONGEST {
            return Err(invalid(name, "is longer than 8 KiB"));
        }
    }
    let twice = |name: &&HeaderName| headers.get_all(*name).iter().nth(1).is_some();
    match [AUTHORIZATION, CONTENT_TYPE].iter().find(twice) {
        Some(name) => Err(invalid(name, "stands more than once")),
        None => Ok(()),
    }
}

/// True for `x-agency*`, `x-forwarded-client-cert` and `x-ssl-client-*`, also when spelt with `_`
/// for `-`: what lies before us may have made one out of the other.
fn claims_identity(name: &str) -> bool {
    let begins = |prefix: &str| {
        name.len() >= prefix.len()
            && name
                .bytes()
                .zip(prefix.bytes())
                .all(|(byte, wanted)| byte == wanted || (byte == b'_' && wanted == b'-'))
    };
    name.starts_with('x')
        && (begins("x-agency")
            || begins("x-ssl-client-")
            || (begins(XFCC) && name.len() == XFCC.len()))
}

fn invalid(name: &HeaderName, what: &str) -> Fault {
    Fault::invalid(vec![Violation {
        field: name.as_str().chars().take(NAMED).collect(),
        description: what.to_owned(),
        reason: Reason::InvalidArgument,
    }])
}

const XFCC: &str = "x-forwarded-client-cert";
/// Half of what all headers may take together.
const LONGEST: usize = 8 << 10;
/// How much of the name of a header is repeated.
const NAMED: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_that_claims_an_identity_is_known() {
        for name in [
            "x-agency",
            "x-agency-id",
            "x_agency_id",
            "x-agencyname",
            "x-forwarded-client-cert",
            "x_forwarded_client_cert",
            "x-ssl-client-cert",
            "x-ssl_client-s-dn",
        ] {
            assert!(claims_identity(name), "{name}");
        }
        for name in [
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-client-certs",
            "x-ssl-clients",
            "agency",
            "x-request-id",
        ] {
            assert!(!claims_identity(name), "{name}");
        }
    }
}
