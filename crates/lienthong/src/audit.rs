//! `lienthong audit`: the record, checked from the outside.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use evidence::verify::{self, Progress, ReceiptText, Report, VerifyError};

use crate::cli::{Audit, AuditCommand};
use crate::config::chain;
use crate::exit;

/// Does what is asked.
pub(crate) fn run(arguments: &Audit) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        AuditCommand::Verify { dir, receipt } => verify(dir, receipt.as_deref()),
    }
}

fn verify(dir: &Path, receipt: Option<&Path>) -> anyhow::Result<ExitCode> {
    let report = match verify::directory(dir, progress()) {
        Ok(report) => report,
        Err(error @ VerifyError::Unreadable(_)) => return Err(error.into()),
        Err(error @ (VerifyError::NoLog(_) | VerifyError::Damaged(_))) => {
            eprintln!("not verified: {}", chain(&error));
            return Ok(exit::FAILED.into());
        }
    };
    print(&report);
    match receipt {
        None => Ok(exit::COMPLETE.into()),
        Some(file) => receipts(dir, &read(file)?),
    }
}

/// Checks the receipts of a text: one JSON document, or one per line.
fn receipts(dir: &Path, text: &str) -> anyhow::Result<ExitCode> {
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
    let report = verify::receipts(dir, receipts)?;
    for (place, why) in &report.refused {
        eprintln!("receipt {} is refused: {why}", place + 1);
    }
    println!(
        "{} receipts verified, {} refused",
        report.accepted,
        report.refused.len()
    );
    let good = report.refused.is_empty() && report.accepted > 0;
    Ok(if good { exit::COMPLETE } else { exit::FAILED }.into())
}

fn read(file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| file.display().to_string())
}

/// A line that is written over, on a terminal alone.
fn progress() -> impl FnMut(Progress) {
    let terminal = std::io::stderr().is_terminal();
    move |progress| {
        if terminal && progress.of > 1 {
            let Progress {
                segments,
                of,
                leaves,
            } = progress;
            eprint!("\rsegment {segments} of {of}, {leaves} records");
            if segments == of {
                eprintln!();
            }
        }
    }
}

fn print(report: &Report) {
    println!("log {}", report.origin);
    match report.seqs {
        Some((first, last)) => println!("{} records, {first} to {last}, no gap", report.leaves),
        None => println!("no records"),
    }
    for (kind, count) in &report.by_type {
        println!("  {kind:<12} {count}");
    }
    println!("{} segments, {} bytes", report.segments, report.bytes);
    println!("{} attempts are open", report.open_attempts);
    if report.torn_bytes > 0 {
        println!(
            "{} bytes behind the last whole batch are not read",
            report.torn_bytes
        );
    }
    println!("verified");
}
