//! The arguments of `source`.

use clap::{Args, Subcommand};
use url::Url;

/// Arguments of `source`.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// The operations listener of the node.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9090",
        global = true
    )]
    pub(crate) operations: Url,
    #[command(subcommand)]
    pub(crate) command: SourceCommand,
}

/// What to tell of the sources.
#[derive(Debug, Subcommand)]
pub(crate) enum SourceCommand {
    /// List how each source is: its circuit, the calls under way, how long it takes.
    List,
}
