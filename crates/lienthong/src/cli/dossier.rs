//! The arguments of `dossier`.

use clap::{Args, Subcommand};
use url::Url;

/// Arguments of `dossier`.
#[derive(Debug, Args)]
pub(crate) struct Dossier {
    /// The operations listener of the node that has asked.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9090",
        global = true
    )]
    pub(crate) operations: Url,
    #[command(subcommand)]
    pub(crate) command: DossierCommand,
}

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
