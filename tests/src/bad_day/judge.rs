//! Whether the state of each source is what the journal of that agency says it did.
//!
//! Pure.

use std::time::Duration;

use exchange::Source;

use super::disturb::Journals;
use super::load::Seen;

/// Every state that is not what the agency did, told in words.
pub(super) fn compare(seen: &[Seen], journals: &Journals) -> Vec<String> {
    let mut wrong = Vec::new();
    let failures = Source::ALL.map(|source| Failures::of(source, seen));
    for seen in seen {
        // What came too late to be told has no states.
        if is_late(seen) {
            continue;
        }
        for lie in &seen.lies {
            wrong.push(format!("{}: {lie}", seen.subject));
        }
        for (source, state, reason, took) in &seen.sources {
            let before = failures.iter().find(|it| it.source == *source);
            let case = Case {
                did: journals.of(*source, &seen.subject),
                // A call that fails tells of no source how long it took.
                took: if took.is_zero() { seen.took } else { *took },
                failures: before.map_or(0, |it| count(&it.failed, seen)),
                was_open: before.is_some_and(|it| count(&it.open, seen) > 0),
            };
            if let Err(why) = case.judge(state, reason) {
                let subject = &seen.subject;
                wrong.push(format!(
                    "{subject} {source}: {state} {reason}, {case:?}: {why}"
                ));
            }
        }
    }
    wrong
}

/// How many questions were admitted, each of which must be on record: so many at least, and so many at
/// most, for what came too late to be told may have been too late to be asked.
pub(super) fn admitted(seen: &[Seen], journals: &Journals) -> (usize, usize) {
    let is_asked = |seen: &Seen| {
        let mut did = Source::ALL
            .map(|source| journals.of(source, &seen.subject))
            .into_iter();
        did.any(|did| !did.is_empty())
    };
    let is_let_in = |seen: &&Seen| !TURNED_AWAY.contains(&seen.reason.as_str());
    let most = seen.iter().filter(is_let_in);
    let least = most.clone().filter(|seen| !is_late(seen) || is_asked(seen));
    (least.count(), most.count())
}

/// True for a question whose answer came too late to be told.
pub(super) fn is_late(seen: &Seen) -> bool {
    seen.status == 504 && seen.reason == "DEADLINE_EXCEEDED"
}

/// When questions were asked that failed at a source, and when its circuit was open, in order, in seconds.
struct Failures {
    source: Source,
    failed: Vec<f64>,
    open: Vec<f64>,
}

impl Failures {
    fn of(source: Source, seen: &[Seen]) -> Self {
        let asked = |states: &[&str]| {
            let told = seen.iter().filter(|seen| {
                let mut sources = seen.sources.iter();
                sources.any(|(of, state, ..)| *of == source && states.contains(&state.as_str()))
            });
            let mut at_s: Vec<f64> = told.map(|seen| seen.at_s).collect();
            at_s.sort_by(f64::total_cmp);
            at_s
        };
        Self {
            source,
            failed: asked(&FAILS),
            open: asked(&["CIRCUIT_OPEN"]),
        }
    }
}

/// How many of these the circuit may have seen when a question was answered, but for the question itself.
fn count(at_s: &[f64], seen: &Seen) -> usize {
    let until = seen.at_s + seen.took.as_secs_f64();
    let to = at_s.partition_point(|it| *it < until);
    let from = at_s.partition_point(|it| *it < seen.at_s - REMEMBERED_S);
    let own = at_s.binary_search_by(|it| it.total_cmp(&seen.at_s)).is_ok();
    to.saturating_sub(from + usize::from(own))
}

/// What a state is held against.
#[derive(Debug)]
struct Case<'a> {
    /// What the agency did, in the order of time.
    did: &'a [String],
    /// How long it was waited for.
    took: Duration,
    /// How many questions to it failed of late.
    failures: usize,
    /// True if its circuit was open of late.
    was_open: bool,
}

impl Case<'_> {
    /// Whether a state can be, for that reason.
    fn judge(&self, state: &str, reason: &str) -> Result<(), &'static str> {
        let last = self.did.last().map_or("", String::as_str);
        match state {
            "OK" if DELIVERS.contains(&last) => Ok(()),
            "OK" => Err("the agency gave no whole and true answer last"),
            "NOT_FOUND" | "AMBIGUOUS" | "WITHHELD" | "" => Err("everybody here is known, once"),
            "INVALID_ANSWER" if self.did.iter().any(|did| LIES.contains(&did.as_str())) => Ok(()),
            "INVALID_ANSWER" => Err("the agency did not lie"),
            "RATE_LIMITED" if last == "rate_limited" || self.did.is_empty() => Ok(()),
            "RATE_LIMITED" => Err("the agency did not limit the rate"),
            // Late is late, whatever came then.
            "TIMEOUT" if self.took >= NEAR => Ok(()),
            "TIMEOUT" => Err("there was time left"),
            // A connection that the agency does not take is in no journal.
            "UNAVAILABLE" if reason == "CONNECT" => Ok(()),
            "UNAVAILABLE" | "CIRCUIT_OPEN" | "SKIPPED" if last == "ok" => {
                Err("the agency answered")
            }
            // One that was open before stays so after a single one that tries.
            "CIRCUIT_OPEN" if self.failures < if self.was_open { 1 } else { OPENS } => {
                Err("too few questions failed before")
            }
            "UNAVAILABLE" | "CIRCUIT_OPEN" | "SKIPPED" => Ok(()),
            _ => Err("an unknown state"),
        }
    }
}

/// What ends with a whole and true answer.
const DELIVERS: [&str; 4] = ["ok", "slow", "drip", "reset_after_body"];
/// What is an answer, and is none; a reset may cut a message into one.
const LIES: [&str; 13] = [
    "garbage",
    "truncated",
    "oversize",
    "bomb",
    "tcvn3",
    "vni",
    "wrong_content_type",
    "wrong_person",
    "wrong_request",
    "reset_after_head",
    "reset_mid_body",
    "login_page",
    "login_redirect",
];

/// What counts against a source.
const FAILS: [&str; 4] = ["UNAVAILABLE", "TIMEOUT", "INVALID_ANSWER", "RATE_LIMITED"];
/// Why a question is not admitted.
const TURNED_AWAY: [&str; 5] = [
    "OVERLOADED",
    "QUOTA_EXCEEDED",
    "AUDIT_BACKPRESSURE",
    "AUDIT_UNAVAILABLE",
    "DRAINING",
];
/// Callers wait two seconds, which is less than the cap of any source; admission and the record take
/// their part.
const NEAR: Duration = Duration::from_millis(1_500);
/// A fifth of the 20 questions that a circuit looks at, and one.
const OPENS: usize = 5;
/// A circuit looks back for 30 s, and is open for a minute at most.
const REMEMBERED_S: f64 = 90.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(state: &str, did: &[&str], ms: u64, failures: usize) -> bool {
        let did: Vec<String> = did.iter().map(|did| (*did).to_owned()).collect();
        let case = Case {
            did: &did,
            took: Duration::from_millis(ms),
            failures,
            was_open: false,
        };
        case.judge(state, "").is_ok()
    }

    fn at_once(state: &str, did: &[&str]) -> bool {
        judged(state, did, 10, 0)
    }

    #[test]
    fn a_state_is_held_against_what_was_done() {
        assert!(at_once("OK", &["ok"]) && at_once("OK", &["session_expired", "ok"]));
        assert!(!at_once("OK", &["wrong_person"]) && !at_once("OK", &[]));
        assert!(!at_once("OK", &["ok", "garbage"]));
        assert!(!at_once("NOT_FOUND", &["hang"]) && !at_once("NOT_FOUND", &["ok"]));
        assert!(at_once("INVALID_ANSWER", &["bomb"]) && !at_once("INVALID_ANSWER", &["ok"]));
        assert!(at_once("RATE_LIMITED", &["rate_limited"]) && !at_once("RATE_LIMITED", &["ok"]));
        assert!(at_once("UNAVAILABLE", &[]) && !at_once("UNAVAILABLE", &["ok"]));
        let turned_away = Case {
            did: &["ok".to_owned()],
            took: Duration::ZERO,
            failures: 0,
            was_open: false,
        };
        assert!(turned_away.judge("UNAVAILABLE", "CONNECT").is_ok());
        assert!(at_once("SKIPPED", &[]) && !at_once("SKIPPED", &["ok"]));
        assert!(!at_once("NEW", &["ok"]));
    }

    #[test]
    fn a_timeout_takes_its_time() {
        assert!(judged("TIMEOUT", &["hang"], 1_900, 0));
        assert!(judged("TIMEOUT", &["ok"], 1_900, 0), "late is late");
        assert!(!at_once("TIMEOUT", &["hang"]) && !at_once("TIMEOUT", &["ok"]));
    }

    #[test]
    fn a_circuit_opens_after_failures() {
        assert!(judged("CIRCUIT_OPEN", &[], 0, 5));
        assert!(!judged("CIRCUIT_OPEN", &[], 0, 4));
        assert!(!judged("CIRCUIT_OPEN", &["ok"], 0, 5));
        let tried = |failures| Case {
            did: &[],
            took: Duration::ZERO,
            failures,
            was_open: true,
        };
        assert!(tried(1).judge("CIRCUIT_OPEN", "").is_ok());
        assert!(tried(0).judge("CIRCUIT_OPEN", "").is_err());
    }
}
