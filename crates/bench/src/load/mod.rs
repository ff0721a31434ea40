//! `bench load`: exchanges through one server, measured in one window.
//!
//! Closed loop: so many callers, each asks again when it is answered (`closed.rs`). Open loop: so
//! many questions a second, whether answered or not (`open.rs`). Before the window the server is
//! asked for a while, about every citizen at least once, so that connections are open and the
//! simulators have their answers ready.

mod closed;
mod open;
mod report;
mod seconds;
mod tally;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use tokio::time::Instant;
use url::Url;

use crate::connection::{self, Client};
use crate::histogram::{Histogram, Waits};
use crate::process::{self, CoreTime};
use crate::question::{CITIZENS, Questions, Sources};
use crate::sandbox::Sandbox;

use report::Report;

/// Arguments of `load`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Load {
    /// The directory of the sandbox.
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The server.
    #[arg(long)]
    pub(crate) url: Url,
    /// Its process.
    #[arg(long)]
    pub(crate) pid: u32,
    /// Which sources are asked.
    #[arg(long, value_enum)]
    pub(crate) sources: Sources,
    /// How many callers ask at once in the closed loop.
    #[arg(long, default_value_t = 32)]
    pub(crate) concurrency: usize,
    /// How many connections they share.
    #[arg(long, default_value_t = 4)]
    pub(crate) connections: usize,
    /// How many questions a second: an open loop.
    #[arg(long, conflicts_with = "concurrency")]
    pub(crate) rate: Option<f64>,
    /// How long the window is, in seconds.
    #[arg(long, default_value_t = 10.0)]
    pub(crate) seconds: f64,
    /// Where the server's metrics are, if it has any: how long exchanges wait for their record is read
    /// there.
    #[arg(long)]
    pub(crate) metrics: Option<Url>,
    /// How long before it, at least.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) warm_up: f64,
}

impl Load {
    /// Puts the server under load, and says what was measured.
    ///
    /// # Errors
    /// Nothing could be measured.
    pub(crate) async fn run(&self) -> anyhow::Result<Report> {
        let idle_kib = process::resident_kib(self.pid)?;
        let questions = Questions::new(self.sources);
        let clients = self.clients().await?;
        let (tally, window, middle) = match self.rate {
            None => {
                let (tally, window) = closed::run(self, clients, questions).await?;
                (tally, window, None)
            }
            Some(rate) => {
                let (tally, window, middle) = open::run(self, rate, clients, questions).await?;
                (tally, window, Some(middle))
            }
        };
        ensure!(
            tally.exchanges() > 0,
            "no exchange succeeded: {}",
            tally.failures()
        );
        let after_kib = process::resident_kib(self.pid)?;
        Ok(Report::new(tally, &window, middle, idle_kib, after_kib))
    }

    async fn clients(&self) -> anyhow::Result<Vec<Client>> {
        ensure!(
            self.connections > 0,
            "without a connection nothing is asked"
        );
        let tls = Sandbox::new(&self.dir).caller()?;
        let mut clients = Vec::new();
        for _ in 0..self.connections {
            clients.push(connection::open(&self.url, &tls).await?);
        }
        Ok(clients)
    }

    /// How long exchanges have waited for their record so far.
    async fn record(&self) -> anyhow::Result<Option<Histogram>> {
        match &self.metrics {
            None => Ok(None),
            Some(metrics) => Histogram::read(metrics, RECORD_WAIT).await.map(Some),
        }
    }

    fn window(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// True while the window is not to open yet.
    fn is_cold(&self, begun: Instant, questions: &Questions) -> bool {
        let warm_up = Duration::from_secs_f64(self.warm_up);
        let elapsed = begun.elapsed();
        let round = questions.asked() < CITIZENS && elapsed < warm_up + PATIENCE;
        elapsed < warm_up || round
    }
}

/// Asks one question, to see whether the answer is good.
///
/// # Errors
/// Why it is not.
pub(crate) async fn answers(client: &mut Client, questions: &Questions) -> anyhow::Result<()> {
    let outcome = tally::exchange(client, questions).await;
    outcome.map(drop).map_err(anyhow::Error::msg)
}

/// The window in which is measured.
#[derive(Debug)]
struct Window {
    pid: u32,
    begun: Instant,
    cpu: Duration,
    cores: CoreTime,
    record: Option<Histogram>,
}

/// What a window took.
#[derive(Clone, Copy, Debug)]
struct Spent {
    time: Duration,
    cpu: Duration,
    /// The share of all cores that the hypervisor gave to others.
    stolen: f64,
    /// How long exchanges waited for their record.
    record_wait: Option<Waits>,
}

impl Window {
    /// Opens it; what reading the metrics takes is before.
    async fn open(load: &Load) -> anyhow::Result<Self> {
        let (pid, record) = (load.pid, load.record().await?);
        let cpu = process::cpu_time(pid)?;
        let (cores, begun) = (CoreTime::now()?, Instant::now());
        Ok(Self {
            pid,
            begun,
            cpu,
            cores,
            record,
        })
    }

    fn close(&self) -> anyhow::Result<Spent> {
        Ok(Spent {
            time: self.begun.elapsed(),
            cpu: process::cpu_time(self.pid)?.saturating_sub(self.cpu),
            stolen: CoreTime::now()?.stolen_since(&self.cores),
            record_wait: None,
        })
    }

    /// How long exchanges waited for their record since it was opened; read when nothing is measured
    /// any more.
    async fn record_wait(&self, load: &Load) -> anyhow::Result<Option<Waits>> {
        let now = load.record().await?;
        let since = self.record.as_ref().zip(now);
        Ok(since.and_then(|(before, now)| now.since(before).waits()))
    }
}

/// The name of the histogram.
const RECORD_WAIT: &str = "audit_commit_wait_seconds";
/// How much longer than told the first round may take: the simulators render every answer once.
const PATIENCE: Duration = Duration::from_secs(30);
