//! What an answer, or the lack of one, means for its item and its job.

use std::time::Duration;

use api::v1;
use api::v1::batch_result::Outcome;
use exchange::{Fault, Reason, SourceState};

use super::said;

/// What becomes of an item.
#[derive(Debug, PartialEq)]
pub(super) enum Judged {
    /// It has its result.
    Answered(Outcome),
    /// It has its result, without an answer of every source.
    Failed(Outcome),
    /// Some source was asked in vain: this item is asked again, and has this result if that has been
    /// done often enough.
    Again(Wait, Outcome),
    /// Nobody is asked for now, whoever it is about: the job waits.
    Later(Wait),
    /// Nothing more may be asked.
    Over(Reason),
}

/// What is waited for, and how long, if that is known.
#[derive(Debug, PartialEq)]
pub(super) struct Wait {
    pub(super) reason: String,
    pub(super) after: Option<Duration>,
}

/// Judges what came of an item.
pub(super) fn judge(result: Result<v1::LookupCitizenResponse, Fault>) -> Judged {
    match result {
        Ok(answer) => answered(answer),
        Err(fault) => refused(&fault),
    }
}

fn answered(answer: v1::LookupCitizenResponse) -> Judged {
    let unsettled = || answer.sources.iter().filter(|source| !is_settled(source));
    if unsettled().next().is_none() {
        return Judged::Answered(Outcome::Lookup(answer));
    }
    let after = unsettled().filter_map(|source| source.retry_after.as_ref());
    let after = after.filter_map(|it| Duration::try_from(*it).ok()).max();
    let unasked = unsettled().find(|source| !was_asked(source));
    let reason = unasked.or_else(|| unsettled().next()).map(name);
    let wait = Wait {
        reason: reason.unwrap_or_default(),
        after,
    };
    match unasked {
        Some(_) => Judged::Later(wait),
        None => Judged::Again(wait, Outcome::Lookup(answer)),
    }
}

/// True for what the source will say again.
fn is_settled(source: &v1::SourceStatus) -> bool {
    match source.state() {
        v1::SourceState::Ok
        | v1::SourceState::NotFound
        | v1::SourceState::Ambiguous
        | v1::SourceState::Withheld => true,
        v1::SourceState::Skipped => ["NOT_CONFIGURED", "NOT_SERVED"].contains(&&*source.reason),
        v1::SourceState::Unspecified
        | v1::SourceState::Timeout
        | v1::SourceState::Unavailable
        | v1::SourceState::CircuitOpen
        | v1::SourceState::RateLimited
        | v1::SourceState::InvalidAnswer => false,
    }
}

/// True if a source was asked in earnest: what it did may be because of this person.
fn was_asked(source: &v1::SourceStatus) -> bool {
    source.attempts > 0
        && source.reason != Reason::Maintenance.name()
        && source.state() != v1::SourceState::RateLimited
}

/// The reason of a source, or its state.
fn name(source: &v1::SourceStatus) -> String {
    match &*source.reason {
        "" => {
            let name = source.state().as_str_name();
            name.trim_start_matches("SOURCE_STATE_").to_owned()
        }
        reason => reason.to_owned(),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is left is what the item says, and will be refused again"
)]
fn refused(fault: &Fault) -> Judged {
    let wait = || Wait {
        reason: fault.reason.name().to_owned(),
        after: fault.retry_after,
    };
    let is_unasked = || fault.metadata.iter().any(|(_, state)| is_unasked(state));
    match fault.reason {
        Reason::PersonNotFound => Judged::Answered(said::failure(fault.reason)),
        Reason::OutOfHours => Judged::Later(Wait {
            after: Some(NEXT_HOUR),
            ..wait()
        }),
        reason if ends_all(reason) && fault.retry_after.is_none() => Judged::Over(reason),
        reason if ends_all(reason) || passes(reason) => Judged::Later(wait()),
        reason if is_of_a_source(reason) && is_unasked() => Judged::Later(wait()),
        reason if is_of_a_source(reason) => Judged::Again(wait(), said::failure(reason)),
        reason => Judged::Failed(said::failure(reason)),
    }
}

/// True if whatever is asked is refused from now on, unless a time is told.
const fn ends_all(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::AgencySuspended
            | Reason::SystemSuspended
            | Reason::PurposeSuspended
            | Reason::CallerUnknown
            | Reason::AgreementExpired
            | Reason::AgreementRequired
            | Reason::PurposeNotAllowed
            | Reason::PurposeUnknown
            | Reason::OfficerRequired
            | Reason::DossierRequired
            | Reason::EnumerationSuspected
    )
}

/// True if whatever is asked is refused for a time.
const fn passes(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::QuotaExceeded
            | Reason::Overloaded
            | Reason::AuditBackpressure
            | Reason::AuditUnavailable
            | Reason::Maintenance
            | Reason::SourceSuspended
            | Reason::Draining
    )
}

/// True if a source gave no answer.
const fn is_of_a_source(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::AllSourcesUnavailable | Reason::SourceAnswerInvalid | Reason::DeadlineExceeded
    )
}

/// True for a state in which a source was not asked.
fn is_unasked(state: &str) -> bool {
    let unasked = [
        SourceState::CircuitOpen,
        SourceState::RateLimited,
        SourceState::Skipped,
    ];
    unasked.iter().any(|it| it.name() == state)
}

/// How long until it is looked again whether the hours of an agreement have begun.
const NEXT_HOUR: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: v1::SourceState, reason: &str, attempts: u32) -> v1::SourceStatus {
        v1::SourceStatus {
            state: state.into(),
            reason: reason.to_owned(),
            attempts,
            ..Default::default()
        }
    }

    fn judged(sources: Vec<v1::SourceStatus>) -> Judged {
        judge(Ok(v1::LookupCitizenResponse {
            sources,
            ..Default::default()
        }))
    }

    #[test]
    fn an_item_is_answered_when_every_source_has_said_its_last_word() {
        let settled = vec![
            status(v1::SourceState::Ok, "", 1),
            status(v1::SourceState::NotFound, "", 1),
            status(v1::SourceState::Withheld, "NOT_IN_AGREEMENT", 0),
            status(v1::SourceState::Skipped, "NOT_CONFIGURED", 0),
        ];
        assert!(matches!(judged(settled), Judged::Answered(_)));
        let nobody = judge(Err(Fault::new(Reason::PersonNotFound, "")));
        assert_eq!(
            nobody,
            Judged::Answered(said::failure(Reason::PersonNotFound))
        );
    }

    #[test]
    fn a_source_that_was_not_asked_makes_the_job_wait_and_one_that_fails_the_item() {
        for (state, reason, attempts, told) in [
            (
                v1::SourceState::Unavailable,
                "MAINTENANCE",
                1,
                "MAINTENANCE",
            ),
            (
                v1::SourceState::Unavailable,
                "MAINTENANCE",
                0,
                "MAINTENANCE",
            ),
            (v1::SourceState::CircuitOpen, "", 0, "CIRCUIT_OPEN"),
            (v1::SourceState::RateLimited, "", 1, "RATE_LIMITED"),
            (
                v1::SourceState::Skipped,
                "SOURCE_SUSPENDED",
                0,
                "SOURCE_SUSPENDED",
            ),
        ] {
            let fails = status(v1::SourceState::Timeout, "", 1);
            let mut source = status(state, reason, attempts);
            source.retry_after = Some(pbjson_types::Duration {
                seconds: 7,
                nanos: 0,
            });
            let wait = Wait {
                reason: told.to_owned(),
                after: Some(Duration::from_secs(7)),
            };
            assert_eq!(judged(vec![fails, source]), Judged::Later(wait), "{told}");
        }
        for state in [
            v1::SourceState::Timeout,
            v1::SourceState::Unavailable,
            v1::SourceState::InvalidAnswer,
        ] {
            let judged = judged(vec![status(state, "", 1)]);
            assert!(matches!(judged, Judged::Again(..)), "{judged:?}");
        }
    }

    #[test]
    fn who_may_not_ask_any_more_ends_the_job() {
        let judged = |reason| judge(Err(Fault::new(reason, "")));
        for reason in [Reason::AgencySuspended, Reason::AgreementExpired] {
            assert_eq!(judged(reason), Judged::Over(reason));
        }
        for reason in [
            Reason::QuotaExceeded,
            Reason::Overloaded,
            Reason::Maintenance,
        ] {
            assert!(matches!(judged(reason), Judged::Later(_)), "{reason}");
        }
        let none = Fault::new(Reason::AllSourcesUnavailable, "");
        assert!(matches!(judge(Err(none)), Judged::Again(..)));
        let open = Fault::new(Reason::AllSourcesUnavailable, "").with("tax", "CIRCUIT_OPEN");
        assert!(matches!(judge(Err(open)), Judged::Later(_)));
        let own = judged(Reason::OwnRecord);
        assert_eq!(own, Judged::Failed(said::failure(Reason::OwnRecord)));
    }
}
