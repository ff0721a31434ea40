//! The arguments of `suspension`.

use clap::{Args, Subcommand};
use url::Url;

/// Arguments of `suspension`.
#[derive(Debug, Args)]
pub(crate) struct Suspension {
    /// The operations listener of the node that has suspended somebody.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9090",
        global = true
    )]
    pub(crate) operations: Url,
    #[command(subcommand)]
    pub(crate) command: SuspensionCommand,
}

/// What to do with the suspensions.
#[derive(Debug, Subcommand)]
pub(crate) enum SuspensionCommand {
    /// List who is suspended for how they asked.
    List,
    /// Lift a suspension.
    Lift(Lift),
}

/// Which suspension, by whom and why.
#[derive(Debug, Args)]
pub(crate) struct Lift {
    /// As the list and the log of the program name it.
    pub(crate) id: String,
    /// Who lifts it; hidden in the record.
    #[arg(long)]
    pub(crate) operator: String,
    /// Why; hidden in the record.
    #[arg(long)]
    pub(crate) reason: String,
}
