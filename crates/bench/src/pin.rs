//! `bench pin`: binds a process to cores and its life to that of its parent, then becomes the
//! program that is to run so.
//!
//! *Invariant:* the program keeps the process id, and ends when the parent ends, however that does.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::Context as _;
use clap::Args;
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::{CpuSet, sched_setaffinity};

/// Arguments of `pin`.
#[derive(Debug, Args)]
pub(crate) struct Pin {
    /// The cores, by number.
    #[arg(long, value_delimiter = ',', required = true)]
    cores: Vec<usize>,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    program: Vec<OsString>,
}

impl Pin {
    /// Becomes the program; returns only if that fails.
    pub(crate) fn exec(&self) -> anyhow::Result<()> {
        set_parent_process_death_signal(Some(Signal::TERM))?;
        let mut cores = CpuSet::new();
        for &core in &self.cores {
            cores.set(core);
        }
        sched_setaffinity(None, &cores).with_context(|| format!("cores {:?}", self.cores))?;
        let (program, arguments) = self.program.split_first().context("no program")?;
        let error = Command::new(program).args(arguments).exec();
        Err(error).with_context(|| program.display().to_string())
    }
}
