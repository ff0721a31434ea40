//! `lienthong audit`: the record, checked from the outside, and searched.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, ensure};
use evidence::keys::{PUBLIC_FILE, PublicKeys, VerifierKey};
use evidence::note::{Policy, SignedCheckpoint};
use evidence::verify::{
    self, Directory, Progress, PublicReport, ReceiptText, Report, Trust, VerifyError, Witnessed,
};
use evidence::{CHECKPOINT_FILE, Config};

mod backup;
mod export;
mod prove;
mod reindex;
mod remote;
mod rotate;
mod show;

use crate::cli::{Audit, AuditCommand, Verify};
use crate::config::chain;
use crate::exit;
use remote::Remote;

/// Does what is asked.
pub(crate) fn run(arguments: &Audit) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        AuditCommand::Verify(arguments) => verify(arguments),
        AuditCommand::Prove(arguments) => prove::run(arguments),
        AuditCommand::Show(arguments) => show::run(arguments),
        AuditCommand::Export(arguments) => export::run(arguments),
        AuditCommand::Backup(arguments) => backup::run(arguments),
        AuditCommand::Reindex(arguments) => reindex::run(arguments),
        AuditCommand::RotateKeys(arguments) => rotate::run(arguments),
    }
}

fn verify(arguments: &Verify) -> anyhow::Result<ExitCode> {
    let file = Path::new(&arguments.log);
    if file.is_file() {
        return prove::verify_file(file, arguments);
    }
    let policy = arguments.policy.as_deref().map(policy).transpose()?;
    let older = arguments.old.iter().map(|file| older(file));
    let trusted = keys(arguments, policy.as_ref());
    let mut trust = Trust {
        keys: trusted.clone(),
        older: older.collect::<anyhow::Result<_>>()?,
    };
    let of_policy = policy.iter().flat_map(|policy| &policy.logs);
    let knows_the_log = arguments.vkey.iter().chain(of_policy).next().is_some();
    let checked = if is_url(&arguments.log) {
        ensure!(
            arguments.receipt.is_none(),
            "receipts are checked against the directory of a log"
        );
        ensure!(
            knows_the_log,
            "say with --vkey or --policy which key signs the log; its operator publishes it, and sandbox.json \
             has that of a sandbox"
        );
        let mut files = Remote::new(&arguments.log)?;
        verify::public(&mut files, &trust, progress("bundle")).map(|public| (public, None))
    } else {
        // Also `.` has a name, beside which its lock store lies.
        let dir = Path::new(&arguments.log);
        let dir = &dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        if !knows_the_log {
            trust.keys.extend(believed(dir)?.of_checkpoints());
        }
        trust.older.extend(lock_store(dir)?);
        if is_copy(dir) {
            println!("a copy of the public log alone: there is no write-ahead log");
            let mut files = Directory(dir.clone());
            verify::public(&mut files, &trust, progress("bundle")).map(|public| (public, None))
        } else {
            let checked = verify::whole(dir, &trust, progress("part"));
            checked.map(|(public, report)| (public, Some(report)))
        }
    };
    let (public, report) = match checked {
        Ok(checked) => checked,
        Err(error @ (VerifyError::Unreadable(_) | VerifyError::Fetch(_))) => {
            return Err(error.into());
        }
        Err(error) => {
            eprintln!("not verified: {}", chain(&error));
            return Ok(exit::FAILED.into());
        }
    };
    print(&public, report.as_ref());
    if !is_met(policy.as_ref(), &public.signers.iter().collect::<Vec<_>>()) {
        return Ok(exit::FAILED.into());
    }
    println!("verified");
    match &arguments.receipt {
        None => Ok(exit::COMPLETE.into()),
        Some(file) => receipts(Path::new(&arguments.log), &trusted, &read(file)?),
    }
}

/// True for what `audit export` has written.
fn is_copy(dir: &Path) -> bool {
    dir.join(CHECKPOINT_FILE).exists() && !dir.join("wal").exists()
}

fn is_url(log: &str) -> bool {
    ["http://", "https://"].iter().any(|it| log.starts_with(it))
}

/// A policy in a file.
fn policy(file: &Path) -> anyhow::Result<Policy> {
    let parsed = Policy::parse(&read(file)?);
    parsed.with_context(|| file.display().to_string())
}

/// The keys that are trusted.
fn keys(arguments: &Verify, policy: Option<&Policy>) -> Vec<VerifierKey> {
    let mut keys = arguments.vkey.clone();
    keys.extend(policy.map(Policy::keys).unwrap_or_default());
    keys
}

/// True if a policy asks for no more witnesses than these; complains if it does.
fn is_met(policy: Option<&Policy>, signers: &[&VerifierKey]) -> bool {
    let met = policy.is_none_or(|policy| policy.is_met(signers));
    if !met {
        eprintln!("not verified: too few witnesses of the policy have cosigned the checkpoint");
    }
    met
}

/// The keys that a directory itself names.
fn believed(dir: &Path) -> anyhow::Result<PublicKeys> {
    if !dir.join(PUBLIC_FILE).exists() {
        return Ok(PublicKeys::default());
    }
    Ok(PublicKeys::read(dir)?)
}

/// A checkpoint in a file.
fn older(file: &Path) -> anyhow::Result<Witnessed> {
    let text = read(file)?;
    let checkpoint = SignedCheckpoint::parse(&text);
    Ok(Witnessed {
        from: file.display().to_string(),
        checkpoint: checkpoint.map_err(|problem| anyhow!("{}: {problem}", file.display()))?,
    })
}

/// What the lock store beside a directory holds, if it is there.
fn lock_store(dir: &Path) -> anyhow::Result<Option<Witnessed>> {
    let file = Config::new(dir, "", "").lock_file();
    if !file.exists() {
        return Ok(None);
    }
    let held = older(&file)?;
    let from = format!("the lock store {}", file.display());
    Ok(Some(Witnessed { from, ..held }))
}

/// Checks the receipts of a text: one JSON document, or one per line. Of keys that were given, those
/// of receipts count; else those that the directory names.
fn receipts(dir: &Path, given: &[VerifierKey], text: &str) -> anyhow::Result<ExitCode> {
    let own = given
        .is_empty()
        .then(|| PublicKeys::read(dir))
        .transpose()?;
    let keys = own.map_or_else(|| given.to_vec(), |own| own.of_receipts());
    ensure!(
        keys.iter().any(|key| key.name().ends_with("/receipt")),
        "say with --vkey which key signs receipts, too; the file `keys` of the log names it"
    );
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
    let report = verify::receipts(dir, &keys, receipts)?;
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
fn progress(what: &'static str) -> impl FnMut(Progress) {
    let terminal = std::io::stderr().is_terminal();
    move |progress| {
        let Progress { done, of, leaves } = progress;
        if terminal && of > 1 {
            eprint!("\r{what} {done} of {of}, {leaves} records");
            if done == of {
                eprintln!();
            }
        }
    }
}

fn print(public: &PublicReport, report: Option<&Report>) {
    let checkpoint = public.checkpoint.checkpoint();
    println!("log {}", checkpoint.origin);
    println!(
        "checkpoint over {} records, signed by {} keys; {} tiles, {} older checkpoints",
        checkpoint.size,
        public.signers.len(),
        public.tiles,
        public.older
    );
    for key in &public.signers {
        println!("  {key:?}");
    }
    let census = report.map_or(&public.census, |report| &report.census);
    let unshown = census.leaves.saturating_sub(checkpoint.size);
    if unshown > 0 {
        println!("{unshown} records are under no checkpoint yet: no signature covers them");
    }
    match census.leaves.checked_sub(1) {
        Some(last) => println!("{} records, 0 to {last}, no gap", census.leaves),
        None => println!("no records"),
    }
    for (kind, count) in &census.by_type {
        println!("  {kind:<12} {count}");
    }
    for change in &census.keys {
        let (seq, add, gone) = (change.seq, &change.add, &change.gone);
        for (keys, what) in [(add, "sign from here on"), (gone, "sign no more")] {
            if !keys.is_empty() {
                println!("record {seq}: the keys {keys:?} {what}");
            }
        }
    }
    if let Some(report) = report {
        println!("{} segments, {} bytes", report.segments, report.bytes);
        println!("{} attempts are open", report.open_attempts);
        if report.torn_bytes > 0 {
            println!(
                "{} bytes behind the last whole batch are not read",
                report.torn_bytes
            );
        }
    }
}
