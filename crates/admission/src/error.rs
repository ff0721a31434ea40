//! Why a policy is refused. Not here: why a request is (`check.rs`).

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a policy could not be loaded; the policy in force stays.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Some of its files are no TOML.
    #[error("the policy is no TOML: {}", listed(.0))]
    Syntax(Vec<SyntaxError>),
    /// The files are TOML, and wrong; everything that is wrong with them.
    #[error("the policy is refused: {}", listed(.0))]
    Invalid(Vec<Problem>),
}

/// A file that is no TOML.
#[derive(Debug)]
pub struct SyntaxError {
    /// Its path within the policy; empty if that is one file.
    pub file: String,
    /// Where it is none, and why.
    pub error: toml::de::Error,
}

/// One thing that is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path of the file within the policy; empty if that is one file.
    pub file: String,
    /// Where in the file, counted from 0: `agreement[2].fields[3]`; empty for the whole of it.
    pub path: String,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = [self.file.as_str(), self.path.as_str()];
        for part in place.into_iter().filter(|part| !part.is_empty()) {
            write!(f, "{part}: ")?;
        }
        f.write_str(&self.what)
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}: ", self.file)?;
        }
        f.write_str(self.error.message())
    }
}

fn listed(problems: &[impl fmt::Display]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("; ")
}
