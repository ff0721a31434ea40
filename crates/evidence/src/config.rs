//! The settings of the log. Not here: keys (see [`crate::keys`]).

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Error;
use crate::half_years::{HEAD, PLACE};
use crate::keys::{ORIGIN, VerifierKey};
use crate::note::{Policy, is_origin};
use crate::private;

/// The settings of one log.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The directory of the log.
    pub dir: PathBuf,
    /// The directory of the private keys; `private` below `dir` if left out. No two nodes share one.
    #[serde(default)]
    pub keys_dir: Option<PathBuf>,
    /// The directory of the keys that sign; `keys_dir` if left out. No two logs share one: where every
    /// half-year has a log, each has a directory below this.
    #[serde(default)]
    pub signing_dir: Option<PathBuf>,
    /// The directory of the private index; `index` below `dir` if left out. It can be made again from
    /// the log and the keys.
    #[serde(default)]
    pub index_dir: Option<PathBuf>,
    /// The file with the connection string of the PostgreSQL that keeps keyring, index and lock store
    /// for several nodes. If left out this node stands alone, and they are files.
    #[serde(default)]
    pub database: Option<PathBuf>,
    /// The authorities of the database's certificate, in PEM; not needed on this machine.
    #[serde(default)]
    pub database_ca: Option<PathBuf>,
    /// The file that holds the latest checkpoint this log has signed, apart from the log; if left out
    /// the database, or without one `dir` with `.head` behind it. It tells when the log was set
    /// back: keep it out of backups of the log. Where `origin` has `{half-year}`, this has it too, and
    /// if left out it is `dir` with `.<half-year>.head` behind it.
    #[serde(default)]
    pub lock_file: Option<PathBuf>,
    /// The name of the log: a URL prefix without scheme, unique per node and half-year. With
    /// `{half-year}` in it every half-year has a log of its own, in a directory below `dir`.
    pub origin: String,
    /// For how many years what is hidden in a log of a half-year is kept: it cannot be retired sooner.
    #[serde(default = "retention_years")]
    pub retention_years: u8,
    /// The name of this node in every leaf.
    pub node: String,
    /// The size to which a segment is preallocated.
    #[serde(default = "segment_bytes")]
    pub segment_bytes: u64,
    /// How many exchanges may be open or waiting for their record at once.
    #[serde(default = "places")]
    pub places: NonZeroU32,
    /// New exchanges are refused while fewer bytes than this are free on the disk.
    #[serde(default = "reserve_bytes")]
    pub reserve_bytes: u64,
    /// New exchanges are refused while a smaller share of the disk than this is free.
    #[serde(default = "reserve_percent")]
    pub reserve_percent: u8,
    /// The least time in milliseconds between the starts of two commits while 32 or more exchanges
    /// are open and come to their end; less by the square while fewer do, none for one alone.
    #[serde(default = "gather_ms")]
    pub gather_ms: u64,
    /// The least time in milliseconds between two checkpoints. A checkpoint comes at once after a
    /// pause, and never without a new record.
    #[serde(default = "publish_ms")]
    pub publish_ms: u64,
    /// How long in seconds the gateway answers on while nothing can be published.
    #[serde(default = "publish_grace_s")]
    pub publish_grace_s: u64,
    /// The file that says which witnesses cosign, and how many of them must:
    /// <https://c2sp.org/tlog-policy>. None are asked if left out.
    #[serde(default)]
    pub witness_policy: Option<PathBuf>,
    /// How long in seconds the gateway answers on while no checkpoint meets the quorum of witnesses;
    /// for ever if left out.
    #[serde(default)]
    pub witness_grace_s: Option<NonZeroU32>,
    /// For how long in seconds the token of a page of a search or a list is good.
    #[serde(default = "page_token_s")]
    pub page_token_s: NonZeroU32,
    /// For how long in seconds the results of a batch job are kept once it is over.
    #[serde(default = "batch_results_s")]
    pub batch_results_s: NonZeroU32,
    /// The time in seconds between two readings of the whole log, to find what was changed or lost on
    /// the disk; the first comes so long after the start. 0: none.
    #[serde(default = "scrub_interval_s")]
    pub scrub_interval_s: u64,
}

impl Config {
    /// The defaults for a log of that name in that directory.
    pub fn new(
        dir: impl Into<PathBuf>,
        origin: impl Into<String>,
        node: impl Into<String>,
    ) -> Self {
        Self {
            dir: dir.into(),
            keys_dir: None,
            signing_dir: None,
            index_dir: None,
            database: None,
            database_ca: None,
            lock_file: None,
            origin: origin.into(),
            node: node.into(),
            retention_years: retention_years(),
            segment_bytes: segment_bytes(),
            places: places(),
            reserve_bytes: reserve_bytes(),
            reserve_percent: reserve_percent(),
            gather_ms: gather_ms(),
            publish_ms: publish_ms(),
            publish_grace_s: publish_grace_s(),
            witness_policy: None,
            witness_grace_s: None,
            page_token_s: page_token_s(),
            batch_results_s: batch_results_s(),
            scrub_interval_s: scrub_interval_s(),
        }
    }

    /// Where the private keys are.
    #[must_use]
    pub fn keys_dir(&self) -> PathBuf {
        self.keys_dir
            .clone()
            .unwrap_or_else(|| self.dir.join("private"))
    }

    /// Where the keys are that sign.
    #[must_use]
    pub fn signing_dir(&self) -> PathBuf {
        self.signing_dir.clone().unwrap_or_else(|| self.keys_dir())
    }

    /// Where the private index is.
    #[must_use]
    pub fn index_dir(&self) -> PathBuf {
        let below = || self.dir.join("index");
        self.index_dir.clone().unwrap_or_else(below)
    }

    /// Where the lock store is.
    #[must_use]
    pub fn lock_file(&self) -> PathBuf {
        let beside = || self.dir.with_added_extension(HEAD);
        self.lock_file.clone().unwrap_or_else(beside)
    }

    /// Says what is wrong with the settings by themselves, each with its name.
    #[must_use]
    pub fn check_settings(&self) -> Vec<(&'static str, &'static str)> {
        let percent = "is a share of the disk: 100 at the most";
        let gather = "is longer than a second: every answer would wait for it";
        [
            (!is_name_of_log(&self.origin), "origin", ORIGIN),
            (!is_node(&self.node), "node", NODE_NAME),
            (self.reserve_percent > 100, "reserve_percent", percent),
            (self.gather_ms > MOST_GATHER_MS, "gather_ms", gather),
            (!keeps_files(&self.dir), "dir", DIR),
        ]
        .into_iter()
        .filter(|(is_wrong, ..)| *is_wrong)
        .map(|(_, setting, problem)| (setting, problem))
        .collect()
    }

    /// Reads how the database is reached, without connecting.
    ///
    /// # Errors
    /// A file cannot be read or is readable for others, or does not say enough.
    pub fn check_database(&self) -> Result<(), Error> {
        private::check_access(self)
    }

    /// Reads the policy of witnesses; none if there is none.
    ///
    /// # Errors
    /// It cannot be read or is none, or those of its witnesses that can be asked cannot meet it.
    pub fn witnesses(&self) -> Result<Option<Policy>, Error> {
        let Some(path) = &self.witness_policy else {
            return match self.witness_grace_s {
                Some(_) => Err(Error::Setting {
                    setting: "witness_grace_s",
                    problem: "means nothing without witness_policy",
                }),
                None => Ok(None),
            };
        };
        let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
        let policy = Policy::parse(&text).map_err(|source| Error::Policy {
            path: path.clone(),
            source,
        })?;
        let asked = policy.witnesses.iter().filter(|it| it.url.is_some());
        let keys: Vec<&VerifierKey> = asked.map(|witness| &witness.key).collect();
        let problem = match keys.len() {
            0 => "has no witness with a URL",
            count if count > MAX_WITNESSES => "has more witnesses than a checkpoint has room for",
            _ if policy.is_met(&keys) => return Ok(Some(policy)),
            _ => "asks for more witnesses than those that have a URL",
        };
        Err(Error::Setting {
            setting: "witness_policy",
            problem,
        })
    }

    /// How long the quorum may be missing.
    pub(crate) fn witness_grace(&self) -> Option<Duration> {
        let seconds = self.witness_grace_s?;
        Some(Duration::from_secs(u64::from(seconds.get())))
    }

    pub(crate) const fn gather(&self) -> Duration {
        Duration::from_millis(self.gather_ms)
    }
}

/// True for the name of a node: it stands in every leaf and in every count.
#[must_use]
pub fn is_node(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=64).contains(&name.len()) && name.chars().all(is_plain)
}

/// What the name of a node is to be.
pub const NODE_NAME: &str = "must be 1 to 64 letters, digits, hyphens, underscores or dots";

fn is_name_of_log(origin: &str) -> bool {
    is_origin(&origin.replace(PLACE, "2026h1"))
}

/// True if a directory is there or can be made: what stands nearest above it is a directory, on a
/// file system that has room for something.
fn keeps_files(dir: &Path) -> bool {
    let nearest = dir.ancestors().find(|it| it.exists());
    let nearest = nearest.unwrap_or(Path::new("."));
    let has_room = |stat: rustix::fs::StatVfs| stat.f_blocks > 0;
    nearest.is_dir() && rustix::fs::statvfs(nearest).is_ok_and(has_room)
}

const DIR: &str = "is no directory, and none can be made there";

/// A whole second, in which a record must be under a checkpoint.
const MOST_GATHER_MS: u64 = 1000;

/// With those of the log itself, as many signatures as are read of a checkpoint: two, four while
/// its keys rotate, six for a moment when they are replaced meanwhile.
const MAX_WITNESSES: usize = 58;

/// As long as what is recorded of an access may be asked for.
const fn retention_years() -> u8 {
    5
}

/// Some 40 000 exchanges; replayed in well under a second at start.
const fn segment_bytes() -> u64 {
    64 << 20
}

/// At 10 000 exchanges a second, 0.4 s of a disk that does not answer.
fn places() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(4095)
}

const fn reserve_bytes() -> u64 {
    1 << 30
}

const fn reserve_percent() -> u8 {
    5
}

/// A commit costs 100 to 200 µs of CPU whatever its size: 170 a second keep that at a fortieth of a
/// core. Where agencies answer at once, 32 exchanges are open when the core has no time left, and
/// 16 or fewer at half of that: 3 ms leave room for the sync in the 5 ms that the gateway may add.
const fn gather_ms() -> u64 {
    2
}

/// Half of the second in which a record must be under a checkpoint.
const fn publish_ms() -> u64 {
    500
}

/// A quarter of an hour: the record is durable, but nobody else has seen it.
const fn publish_grace_s() -> u64 {
    15 * 60
}

/// A day: nobody reads longer in one list, and a list as it was then says little any more.
fn page_token_s() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(24 * 3600 - 1)
}

/// A day: who is closed over night, or at the weekend by an outage, fetches what was asked before.
fn batch_results_s() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(24 * 3600 - 1)
}

/// An hour: so long a change may go unnoticed.
const fn scrub_interval_s() -> u64 {
    3600
}
