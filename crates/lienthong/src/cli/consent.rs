//! The arguments of `consent`.

use clap::{Args, Subcommand};

use super::Node;

/// Arguments of `consent`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Consent {
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(subcommand)]
    pub(crate) command: ConsentCommand,
}

const AFTER_HELP: &str = "\
Each node has a registry of its own, and is told by itself.

Example:
  lienthong consent register consent.json --sandbox ./sandbox
  lienthong consent withdraw C-2026-17 --operator CB-77 --reason 'Đơn ngày 3/5'";

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
