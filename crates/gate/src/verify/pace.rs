//! When a verification is recorded and answered.
//!
//! An agency takes another time to find somebody than to find nobody, and so does what is done with
//! its answer. A verification therefore goes on at few points in time: after a step, or twice, four
//! times… that. Times at equal distances would tell nearly as much as the time itself.

use std::time::Duration;

use tokio::time::Instant;

use crate::ask::RESERVE;

/// The first of those points that lies ahead; the last moment that leaves time for the record, if that
/// is earlier.
pub(super) fn goes_on_at(
    begun: Instant,
    now: Instant,
    step: Duration,
    deadline: Instant,
) -> Instant {
    let took = now.saturating_duration_since(begun);
    let mut wait = step;
    while wait < took && !wait.is_zero() {
        wait = wait.saturating_mul(2);
    }
    let last = deadline.checked_sub(RESERVE).unwrap_or(deadline);
    (begun + wait).min(last).max(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifications_go_on_at_few_points_in_time_and_in_time() {
        let begun = Instant::now();
        let ms = Duration::from_millis;
        let deadline = begun + ms(1_000);
        for (took, goes_on) in [
            (0, 50),
            (49, 50),
            (51, 100),
            (101, 200),
            (399, 400),
            (801, 970),
            (999, 999),
        ] {
            let at = goes_on_at(begun, begun + ms(took), ms(50), deadline);
            assert_eq!(at - begun, ms(goes_on), "{took}");
        }
        let at = goes_on_at(begun, begun + ms(7), Duration::ZERO, deadline);
        assert_eq!(at - begun, ms(7), "no step, no wait");
    }
}
