//! The arguments of `switch`.

use clap::{Args, Subcommand};
use url::Url;

/// Arguments of `switch`.
#[derive(Debug, Args)]
pub(crate) struct Switch {
    /// The operations listener of a node; of several nodes any one does.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9090",
        global = true
    )]
    pub(crate) operations: Url,
    #[command(subcommand)]
    pub(crate) command: SwitchCommand,
}

/// What to do with the switches.
#[derive(Debug, Subcommand)]
pub(crate) enum SwitchCommand {
    /// List what is stopped.
    List,
    /// Stop an agency, a system, a source or a purpose, on every node.
    Stop(Throw),
    /// Let it go on.
    Resume(Throw),
}

/// Which switch, by whom and why.
#[derive(Debug, Args)]
pub(crate) struct Throw {
    /// `agency:H55`, `system:H55/one-stop-desk`, `source:tax` or `purpose:ONE_STOP_DESK`.
    #[arg(value_parser = switch)]
    pub(crate) switch: exchange::Switch,
    /// Who wants it; hidden in the record.
    #[arg(long)]
    pub(crate) operator: String,
    /// Why; hidden in the record, shown to operators. It names no citizen.
    #[arg(long)]
    pub(crate) reason: String,
}

fn switch(text: &str) -> Result<exchange::Switch, &'static str> {
    let problem = "is to be agency:CODE, system:CODE/ID, source:NAME or purpose:CODE";
    exchange::Switch::parse(text).ok_or(problem)
}
