//! How far a dossier is, which steps it may take, and how long to wait between two looks.
//!
//! Pure: no network, no clock.

use std::time::Duration;

use adapter::Miss;

use super::super::wire::{Code, Reply};

/// How far a dossier is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// 1: received, nobody has looked at it.
    Awaiting,
    /// 2: it lacks something that only a human can add.
    NeedsSupplement,
    /// 3: found eligible, its result is being made.
    Polling,
    /// 4: done.
    Completed,
    /// 0: failed.
    Failed,
}

impl Stage {
    /// The stage of that number.
    pub(super) fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "0" => Self::Failed,
            "1" => Self::Awaiting,
            "2" => Self::NeedsSupplement,
            "3" => Self::Polling,
            "4" => Self::Completed,
            _ => return None,
        })
    }

    /// True if a dossier may go from this stage to that one. The first two may alternate, since a
    /// register may take a dossier up and lay it down again; the others are final.
    pub(super) const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Awaiting | Self::Polling => true,
            Self::NeedsSupplement => matches!(next, Self::NeedsSupplement),
            Self::Completed => matches!(next, Self::Completed),
            Self::Failed => matches!(next, Self::Failed),
        }
    }

    /// The stage after a reply, which must say one unless the dossier is already done.
    ///
    /// # Errors
    /// A miss for a stage that is unknown, missing, or may not follow.
    pub(super) fn after(self, reply: &Reply) -> Result<Self, Miss> {
        let wrong = |what| Err(Miss::invalid("DOSSIER_STATE", what));
        let next = match reply.trang_thai.as_ref().map(Code::as_str) {
            None if self == Self::Completed => self,
            None => return wrong("a reply without the state of its dossier"),
            Some(code) => match Self::from_code(code) {
                Some(next) => next,
                None => return wrong("a reply with an unknown state"),
            },
        };
        if self.may_become(next) {
            Ok(next)
        } else {
            wrong("a dossier that went back from a final state")
        }
    }
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

    const ALL: [(&str, Stage); 5] = [
        ("0", Stage::Failed),
        ("1", Stage::Awaiting),
        ("2", Stage::NeedsSupplement),
        ("3", Stage::Polling),
        ("4", Stage::Completed),
    ];

    fn reply(state: Option<&str>) -> Reply {
        let state = state.map(|code| serde_json::from_str(code).unwrap());
        Reply {
            trang_thai: state,
            ..Reply::default()
        }
    }

    #[test]
    fn every_number_has_its_stage() {
        for (code, stage) in ALL {
            assert_eq!(Stage::from_code(code), Some(stage));
        }
        for unknown in ["", "5", "-1", "04", "done"] {
            assert_eq!(Stage::from_code(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn only_a_dossier_under_way_may_change() {
        for (_, from) in ALL {
            let under_way = matches!(from, Stage::Awaiting | Stage::Polling);
            for (code, to) in ALL {
                let after = from.after(&reply(Some(code)));
                if under_way || from == to {
                    assert_eq!(after.unwrap(), to, "{from:?} to {to:?}");
                } else {
                    assert_eq!(
                        after.unwrap_err().reason,
                        "DOSSIER_STATE",
                        "{from:?} to {to:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn only_a_dossier_that_is_done_may_keep_silent() {
        for (_, stage) in ALL {
            let silent = stage.after(&reply(None));
            assert_eq!(silent.is_ok(), stage == Stage::Completed);
        }
        let unknown = Stage::Awaiting.after(&reply(Some("7"))).unwrap_err();
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
