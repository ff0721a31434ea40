//! `lienthong`, the gateway: one program, its subcommands.
//!
//! Here: reading the command line, and which room of the house does the work. Not here: the work.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal; the gateway itself logs through tracing"
)]

mod administration;
mod allocator;
mod audit;
mod batches;
mod check;
mod cli;
mod config;
mod consent;
mod cosigners;
mod deed;
mod dossier;
mod dossiers;
mod exit;
mod handed;
mod lookup;
mod metrics;
mod operator;
mod pki;
mod policy;
mod registrar;
mod reload;
mod review;
mod reviewer;
mod sandbox;
mod schema;
mod serve;
mod sharing;
mod simulate;
mod source;
mod sources;
mod stop;
mod suspension;
mod suspensions;
mod switch;
mod switchboard;
mod telemetry;
mod verify;
mod web;
mod witness;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Arguments, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    use_ordinary_pages();
    end_with_the_reader();
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lienthong: {error:#}");
            exit::Exit::of(&error).into()
        }
    }
}

/// Takes memory in ordinary pages. In huge ones every thread that allocates a little holds two megabytes,
/// and so a third of what an idle node holds is never used.
fn use_ordinary_pages() {
    // A kernel that refuses has no huge pages, or the node is larger.
    rustix::thread::disable_transparent_huge_pages(true).ok();
}

/// Ends the program quietly when whoever reads what it prints wants no more, as in `lienthong … | head`.
fn end_with_the_reader() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let said = info.payload_as_str().unwrap_or_default();
        if said.starts_with("failed printing to stdout") && said.contains("Broken pipe") {
            std::process::exit(0);
        }
        hook(info);
    }));
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Sandbox(arguments) => sandbox::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::CheckConfig(arguments) => check::run(&arguments),
        Command::Policy(arguments) => policy::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Consent(arguments) => consent::run(&arguments),
        Command::Lookup(arguments) => lookup::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Review(arguments) => review::run(&arguments),
        Command::Source(arguments) => source::run(&arguments),
        Command::Dossier(arguments) => dossier::run(&arguments),
        Command::Suspension(arguments) => suspension::run(&arguments),
        Command::Switch(arguments) => switch::run(&arguments),
        Command::Sim(arguments) => simulate::run(&arguments),
        Command::Witness(arguments) => witness::run(&arguments),
        Command::Pki(arguments) => pki::run(&arguments),
    }
}
