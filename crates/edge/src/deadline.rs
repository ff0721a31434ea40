//! Until when the caller waits: `grpc-timeout`, or `Prefer: wait=<seconds>` (RFC 7240).
//!
//! Not here: how the time is spent (crate `gate`).

use std::time::Duration;

use exchange::{Fault, Reason, Violation};
use http::{HeaderMap, HeaderName};
use tokio::time::Instant;

use crate::config::Limits;
use crate::method::Door;

/// The shortest and the longest time there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    default: Duration,
    latest: Duration,
}

impl Deadlines {
    pub(crate) fn new(limits: &Limits) -> Self {
        let latest = Duration::from_millis(limits.deadline_max_ms);
        Self {
            default: Duration::from_millis(limits.deadline_ms).min(latest),
            latest,
        }
    }

    /// The deadline of a call that names none.
    pub(crate) fn by_default(&self, begun: Instant) -> Instant {
        begun + self.default
    }

    /// The deadline that the caller names, or the default.
    ///
    /// # Errors
    /// `grpc-timeout` is malformed. A preference that is, is ignored, as RFC 7240 asks for.
    pub(crate) fn of(
        &self,
        door: Door,
        headers: &HeaderMap,
        begun: Instant,
    ) -> Result<Instant, Fault> {
        let named = match door {
            Door::Grpc => match headers.get(GRPC_TIMEOUT) {
                Some(value) => Some(grpc_timeout(value.as_bytes()).ok_or_else(malformed)?),
                None => None,
            },
            Door::Rest => headers
                .get_all(PREFER)
                .iter()
                .find_map(|value| preference(value.to_str().ok()?)),
        };
        Ok(begun + named.unwrap_or(self.default).min(self.latest))
    }
}

/// At most eight digits and a unit.
fn grpc_timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    match unit {
        b'H' => Some(Duration::from_secs(number * 60 * 60)),
        b'M' => Some(Duration::from_secs(number * 60)),
        b'S' => Some(Duration::from_secs(number)),
        b'm' => Some(Duration::from_millis(number)),
        b'u' => Some(Duration::from_micros(number)),
        b'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// The `wait` among the preferences of one header.
fn preference(value: &str) -> Option<Duration> {
    value.split(',').find_map(|preference| {
        let (name, seconds) = preference.split(';').next()?.split_once('=')?;
        let seconds = seconds.trim().trim_matches('"');
        let is_number = !seconds.is_empty() && seconds.bytes().all(|b| b.is_ascii_digit());
        (name.trim().eq_ignore_ascii_case("wait") && is_number)
            .then(|| Duration::from_secs(seconds.parse().unwrap_or(u64::MAX)))
    })
}

fn malformed() -> Fault {
    Fault::invalid(vec![Violation {
        field: "grpc-timeout".to_owned(),
        description: "must be one to eight digits and a unit out of H, M, S, m, u, n".to_owned(),
        reason: Reason::InvalidArgument,
    }])
}

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const PREFER: HeaderName = HeaderName::from_static("prefer");

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(door: Door, name: HeaderName, value: &str) -> Option<u128> {
        let begun = Instant::now();
        let headers = HeaderMap::from_iter([(name, value.parse().unwrap())]);
        let deadline = Deadlines::new(&Limits::default()).of(door, &headers, begun);
        Some(deadline.ok()?.duration_since(begun).as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_of_grpc_is_clamped_and_a_malformed_one_refused() {
        for (value, ms) in [
            ("1500m", Some(1_500)),
            ("2S", Some(2_000)),
            ("0n", Some(0)),
            ("99999999H", Some(15_000)),
            ("", None),
            ("S", None),
            ("-1S", None),
            ("1", None),
            ("1s", None),
            ("123456789S", None),
            ("1 S", None),
        ] {
            assert_eq!(waits(Door::Grpc, GRPC_TIMEOUT, value), ms, "{value}");
        }
        assert_eq!(waits(Door::Rest, GRPC_TIMEOUT, "1S"), Some(3_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_preference_is_clamped_and_a_malformed_one_ignored() {
        for (value, ms) in [
            ("wait=2", 2_000),
            ("respond-async, Wait = \"4\"; x=y", 4_000),
            ("wait=99999999999999999999999", 15_000),
            ("wait=-1", 3_000),
            ("wait", 3_000),
        ] {
            assert_eq!(waits(Door::Rest, PREFER, value), Some(ms), "{value}");
        }
    }
}
