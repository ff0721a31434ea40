//! Directories with a log for each half-year. Not here: how each is checked.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use evidence::CHECKPOINT_FILE;
use evidence::keys::PublicKeys;
use evidence::note::{NoteError, Policy, SignedCheckpoint};
use evidence::verify::{self, Follows, PublicReport, Trust};

use super::receipts::{self, Log, Place};
use super::{directory, failed, is_met, print, read};
use crate::cli::Verify;
use crate::exit;

/// Checks each log, that it follows the one before it, and that none is missing at either end.
pub(super) fn verify(
    dir: &Path,
    trust: &Trust,
    knows_the_log: bool,
    arguments: &Verify,
    policy: Option<&Policy>,
) -> anyhow::Result<ExitCode> {
    let logs = verify::half_years(dir)?;
    let origins = logs.iter().map(|log| origin(log));
    let origins: Vec<String> = origins.collect::<Result<_, _>>()?;
    if let Err(error) = each_has_its_log(&trust.older, &origins) {
        return failed(error);
    }
    let mut reports: Vec<PublicReport> = Vec::with_capacity(logs.len());
    for (log, origin) in logs.iter().zip(&origins) {
        let mut of_log = trust.clone();
        let is_of =
            |origin: &str, it: &verify::Witnessed| it.checkpoint.checkpoint().origin == origin;
        of_log.older.retain(|older| is_of(origin, older));
        let (public, report) = match directory(log, &mut of_log, knows_the_log)? {
            Ok(checked) => checked,
            Err(error) => return failed(error),
        };
        print(&public, report.as_ref());
        if !is_met(policy, &public.signers.iter().collect::<Vec<_>>()) {
            return Ok(exit::FAILED.into());
        }
        if let Some(before) = reports.last() {
            let keys = PublicKeys::read(log)?;
            let keys = [keys.of_checkpoints(), keys.of_receipts()].concat();
            match verify::follows(before, &public, &keys) {
                Ok(Follows::Linked) => println!("it follows the log before it"),
                Ok(Follows::NotYet) => println!("it is not linked to the log before it yet"),
                Err(error) => return failed(error),
            }
        }
        println!();
        reports.push(public);
    }
    let is_last = reports.last().map_or(Ok(()), verify::is_last);
    if let Err(error) = verify::is_first(&reports).and(is_last) {
        return failed(error);
    }
    println!("{} logs verified", logs.len());
    match &arguments.receipt {
        None => Ok(exit::COMPLETE.into()),
        Some(file) => {
            let places = logs.into_iter().map(Place::Directory);
            let logs = reports.into_iter().zip(places);
            let logs = logs.map(|(public, place)| Log { public, place });
            receipts::check(&mut logs.collect::<Vec<_>>(), &arguments.vkey, file)
        }
    }
}

/// Refuses older checkpoints of logs that are not there: those would be held against nothing.
fn each_has_its_log(
    older: &[verify::Witnessed],
    origins: &[String],
) -> Result<(), verify::VerifyError> {
    let is_here = |it: &&verify::Witnessed| origins.contains(&it.checkpoint.checkpoint().origin);
    match older.iter().find(|it| !is_here(it)) {
        None => Ok(()),
        Some(lost) => Err(verify::VerifyError::Checkpoint {
            from: lost.from.clone(),
            problem: NoteError::OtherLog,
        }),
    }
}

/// The log of that name in a directory: itself, or the one of a half-year.
pub(super) fn find(dir: &Path, name: Option<&str>) -> anyhow::Result<PathBuf> {
    let logs = verify::half_years(dir)?;
    if logs.is_empty() {
        return Ok(dir.to_owned());
    }
    let name = name.context("the directory has a log for each half-year: name one of them")?;
    for log in logs {
        if origin(&log)? == name {
            return Ok(log);
        }
    }
    anyhow::bail!("{} has no log {name}", dir.display())
}

/// The name of the log in a directory, as its checkpoint has it.
pub(super) fn origin(dir: &Path) -> anyhow::Result<String> {
    let path = dir.join(CHECKPOINT_FILE);
    let shown = SignedCheckpoint::parse(&read(&path)?);
    let shown = shown.map_err(|problem| anyhow::anyhow!("{}: {problem}", path.display()))?;
    Ok(shown.checkpoint().origin.clone())
}
