//! Every chore of the project: `cargo xtask --help`.
//!
//! Not here: anything the gateway itself does.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

mod bad_day;
mod bench;
mod check;
mod fuzz;
mod layers;
mod process;
mod proto;
mod rows;
mod steps;
mod suites;
mod tidy;

/// The chores of the project.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    after_help = LESSON,
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Format, lints, layers, tidy, rows, generated files, buf lint: all that needs no test run.
    Check,
    /// `check`, then every suite, with what it needs installed. What CI runs.
    Test {
        /// Only the suites: no `check` before, no examples of the docs after.
        #[arg(long)]
        fast: bool,
    },
    /// Generate code, catalogue, descriptor set and OpenAPI from proto/.
    Proto {
        /// Change nothing; fail if a generated file is not what proto/ says.
        #[arg(long)]
        check: bool,
    },
    /// Write which test covers which row of the fault matrix into the manual.
    Rows {
        /// Change nothing; fail if the page is not what the tests say.
        #[arg(long)]
        check: bool,
    },
    /// Which crate may use which: checks it, and prints the graph by rank.
    Layers,
    /// The rules of the house for files: opening, length, leftovers, crate map, links.
    Tidy,
    /// Send the readers of foreign bytes what covers more of them, for a while each.
    Fuzz(fuzz::Fuzz),
    /// Disturb all five simulated agencies at once under load, and judge what became of every question.
    BadDay(bad_day::BadDay),
    /// Measure the gateway as a process of its own against a bare pass-through and the budget.
    Bench(bench::Bench),
}

const LESSON: &str = "\
A day's work:
  edit proto/*.proto        then `cargo xtask proto`, and commit what it wrote
  edit code                 then `cargo xtask check`, and `cargo xtask test --fast`
  before you hand it in     `cargo xtask test`
  cover a row of faults     then `cargo xtask rows`
  edit what reads bytes     then `cargo xtask fuzz READER`
  edit what meets agencies  then `cargo xtask bad-day`
  edit the road             then `cargo xtask bench`, on a machine with nothing else to do

LIENTHONG_TEST_FULL=1 has the suites try the whole of what takes hours (system calls that fail,
kills, overload, a bad day, fuzzing); =2/5 takes the second fifth of the system calls. By default
they try a part: README.md, \"Test it\".

A chore stops at the first thing that is wrong and says where. The rules have their reasons beside
them: crates/xtask/src/layers/table.rs, crates/xtask/src/tidy/mod.rs.";

fn main() -> ExitCode {
    match act(&Arguments::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn act(chore: &Chore) -> Result<()> {
    let root = root()?;
    match chore {
        Chore::Check => check::run_all(&root),
        Chore::Test { fast } => suites::run_all(&root, *fast),
        Chore::Proto { check } => proto::run(&root, *check),
        Chore::Rows { check } => rows::run(&root, *check),
        Chore::Layers => layers::run(&root),
        Chore::Tidy => tidy::run(&root),
        Chore::Fuzz(fuzz) => fuzz.run(&root),
        Chore::BadDay(day) => day.run(&root),
        Chore::Bench(bench) => bench.run(&root),
    }
}

/// The root of the checkout: two levels above this crate.
///
/// As cargo says when it runs the chore: a build cache may hold a program that was built for a
/// checkout elsewhere.
fn root() -> Result<PathBuf> {
    let here = std::env::var_os("CARGO_MANIFEST_DIR");
    let here = PathBuf::from(here.context("run me as `cargo xtask`")?);
    let root = here.ancestors().nth(2).context("no workspace root")?;
    Ok(root.to_path_buf())
}

/// `1 breach`, `2 breaches`.
fn breaches(count: usize) -> String {
    match count {
        1 => "1 breach".to_owned(),
        _ => format!("{count} breaches"),
    }
}
