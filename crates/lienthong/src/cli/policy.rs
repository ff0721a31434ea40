//! The command line of `policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use evidence::keys::VerifierKey;

/// Arguments of `policy`.
#[derive(Debug, Args)]
pub(crate) struct Policy {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

/// What to do with agreements.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say everything that is wrong with the agreements in a directory or a file, or that nothing is.
    Check(CheckPolicy),
    /// Sign the list of a directory's files; the agreements must be sound.
    ///
    /// Writes `bundle.note` in the directory: c2sp.org/signed-note. Signatures of others over the same
    /// files stay.
    Sign(SignPolicy),
    /// Make a key that signs agreements; the public key, for `policy_keys`, goes to standard output.
    Key(MakeKey),
    /// Say why a recorded call was admitted or refused, line by line of the agreements.
    ///
    /// Offline, from the log and the agreements that decided: the record names them by their digest.
    Explain(ExplainCall),
    /// Say which recorded calls other agreements would decide otherwise; exit code 1 if there are any.
    ///
    /// What a record does not show, such as a second factor, counts as given.
    Replay(ReplayCalls),
}

/// Arguments of `policy check`.
#[derive(Debug, Args)]
pub(crate) struct CheckPolicy {
    /// The directory, or the file.
    #[arg(value_name = "DIR")]
    pub(crate) policy: PathBuf,
    /// A key that must have signed it, if several are given one of them; signatures are not looked at
    /// if left out.
    #[arg(long, value_name = "KEY")]
    pub(crate) vkey: Vec<VerifierKey>,
}

/// Arguments of `policy sign`.
#[derive(Debug, Args)]
pub(crate) struct SignPolicy {
    /// The directory.
    #[arg(value_name = "DIR")]
    pub(crate) policy: PathBuf,
    /// The file of the private key.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
}

/// Arguments of `policy explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainCall {
    /// The id of the call.
    #[arg(value_name = "REQUEST-ID")]
    pub(crate) request: String,
    /// The directory of the log, or of the logs of all half-years.
    #[arg(long, value_name = "DIR")]
    pub(crate) log: PathBuf,
    /// The directory or the file of the agreements.
    #[arg(long, value_name = "DIR")]
    pub(crate) policy: PathBuf,
}

/// Arguments of `policy replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayCalls {
    /// The directory or the file of the other agreements.
    #[arg(value_name = "DIR")]
    pub(crate) policy: PathBuf,
    /// The directory of the log, or of the logs of all half-years.
    #[arg(long, value_name = "DIR")]
    pub(crate) log: PathBuf,
}

/// Arguments of `policy key`.
#[derive(Debug, Args)]
pub(crate) struct MakeKey {
    /// The name under which it signs: a URL without scheme, by custom of who holds it.
    pub(crate) name: String,
    /// Where the private key goes.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}
