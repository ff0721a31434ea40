//! Why a policy file is refused. Not here: why a request is (`check.rs`).

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
    /// The file is no TOML.
    #[error("the policy is no TOML")]
    Syntax(#[source] Box<toml::de::Error>),
    /// The file is TOML, and wrong; everything that is wrong with it.
    #[error("the policy is refused: {}", listed(.0))]
    Invalid(Vec<Problem>),
}

/// One thing that is wrong with a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, counted from 0: `agreement[2].fields[3]`.
    pub path: String,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

fn listed(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    lines.join("; ")
}
