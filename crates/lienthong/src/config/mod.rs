//! The one configuration file, nested of what each crate reads for itself.
//!
//! Everything wrong with it is reported at once, with its path and its line. Relative paths count
//! from the file's folder. Secrets are named by file only.

mod agency;
mod agreements;
mod checked;
mod draft;
mod fixed;
mod lines;
mod panicking;
mod problem;
mod schema;
mod scrutiny;
mod stanza;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use admission::Thresholds;
use evidence::keys::VerifierKey;
use identity::{TlsFiles, TrustDomain};

use agency::Switched;
use draft::Draft;
use lines::Lines;

use crate::sharing;

pub(crate) use agreements::load as load_policy;
pub(crate) use checked::Checked;
pub(crate) use fixed::Fixed;
pub(crate) use problem::Problems;
pub(crate) use schema::schema;

/// The whole file, read and nested; nothing is opened or connected yet.
#[derive(Debug)]
pub(crate) struct Config {
    /// This node's name in every record.
    pub(crate) node: String,
    /// Whose certificates name callers. A first label `sandbox` serves synthetic citizens.
    pub(crate) trust_domain: TrustDomain,
    /// The directory or file of agreements.
    pub(crate) policy: PathBuf,
    /// The keys of which one must have signed them, if there are any.
    pub(crate) policy_keys: Vec<VerifierKey>,
    /// The registry of consents.
    pub(crate) consents: Option<PathBuf>,
    /// The file of canaries.
    pub(crate) canaries: Option<PathBuf>,
    /// The file of highly protected persons.
    pub(crate) protected: Option<PathBuf>,
    /// The step of the times after which verifications are answered.
    pub(crate) verification_step: Duration,
    /// For how long verdicts are remembered.
    pub(crate) verdicts_kept: Duration,
    /// The listeners.
    pub(crate) edge: edge::Config,
    /// The certificates of the agencies' listener.
    pub(crate) tls: TlsFiles,
    /// The log.
    pub(crate) evidence: evidence::Config,
    /// Where quotas are shared, if there are several nodes.
    pub(crate) sharing: Option<sharing::Config>,
    /// From how many on a way of asking is suspicious.
    pub(crate) thresholds: Thresholds,
    /// The agencies that are switched on.
    agencies: Vec<Switched>,
    base: PathBuf,
    lines: Lines,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn load(path: &Path) -> Result<Self, Problems> {
        Draft::load(path).finish()
    }

    /// True if synthetic citizens are served: in a sandbox's trust domain alone.
    pub(crate) fn is_sandbox(&self) -> bool {
        is_sandbox(self.trust_domain.as_str())
    }
}

/// True for `sandbox` and for every domain whose first label it is.
fn is_sandbox(trust_domain: &str) -> bool {
    trust_domain.split('.').next() == Some("sandbox")
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
