//! Whether the state of each source is what the journal of that agency says it did.
//!
//! Pure.

use super::Phase;
use super::disturb::Journals;
use super::load::Seen;

/// Every state that is not what the agency did, told in words.
pub(super) fn compare(seen: &[Seen], journals: &Journals) -> Vec<String> {
    let mut wrong = Vec::new();
    for seen in seen {
        // What came too late to be told has no states.
        if seen.status == 504 && seen.reason == "DEADLINE_EXCEEDED" {
            continue;
        }
        for lie in &seen.lies {
            wrong.push(format!("{}: {lie}", seen.subject));
        }
        for (source, state, reason, _) in &seen.sources {
            let did = journals.of(*source, &seen.subject);
            let disturbed = seen.phase != Phase::Quiet || seen.until != Phase::Quiet;
            if let Err(why) = judge(state, did, disturbed) {
                let subject = &seen.subject;
                wrong.push(format!(
                    "{subject} {source}: {state} {reason} after {did:?}: {why}"
                ));
            }
        }
    }
    wrong
}

/// Whether a state can be, after what an agency did.
fn judge(state: &str, did: &[String], disturbed: bool) -> Result<(), &'static str> {
    let last = did.last().map_or("", String::as_str);
    match state {
        "OK" if DELIVERS.contains(&last) => Ok(()),
        "OK" => Err("the agency gave no whole and true answer last"),
        "NOT_FOUND" | "AMBIGUOUS" | "WITHHELD" | "" => Err("everybody here is known, once"),
        "INVALID_ANSWER" if did.iter().any(|did| LIES.contains(&did.as_str())) => Ok(()),
        "INVALID_ANSWER" => Err("the agency did not lie"),
        "RATE_LIMITED" if last == "rate_limited" || did.is_empty() => Ok(()),
        "RATE_LIMITED" => Err("the agency did not limit the rate"),
        // Late is late, whatever came then.
        "TIMEOUT" => Ok(()),
        "UNAVAILABLE" | "CIRCUIT_OPEN" | "SKIPPED" if last == "ok" && !disturbed => {
            Err("the agency answered")
        }
        "UNAVAILABLE" | "CIRCUIT_OPEN" | "SKIPPED" => Ok(()),
        _ => Err("an unknown state"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(state: &str, did: &[&str]) -> bool {
        let did: Vec<String> = did.iter().map(|did| (*did).to_owned()).collect();
        judge(state, &did, false).is_ok()
    }

    #[test]
    fn a_state_is_held_against_what_was_done() {
        assert!(judged("OK", &["ok"]) && judged("OK", &["session_expired", "ok"]));
        assert!(!judged("OK", &["wrong_person"]) && !judged("OK", &[]));
        assert!(!judged("OK", &["ok", "garbage"]));
        assert!(!judged("NOT_FOUND", &["hang"]) && !judged("NOT_FOUND", &["ok"]));
        assert!(judged("INVALID_ANSWER", &["bomb"]) && !judged("INVALID_ANSWER", &["ok"]));
        assert!(judged("RATE_LIMITED", &["rate_limited"]) && !judged("RATE_LIMITED", &["ok"]));
        assert!(judged("UNAVAILABLE", &[]) && !judged("UNAVAILABLE", &["ok"]));
        assert!(!judged("NEW", &["ok"]));
    }
}
