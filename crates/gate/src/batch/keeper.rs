//! Looks for jobs that nobody runs, runs them, and destroys what has expired.

use std::sync::Arc;
use std::time::Duration;

use evidence::Due;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::runner::Runner;
use super::{Batches, Room};

impl Batches {
    /// Runs jobs until it is told to stop, and what is asked then has come to its end. Whatever is left
    /// is there for the next start, and for other nodes.
    pub async fn run(self: Arc<Self>, room: Arc<dyn Room>, stop: CancellationToken) {
        let mut jobs = JoinSet::new();
        if let Err(error) = self.store.let_go().await {
            tracing::warn!(%error, "batch jobs of the last run go on when their lease is over");
        }
        let mut fails = false;
        while !stop.is_cancelled() {
            let looked = self.look(&mut jobs, &room, &stop).await;
            tell(&looked, fails);
            fails = looked.is_err();
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.notified() => {}
                () = sleep(EVERY) => {}
            }
        }
        while jobs.join_next().await.is_some() {}
    }

    async fn look(
        self: &Arc<Self>,
        jobs: &mut JoinSet<()>,
        room: &Arc<dyn Room>,
        stop: &CancellationToken,
    ) -> Result<(), evidence::Error> {
        while jobs.try_join_next().is_some() {}
        let counts = self.store.sweep().await?;
        self.gate.deps.observer.batch_jobs(&counts);
        let free = MOST_JOBS.saturating_sub(jobs.len());
        let free = u32::try_from(free).unwrap_or(0);
        for claimed in self.store.claim(free, LEASE).await? {
            let due = match claimed {
                Ok(due) => due,
                Err(error) => {
                    tracing::error!(%error, "BatchJobsNotKept: a job cannot be read");
                    continue;
                }
            };
            let (this, room, stop) = (Arc::clone(self), Arc::clone(room), stop.clone());
            jobs.spawn(async move { this.job(due, room, stop).await });
        }
        Ok(())
    }

    async fn job(self: Arc<Self>, due: Due, room: Arc<dyn Room>, stop: CancellationToken) {
        let (key, cancelled) = (due.job.key.clone(), CancellationToken::new());
        self.running().insert(key.clone(), cancelled.clone());
        match Runner::new(Arc::clone(&self), due, room) {
            Some(runner) => runner.run(&stop, &cancelled).await,
            None => {
                let job = tracing::field::display(&key.id);
                tracing::error!(
                    job,
                    "BatchJobsNotKept: what is kept of a job cannot be read"
                );
            }
        }
        self.running().remove(&key);
    }
}

/// Says once that jobs cannot be looked after, and that they can again.
fn tell(looked: &Result<(), evidence::Error>, failed: bool) {
    match looked {
        Err(error) if !failed => {
            tracing::error!(%error, "BatchJobsNotKept: batch jobs cannot be looked after");
        }
        Ok(()) if failed => tracing::info!("batch jobs are looked after again"),
        Ok(()) | Err(_) => {}
    }
}

/// Nobody waits for a job to begin.
const EVERY: Duration = Duration::from_secs(1);
/// The questions of a job are in memory while it runs: a megabyte at most.
const MOST_JOBS: usize = 32;
/// How long a job waits whose node is gone; it is renewed three times as often.
pub(super) const LEASE: Duration = Duration::from_secs(15);
