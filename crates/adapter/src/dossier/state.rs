//! The states of a dossier and the moves between them: one table, pure.
//!
//! Not here: what an agency calls them, who makes a move, and when.
//!
//! *Invariants:* what hangs is moved by an operator alone; nothing leaves a state that is final.

/// How far a dossier is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// A question has come.
    Received,
    /// It may be asked.
    Validated,
    /// It waits to be sent.
    Queued,
    /// It is on its way to the agency.
    Sent,
    /// The agency has it, and nobody there has looked at it.
    AwaitingUpstream,
    /// The agency works on it.
    Polling,
    /// The agency has its result.
    Completed,
    /// It lacks something that only a human can add.
    NeedsSupplement,
    /// The agency will not do it.
    Rejected,
    /// It failed, and may be sent again.
    FailedRetryable,
    /// It failed for good.
    FailedFinal,
    /// It took longer than its class allows.
    Hung,
    /// An operator has given it up.
    Closed,
}

/// What moves a dossier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    /// The gateway lets it pass.
    Validate,
    /// The gateway lines it up.
    Queue,
    /// The gateway sends it.
    Send,
    /// The agency has it, or lays it down again.
    Await,
    /// The agency takes it up.
    TakeUp,
    /// The agency is done.
    Complete,
    /// The agency wants something more.
    Supplement,
    /// The agency refuses.
    Reject,
    /// The agency fails.
    Fail,
    /// Nobody tries again.
    GiveUp,
    /// Its time is over.
    Hang,
    /// An operator has the agency asked how far it is.
    Requery,
    /// An operator has it sent again under its request id.
    Resend,
    /// An operator closes it.
    Close,
}

impl State {
    /// Every state, in the order in which a dossier goes through them.
    pub const ALL: [Self; 13] = [
        Self::Received,
        Self::Validated,
        Self::Queued,
        Self::Sent,
        Self::AwaitingUpstream,
        Self::Polling,
        Self::Completed,
        Self::NeedsSupplement,
        Self::Rejected,
        Self::FailedRetryable,
        Self::FailedFinal,
        Self::Hung,
        Self::Closed,
    ];

    /// The state behind a move; none if the move is not legal.
    #[must_use]
    pub const fn after(self, it: Move) -> Option<Self> {
        use Move as M;
        Some(match (self, it) {
            (Self::Received, M::Validate) => Self::Validated,
            (Self::Validated, M::Queue) => Self::Queued,
            (Self::Queued, M::Send) => Self::Sent,
            (Self::Sent | Self::Polling, M::Await) => Self::AwaitingUpstream,
            (Self::Sent | Self::AwaitingUpstream, M::TakeUp) => Self::Polling,
            (Self::Sent | Self::AwaitingUpstream | Self::Polling, M::Complete) => Self::Completed,
            (Self::Sent | Self::AwaitingUpstream | Self::Polling, M::Supplement) => {
                Self::NeedsSupplement
            }
            (Self::Sent | Self::AwaitingUpstream | Self::Polling, M::Reject) => Self::Rejected,
            (Self::Sent | Self::AwaitingUpstream | Self::Polling, M::Fail) => Self::FailedRetryable,
            (
                Self::Sent | Self::AwaitingUpstream | Self::Polling | Self::FailedRetryable,
                M::GiveUp,
            ) => Self::FailedFinal,
            (Self::Queued | Self::Sent | Self::AwaitingUpstream | Self::Polling, M::Hang) => {
                Self::Hung
            }
            (Self::Hung, M::Requery) => Self::AwaitingUpstream,
            (Self::Hung | Self::FailedRetryable, M::Resend) => Self::Queued,
            (Self::Hung, M::Close) => Self::Closed,
            _ => return None,
        })
    }

    /// The state that an agency says to follow; none if it may not follow.
    #[must_use]
    pub fn reach(self, said: Self) -> Option<Self> {
        let mut moves = Move::UPSTREAM.into_iter();
        let may = self == said || moves.any(|it| self.after(it) == Some(said));
        may.then_some(said)
    }

    /// True while something is to come of it by itself.
    #[must_use]
    pub const fn is_under_way(self) -> bool {
        matches!(
            self,
            Self::Received
                | Self::Validated
                | Self::Queued
                | Self::Sent
                | Self::AwaitingUpstream
                | Self::Polling
        )
    }

    /// True if the agency is asked how far it is.
    #[must_use]
    pub const fn is_asked(self) -> bool {
        matches!(self, Self::AwaitingUpstream | Self::Polling)
    }

    /// The name in lists, metrics and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Received => "RECEIVED",
            Self::Validated => "VALIDATED",
            Self::Queued => "QUEUED",
            Self::Sent => "SENT",
            Self::AwaitingUpstream => "AWAITING_UPSTREAM",
            Self::Polling => "POLLING",
            Self::Completed => "COMPLETED",
            Self::NeedsSupplement => "NEEDS_SUPPLEMENT",
            Self::Rejected => "REJECTED",
            Self::FailedRetryable => "FAILED_RETRYABLE",
            Self::FailedFinal => "FAILED_FINAL",
            Self::Hung => "HUNG",
            Self::Closed => "CLOSED",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

impl Move {
    /// Every move.
    pub const ALL: [Self; 14] = [
        Self::Validate,
        Self::Queue,
        Self::Send,
        Self::Await,
        Self::TakeUp,
        Self::Complete,
        Self::Supplement,
        Self::Reject,
        Self::Fail,
        Self::GiveUp,
        Self::Hang,
        Self::Requery,
        Self::Resend,
        Self::Close,
    ];

    /// What an agency does.
    const UPSTREAM: [Self; 6] = [
        Self::Await,
        Self::TakeUp,
        Self::Complete,
        Self::Supplement,
        Self::Reject,
        Self::Fail,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;
    use Move as M;
    use State as S;

    /// Everything that is legal, and nothing else.
    const LEGAL: [(S, M, S); 31] = [
        (S::Received, M::Validate, S::Validated),
        (S::Validated, M::Queue, S::Queued),
        (S::Queued, M::Send, S::Sent),
        (S::Queued, M::Hang, S::Hung),
        (S::Sent, M::Await, S::AwaitingUpstream),
        (S::Sent, M::TakeUp, S::Polling),
        (S::Sent, M::Complete, S::Completed),
        (S::Sent, M::Supplement, S::NeedsSupplement),
        (S::Sent, M::Reject, S::Rejected),
        (S::Sent, M::Fail, S::FailedRetryable),
        (S::Sent, M::GiveUp, S::FailedFinal),
        (S::Sent, M::Hang, S::Hung),
        (S::AwaitingUpstream, M::TakeUp, S::Polling),
        (S::AwaitingUpstream, M::Complete, S::Completed),
        (S::AwaitingUpstream, M::Supplement, S::NeedsSupplement),
        (S::AwaitingUpstream, M::Reject, S::Rejected),
        (S::AwaitingUpstream, M::Fail, S::FailedRetryable),
        (S::AwaitingUpstream, M::GiveUp, S::FailedFinal),
        (S::AwaitingUpstream, M::Hang, S::Hung),
        (S::Polling, M::Await, S::AwaitingUpstream),
        (S::Polling, M::Complete, S::Completed),
        (S::Polling, M::Supplement, S::NeedsSupplement),
        (S::Polling, M::Reject, S::Rejected),
        (S::Polling, M::Fail, S::FailedRetryable),
        (S::Polling, M::GiveUp, S::FailedFinal),
        (S::Polling, M::Hang, S::Hung),
        (S::FailedRetryable, M::Resend, S::Queued),
        (S::FailedRetryable, M::GiveUp, S::FailedFinal),
        (S::Hung, M::Requery, S::AwaitingUpstream),
        (S::Hung, M::Resend, S::Queued),
        (S::Hung, M::Close, S::Closed),
    ];

    #[test]
    fn every_move_from_every_state_is_in_the_table_or_refused() {
        for state in S::ALL {
            for it in M::ALL {
                let legal = LEGAL
                    .iter()
                    .find(|(from, by, _)| (*from, *by) == (state, it));
                let to = legal.map(|(_, _, to)| *to);
                assert_eq!(state.after(it), to, "{state:?} by {it:?}");
            }
        }
    }

    #[test]
    fn what_hangs_is_moved_by_an_operator_alone() {
        let moves: Vec<_> = M::ALL
            .into_iter()
            .filter(|it| S::Hung.after(*it).is_some())
            .collect();
        assert_eq!(moves, [M::Requery, M::Resend, M::Close]);
        for said in S::ALL.into_iter().filter(|said| *said != S::Hung) {
            assert_eq!(S::Hung.reach(said), None, "{said:?}");
        }
    }

    #[test]
    fn an_agency_moves_only_what_it_has() {
        let reached = |from: S| {
            let all = S::ALL.into_iter();
            all.filter(|to| from.reach(*to).is_some())
                .collect::<Vec<_>>()
        };
        let anything = [
            S::AwaitingUpstream,
            S::Polling,
            S::Completed,
            S::NeedsSupplement,
            S::Rejected,
            S::FailedRetryable,
        ];
        for state in S::ALL {
            let expected = if state.is_asked() {
                anything.to_vec()
            } else if state == S::Sent {
                [&[S::Sent][..], &anything].concat()
            } else {
                vec![state]
            };
            assert_eq!(reached(state), expected, "{state:?}");
        }
    }

    #[test]
    fn every_state_reads_back_from_its_name() {
        for state in S::ALL {
            assert_eq!(S::from_name(state.name()), Some(state));
        }
        assert_eq!(S::from_name("hung"), None);
    }
}
