//! What is wrong with a configuration, all of it, each with its path.

use std::fmt;
use std::path::Path;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    path: String,
    what: String,
}

/// Everything that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// A single problem.
    pub(crate) fn one(path: &str, what: impl fmt::Display) -> Self {
        let mut problems = Self::default();
        problems.add(path, what);
        problems
    }

    /// Adds a problem.
    pub(crate) fn add(&mut self, path: &str, what: impl fmt::Display) {
        self.0.push(Problem {
            path: path.to_owned(),
            what: what.to_string(),
        });
    }

    /// Adds what an agency found wrong with its stanza.
    pub(crate) fn agency(&mut self, stanza: &str, problems: &[agencies::Problem]) {
        for problem in problems {
            self.add(&format!("{stanza}.{}", problem.key), &problem.what);
        }
    }

    /// Adds what is wrong with the file of agreements.
    pub(crate) fn policy(&mut self, file: &Path, error: &admission::Error) {
        let path = format!("gateway.policy ({})", file.display());
        match error {
            admission::Error::Invalid(problems) => {
                for problem in problems {
                    self.add(&path, problem);
                }
            }
            admission::Error::Read { .. } | admission::Error::Syntax(_) => {
                self.add(&path, super::chain(error));
            }
        }
    }

    /// True if nothing is wrong.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many things are wrong.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, Problem { path, what }) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            if path.is_empty() {
                f.write_str(what)?;
            } else {
                write!(f, "{path}: {what}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
