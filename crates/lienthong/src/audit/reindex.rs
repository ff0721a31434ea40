//! `lienthong audit reindex`: the index of a log, made again. Not here: how.

use std::process::ExitCode;

use anyhow::Context as _;

use super::progress;
use crate::cli::Reindex;
use crate::config::Config;
use crate::exit;

/// Makes the index again.
pub(super) fn run(arguments: &Reindex) -> anyhow::Result<ExitCode> {
    let config = Config::load(&arguments.config).context("the configuration is refused")?;
    let made = evidence::reindex(&config.evidence, progress("part"));
    let made = made.context("the index is not made again")?;
    println!(
        "{} records, {} of them with something that can be opened",
        made.records, made.opened
    );
    Ok(exit::COMPLETE.into())
}
