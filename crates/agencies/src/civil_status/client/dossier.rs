//! How far a dossier is in the register's numbers, and how long to wait between two looks.
//!
//! Pure: no network, no clock. Not here: which step may follow which (`adapter::dossier`).

use std::time::Duration;

use adapter::Miss;
use adapter::dossier::State;

use super::super::wire::{Code, Reply};

/// The state of that number.
pub(super) fn of_code(code: &str) -> Option<State> {
    Some(match code {
        "0" => State::FailedRetryable,
        "1" => State::AwaitingUpstream,
        "2" => State::NeedsSupplement,
        "3" => State::Polling,
        "4" => State::Completed,
        _ => return None,
    })
}

/// The state after a reply, which must say one unless the dossier is already done.
///
/// # Errors
/// A miss for a state that is unknown, missing, or may not follow.
pub(super) fn after(before: State, reply: &Reply) -> Result<State, Miss> {
    let wrong = |what| Miss::invalid("DOSSIER_STATE", what);
    let said = match reply.trang_thai.as_ref().map(Code::as_str) {
        None if before == State::Completed => before,
        None => return Err(wrong("a reply without the state of its dossier")),
        Some(code) => of_code(code).ok_or_else(|| wrong("a reply with an unknown state"))?,
    };
    let reached = before.reach(said);
    reached.ok_or_else(|| wrong("a dossier that went back from a final state"))
}

/// The pauses between two looks at a dossier.
#[derive(Debug)]
pub(super) struct Pauses {
    next: Duration,
}

impl Pauses {
    /// A pause that starts small and doubles.
    pub(super) const fn new() -> Self {
        Self { next: FIRST }
    }

    /// The next pause; what the register wishes counts, within bounds.
    pub(super) fn next(&mut self, wished_ms: Option<u64>) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST);
        wished_ms.map_or(pause, |ms| {
            Duration::from_millis(ms).clamp(SHORTEST, LONGEST_WISH)
        })
    }
}

/// Long beside a round trip, short beside a deadline of seconds.
const FIRST: Duration = Duration::from_millis(20);
/// Within a deadline of 2 s: 20, 40, … 320, 500, 500 ms, which is seven looks.
const LONGEST: Duration = Duration::from_millis(500);
/// A register that says "at once" does not get a busy loop.
const SHORTEST: Duration = Duration::from_millis(5);
/// A register that says "tomorrow" is asked again while the caller waits.
const LONGEST_WISH: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, State); 5] = [
        ("0", State::FailedRetryable),
        ("1", State::AwaitingUpstream),
        ("2", State::NeedsSupplement),
        ("3", State::Polling),
        ("4", State::Completed),
    ];

    fn reply(state: Option<&str>) -> Reply {
        let state = state.map(|code| serde_json::from_str(code).unwrap());
        Reply {
            trang_thai: state,
            ..Reply::default()
        }
    }

    #[test]
    fn every_number_has_its_state() {
        for (code, state) in ALL {
            assert_eq!(of_code(code), Some(state));
        }
        for unknown in ["", "5", "-1", "04", "done"] {
            assert_eq!(of_code(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn only_a_dossier_under_way_may_change() {
        for (_, from) in ALL {
            for (code, to) in ALL {
                let after = after(from, &reply(Some(code)));
                if from.is_asked() || from == to {
                    assert_eq!(after.unwrap(), to, "{from:?} to {to:?}");
                } else {
                    let reason = after.unwrap_err().reason;
                    assert_eq!(reason, "DOSSIER_STATE", "{from:?} to {to:?}");
                }
            }
        }
        for (code, to) in ALL {
            assert_eq!(after(State::Sent, &reply(Some(code))).unwrap(), to);
        }
    }

    #[test]
    fn only_a_dossier_that_is_done_may_keep_silent() {
        for (_, state) in ALL {
            let silent = after(state, &reply(None));
            assert_eq!(silent.is_ok(), state == State::Completed);
        }
        let unknown = after(State::Sent, &reply(Some("7"))).unwrap_err();
        assert_eq!(unknown.reason, "DOSSIER_STATE");
    }

    #[test]
    fn pauses_grow_to_a_limit_and_heed_wishes_within_bounds() {
        let mut pauses = Pauses::new();
        let grown: Vec<_> = (0..7).map(|_| pauses.next(None).as_millis()).collect();
        assert_eq!(grown, [20, 40, 80, 160, 320, 500, 500]);
        for (wished, given) in [(0, 5), (50, 50), (u64::MAX, 1000)] {
            assert_eq!(pauses.next(Some(wished)).as_millis(), given);
        }
    }
}
