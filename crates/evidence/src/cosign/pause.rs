//! How long a witness that has failed is left alone.

use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

/// How long it is left alone after so many failures in a row: twice as long each time, and by chance
/// up to half less, so that not every gateway comes back at the same moment.
pub(super) fn pause(failures: u32) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(6));
    let mut random = [0];
    // Without chance it is the longest pause.
    let share = match SystemRandom::new().fill(&mut random) {
        Ok(()) => u32::from(random[0]) + 257,
        Err(_) => 512,
    };
    doubled.min(LONGEST) * share / 512
}

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_minute_and_are_not_all_the_same() {
        for (failures, longest) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (u32::MAX, 60)] {
            let longest = Duration::from_secs(longest);
            let some: Vec<Duration> = (0..40).map(|_| pause(failures)).collect();
            assert!(some.iter().all(|it| *it > longest / 2 && *it <= longest));
            assert!(some.iter().any(|it| it != &some[0]), "{some:?}");
        }
    }
}
