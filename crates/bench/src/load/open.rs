//! The open loop: questions at a fixed rate, whatever the answers do.
//!
//! The runtime's timer wakes every millisecond, so what is due in one is asked together; a caller's
//! latency begins when its question is asked.

use std::sync::Arc;

use anyhow::ensure;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::seconds::{Middle, Seconds};
use super::tally::{Exchange, Failure, Tally, exchange};
use super::{Load, Spent, Window};
use crate::connection::Client;
use crate::pace::{Pace, STEP};
use crate::process::CoreTime;
use crate::question::Questions;

/// Answers under way.
type Outstanding = JoinSet<Result<Exchange, Failure>>;

/// Runs it, from the warm-up to the last answer.
pub(super) async fn run(
    load: &Load,
    rate: f64,
    clients: Vec<Client>,
    questions: Questions,
) -> anyhow::Result<(Tally, Spent, Middle)> {
    ensure!(rate > 0.0, "a rate is more than nothing");
    let questions = Arc::new(questions);
    let mut pace = Pace::new(rate);
    let mut asker = Asker {
        clients,
        questions: Arc::clone(&questions),
        outstanding: Outstanding::new(),
    };
    let begun = Instant::now();
    while load.is_cold(begun, &questions) {
        asker.ask(pace.due(), &mut Tally::default()).await?;
    }
    asker.outstanding.join_all().await;
    asker.outstanding = Outstanding::new();
    let window = Window::open(load).await?;
    let (mut pace, mut seconds) = (Pace::new(rate), Seconds::begin(window.cores));
    while window.begun.elapsed() < load.window() {
        asker.ask(pace.due(), seconds.tally()).await?;
        if seconds.is_over() {
            seconds.turn(CoreTime::now()?);
        }
    }
    let (mut spent, cores) = (window.close()?, CoreTime::now()?);
    spent.record_wait = window.record_wait(load).await?;
    for outcome in asker.outstanding.join_all().await {
        seconds.tally().add(outcome);
    }
    let (tally, middle) = seconds.end(cores);
    Ok((tally, spent, middle))
}

/// Asks without waiting for answers.
struct Asker {
    clients: Vec<Client>,
    questions: Arc<Questions>,
    outstanding: Outstanding,
}

impl Asker {
    /// Asks so many questions at once, notes what was answered, and waits for the next step.
    async fn ask(&mut self, due: u64, tally: &mut Tally) -> anyhow::Result<()> {
        for _ in 0..due {
            // In rotation, so that every connection carries the same.
            self.clients.rotate_left(1);
            let Some(client) = self.clients.first() else {
                break;
            };
            let (mut client, questions) = (client.clone(), Arc::clone(&self.questions));
            let one = async move { exchange(&mut client, &questions).await };
            self.outstanding.spawn(one);
        }
        sleep(STEP).await;
        while let Some(outcome) = self.outstanding.try_join_next() {
            tally.add(outcome?);
        }
        let waiting = self.outstanding.len();
        ensure!(
            waiting < MOST_WAITING,
            "the server does not keep up: {waiting} wait"
        );
        Ok(())
    }
}

/// Beyond this the rate is above saturation, and latencies say nothing.
const MOST_WAITING: usize = 5_000;
