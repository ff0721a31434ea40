//! The arguments of `consent`.

use clap::{Args, Subcommand};
use url::Url;

/// Arguments of `consent`.
#[derive(Debug, Args)]
pub(crate) struct Consent {
    /// The operations listener of a node.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9090",
        global = true
    )]
    pub(crate) operations: Url,
    #[command(subcommand)]
    pub(crate) command: ConsentCommand,
}

/// What to do with consents.
#[derive(Debug, Subcommand)]
pub(crate) enum ConsentCommand {
    /// Register what somebody has agreed to. The body is read from a file, since a number on a command
    /// line can be seen by others.
    ///
    /// JSON with consent, personalId, legacyId (if there is one), agency, purposes, fields, validFrom,
    /// validTo, operator and reason.
    Register {
        /// The file; `-` for standard input.
        #[arg(value_name = "FILE")]
        body: std::path::PathBuf,
    },
    /// Withdraw a consent, for ever.
    Withdraw {
        /// Its id.
        consent: String,
        /// Who withdraws it; hidden in the record.
        #[arg(long)]
        operator: String,
        /// Why; hidden in the record.
        #[arg(long)]
        reason: String,
    },
}
