//! `lienthong audit prove`, and the check of what it makes.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use evidence::note::LogProof;
use evidence::tree::leaf_hash;
use evidence::verify::{self, Directory, Extra, Files, ReceiptText, VerifyError};

use super::{half_years, is_url, read};
use crate::audit::remote::Remote;
use crate::cli::{Prove, Verify};
use crate::exit;

/// Writes a proof that a record is in a log.
pub(super) fn run(arguments: &Prove) -> anyhow::Result<ExitCode> {
    let (seq, expected, origin) = match (&arguments.receipt, arguments.seq) {
        (Some(file), _) => {
            let receipt = ReceiptText::from_json(read(file)?.as_bytes())?;
            (receipt.seq, Some(receipt.leaf_hash), Some(receipt.origin))
        }
        (None, Some(seq)) => (seq, None, None),
        (None, None) => {
            return Err(exit::USAGE.because("say which record: --seq or --receipt"));
        }
    };
    let mut files: Box<dyn Files> = if is_url(&arguments.log) {
        Box::new(Remote::new(&arguments.log)?)
    } else {
        let dir = Path::new(&arguments.log);
        Box::new(Directory(half_years::find(dir, origin.as_deref())?))
    };
    let Some((proof, leaf)) = published(&mut *files, seq)? else {
        eprintln!("the log has no record {seq} under a checkpoint");
        return Ok(exit::FAILED.into());
    };
    if expected.is_some_and(|hash| hash != leaf_hash(&leaf)) {
        eprintln!("the log has another record at {seq} than the receipt says");
        return Ok(exit::FAILED.into());
    }
    let extra = Extra::new(leaf, &[]).context("the record is not UTF-8")?;
    let proof = extra.on(proof);
    match &arguments.out {
        Some(file) => {
            std::fs::write(file, proof.to_string()).with_context(|| file.display().to_string())?;
        }
        None => print!("{proof}"),
    }
    Ok(exit::COMPLETE.into())
}

/// The proof of a record; one that was just made is under a checkpoint within a second.
fn published(files: &mut dyn Files, seq: u64) -> Result<Option<(LogProof, Vec<u8>)>, VerifyError> {
    for _ in 0..ROUNDS {
        let proved = verify::prove(files, seq)?;
        if proved.is_some() {
            return Ok(proved);
        }
        std::thread::sleep(ROUND);
    }
    verify::prove(files, seq)
}

/// Checks a proof by itself, without its log.
pub(super) fn verify_file(file: &Path, arguments: &Verify) -> anyhow::Result<ExitCode> {
    if !arguments.old.is_empty() || arguments.receipt.is_some() {
        let what = "a proof is checked by itself: --old and --receipt are for logs";
        return Err(exit::USAGE.because(what));
    }
    let policy = arguments.policy.as_deref().map(super::policy).transpose()?;
    let keys = super::keys(arguments, policy.as_ref());
    if keys.is_empty() {
        let what = "say with --vkey or --policy which key signs the log";
        return Err(exit::USAGE.because(what));
    }
    let text = read(file)?;
    let named = |problem| anyhow!("{}: {problem}", file.display());
    let proof = LogProof::parse(&text).map_err(|problem| named(problem.to_string()))?;
    let extra = Extra::of(&proof).ok_or_else(|| named("carries no record to check".to_owned()))?;
    if let Some(field) = extra.check() {
        eprintln!("not verified: what is said to open `{field}` does not");
        return Ok(exit::FAILED.into());
    }
    match proof.verify(&leaf_hash(extra.leaf.as_bytes()), &keys) {
        Err(problem) => {
            eprintln!("not verified: the proof {problem}");
            Ok(exit::FAILED.into())
        }
        Ok(signers) if !super::is_met(policy.as_ref(), &signers) => Ok(exit::FAILED.into()),
        Ok(signers) => {
            let checkpoint = proof.checkpoint.checkpoint();
            println!("{}", extra.leaf);
            println!(
                "record {} of log {}, under a checkpoint over {} records, signed by {} keys",
                proof.index,
                checkpoint.origin,
                checkpoint.size,
                signers.len()
            );
            println!("verified");
            Ok(exit::COMPLETE.into())
        }
    }
}

/// How often is looked again for the checkpoint.
const ROUNDS: u32 = 6;
const ROUND: Duration = Duration::from_millis(250);
