//! What is wrong with a configuration, all of it, each with its path and its line.

use std::fmt;
use std::path::{Path, PathBuf};

use super::lines::{self, Lines};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    path: String,
    /// The file of the policy, if it is about one.
    file: Option<PathBuf>,
    what: String,
    line: Option<usize>,
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
            file: None,
            what: what.to_string(),
            line: None,
        });
    }

    /// Adds a problem with a place about which nothing is said yet.
    pub(super) fn add_once(&mut self, path: &str, what: impl fmt::Display) {
        if !self.0.iter().any(|problem| problem.path == path) {
            self.add(path, what);
        }
    }

    /// Adds what makes the text no TOML.
    pub(super) fn syntax(&mut self, text: &str, error: &toml::de::Error) {
        self.add("", error.message());
        if let Some(problem) = self.0.last_mut() {
            problem.line = error.span().map(|span| lines::line(text, &span));
        }
    }

    /// Adds the lines of all that have none yet.
    pub(super) fn locate(&mut self, lines: &Lines) {
        let here = self.0.iter_mut().filter(|problem| problem.file.is_none());
        for problem in here {
            problem.line = problem.line.or_else(|| lines.line(&problem.path));
        }
    }

    /// Adds all of another list.
    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Adds what is wrong with the files of a policy, whose lines are their own.
    pub(crate) fn policy(&mut self, root: &Path, error: &admission::Error) {
        match error {
            admission::Error::Invalid(problems) => {
                for problem in problems {
                    self.in_file(root, &problem.file, |one, text| {
                        one.add(&problem.path, &problem.what);
                        one.locate(&Lines::of(text));
                    });
                }
            }
            admission::Error::Syntax(broken) => {
                for broken in broken {
                    self.in_file(root, &broken.file, |one, text| {
                        one.syntax(text, &broken.error)
                    });
                }
            }
            admission::Error::Read { .. } => self.add("gateway.policy", super::chain(error)),
        }
    }

    /// Adds what is wrong with one file of a policy.
    fn in_file(&mut self, root: &Path, file: &str, tell: impl FnOnce(&mut Self, &str)) {
        // Joined with nothing, a path would end in a slash.
        let file = match file {
            "" => root.to_owned(),
            file => root.join(file),
        };
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let mut inside = Self::default();
        tell(&mut inside, &text);
        self.0.extend(inside.0.into_iter().map(|problem| Problem {
            file: Some(file.clone()),
            ..problem
        }));
    }

    /// True if nothing is wrong.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each on a line of its own.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.iter().map(Problem::to_string).collect()
    }

    /// How many things are wrong.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "gateway.policy ({}): ", file.display())?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.what)?;
        match self.line {
            Some(line) => write!(f, " (line {line})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, problem) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
