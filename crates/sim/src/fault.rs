//! The ways in which a simulated agency misbehaves.

use serde::{Deserialize, Serialize};

/// One way of misbehaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Says that it knows no such person.
    NotFound,
    /// Takes the question and never answers.
    Hang,
    /// Answers 500, or its wire's like.
    ServerError,
    /// Resets the connection in the middle of the body.
    ResetMidBody,
    /// Answers bytes that are no answer.
    Garbage,
    /// Answers about somebody else.
    WrongPerson,
    /// Says once that the session has expired, then works.
    SessionExpired,
    /// Answers 2 s late.
    Slow,
    /// Refuses, to come again after 3 s.
    RateLimited,
    /// Says that it is under maintenance.
    Maintenance,
}
