//! The arguments of `dossier`.

use clap::{Args, Subcommand};

use super::Node;

/// Arguments of `dossier`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Dossier {
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(subcommand)]
    pub(crate) command: DossierCommand,
}

const AFTER_HELP: &str = "\
Each node has the dossiers of its own questions: ask the node that has asked.

Example:
  lienthong dossier list --sandbox ./sandbox
  lienthong dossier close 17 --operator van-hanh-07 --reason 'Công dân đã rút hồ sơ'";

/// What to do with dossiers.
#[derive(Debug, Subcommand)]
pub(crate) enum DossierCommand {
    /// List what agencies have not ended yet, and what they ended within the last hour.
    List,
    /// Have the agency asked again how far a dossier is that hangs.
    Requery(Order),
    /// Have a dossier that hangs or failed sent again, under its request id.
    Resend(Order),
    /// Give up a dossier that hangs.
    Close(Order),
}

/// Which dossier, by whom and why.
#[derive(Debug, Args)]
pub(crate) struct Order {
    /// Its number, as the list has it.
    pub(crate) dossier: u64,
    /// Who wants it; hidden in the record.
    #[arg(long)]
    pub(crate) operator: String,
    /// Why; hidden in the record.
    #[arg(long)]
    pub(crate) reason: String,
}
