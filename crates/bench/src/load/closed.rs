//! The closed loop: each caller asks again as soon as it is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::tally::{Tally, exchange};
use super::{Load, Spent, Window};
use crate::connection::Client;
use crate::question::Questions;

/// Where the run is; what ends in the window counts.
const WARM_UP: u8 = 0;
const WINDOW: u8 = 1;
const OVER: u8 = 2;

/// Runs it, from the warm-up to the last answer.
pub(super) async fn run(
    load: &Load,
    clients: Vec<Client>,
    questions: Questions,
) -> anyhow::Result<(Tally, Spent)> {
    let questions = Arc::new(questions);
    let phase = Arc::new(AtomicU8::new(WARM_UP));
    let mut callers = JoinSet::new();
    for client in clients.into_iter().cycle().take(load.concurrency) {
        callers.spawn(caller(client, Arc::clone(&questions), Arc::clone(&phase)));
    }
    let begun = Instant::now();
    while load.is_cold(begun, &questions) {
        sleep(STEP).await;
    }
    let window = Window::open(load).await?;
    phase.store(WINDOW, Ordering::Relaxed);
    sleep(load.window()).await;
    let mut spent = window.close()?;
    phase.store(OVER, Ordering::Relaxed);
    spent.record_wait = window.record_wait(load).await?;
    let mut tally = Tally::default();
    for of_one in callers.join_all().await {
        tally.merge(of_one);
    }
    Ok((tally, spent))
}

async fn caller(mut client: Client, questions: Arc<Questions>, phase: Arc<AtomicU8>) -> Tally {
    let mut tally = Tally::default();
    loop {
        let outcome = exchange(&mut client, &questions).await;
        if outcome.is_err() {
            // Else a server that refuses at once is asked in a circle.
            sleep(STEP).await;
        }
        match phase.load(Ordering::Relaxed) {
            WARM_UP => {}
            WINDOW => tally.add(outcome),
            _ => return tally,
        }
    }
}

/// How often the clock is looked at, and how long a refused caller waits.
const STEP: Duration = Duration::from_millis(10);
