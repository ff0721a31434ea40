//! `bench`: what measures the gateway from outside, one process for each part. `cargo xtask bench`
//! starts the parts, pins them and compares; each can be run by hand on the directory of a sandbox.
//!
//! Measured: exchanges per second, and the latency that a caller sees, from the call to the decoded
//! answer; the CPU time of the whole server process, all its threads, in user and kernel mode, over
//! the exchanges of the same window; its resident memory; the time from its start to its first good
//! answer; and the latency that the gateway adds, which is the caller's less that of the slowest
//! source, as the answer itself says it. An exchange counts only if every source answered.
//!
//! The yardstick is [`passthrough`]: tonic as it comes, on the same allocator and profile, moving
//! messages of the same size between the same two connections. It admits nobody, records nothing
//! and creates no span.
//!
//! Not measured: CPU of the kernel outside the process (interrupts, the disk's own work), a network
//! (everything is on the loopback), other people's agencies (the simulators keep rendered answers and
//! share cores with the load). Connections are opened before the window; what a new one costs is
//! measured by itself ([`handshakes`]). Where the load and the simulators have one core between them,
//! they are what saturates first: the share of its core that the server was busy stands beside every
//! rate, and the rate of a server that was not busy is a lower bound.
//!
//! A virtual machine shares its cores and its disk with others. What the hypervisor gave away of
//! the cores during a window stands beside it as *stolen*; of each kind the windows that lost least
//! count, and of a window at half load the half of its seconds that lost least: one pause of 60 ms
//! in five seconds is more than one exchange in a hundred. Which seconds those are does not depend
//! on what was measured in them, and the p99 of all seconds stands beside. How much of the tail is
//! the machine tell what the pass-through adds at the same rate, without a disk, and what a sync of
//! one batch takes on this disk alone (`bench disk`).
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal"
)]

mod admission;
mod connection;
mod disk;
mod guard;
mod handshakes;
mod histogram;
mod latency;
mod load;
mod pace;
mod passthrough;
mod pin;
mod process;
mod question;
mod record;
mod sandbox;
mod sink;
mod startup;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The allocator of the gateway, so that the pass-through has no other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures a gateway from outside.
#[derive(Debug, Parser)]
#[command(version, about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put a server under load, and print what was measured as JSON.
    Load(load::Load),
    /// Start a server, and print how long its first good answer took as JSON.
    Startup(startup::Startup),
    /// Serve lookups by passing them to the tax register.
    Passthrough(passthrough::Passthrough),
    /// Make batches durable on a disk, and print how long each took as JSON.
    Disk(disk::Disk),
    /// Open connections to a server, and print what each full handshake took as JSON.
    Handshakes(handshakes::Handshakes),
    /// Admit calls, and print what CPU each took as JSON.
    Admission(admission::Decisions),
    /// Ask through the guard of a source, and print what CPU that adds to each call as JSON.
    Guard(guard::Guards),
    /// Record exchanges at a fixed rate, and print how long each waited as JSON.
    Record(record::Record),
    /// Take spans, and say how many.
    Sink,
    /// Become another program, on some cores only.
    Pin(pin::Pin),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    if let Command::Pin(pin) = command {
        return pin.exec();
    }
    // As many workers as there are cores to run on: one, when pinned to one.
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        match command {
            Command::Load(load) => println!("{}", load.run().await?),
            Command::Startup(startup) => println!("{}", startup.run().await?),
            Command::Passthrough(passthrough) => passthrough.run().await?,
            Command::Disk(disk) => println!("{}", disk.run().await?),
            Command::Handshakes(handshakes) => println!("{}", handshakes.run().await?),
            Command::Admission(decisions) => println!("{}", decisions.run()?),
            Command::Guard(guards) => println!("{}", guards.run().await?),
            Command::Record(record) => println!("{}", record.run().await?),
            Command::Sink => sink::run().await?,
            Command::Pin(_) => {}
        }
        Ok(())
    })
}
