//! The caller's quota in the headers of every answer: `RateLimit` and `RateLimit-Policy`, as
//! draft-ietf-httpapi-ratelimit-headers has them.

use std::io::Write as _;
use std::time::Duration;

use admission::QuotaState;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Adds both headers.
pub(crate) fn tell(quota: &QuotaState, headers: &mut HeaderMap) {
    let QuotaState {
        policy,
        limit,
        remaining,
        window,
        reset_after,
    } = quota;
    let (window, reset) = (seconds(*window), seconds(*reset_after));
    if let Some(value) = value(format_args!("\"{policy}\";r={remaining};t={reset}")) {
        headers.insert(RATE_LIMIT, value);
    }
    if let Some(value) = value(format_args!("\"{policy}\";q={limit};w={window}")) {
        headers.insert(RATE_LIMIT_POLICY, value);
    }
}

/// Whole seconds, rounded up: who waits that long has waited long enough.
pub(crate) const fn seconds(time: Duration) -> u64 {
    time.as_secs() + (time.subsec_nanos() > 0) as u64
}

fn value(text: std::fmt::Arguments<'_>) -> Option<HeaderValue> {
    let mut bytes = [0; LONGEST];
    let mut rest = &mut bytes[..];
    rest.write_fmt(text).ok()?;
    let left = rest.len();
    let text = bytes.get(..LONGEST - left)?;
    HeaderValue::from_bytes(text).ok()
}

/// More than a name, a count and a number of seconds take.
const LONGEST: usize = 96;
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
