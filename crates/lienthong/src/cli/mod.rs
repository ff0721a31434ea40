//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use evidence::keys::VerifierKey;

mod audit;
mod consent;
mod dossier;
mod node;
mod policy;
mod review;
mod source;
mod suspension;
mod switch;

pub(crate) use audit::{
    Audit, AuditCommand, Backup, Export, Prove, Reindex, Retire, RotateKeys, Show, Verify,
};
pub(crate) use consent::{Consent, ConsentCommand};
pub(crate) use dossier::{Dossier, DossierCommand, Order};
pub(crate) use node::Node;
pub(crate) use policy::{
    CheckPolicy, ExplainCall, MakeKey, Policy, PolicyCommand, ReplayCalls, SignPolicy,
};
pub(crate) use review::{Review, ReviewCommand};
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

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
pub(crate) struct Sandbox {
    /// Where keys, certificates, configuration and log are kept; an existing sandbox goes on.
    #[arg(long, default_value = "./sandbox")]
    pub(crate) dir: PathBuf,
    /// Where the gateway listens for agencies; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8443")]
    pub(crate) listen: SocketAddr,
    /// Do not run the first lookup.
    #[arg(long)]
    pub(crate) quiet: bool,
    /// The seed of the synthetic citizens.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// A file with the connection string of a PostgreSQL that keeps index, keyring and lock store.
    #[arg(long, value_name = "FILE")]
    pub(crate) database: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) scenario: Played,
}

/// What the simulated agencies go through.
#[derive(Debug, Args)]
pub(crate) struct Played {
    /// Disturb the simulated agencies: `bad-day`, `log-outs`, `maintenance`, or a file of your own.
    #[arg(long, value_name = "NAME|FILE", long_help = SCENARIO)]
    pub(crate) scenario: Option<String>,
}

const SCENARIO: &str = "\
Disturb the simulated agencies: `bad-day` (all five at once), `log-outs`, `maintenance`, or a file of your own.

A file is TOML: from which second on which agency does what. What a step does not name is at rest again; the same seed
and the same questions meet the same faults.

  seed = 7
  repeat_s = 60
  [[step]]
  at_s = 10
  agency = \"population\"       # or \"all\"
  latency = { exponential = { mean_ms = 40 } }
  again = { seconds = 20 }
  fault = [{ fault = \"maintenance\" }, { fault = \"hang\", probability = 0.1 }]

`GET /faults` at an agency's control address lists what its wire can do; `PUT /knobs` there does one step by hand.";

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

/// Arguments of `lookup`.
#[derive(Debug, Args)]
pub(crate) struct Lookup {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// What to ask for, such as `population.name,tax.status`; all that is granted if left out.
    #[arg(long, value_delimiter = ',')]
    pub(crate) fields: Vec<String>,
    /// Check and authorise only; ask no agency.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyClaims {
    #[command(flatten)]
    pub(crate) asked: Asked,
    #[command(flatten)]
    pub(crate) claims: Claims,
    /// How texts and dates are compared.
    #[arg(long, value_enum, default_value = "normalized")]
    pub(crate) mode: Mode,
    /// Ask for a verdict on each claim, where the agreement has that.
    #[arg(long)]
    pub(crate) per_claim: bool,
}

/// What is claimed of the person: one to eight claims in all.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Claims {
    /// A field has a value, such as `population.birth_date=1999-01-31`.
    #[arg(long, value_name = "FIELD=VALUE")]
    pub(crate) equals: Vec<String>,
    /// The person is so many full years old.
    #[arg(long, value_name = "YEARS")]
    pub(crate) age_at_least: Option<u8>,
    /// The person is alive.
    #[arg(long)]
    pub(crate) alive: bool,
    /// Somebody is related to the person, such as `SPOUSE=999199000002`.
    #[arg(long, value_name = "RELATION=NUMBER")]
    pub(crate) relation: Vec<String>,
    /// The person has a status, such as `HEALTH_INSURED`.
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Vec<String>,
}

/// How texts and dates are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Letter by letter.
    Exact,
    /// Whatever case, spaces and the place of a tone mark.
    Normalized,
    /// Whatever the diacritics.
    NoDiacritics,
}

/// About whom is asked, why, and of which gateway.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// The person's number: 12-digit personal id or 9-digit CMND; with --kind also a tax code or a
    /// social-insurance code, which both have 10 digits.
    pub(crate) id: String,
    /// What kind of number it is, where its length does not tell.
    #[arg(long, value_enum)]
    pub(crate) kind: Option<Kind>,
    #[command(flatten)]
    pub(crate) address: Address,
    /// Why; the caller's first purpose if left out.
    #[arg(long)]
    pub(crate) purpose: Option<String>,
    /// Print the JSON of the REST answer instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
    /// The person's full name, where the agreement wants a second factor.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The person's birth date: `1999-01-31`, `1999-01` or `1999`.
    #[arg(long)]
    pub(crate) birth_date: Option<String>,
    /// The officer on whose behalf.
    #[arg(long)]
    pub(crate) officer: Option<String>,
    /// The administrative procedure.
    #[arg(long)]
    pub(crate) procedure: Option<String>,
    /// The dossier.
    #[arg(long)]
    pub(crate) dossier: Option<String>,
    /// The agreement, where several fit.
    #[arg(long)]
    pub(crate) agreement: Option<String>,
    /// How long to wait, in seconds.
    #[arg(long, default_value_t = 5)]
    pub(crate) wait: u64,
}

/// Which gateway is asked, and as whom.
#[derive(Debug, Args)]
pub(crate) struct Address {
    /// The sandbox to ask.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "./sandbox",
        conflicts_with = "gateway"
    )]
    pub(crate) sandbox: PathBuf,
    /// The caller of the sandbox to ask as; its default caller if left out.
    #[arg(long = "as", value_name = "CALLER", conflicts_with = "gateway")]
    pub(crate) caller: Option<String>,
    /// A gateway that is no sandbox: its address, such as `https://gateway.example:8443`.
    #[arg(long, value_name = "URL", requires_all = ["ca", "cert", "key", "purpose"])]
    pub(crate) gateway: Option<url::Url>,
    /// The authorities that vouch for that gateway.
    #[arg(long, value_name = "FILE", requires = "gateway")]
    pub(crate) ca: Option<PathBuf>,
    /// The caller's certificate there.
    #[arg(long, value_name = "FILE", requires = "gateway")]
    pub(crate) cert: Option<PathBuf>,
    /// The caller's key.
    #[arg(long, value_name = "FILE", requires = "gateway")]
    pub(crate) key: Option<PathBuf>,
}

/// What kind of number a person is asked for by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// 12-digit personal identification number.
    Personal,
    /// 9-digit identity-card number from before 2016.
    Legacy,
    /// Tax code.
    Tax,
    /// Social-insurance code.
    Insurance,
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

/// Arguments of `sim`.
#[derive(Debug, Args)]
pub(crate) struct Sim {
    /// The agency: population, health, `civil_status`, tax or `social_security`; `all` for every one.
    pub(crate) agency: String,
    /// Where the agency's wire is spoken; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Where the simulator is controlled.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub(crate) control: SocketAddr,
    /// The sandbox whose CA and secrets are used; made if it is not there.
    #[arg(long, default_value = "./sandbox")]
    pub(crate) dir: PathBuf,
    /// The seed of the synthetic citizens.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Keep this many rendered answers, and no journal: for benchmarks.
    #[arg(long, default_value_t = 0)]
    pub(crate) prepared: usize,
    #[command(flatten)]
    pub(crate) scenario: Played,
}

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
