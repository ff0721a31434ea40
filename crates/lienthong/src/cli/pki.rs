//! The arguments of `pki`.

use std::path::PathBuf;

use clap::{Args, Subcommand, value_parser};

/// Arguments of `pki`.
#[derive(Debug, Args)]
pub(crate) struct Pki {
    /// The directory of the CA.
    #[arg(long, default_value = "./pki", global = true)]
    pub(crate) dir: PathBuf,
    #[command(subcommand)]
    pub(crate) command: PkiCommand,
}

/// What to do with the CA.
#[derive(Debug, Subcommand)]
pub(crate) enum PkiCommand {
    /// Make a CA.
    Init {
        /// The trust domain that its certificates name callers in.
        #[arg(long, default_value = "sandbox.lienthong.example")]
        trust_domain: String,
        /// The CA's name.
        #[arg(long, default_value = "Lienthong development CA")]
        name: String,
    },
    /// Issue a certificate and a key.
    Issue {
        #[command(subcommand)]
        kind: IssueCommand,
    },
    /// Sign a certificate request in PEM; the certificate goes to standard output.
    Sign {
        /// The request.
        csr: PathBuf,
        /// How long the certificate holds, in days.
        #[arg(long, default_value_t = 365, value_parser = value_parser!(u32).range(1..))]
        days: u32,
    },
    /// Revoke a certificate, and write the revocation list again.
    Revoke {
        /// The certificate's file.
        certificate: PathBuf,
    },
    /// List what was issued.
    List,
}

/// What to issue.
#[derive(Debug, Subcommand)]
pub(crate) enum IssueCommand {
    /// For a calling system of an agency.
    Client {
        /// The agency's code.
        agency: String,
        /// The system.
        system: String,
        /// Where the files go.
        #[arg(long, default_value = ".")]
        out: PathBuf,
        /// How long it holds, in days.
        #[arg(long, default_value_t = 365, value_parser = value_parser!(u32).range(1..))]
        days: u32,
    },
    /// For a gateway.
    Server {
        /// Its DNS names and addresses.
        #[arg(required = true)]
        hosts: Vec<String>,
        /// Where the files go.
        #[arg(long, default_value = ".")]
        out: PathBuf,
        /// How long it holds, in days.
        #[arg(long, default_value_t = 365, value_parser = value_parser!(u32).range(1..))]
        days: u32,
    },
}
