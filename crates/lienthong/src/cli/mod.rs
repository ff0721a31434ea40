//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use evidence::keys::VerifierKey;

mod ask;
mod audit;
mod consent;
mod dossier;
mod node;
mod pki;
mod policy;
mod review;
mod sandbox;
mod source;
mod suspension;
mod switch;

pub(crate) use ask::{Address, Asked, Claims, Kind, Lookup, Mode, VerifyClaims};
pub(crate) use audit::{
    Audit, AuditCommand, Backup, Export, Prove, Reindex, Retire, RotateKeys, Show, Verify,
};
pub(crate) use consent::{Consent, ConsentCommand};
pub(crate) use dossier::{Dossier, DossierCommand, Order};
pub(crate) use node::Node;
pub(crate) use pki::{IssueCommand, Pki, PkiCommand};
pub(crate) use policy::{
    CheckPolicy, ExplainCall, MakeKey, Policy, PolicyCommand, ReplayCalls, SignPolicy,
};
pub(crate) use review::{Review, ReviewCommand};
pub(crate) use sandbox::{Played, Sandbox, Sim};
pub(crate) use source::{Source, SourceCommand};
pub(crate) use suspension::{Suspension, SuspensionCommand};
pub(crate) use switch::{Switch, SwitchCommand, Throw};

/// A gateway for sharing data between national databases.
///
/// Start with `lienthong sandbox`: a whole gateway with five simulated agencies, on this machine.
#[derive(Debug, Parser)]
#[command(version, about, disable_help_subcommand = true, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Exit codes: 0 complete, 1 failed, 2 usage, 3 partial, 4 not found, 5 refused, 6 unavailable.
Of verify: 0 match, 3 unknown, 4 no match.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a whole gateway on this machine: CA, certificates, five simulated agencies, agreements.
    Sandbox(Sandbox),
    /// Run the gateway of a configuration file.
    Serve(Serve),
    /// Say everything that is wrong with a configuration file.
    CheckConfig(Serve),
    /// Check and sign the agreements of a gateway, and hold them against what was recorded.
    Policy(Policy),
    /// Have a running gateway register or withdraw a consent.
    Consent(Consent),
    /// Print the JSON Schema of a file.
    Schema(Schema),
    /// Ask a gateway about one citizen.
    Lookup(Box<Lookup>),
    /// Ask a gateway whether claims about one citizen are so.
    Verify(Box<VerifyClaims>),
    /// Check, prove, copy and search the record of exchanges; rotate the keys that sign it.
    Audit(Audit),
    /// List the emergencies that wait to be reviewed, and close reviews.
    Review(Review),
    /// List how the sources are: circuits, calls under way, limits.
    Source(Source),
    /// List what agencies have not ended yet, and move what hangs.
    Dossier(Dossier),
    /// List who is suspended for how they asked, and lift suspensions.
    Suspension(Suspension),
    /// Stop an agency, a system, a source or a purpose while the gateway runs, and let it go on.
    Switch(Switch),
    /// Run one simulated agency.
    Sim(Sim),
    /// Cosign the checkpoints of logs as long as they only grow: c2sp.org/tlog-witness.
    Witness(Witness),
    /// Keep a development CA: init, issue, sign, revoke.
    Pki(Pki),
}

/// Arguments of `serve` and `check-config`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "lienthong.toml")]
    pub(crate) config: PathBuf,
    /// The configuration file, without the flag.
    #[arg(value_name = "FILE", conflicts_with = "config")]
    pub(crate) file: Option<PathBuf>,
}

impl Serve {
    /// The file, however it was named.
    pub(crate) fn path(&self) -> &PathBuf {
        self.file.as_ref().unwrap_or(&self.config)
    }
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Of which file.
    #[arg(value_enum)]
    pub(crate) of: SchemaOf,
}

/// A file that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// The file of an agreement.
    Agreement,
    /// The configuration of a gateway.
    Config,
}

/// Arguments of `witness`.
#[derive(Debug, Args)]
pub(crate) struct Witness {
    /// The name under which it signs: a URL without scheme, by custom its own.
    #[arg(long)]
    pub(crate) name: String,
    /// A key that signs a log's checkpoints, as `name+id+base64`; one of each log is enough.
    #[arg(long, value_name = "KEY")]
    pub(crate) log: Vec<VerifierKey>,
    /// Where its keys are, and what it has seen of each log; made if it is not there.
    #[arg(long, default_value = "./witness")]
    pub(crate) dir: PathBuf,
    /// Where it listens for logs; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8091")]
    pub(crate) listen: SocketAddr,
}
