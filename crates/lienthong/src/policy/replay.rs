//! `lienthong policy replay`: which recorded calls another policy would decide otherwise.
//!
//! Memory grows with the kinds of differences, not with the records.

use std::collections::BTreeMap;
use std::process::ExitCode;

use admission::Judged;
use exchange::{Field, FieldSet};

use super::records::{self, Call};
use crate::cli::ReplayCalls;
use crate::exit;

/// Replays a log.
pub(super) fn run(arguments: &ReplayCalls) -> anyhow::Result<ExitCode> {
    let (policy, digest) = records::policy(&arguments.policy)?;
    let mut replay = Replay::default();
    let census = records::read(&arguments.log, &mut |call| {
        let judged = policy.judge(&call.recorded);
        replay.add(&call, &judged);
    })?;
    println!("{digest}: {} records of calls", census.calls);
    println!("  {} are decided as they were", replay.same);
    if replay.others > 0 {
        println!(
            "  {} were refused for what no agreement decides",
            replay.others
        );
    }
    if census.hidden > 0 {
        println!("  {} are sealed, and not looked at", census.hidden);
    }
    for (flip, Seen { records, first }) in &replay.flips {
        println!("  {records} {flip}, the first in record {first}");
    }
    Ok(match replay.flips.is_empty() {
        true => exit::COMPLETE.into(),
        false => exit::FAILED.into(),
    })
}

#[derive(Debug, Default)]
struct Replay {
    same: u64,
    /// Refused by something else than a policy.
    others: u64,
    flips: BTreeMap<String, Seen>,
}

#[derive(Debug)]
struct Seen {
    records: u64,
    first: u64,
}

impl Replay {
    fn add(&mut self, call: &Call, judged: &Judged) {
        let before = call.refused.as_deref();
        if !before.is_none_or(super::is_of_policy) {
            self.others += 1;
            return;
        }
        let Some(change) = change(before, judged) else {
            self.same += 1;
            return;
        };
        let (caller, purpose) = (&call.recorded.caller, &call.recorded.context.purpose);
        let flip = format!(
            "{}/{} for {purpose}: {change}",
            caller.agency(),
            caller.system()
        );
        let first = call.seq;
        let seen = self.flips.entry(flip).or_insert(Seen { records: 0, first });
        seen.records += 1;
    }
}

/// What is decided otherwise; none if nothing is.
fn change(before: Option<&str>, judged: &Judged) -> Option<String> {
    match (before, judged) {
        (None, Judged::Refused(reason)) => Some(format!("admitted, would be {reason}")),
        (Some(reason), Judged::Admitted { agreement, .. }) => {
            Some(format!("{reason}, would be admitted by {agreement}"))
        }
        (Some(before), Judged::Refused(reason)) if before != reason.name() => {
            Some(format!("{before}, would be {reason}"))
        }
        (Some(_), Judged::Refused(_)) => None,
        (
            None,
            Judged::Admitted {
                withheld, masked, ..
            },
        ) => {
            let parts = [("withheld", withheld), ("masked", masked)];
            let parts = parts.into_iter().filter(|(_, fields)| !fields.is_empty());
            let parts: Vec<_> = parts
                .map(|(what, fields)| format!("{what}: {}", paths(fields)))
                .collect();
            (!parts.is_empty()).then(|| format!("admitted, and would be {}", parts.join("; ")))
        }
    }
}

fn paths(fields: &FieldSet) -> String {
    let paths: Vec<_> = fields.iter().map(Field::path).collect();
    paths.join(", ")
}
