//! The batch jobs of this node while it runs.
//!
//! Not here: what a job is and how it is run (crate `gate`), where it is kept (crate `evidence`).

use std::sync::Arc;

use gate::{Batches, Room};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Whoever runs the jobs.
#[derive(Debug)]
pub(crate) struct Run {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Run {
    /// Runs them from now on.
    pub(crate) fn begin(batches: Arc<Batches>, room: Arc<dyn Room>) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(batches.run(room, stop.clone()));
        Self { stop, task }
    }

    /// Asks nothing more, and waits for what is asked. The jobs go on with the next start.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        if self.task.await.is_err() {
            tracing::error!("what runs batch jobs has a defect");
        }
    }
}
