//! The arguments of `switch`.

use clap::{Args, Subcommand};

use super::Node;

/// Arguments of `switch`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Switch {
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(subcommand)]
    pub(crate) command: SwitchCommand,
}

const AFTER_HELP: &str = "\
Of several nodes any one does.

Example:
  lienthong switch stop agency:H55 --operator van-hanh-07 --reason 'Khóa của hệ thống bị lộ'
  lienthong switch list --sandbox ./sandbox";

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
