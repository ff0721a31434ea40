//! `cargo xtask bench`: the gateway as a separate process under load, in numbers and against the
//! budget.
//!
//! Here: which processes run, when, on which cores, and what the numbers must be. What is measured
//! and what is not stands in `crates/bench/src/main.rs`, which does the measuring.
//!
//! *Invariant:* every process that is started ends with this chore, however the chore ends.

use std::path::Path;

use anyhow::{Result, bail, ensure};
use clap::{Args, ValueEnum};

use budget::Budget;
use measured::{Measured, Turn};
use site::Site;
use under_test::{Server, Sources};

mod budget;
mod cores;
mod handshake;
mod measured;
mod record;
mod running;
mod site;
mod table;
mod under_test;

/// Arguments of `bench`.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// How long each window is, in seconds; of several, the quietest three count.
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// How many callers ask at once.
    #[arg(long, default_value_t = 32)]
    concurrency: u32,
    /// Which lookups are measured.
    #[arg(long, value_enum, default_value_t = Mode::All)]
    mode: Mode,
    /// One round of short windows: whether it runs at all, not how fast.
    #[arg(long)]
    quick: bool,
    /// Fail if something is over the budget.
    #[arg(long)]
    strict: bool,
}

/// Which lookups are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Tax alone, beside the pass-through.
    One,
    /// All five sources.
    Five,
    /// Both.
    All,
}

impl Bench {
    /// Measures, and prints what came out.
    pub(crate) fn run(&self, root: &Path) -> Result<()> {
        ensure!(
            self.seconds > 0 && self.concurrency > 0,
            "there is nothing to measure"
        );
        let site = Site::prepare(root, self.window())?;
        println!("==> {}", site.circumstances());
        let mut measured = Measured::default();
        let outcome = self.measure(&site, &mut measured);
        measured.spans = site.end()?;
        // What was measured before something failed is worth its table too.
        let budget = Budget::of(&measured);
        let (turns, through) = (table::turns(&measured), table::through(&measured));
        let (records, budget_rows) = (table::records(&measured), table::budget(&budget));
        let handshakes = table::handshakes(&measured);
        println!("\n{turns}\n{through}\n{records}\n{handshakes}\n{budget_rows}");
        outcome?;
        self.conclude(&measured, &budget)
    }

    fn measure(&self, site: &Site, measured: &mut Measured) -> Result<()> {
        for round in 1..=self.rounds() {
            for (server, sources) in self.turns() {
                let report = site.closed(server, sources, self.concurrency)?;
                let turn = Turn::new(server, sources, round, report);
                println!("    {}", turn.line());
                measured.turns.push(turn);
            }
        }
        for round in 1..=self.rounds() {
            for (server, sources) in self.turns() {
                let half = measured.saturation(sources) / 2.0;
                let report = site.open(server, sources, half)?;
                ensure!(
                    report.middle.is_some(),
                    "a load at half rate says nothing of its seconds"
                );
                let turn = Turn::new(server, sources, round, report);
                println!("    {}", turn.line());
                measured.half.push(turn);
            }
            let sync = site.disk()?;
            println!(
                "    the disk alone: a sync takes p50 {} p99 {} µs",
                sync.p50, sync.p99
            );
            measured.syncs.push(sync);
        }
        for _ in 0..self.starts() {
            for rate in record::RATES {
                let alone = site.record(rate)?;
                println!("    {}", alone.line());
                measured.records.push(alone);
            }
        }
        let most = match self.mode {
            Mode::One => Sources::One,
            Mode::Five | Mode::All => Sources::Five,
        };
        for _ in 0..self.starts() {
            measured.starts.push(site.startup(most)?);
            let cost = site.admission()?;
            println!(
                "    a decision {:.2} µs, the whole of admission {:.2} µs",
                cost.decision_us, cost.whole_us
            );
            measured.admissions.push(cost);
            let guard = site.guard()?;
            println!("    the guard of a source {:.2} µs a call", guard.guard_us);
            measured.guards.push(guard);
            for exchange in handshake::EXCHANGES {
                let shaken = site.handshakes(exchange)?;
                println!("    {}", shaken.line());
                measured.handshakes.push(shaken);
            }
        }
        Ok(())
    }

    fn conclude(&self, measured: &Measured, budget: &Budget) -> Result<()> {
        ensure!(
            measured.spans > 0,
            "no span was exported: the gateway was not measured as it runs"
        );
        let over = budget.over();
        if self.strict && over > 0 {
            bail!("{over} of {} over the budget", budget.len());
        }
        Ok(())
    }

    /// Who is measured in one round, in turn.
    fn turns(&self) -> Vec<(Server, Sources)> {
        let one = [Server::Passthrough, Server::Gateway].map(|server| (server, Sources::One));
        let five = (Server::Gateway, Sources::Five);
        match self.mode {
            Mode::One => one.to_vec(),
            Mode::Five => vec![five],
            Mode::All => [&one[..], &[five]].concat(),
        }
    }

    const fn rounds(&self) -> u32 {
        if self.quick { 1 } else { 7 }
    }

    /// How often the start is measured.
    const fn starts(&self) -> u32 {
        if self.quick { 1 } else { 3 }
    }

    /// How long each window is, in seconds.
    const fn window(&self) -> u32 {
        if self.quick { 2 } else { self.seconds }
    }
}
