//! `cargo xtask test`: the check, and every suite with what it needs.
//!
//! Not here: what the suites test. They find their needs in the environment:
//! `LIENTHONG_TEST_POSTGRES_BIN` is the folder of `initdb` and `postgres`,
//! `LIENTHONG_TEST_PYTHON` a Python with grpcio and protobuf, `LIENTHONG_TEST_CHECKER` the program
//! built from `tests/checker`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::check;
use crate::process::{cargo, run, succeeds};
use crate::steps::{Outcome, Steps};

mod apt;
mod go;
mod postgres;
mod python;
mod tools;

/// Runs the suites; unless `fast`, with the check before and the examples of the docs after.
pub(crate) fn run_all(root: &Path, fast: bool) -> Result<()> {
    let mut steps = Steps::begin("test", if fast { 6 } else { 8 });
    if !fast {
        steps.step("check", || done(check::run_all(root)))?;
    }
    let mut needs = Needs::default();
    steps.step("PostgreSQL", || {
        needs.postgres = postgres::find_or_install(root)?;
        Ok(Outcome::Done)
    })?;
    steps.step("Python", || {
        needs.python = python::find_or_install(root)?;
        Ok(Outcome::Done)
    })?;
    steps.step("Go", || {
        needs.checker = go::build(root, &needs.python)?;
        Ok(Outcome::Done)
    })?;
    steps.step("tools", || done(tools::find_or_install(root)))?;
    // With the features of the workspace, as the suites start it.
    let binary = ["build", "--workspace", "--bin", "lienthong"];
    steps.step("binary", || done(run(&mut cargo(root, &binary))))?;
    steps.step("suites", || done(run(&mut needs.tell(suites(root)))))?;
    if !fast {
        let examples = ["test", "--workspace", "--doc"];
        steps.step("examples", || {
            done(run(&mut needs.tell(cargo(root, &examples))))
        })?;
    }
    steps.end();
    Ok(())
}

/// What the suites need beside the workspace.
#[derive(Default)]
struct Needs {
    postgres: PathBuf,
    python: PathBuf,
    checker: PathBuf,
}

impl Needs {
    /// Tells a command where the needs are.
    fn tell(&self, mut command: Command) -> Command {
        command
            .env("LIENTHONG_TEST_POSTGRES_BIN", &self.postgres)
            .env("LIENTHONG_TEST_PYTHON", &self.python)
            .env("LIENTHONG_TEST_CHECKER", &self.checker);
        command
    }
}

/// The command that runs every test but the examples.
fn suites(root: &Path) -> Command {
    if succeeds(&mut cargo(root, &["nextest", "--version"])) {
        return cargo(root, &["nextest", "run", "--workspace"]);
    }
    println!("    no cargo-nextest: cargo runs the tests, one crate at a time");
    cargo(root, &["test", "--workspace", "--lib", "--bins", "--tests"])
}

fn done(result: Result<()>) -> Result<Outcome> {
    result.map(|()| Outcome::Done)
}
