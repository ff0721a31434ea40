//! `lienthong audit`: the record, checked from the outside, and searched.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, ensure};
use evidence::CHECKPOINT_FILE;
use evidence::keys::{PUBLIC_FILE, PublicKeys, VerifierKey};
use evidence::note::{Policy, SignedCheckpoint};
use evidence::verify::{
    self, Directory, Progress, PublicReport, Report, Trust, VerifyError, Witnessed,
};

mod backup;
mod export;
mod half_years;
mod prove;
mod receipts;
mod reindex;
mod remote;
mod retire;
mod rotate;
mod show;

use crate::cli::{Audit, AuditCommand, Verify};
use crate::config::chain;
use crate::exit;
use receipts::{Log, Place};
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
        AuditCommand::Retire(arguments) => retire::run(arguments),
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
    let (checked, place) = if is_url(&arguments.log) {
        if !knows_the_log {
            return Err(exit::USAGE.because(UNKNOWN_LOG));
        }
        let mut files = Remote::new(&arguments.log)?;
        let checked = verify::public(&mut files, &trust, progress("bundle"));
        (
            checked.map(|public| (public, None)),
            Place::Url(Box::new(files)),
        )
    } else {
        // Also `.` has a name, beside which its lock store lies.
        let dir = Path::new(&arguments.log);
        let dir = &dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        if !verify::half_years(dir)?.is_empty() {
            return half_years::verify(dir, &trust, knows_the_log, arguments, policy.as_ref());
        }
        let checked = directory(dir, &mut trust, knows_the_log)?;
        (checked, Place::Directory(dir.clone()))
    };
    let (public, report) = match checked {
        Ok(checked) => checked,
        Err(error) => return failed(error),
    };
    print(&public, report.as_ref());
    if !is_met(policy.as_ref(), &public.signers.iter().collect::<Vec<_>>()) {
        return Ok(exit::FAILED.into());
    }
    println!("verified");
    match &arguments.receipt {
        None => Ok(exit::COMPLETE.into()),
        Some(file) => receipts::check(&mut [Log { public, place }], &trusted, file),
    }
}

/// What is checked of a log: the public form, and of one that is written also the other.
type Checked = Result<(PublicReport, Option<Report>), VerifyError>;

/// Checks the log in a directory, in both its forms if it has both.
fn directory(dir: &Path, trust: &mut Trust, knows_the_log: bool) -> anyhow::Result<Checked> {
    let is_log = dir.join(CHECKPOINT_FILE).exists() || dir.join("wal").exists();
    if !knows_the_log {
        let keys = dir.join(PUBLIC_FILE);
        ensure!(
            !is_log || keys.exists(),
            "{} is missing: say with --vkey or --policy which key signs the log",
            keys.display()
        );
        trust.keys.extend(believed(dir)?.of_checkpoints());
    }
    let held = lock_store(dir)?;
    if is_log && held.is_empty() {
        println!(
            "no lock store is beside the log: that it was not set back, older checkpoints alone show (--old)"
        );
    }
    trust.older.extend(held);
    if is_copy(dir) {
        println!("the public log alone: it is a copy, or its write-ahead log was retired");
        let mut files = Directory(dir.to_owned());
        let checked = verify::public(&mut files, trust, progress("bundle"));
        return Ok(checked.map(|public| (public, None)));
    }
    let checked = verify::whole(dir, trust, progress("part"));
    Ok(checked.map(|(public, report)| (public, Some(report))))
}

/// What a check ends with that has failed.
fn failed(error: VerifyError) -> anyhow::Result<ExitCode> {
    if matches!(error, VerifyError::Unreadable(_) | VerifyError::Fetch(_)) {
        return Err(error.into());
    }
    eprintln!("not verified: {}", chain(&error));
    Ok(exit::FAILED.into())
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
pub(crate) fn believed(dir: &Path) -> anyhow::Result<PublicKeys> {
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

/// What the lock store of a directory holds, if it is where a gateway has it by itself.
fn lock_store(dir: &Path) -> anyhow::Result<Vec<Witnessed>> {
    let held = |file: &PathBuf| {
        let from = format!("the lock store {}", file.display());
        Ok(Witnessed {
            from,
            ..older(file)?
        })
    };
    evidence::lock_files(dir).iter().map(held).collect()
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
pub(crate) fn progress(what: &'static str) -> impl FnMut(Progress) {
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
    if census.newer > 0 {
        let newer = census.newer;
        println!("{newer} records are of a later version: hashed, not understood");
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
        if report.newer_frames > 0 {
            let newer = report.newer_frames;
            println!("{newer} frames are of a later version: hashed, not understood");
        }
        if report.newer_keys > 0 {
            let newer = report.newer_keys;
            println!("{newer} lines of the file `keys` are of a later version: not understood");
        }
        if report.torn_bytes > 0 {
            println!(
                "{} bytes behind the last whole batch are not read",
                report.torn_bytes
            );
        }
    }
}

const UNKNOWN_LOG: &str = "say with --vkey or --policy which key signs the log; its operator \
    publishes it, and sandbox.json has that of a sandbox";
