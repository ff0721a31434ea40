//! The arguments of `source`.

use clap::{Args, Subcommand};

use super::Node;

/// Arguments of `source`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Source {
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(subcommand)]
    pub(crate) command: SourceCommand,
}

const AFTER_HELP: &str = "\
Each node sees the sources for itself.

Example:
  lienthong source list --sandbox ./sandbox";

/// What to tell of the sources.
#[derive(Debug, Subcommand)]
pub(crate) enum SourceCommand {
    /// List how each source is: its circuit, the calls under way, how long it takes.
    List,
}
