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
    let Some(root) = made.root else {
        return Ok(exit::COMPLETE.into());
    };
    let (day, tags) = (root.day, root.tags);
    if root.agrees {
        println!("its root for {day}, over {tags} persons and officers, is the one in the log");
        return Ok(exit::COMPLETE.into());
    }
    eprintln!("its root for {day} is not the one in the log");
    if root.changes_since == 0 {
        eprintln!("nobody was erased since: the index of that day did not have every record");
        return Ok(exit::FAILED.into());
    }
    eprintln!(
        "{} ADMIN records came since: an erasure changes it",
        root.changes_since
    );
    Ok(exit::COMPLETE.into())
}
