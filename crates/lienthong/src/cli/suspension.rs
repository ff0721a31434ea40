//! The arguments of `suspension`.

use clap::{Args, Subcommand};

use super::Node;

/// Arguments of `suspension`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Suspension {
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(subcommand)]
    pub(crate) command: SuspensionCommand,
}

const AFTER_HELP: &str = "\
Of several nodes any one does.

Example:
  lienthong suspension list --sandbox ./sandbox
  lienthong suspension lift 5f0c9a3d71e2b846 --operator van-hanh-07 --reason 'Kiểm tra theo công văn 12'";

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
