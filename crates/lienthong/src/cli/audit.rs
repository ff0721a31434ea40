//! The command line of `audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use evidence::keys::VerifierKey;

use super::Address;

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    #[command(subcommand)]
    pub(crate) command: AuditCommand,
}

/// What to do with the record.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Check a whole log, and that a receipt's record is in it once.
    ///
    /// A directory is checked in both its forms: the public log and the write-ahead log. Of a URL
    /// only the public log can be read, and the key must be given, for receipts also theirs: the
    /// directory names its own.
    ///
    /// A proof that `audit prove` has made is checked by itself.
    Verify(Verify),
    /// Write the proof that a record is in a log, as others can check it: c2sp.org/tlog-proof.
    Prove(Prove),
    /// Find records through a gateway, open them, and check what was opened.
    ///
    /// Needs an agreement with the duty `SEARCH_RECORDS`; the gateway records who looked, and why.
    Show(Box<Show>),
    /// Copy a public log into a directory of its own, checked while it is copied.
    ///
    /// The copy can be checked again anywhere, without the gateway: `lienthong audit verify DIR`.
    Export(Export),
    /// Copy a whole log, so that a gateway can go on from the copy; also while one writes it.
    ///
    /// Copied again into the same directory, only what is new is written. Keys are not copied.
    Backup(Backup),
    /// Make the index of a log again, from its records and keys; no gateway may run on it.
    ///
    /// A gateway does the same by itself when it finds no index.
    Reindex(Reindex),
    /// Destroy what is hidden in the log of a half-year, with every key to it; no gateway may run.
    ///
    /// The public log stays and verifies. It is recorded first, in the log of today. Refused before
    /// `retention_years` have gone by since the end of the half-year. It cannot be undone.
    Retire(Retire),
    /// Let new keys sign the record, and in the end let the old ones go.
    ///
    /// First without a flag: new private keys are made beside the present ones. A gateway that runs
    /// takes them up within a second, one that does not at its next start: a KEY record names them,
    /// the new key signs receipts, and old and new ones sign checkpoints together.
    ///
    /// Then give the new keys to every witness and every auditor. When they have them, run it again
    /// with --finish: the old keys sign no more, and their private halves are destroyed. What they have
    /// signed stays valid.
    ///
    /// Run it as the user of the gateway, who must be able to read the files.
    RotateKeys(RotateKeys),
}

/// Arguments of `audit verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The directory of the log, or the URL at which it is served; or the file of a proof.
    #[arg(value_name = "DIR|URL|PROOF")]
    pub(crate) log: String,
    /// A receipt: the JSON of a lookup, or of several, one per line; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: Option<PathBuf>,
    /// A key that signs the log's checkpoints, or did, as `name+id+base64`; may be given more than
    /// once. A directory then need not be believed about its keys.
    #[arg(long, value_name = "KEY")]
    pub(crate) vkey: Vec<VerifierKey>,
    /// A checkpoint that the log has shown before: it must be a continuation. May be given more
    /// than once.
    #[arg(long, value_name = "FILE")]
    pub(crate) old: Vec<PathBuf>,
    /// Whom to believe, as c2sp.org/tlog-policy has it: logs, witnesses, and how many of these must
    /// have cosigned the checkpoint. Adds its logs to --vkey.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

/// Arguments of `audit prove`.
#[derive(Debug, Args)]
pub(crate) struct Prove {
    /// The directory of the log, or the URL at which it is served.
    #[arg(value_name = "DIR|URL")]
    pub(crate) log: String,
    /// The number of the record.
    #[arg(long, value_name = "N", conflicts_with = "receipt")]
    pub(crate) seq: Option<u64>,
    /// The receipt of the record: the JSON of a lookup; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: Option<PathBuf>,
    /// Where the proof goes; by custom its name ends in `.tlog-proof`. Standard output if left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// Arguments of `audit show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) address: Address,
    /// Why; the caller's first purpose if left out.
    #[arg(long)]
    pub(crate) purpose: Option<String>,
    /// The officer on whose behalf.
    #[arg(long)]
    pub(crate) officer: Option<String>,
    /// Why, in words.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Records about this person: 12-digit personal id or 9-digit CMND.
    #[arg(long, value_name = "ID")]
    pub(crate) subject: Option<String>,
    /// Records of the call with this id.
    #[arg(long, value_name = "UUID")]
    pub(crate) request: Option<String>,
    /// Records of calls by this agency.
    #[arg(long, value_name = "CODE")]
    pub(crate) agency: Option<String>,
    /// Records of calls on behalf of this officer.
    #[arg(long, value_name = "OFFICER")]
    pub(crate) about_officer: Option<String>,
    /// Not before this time: `2026-11-23T00:00:00Z`.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// At least so many records are shown, if there are.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,
    /// How long to wait for each page, in seconds.
    #[arg(long, default_value_t = 10)]
    pub(crate) wait: u64,
    /// Print the JSON of the REST answer, a record per line.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `audit export`.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The directory of the log, or the URL at which it is served.
    #[arg(value_name = "DIR|URL")]
    pub(crate) log: String,
    /// Where the copy goes; it must be empty, or not there.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// A key that signs the log's checkpoints or its receipts; may be given more than once. Of a
    /// directory, those it names itself if left out.
    #[arg(long, value_name = "KEY")]
    pub(crate) vkey: Vec<VerifierKey>,
    /// A checkpoint that the log has shown before; may be given more than once.
    #[arg(long, value_name = "FILE")]
    pub(crate) old: Vec<PathBuf>,
    /// Whom to believe: c2sp.org/tlog-policy.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

/// Arguments of `audit backup`.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The directory of the log, or of the logs of all half-years.
    #[arg(value_name = "DIR")]
    pub(crate) log: PathBuf,
    /// Where the copy goes; what is there must be an older copy of the same log.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// Arguments of `audit reindex`.
#[derive(Debug, Args)]
pub(crate) struct Reindex {
    /// The configuration of the gateway.
    #[arg(long, value_name = "FILE", default_value = "lienthong.toml")]
    pub(crate) config: PathBuf,
}

/// Arguments of `audit retire`.
#[derive(Debug, Args)]
pub(crate) struct Retire {
    /// The half-year, such as 2026h1.
    pub(crate) half_year: String,
    /// The configuration of the gateway.
    #[arg(long, value_name = "FILE", default_value = "lienthong.toml")]
    pub(crate) config: PathBuf,
}

/// Arguments of `audit rotate-keys`.
#[derive(Debug, Args)]
pub(crate) struct RotateKeys {
    /// The configuration of the gateway.
    #[arg(long, value_name = "FILE", default_value = "lienthong.toml")]
    pub(crate) config: PathBuf,
    /// End the rotation: the old keys sign no more, and are destroyed.
    #[arg(long)]
    pub(crate) finish: bool,
    /// Somebody else may have the present keys: new ones sign instead of them at once, without an
    /// overlap. Witnesses and auditors must be told by another way than the log.
    #[arg(long, conflicts_with = "finish")]
    pub(crate) leaked: bool,
}
