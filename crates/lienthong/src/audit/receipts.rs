//! Receipts, checked against the logs that they are of: against the write-ahead log where there is one,
//! else against what is public. Not here: how the logs themselves are checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use evidence::keys::VerifierKey;
use evidence::verify::{self, Directory, Files, PublicReport, ReceiptReport, ReceiptText};

use super::remote::Remote;
use super::{believed, is_copy, read};
use crate::exit;

/// A log that was checked.
pub(super) struct Log {
    pub(super) public: PublicReport,
    pub(super) place: Place,
}

/// Where it is.
pub(super) enum Place {
    Directory(PathBuf),
    Url(Box<Remote>),
}

/// Checks the receipts of a file against these logs. Of keys that were given, those of receipts count;
/// else those that the directories name.
pub(super) fn check(
    logs: &mut [Log],
    given: &[VerifierKey],
    file: &Path,
) -> anyhow::Result<ExitCode> {
    let texts = documents(&read(file)?)?;
    ensure!(!texts.is_empty(), "{} holds no receipt", file.display());
    let (mut accepted, mut reasons) = (0, BTreeMap::new());
    let is_one = logs.len() == 1;
    for log in logs {
        let keys = log.keys(given)?;
        if !keys.iter().any(|key| key.name().ends_with("/receipt")) {
            return Err(exit::USAGE.because(NO_KEY));
        }
        let origin = &log.public.checkpoint.checkpoint().origin;
        let of_log = |text: &ReceiptText| is_one || text.origin == *origin;
        let (places, texts): (Vec<usize>, Vec<ReceiptText>) = (0..)
            .zip(&texts)
            .filter(|(_, text)| of_log(text))
            .map(|(place, text)| (place, text.clone()))
            .unzip();
        if places.is_empty() {
            continue;
        }
        let report = log.receipts(&keys, texts)?;
        accepted += report.accepted;
        let refused = report.refused.into_iter();
        reasons.extend(refused.filter_map(|(at, why)| Some((*places.get(at)?, why.to_string()))));
    }
    let missing = texts.len() as u64 - accepted - reasons.len() as u64;
    for (place, why) in &reasons {
        eprintln!("receipt {} is refused: {why}", place + 1);
    }
    if missing > 0 {
        eprintln!("{missing} receipts are of other logs");
    }
    let refused = missing + reasons.len() as u64;
    println!("{accepted} receipts verified, {refused} refused");
    let is_good = refused == 0 && accepted > 0;
    Ok(if is_good {
        exit::COMPLETE
    } else {
        exit::FAILED
    }
    .into())
}

impl Log {
    /// The keys by which its receipts are believed.
    fn keys(&self, given: &[VerifierKey]) -> anyhow::Result<Vec<VerifierKey>> {
        match &self.place {
            Place::Directory(dir) if given.is_empty() => Ok(believed(dir)?.of_receipts()),
            Place::Directory(_) | Place::Url(_) => Ok(given.to_vec()),
        }
    }

    /// Checks receipts. The public log says as much as the other, but not of the last second.
    fn receipts(
        &mut self,
        keys: &[VerifierKey],
        texts: Vec<ReceiptText>,
    ) -> anyhow::Result<ReceiptReport> {
        let files: &mut dyn Files = match &mut self.place {
            Place::Directory(dir) if !is_copy(dir) => {
                return Ok(verify::receipts(dir, keys, texts)?);
            }
            Place::Directory(dir) => &mut Directory(dir.clone()),
            Place::Url(files) => &mut **files,
        };
        Ok(verify::receipts_shown(files, &self.public, keys, texts)?)
    }
}

/// The receipts of a text: one JSON document, or one per line.
fn documents(text: &str) -> anyhow::Result<Vec<ReceiptText>> {
    let documents: Vec<&str> = match serde_json::from_str::<serde_json::Value>(text) {
        Ok(_) => vec![text],
        Err(_) => text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect(),
    };
    let mut receipts = Vec::with_capacity(documents.len());
    for (place, document) in documents.iter().enumerate() {
        let receipt = ReceiptText::from_json(document.as_bytes());
        receipts.push(receipt.with_context(|| format!("receipt {}", place + 1))?);
    }
    Ok(receipts)
}

const NO_KEY: &str =
    "say with --vkey which key signs receipts, too; the file `keys` of the log names it";
