//! `bench guard`: what the guard of a source adds to a call.
//!
//! CPU time of this process over many calls on one thread that each give way once, as a call over a
//! network does; what the same calls take without a guard is taken off. Not measured: two cores that ask
//! the same source at once, and calls that fail.

use std::hint::black_box;
use std::time::Duration;

use adapter::guard::{Config, Guard};
use adapter::{Miss, Topic};
use anyhow::ensure;
use clap::Args;
use exchange::Source;
use serde_json::json;
use tokio::task::yield_now;
use tokio::time::Instant;

use crate::process;

/// Arguments of `guard`.
#[derive(Debug, Args)]
pub(crate) struct Guards {
    /// How many calls are made, of each kind.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) calls: u32,
}

impl Guards {
    /// Calls; returns JSON.
    ///
    /// # Errors
    /// A call is refused, or the CPU time cannot be read.
    pub(crate) async fn run(&self) -> anyhow::Result<String> {
        ensure!(self.calls > 0, "nothing is to be asked");
        let guard = Guard::new(Source::Tax, Duration::from_secs(2), &Config::default());
        let guarded = self.measure(async || ask(&guard).await).await?;
        let bare = self
            .measure(async || call(7).await.is_ok_and(|it| it == 7))
            .await?;
        let guard_us = (guarded - bare).max(0.0);
        Ok(json!({"guard_us": guard_us, "bare_us": bare}).to_string())
    }

    /// What a call costs, in microseconds.
    async fn measure(&self, answered: impl AsyncFn() -> bool) -> anyhow::Result<f64> {
        let pid = std::process::id();
        let before = process::cpu_time(pid)?;
        for _ in 0..self.calls {
            ensure!(answered().await, "a call is refused");
        }
        let took = process::cpu_time(pid)?.saturating_sub(before);
        Ok(took.as_secs_f64() * 1e6 / f64::from(self.calls))
    }
}

/// Asks through a guard; true if that is answered.
async fn ask(guard: &Guard) -> bool {
    let patience = guard.patience(Instant::now() + Duration::from_secs(3));
    let asked = guard.ask(patience, TOPIC, |_| call(black_box(7))).await;
    asked.is_ok_and(|(answer, before)| (answer, before) == (7, 0))
}

/// A call that gives way once.
async fn call(answer: u32) -> Result<u32, Miss> {
    yield_now().await;
    Ok(black_box(answer))
}

/// What is asked about.
const TOPIC: Topic<'_> = Topic::Dossier(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_call_is_answered_and_the_cost_is_told() {
        let told: serde_json::Value =
            serde_json::from_str(&Guards { calls: 10 }.run().await.unwrap()).unwrap();
        assert!(
            told["guard_us"].is_f64() && told["bare_us"].is_f64(),
            "{told}"
        );
    }
}
