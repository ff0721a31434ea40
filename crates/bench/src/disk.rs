//! `bench disk`: what this disk alone takes to make a batch durable, at about a gateway's pace.
//!
//! The file is written with zeros first and then overwritten, as the log does it, so that no sync
//! has to change the extents of the file.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::latency::Latencies;

/// Arguments of `disk`.
#[derive(Debug, Args)]
pub(crate) struct Disk {
    /// The directory on the disk.
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// How long, in seconds.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// How much is written before each sync: what twelve exchanges of 1.4 KB record.
    #[arg(long, default_value_t = 16 << 10)]
    pub(crate) bytes: usize,
    /// The least time between the starts of two syncs, in microseconds: at 5,000 exchanges a second
    /// those twelve come in 2.5 ms.
    #[arg(long, default_value_t = 2_500)]
    pub(crate) every_us: u64,
}

impl Disk {
    /// Writes and syncs; returns JSON.
    ///
    /// # Errors
    /// The disk cannot be written.
    pub(crate) async fn run(&self) -> anyhow::Result<String> {
        ensure!(
            self.every_us > 0 && self.bytes > 0,
            "there is nothing to write"
        );
        let path = self.dir.join("disk.probe");
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).open(&path);
        let file = file.with_context(|| path.display().to_string())?;
        let syncs = self.syncs(&file).await;
        // Also after an error: it is as large as all that was written.
        fs::remove_file(&path).with_context(|| path.display().to_string())?;
        let syncs = syncs?;
        let count = syncs.len();
        ensure!(count > 0, "no time for a single sync");
        Ok(serde_json::json!({ "syncs": count, "sync_us": syncs.quantiles() }).to_string())
    }

    async fn syncs(&self, file: &File) -> anyhow::Result<Latencies> {
        let every = Duration::from_micros(self.every_us);
        let window = Duration::from_secs_f64(self.seconds);
        let most = window.as_micros() / every.as_micros();
        let batch = vec![1; self.bytes];
        let places = (0..u64::try_from(most)?).map(|place| place * self.bytes as u64);
        for place in places.clone() {
            file.write_all_at(&vec![0; self.bytes], place)?;
        }
        file.sync_all()?;
        let mut syncs = Latencies::default();
        let mut ticks = interval(every);
        // After a slow sync none is hurried: the log gathers anew from the start of each.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for place in places {
            ticks.tick().await;
            let begun = Instant::now();
            file.write_all_at(&batch, place)?;
            file.sync_data()?;
            syncs.add(begun.elapsed());
        }
        Ok(syncs)
    }
}
