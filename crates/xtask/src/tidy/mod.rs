//! What no compiler checks: the rules of the house for files, each a small function.
//!
//! Not here: formatting and lints (rustfmt, clippy), or which crate may use which (`layers`).

use std::fmt;
use std::path::Path;

use anyhow::{Result, bail};

use crate::breaches;
use tree::Tree;

mod agencies;
mod house;
mod links;
mod source;
pub(crate) mod tree;

/// One rule.
struct Rule {
    name: &'static str,
    /// What breaks it.
    check: fn(&Tree) -> Vec<Violation>,
    /// Why it is a rule.
    reason: &'static str,
}

/// One place where a rule is broken.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    path: String,
    /// From 1; 0 for the whole file.
    line: usize,
    what: String,
}

impl Violation {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        let what = what.into();
        Self {
            path: path.to_owned(),
            line,
            what,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

const RULES: &[Rule] = &[
    Rule {
        name: "opening",
        check: source::opening,
        reason: "a reader learns first what a file is, and what it is not",
    },
    Rule {
        name: "length",
        check: source::length,
        reason: "a file that needs scrolling for minutes is two files",
    },
    Rule {
        name: "leftovers",
        check: source::leftovers,
        reason: "what is to be done stands in an issue, where somebody looks",
    },
    Rule {
        name: "ignored tests",
        check: source::ignored_tests,
        reason: "a test that does not run says nothing",
    },
    Rule {
        name: "lints",
        check: house::lints,
        reason: "one set of lints for all crates",
    },
    Rule {
        name: "crate map",
        check: house::crate_map,
        reason: "the map of the README is the way in",
    },
    Rule {
        name: "agencies apart",
        check: agencies::apart,
        reason: "an agency's folder can be deleted, in any order",
    },
    Rule {
        name: "links",
        check: links::resolve,
        reason: "a link leads somewhere",
    },
];

/// Checks every rule on the checkout.
pub(crate) fn run(root: &Path) -> Result<()> {
    let tree = Tree::load(root)?;
    let mut count = 0;
    for rule in RULES {
        let violations = (rule.check)(&tree);
        for violation in &violations {
            println!("tidy: {violation}");
        }
        if !violations.is_empty() {
            println!("tidy: rule \"{}\": {}", rule.name, rule.reason);
        }
        count += violations.len();
    }
    if count > 0 {
        bail!("{} of the rules of the house", breaches(count));
    }
    println!("tidy: {} rules, {} files", RULES.len(), tree.len());
    Ok(())
}
