//! `cargo xtask bad-day`: all five simulated agencies disturbed at once, under load, and what it came to.
//!
//! The harness stands in `tests/src/bad_day`; a test of the faults runs it for half a minute.

use std::path::Path;

use anyhow::Result;
use clap::Args;

use crate::process::{cargo, run};

/// For how long, and how it begins.
#[derive(Args)]
pub(crate) struct BadDay {
    /// For so many minutes all five are disturbed.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// Where the dice of the agencies, and the series of citizens, begin.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// So many ask at once.
    #[arg(long, default_value_t = 8)]
    callers: u32,
}

impl BadDay {
    /// Builds what it takes, and runs it; the page is written below `target`.
    pub(crate) fn run(&self, root: &Path) -> Result<()> {
        run(&mut cargo(root, &["build", "-p", "lienthong"]))?;
        let seconds = format!("{:.0}", (self.minutes * 60.0).max(1.0));
        let (seed, callers) = (self.seed.to_string(), self.callers.to_string());
        let program = ["run", "-q", "-p", "tests", "--bin", "bad_day", "--"];
        let arguments = [seconds.as_str(), &seed, &callers];
        run(&mut cargo(root, &[&program[..], &arguments].concat()))
    }
}
