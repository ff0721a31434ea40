//! Exit codes, the same for every subcommand.

use std::fmt;
use std::process::ExitCode;

/// What a run of the program came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit(u8);

/// All that was asked for.
pub(crate) const COMPLETE: Exit = Exit(0);
/// The program failed, or what was checked does not hold.
pub(crate) const FAILED: Exit = Exit(1);
/// The command line or the request is malformed.
pub(crate) const USAGE: Exit = Exit(2);
/// At least one source gave no answer, or claims could not be decided.
pub(crate) const PARTIAL: Exit = Exit(3);
/// No such person, or claims that are not confirmed.
pub(crate) const NOT_FOUND: Exit = Exit(4);
/// The gateway refuses.
pub(crate) const REFUSED: Exit = Exit(5);
/// The gateway, or every source, is unavailable.
pub(crate) const UNAVAILABLE: Exit = Exit(6);

/// Why a run ended as its exit code says.
#[derive(Debug)]
pub(crate) struct Ended {
    exit: Exit,
    what: String,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Ended {}

impl Exit {
    /// The error that ends the program with this code.
    pub(crate) fn because(self, what: impl fmt::Display) -> anyhow::Error {
        let what = what.to_string();
        Ended { exit: self, what }.into()
    }

    /// The code that an error ends the program with.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        error.downcast_ref().map_or(FAILED, |it: &Ended| it.exit)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}
