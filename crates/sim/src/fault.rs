//! The ways in which a simulated agency misbehaves.
//!
//! Not here: how each is done on a wire (`misbehave` for HTTP, each agency's `sim` for its own).

use serde::{Deserialize, Serialize};

/// One way of misbehaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Says that it knows no such person.
    NotFound,
    /// Takes the question and never answers.
    Hang,
    /// Sends the head of an answer and never the rest.
    HangAfterHead,
    /// Answers 500, or its wire's like.
    ServerError,
    /// Resets connections as they are opened; nobody knows by then who is asked about.
    ResetOnAccept,
    /// Takes the question and resets the connection.
    ResetBeforeHead,
    /// Resets the connection behind the head of the answer.
    ResetAfterHead,
    /// Resets the connection in the middle of the body.
    ResetMidBody,
    /// Resets the connection behind the last byte of the body.
    ResetAfterBody,
    /// Answers bytes that are no answer.
    Garbage,
    /// Answers the first half of an answer, as if it were all.
    Truncated,
    /// Answers 50 MiB.
    Oversize,
    /// Answers in few bytes, compressed, that become 100 MiB.
    Bomb,
    /// Writes its letters in the bytes of TCVN 5712:1993 (TCVN3), and calls them UTF-8.
    Tcvn3,
    /// Writes its letters in the bytes of VNI, and calls them UTF-8.
    Vni,
    /// Calls its answer plain text.
    WrongContentType,
    /// Answers about somebody else.
    WrongPerson,
    /// Answers another question than the one asked.
    WrongRequest,
    /// Says that the time is over, under the status of an answer.
    TimeoutAsAnswer,
    /// Says that it knows no such person, under the status of a failure.
    NotFoundAsFailure,
    /// Answers, under a status that says that there is nothing.
    AnswerAsNotFound,
    /// Says once that the session has expired, then works.
    SessionExpired,
    /// Says of every session that it has expired.
    SessionRefused,
    /// Answers once with a page to log in, as a success, then works.
    LoginPage,
    /// Sends once to the page to log in, then works.
    LoginRedirect,
    /// Answers once 401 without a word, then works.
    Unauthorized,
    /// Answers 2 s late.
    Slow,
    /// Sends a byte of its answer each second.
    Drip,
    /// Refuses, to come again after 3 s, or when the knobs say.
    RateLimited,
    /// Says that it is under maintenance, for 30 s, or until the knobs say.
    Maintenance,
}

impl FaultKind {
    /// Every fault.
    pub const ALL: [Self; 30] = [
        Self::NotFound,
        Self::Hang,
        Self::HangAfterHead,
        Self::ServerError,
        Self::ResetOnAccept,
        Self::ResetBeforeHead,
        Self::ResetAfterHead,
        Self::ResetMidBody,
        Self::ResetAfterBody,
        Self::Garbage,
        Self::Truncated,
        Self::Oversize,
        Self::Bomb,
        Self::Tcvn3,
        Self::Vni,
        Self::WrongContentType,
        Self::WrongPerson,
        Self::WrongRequest,
        Self::TimeoutAsAnswer,
        Self::NotFoundAsFailure,
        Self::AnswerAsNotFound,
        Self::SessionExpired,
        Self::SessionRefused,
        Self::LoginPage,
        Self::LoginRedirect,
        Self::Unauthorized,
        Self::Slow,
        Self::Drip,
        Self::RateLimited,
        Self::Maintenance,
    ];

    /// Its name, as knobs and journals spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Hang => "hang",
            Self::HangAfterHead => "hang_after_head",
            Self::ServerError => "server_error",
            Self::ResetOnAccept => "reset_on_accept",
            Self::ResetBeforeHead => "reset_before_head",
            Self::ResetAfterHead => "reset_after_head",
            Self::ResetMidBody => "reset_mid_body",
            Self::ResetAfterBody => "reset_after_body",
            Self::Garbage => "garbage",
            Self::Truncated => "truncated",
            Self::Oversize => "oversize",
            Self::Bomb => "bomb",
            Self::Tcvn3 => "tcvn3",
            Self::Vni => "vni",
            Self::WrongContentType => "wrong_content_type",
            Self::WrongPerson => "wrong_person",
            Self::WrongRequest => "wrong_request",
            Self::TimeoutAsAnswer => "timeout_as_answer",
            Self::NotFoundAsFailure => "not_found_as_failure",
            Self::AnswerAsNotFound => "answer_as_not_found",
            Self::SessionExpired => "session_expired",
            Self::SessionRefused => "session_refused",
            Self::LoginPage => "login_page",
            Self::LoginRedirect => "login_redirect",
            Self::Unauthorized => "unauthorized",
            Self::Slow => "slow",
            Self::Drip => "drip",
            Self::RateLimited => "rate_limited",
            Self::Maintenance => "maintenance",
        }
    }

    /// True for the ways to say once that the session is over. Each is said once per subject, and the
    /// next question works, so that an exchange with one renewal of the session succeeds.
    #[must_use]
    pub const fn ends_session(self) -> bool {
        matches!(
            self,
            Self::SessionExpired | Self::LoginPage | Self::LoginRedirect | Self::Unauthorized
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_named_as_it_is_read() {
        for fault in FaultKind::ALL {
            assert_eq!(serde_json::to_value(fault).unwrap(), fault.name());
        }
    }
}
