//! `cargo xtask check`: everything that can be said of the code without running it.

use std::path::Path;

use anyhow::{Context, Result};

use crate::process::{cargo, program, run, succeeds};
use crate::steps::{Outcome, Steps};
use crate::{layers, proto, rows, tidy};

/// The buf that lints where none is installed.
const BUF: &str = "@bufbuild/buf@1.75.0";

/// One step of the check.
type Step = (&'static str, fn(&Path) -> Result<Outcome>);

/// In this order: what is quick to repair comes first, unless it needs what follows.
const STEPS: [Step; 8] = [
    ("fmt", fmt),
    ("clippy", clippy),
    ("the program alone", alone),
    ("layers", |root| done(layers::run(root))),
    ("tidy", |root| done(tidy::run(root))),
    ("rows", |root| done(rows::run(root, true))),
    ("proto", |root| done(proto::run(root, true))),
    ("buf lint", buf),
];

/// Takes every step of the check.
pub(crate) fn run_all(root: &Path) -> Result<()> {
    let mut steps = Steps::begin("check", STEPS.len());
    for (name, act) in STEPS {
        steps.step(name, || act(root))?;
    }
    steps.end();
    Ok(())
}

fn done(result: Result<()>) -> Result<Outcome> {
    result.map(|()| Outcome::Done)
}

/// Modules that a macro declares are named one by one: rustfmt does not find them by itself.
fn fmt(root: &Path) -> Result<Outcome> {
    const AGENCIES: &str = "crates/agencies/src";
    let mut command = cargo(root, &["fmt", "--all", "--check", "--"]);
    for entry in std::fs::read_dir(root.join(AGENCIES)).context(AGENCIES)? {
        let module = entry?.path().join("mod.rs");
        if module.exists() {
            command.arg(module);
        }
    }
    let result = run(&mut command);
    done(result.context("run `cargo fmt --all -- crates/agencies/src/*/mod.rs`"))
}

fn clippy(root: &Path) -> Result<Outcome> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--"];
    done(run(cargo(root, &arguments).args(["-D", "warnings"])))
}

/// The program with what it asks for itself: beside the others it has what they ask for too.
fn alone(root: &Path) -> Result<Outcome> {
    done(run(&mut cargo(root, &["check"])))
}

/// Lints `proto/` with the buf of the checkout, of the path, or of npm.
fn buf(root: &Path) -> Result<Outcome> {
    let proto = root.join("proto");
    let local = root.join("node_modules/.bin/buf");
    let local = local.to_string_lossy();
    for buf in [&*local, "buf"] {
        if succeeds(program(root, buf).arg("--version")) {
            return done(run(program(&proto, buf).arg("lint")));
        }
    }
    if !succeeds(program(root, "npm").arg("--version")) {
        return Ok(Outcome::Skipped("no npm"));
    }
    done(run(program(&proto, "npx").args(["--yes", BUF, "lint"])))
}
