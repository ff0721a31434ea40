//! Every chore of the project: `cargo xtask --help`.
//!
//! Not here: anything the gateway itself does.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

mod proto;

/// The chores of the project.
#[derive(Parser)]
#[command(about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Generate code, catalogue, descriptor set and OpenAPI from proto/.
    Proto {
        /// Change nothing; fail if a generated file is not what proto/ says.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> Result<()> {
    let root = root()?;
    match Arguments::parse().chore {
        Chore::Proto { check } => proto::run(&root, check),
    }
}

/// The root of the checkout: two levels above this crate.
fn root() -> Result<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().nth(2).context("no workspace root")?;
    Ok(root.to_path_buf())
}
