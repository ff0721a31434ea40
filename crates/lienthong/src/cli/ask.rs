//! The arguments of `lookup` and `verify`: about whom, why, and of which gateway.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use url::Url;

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
    pub(crate) gateway: Option<Url>,
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
