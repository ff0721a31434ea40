//! A fixed rate, whatever the answers do.

use std::time::Duration;

use tokio::time::Instant;

/// How many questions are due.
#[derive(Debug)]
pub(crate) struct Pace {
    begun: Instant,
    rate: f64,
    asked: u64,
}

impl Pace {
    /// Nothing is due yet.
    pub(crate) fn new(rate: f64) -> Self {
        Self {
            begun: Instant::now(),
            rate,
            asked: 0,
        }
    }

    /// How many are due since the last time.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of questions: not negative, and far below 2⁵³"
    )]
    pub(crate) fn due(&mut self) -> u64 {
        let all = (self.begun.elapsed().as_secs_f64() * self.rate) as u64;
        let due = all.saturating_sub(self.asked);
        self.asked = all;
        due
    }
}

/// How often what is due is asked: the runtime's timer wakes every millisecond.
pub(crate) const STEP: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_due_adds_up_to_the_rate() {
        let mut pace = Pace::new(2_500.0);
        let mut asked = 0;
        for _ in 0..100 {
            tokio::time::advance(STEP).await;
            asked += pace.due();
        }
        assert_eq!(asked, 250);
    }
}
