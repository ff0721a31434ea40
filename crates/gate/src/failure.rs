//! When the whole call fails, and for which reason.

use std::time::Duration;

use exchange::{Fault, Reason, Request, SourceState};

use crate::part::Part;
use crate::switches::SOURCE_SUSPENDED;

/// The fault of the whole call, if what the sources said makes it one.
///
/// A call fails if a required source gave no answer, if every source asked knows no such person,
/// or if no source gave an answer. Sources that policy withholds were not asked and do not count.
pub(crate) fn failure(request: &Request, parts: &[Part]) -> Option<Fault> {
    let required = |part: &&Part| request.required.contains(part.outcome.source);
    if parts
        .iter()
        .filter(required)
        .any(|part| !settles(part.state()))
    {
        let detail = "a required source gave no answer";
        return Some(wait(
            Fault::new(Reason::RequiredSourceUnavailable, detail),
            parts,
        ));
    }
    let asked: Vec<&Part> = parts
        .iter()
        .filter(|part| part.state() != SourceState::Withheld)
        .collect();
    if asked.is_empty() {
        None
    } else if asked
        .iter()
        .all(|part| part.state() == SourceState::NotFound)
    {
        Some(Fault::new(
            Reason::PersonNotFound,
            "every source asked says so",
        ))
    } else if asked.iter().any(|part| part.state().is_answer()) {
        None
    } else {
        Some(wait(none_answered(&asked), parts))
    }
}

/// What a required source must say: it has the person, or it has not.
const fn settles(state: SourceState) -> bool {
    matches!(state, SourceState::Ok | SourceState::NotFound)
}

/// No source answered: the narrowest reason that is true of all.
fn none_answered(asked: &[&Part]) -> Fault {
    let maintained = |part: &Part| part.status.reason == "MAINTENANCE";
    // Sources are skipped for the maintenance of the one that was asked who is behind the number.
    let skipped = |part: &&Part| part.state() == SourceState::Skipped && maintained(part);
    let is_stopped = |part: &&Part| part.status.reason == SOURCE_SUSPENDED;
    let reason = match asked {
        parts if parts.iter().all(is_stopped) => Reason::SourceSuspended,
        [part] if maintained(part) => Reason::Maintenance,
        parts if parts.iter().all(skipped) => Reason::Maintenance,
        [part] if part.state() == SourceState::InvalidAnswer => Reason::SourceAnswerInvalid,
        _ => Reason::AllSourcesUnavailable,
    };
    Fault::new(reason, "no source gave an answer")
}

/// The fault with the longest time that a source wants to be left alone, or a second.
fn wait(fault: Fault, parts: &[Part]) -> Fault {
    let longest = parts.iter().filter_map(|part| part.retry_after).max();
    fault.retry_after(longest.unwrap_or(Duration::from_secs(1)))
}
