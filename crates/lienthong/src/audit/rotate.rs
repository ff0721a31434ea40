//! `lienthong audit rotate-keys`: asks for other keys, and waits until they sign. Not here: how a
//! gateway takes them up.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use evidence::keys::{self, PublicKeys, Rotation};

use crate::cli::RotateKeys;
use crate::config::Config;
use crate::exit;

/// Asks for other keys.
pub(super) fn run(arguments: &RotateKeys) -> anyhow::Result<ExitCode> {
    let config = Config::load(&arguments.config).context("the configuration is refused")?;
    let log = config.evidence.newest().context("the log is not found")?;
    let log = &log.context("the log has no keys yet")?;
    let rotation = if arguments.finish {
        Rotation::Finish
    } else if arguments.leaked {
        Rotation::Replace
    } else {
        Rotation::Begin
    };
    let before = PublicKeys::read(&log.dir).context("the log has no keys yet")?;
    let wanted = keys::rotate(log, rotation).context("the keys are not changed")?;
    for key in wanted.public().log {
        let is_new = !before.log.contains(&key);
        println!("log {key}{}", if is_new { " (new)" } else { "" });
    }
    println!("receipt {}", wanted.receipt());
    let mut is_in_force = keys::are_in_force(log, &wanted)?;
    for _ in 0..ROUNDS {
        if is_in_force {
            break;
        }
        std::thread::sleep(ROUND);
        is_in_force = keys::are_in_force(log, &wanted)?;
    }
    println!("{}", outcome(rotation, is_in_force));
    Ok(exit::COMPLETE.into())
}

/// What has come of it, and what is to be done next.
const fn outcome(rotation: Rotation, is_in_force: bool) -> &'static str {
    match (rotation, is_in_force) {
        (_, false) => {
            "no gateway has taken this up yet: the next start does, or the one that runs as soon as it can"
        }
        (Rotation::Begin, true) => {
            "these keys sign. Give the new ones to every witness and auditor; when they have them: rotate-keys --finish"
        }
        (Rotation::Finish, true) => {
            "these keys sign alone. What the old ones have signed stays valid; their private halves are destroyed"
        }
        (Rotation::Replace, true) => {
            "these keys sign alone. Tell every witness and auditor now, and from which record on: see the KEY record"
        }
    }
}

/// How often is looked whether a gateway has taken it up.
const ROUNDS: u32 = 50;
const ROUND: Duration = Duration::from_millis(100);
