//! The steps of a long chore: a line before and after each, a stop at the first that fails.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// What became of a step that did not fail.
pub(crate) enum Outcome {
    /// It was done.
    Done,
    /// It could not be done here, and why that is no failure.
    Skipped(&'static str),
}

/// A chore under way.
pub(crate) struct Steps {
    chore: &'static str,
    total: usize,
    begun: usize,
    start: Instant,
}

impl Steps {
    /// Begins a chore of so many steps.
    pub(crate) fn begin(chore: &'static str, total: usize) -> Self {
        Self {
            chore,
            total,
            begun: 0,
            start: now(),
        }
    }

    /// Takes a step; its failure says where the chore stopped.
    pub(crate) fn step(&mut self, name: &str, act: impl FnOnce() -> Result<Outcome>) -> Result<()> {
        self.begun += 1;
        let place = format!("{} {}/{} {name}", self.chore, self.begun, self.total);
        println!("==> {place}");
        let start = now();
        match act().with_context(|| format!("stopped at {place}"))? {
            Outcome::Done => println!("    {name}: ok, {}", seconds(start.elapsed())),
            Outcome::Skipped(reason) => println!("    {name}: skipped: {reason}"),
        }
        Ok(())
    }

    /// Ends a chore of which every step was taken.
    pub(crate) fn end(self) {
        let time = seconds(self.start.elapsed());
        println!("==> {}: ok, {} steps in {time}", self.chore, self.begun);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a chore times itself, and nothing depends on it"
)]
fn now() -> Instant {
    Instant::now()
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_where_the_chore_stopped() {
        let mut steps = Steps::begin("check", 2);
        steps.step("first", || Ok(Outcome::Done)).unwrap();
        let error = steps.step("second", || anyhow::bail!("the cause"));
        let text = format!("{:#}", error.unwrap_err());
        assert_eq!(text, "stopped at check 2/2 second: the cause");
    }
}
