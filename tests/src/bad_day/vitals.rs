//! What the gateway holds: memory, descriptors, tasks, over time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::Rest;

/// What it holds at one time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Holds {
    /// Seconds after the first look.
    pub at_s: f64,
    /// Memory, in KiB.
    pub resident_kib: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Tasks of the runtime.
    pub tasks: u64,
}

/// Looks now and then.
#[derive(Debug)]
pub(super) struct Vitals {
    pid: u32,
    operations: Rest,
    begun: Instant,
    samples: Arc<Mutex<Vec<Holds>>>,
    task: JoinHandle<()>,
}

impl Vitals {
    pub(super) fn begin(pid: u32, operations: Rest) -> Self {
        let (begun, samples) = (Instant::now(), Arc::<Mutex<Vec<Holds>>>::default());
        let (all, asked) = (Arc::clone(&samples), operations.clone());
        let task = tokio::spawn(async move {
            loop {
                let now = look(pid, &asked, begun).await;
                all.lock().unwrap().push(now);
                sleep(OFTEN).await;
            }
        });
        Self {
            pid,
            operations,
            begun,
            samples,
            task,
        }
    }

    pub(super) async fn now(&self) -> Holds {
        look(self.pid, &self.operations, self.begun).await
    }

    /// What it holds once nobody asks any more: looked at until it is no more than before.
    pub(super) async fn settled(&self, before: Holds) -> Holds {
        let begun = Instant::now();
        loop {
            let now = self.now().await;
            let less = now.descriptors <= before.descriptors && now.tasks <= before.tasks;
            if less || begun.elapsed() > PATIENCE {
                return now;
            }
            sleep(OFTEN).await;
        }
    }

    pub(super) fn end(self) -> Vec<Holds> {
        self.task.abort();
        std::mem::take(&mut *self.samples.lock().unwrap())
    }
}

async fn look(pid: u32, operations: &Rest, begun: Instant) -> Holds {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it is alive");
    let resident = status.lines().find(|line| line.starts_with("VmRSS:"));
    let resident = resident.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    let metrics = operations.get("/metrics").await.map(|answer| answer.text);
    let metrics = metrics.unwrap_or_default();
    let tasks = metrics
        .lines()
        .find_map(|line| line.strip_prefix("process_tasks ")?.parse().ok());
    Holds {
        at_s: begun.elapsed().as_secs_f64(),
        resident_kib: resident.unwrap_or_default(),
        descriptors: descriptors as u64,
        tasks: tasks.unwrap_or_default(),
    }
}

const OFTEN: Duration = Duration::from_millis(500);
/// Connections that nobody uses are closed after 45 s.
const PATIENCE: Duration = Duration::from_secs(60);
