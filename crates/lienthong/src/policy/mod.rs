//! `lienthong policy`: the agreements of a gateway, checked and signed by those who answer for them, and
//! held against what was recorded. Not here: what agreements say (crate `admission`).

mod explain;
mod records;
mod replay;

use std::path::Path;
use std::process::ExitCode;

use admission::{Bundle, NOTE_FILE};
use anyhow::{Context as _, ensure};
use evidence::keys::NoteKey;
use evidence::note::{Note, Signature};
use exchange::Reason;

use crate::cli::{CheckPolicy, MakeKey, Policy, PolicyCommand, SignPolicy};
use crate::config::{Problems, load_policy};
use crate::exit;

/// Does what is asked.
pub(crate) fn run(arguments: &Policy) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        PolicyCommand::Check(arguments) => check(arguments),
        PolicyCommand::Sign(arguments) => sign(arguments),
        PolicyCommand::Key(arguments) => key(arguments),
        PolicyCommand::Explain(arguments) => explain::run(arguments),
        PolicyCommand::Replay(arguments) => replay::run(arguments),
    }
}

/// True for a reason for which agreements refuse a call.
fn is_of_policy(reason: &str) -> bool {
    let mut all = OF_POLICY.iter();
    all.any(|of_policy| of_policy.name() == reason)
}

fn check(arguments: &CheckPolicy) -> anyhow::Result<ExitCode> {
    let path = &arguments.policy;
    let signed = match load_policy(path, &arguments.vkey) {
        Ok(signed) => signed,
        Err(error) => return Ok(refused(path, &error)),
    };
    println!("{}: fine", path.display());
    println!("  sha256:{}", hex::encode(signed.policy.digest()));
    println!("  purposes: {}", signed.policy.purposes().len());
    println!("  agreements: {}", signed.policy.agreement_count());
    for key in &signed.signers {
        println!("  signed by {key:?}");
    }
    Ok(exit::COMPLETE.into())
}

/// Says what is wrong with a policy.
fn refused(path: &Path, error: &admission::Error) -> ExitCode {
    let mut problems = Problems::default();
    problems.policy(path, error);
    eprintln!("{problems}");
    exit::FAILED.into()
}

fn sign(arguments: &SignPolicy) -> anyhow::Result<ExitCode> {
    let path = &arguments.policy;
    let key = NoteKey::read(&arguments.key)?;
    let bundle = Bundle::read(path)?;
    ensure!(
        bundle.is_directory(),
        "{}: only a directory is signed",
        path.display()
    );
    if let Err(error) = admission::Policy::compile(&bundle) {
        return Ok(refused(path, &error));
    }
    let list = bundle.list();
    let mut signatures = of_others(&bundle, &list, &key);
    signatures.push(key.sign(&list));
    let note = Note::new(list, signatures);
    let (file, next) = (path.join(NOTE_FILE), path.join(format!(".{NOTE_FILE}")));
    std::fs::write(&next, note.to_string()).with_context(|| next.display().to_string())?;
    std::fs::rename(&next, &file).with_context(|| file.display().to_string())?;
    println!("{}: signed by {:?}", file.display(), key.public());
    println!("  sha256:{}", hex::encode(bundle.digest()));
    Ok(exit::COMPLETE.into())
}

/// The signatures of other keys over the same list.
fn of_others(bundle: &Bundle, list: &str, key: &NoteKey) -> Vec<Signature> {
    let note = bundle.note().map(String::from_utf8_lossy);
    let note = note.and_then(|note| Note::parse(&note).ok());
    let same = note.filter(|note| note.text() == list);
    let signatures = same.map_or_else(Vec::new, |note| note.signatures().to_vec());
    let own = |it: &Signature| it.name == key.public().name() && it.id == key.public().id();
    signatures.into_iter().filter(|it| !own(it)).collect()
}

fn key(arguments: &MakeKey) -> anyhow::Result<ExitCode> {
    let key = NoteKey::make(&arguments.out, &arguments.name)?;
    println!("{}", key.public());
    Ok(exit::COMPLETE.into())
}

/// What agreements decide by themselves. A duty that was not granted is left out: no record of a
/// refusal says which one was needed.
const OF_POLICY: [Reason; 9] = [
    Reason::CallerUnknown,
    Reason::PurposeNotAllowed,
    Reason::AgreementExpired,
    Reason::AgreementRequired,
    Reason::OfficerRequired,
    Reason::DossierRequired,
    Reason::SecondFactorRequired,
    Reason::OutOfHours,
    Reason::OwnRecord,
];
