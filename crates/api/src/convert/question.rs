//! What the messages that ask about a person have in common, and what is left of a malformed one.

use exchange::{Identifier, PurposeCode, Request, Violation};

use crate::v1;

/// A message that asks about a person.
pub trait Question {
    /// What it is when it is read.
    type Asked: Into<Malformed>;
    /// What stands before the paths of a lookup, if the question is further down.
    const WITHIN: &'static str = "";

    /// Why and for whom it is asked.
    fn context(&self) -> Option<&v1::CallContext>;

    /// Reads it. `this_year` is the current year in `Asia/Ho_Chi_Minh`.
    ///
    /// # Errors
    /// Everything that is wrong with its form.
    fn read(&self, this_year: i16) -> Result<Self::Asked, Malformed>;
}

/// A question that cannot be asked: what is wrong with it, and what can be read all the same.
///
/// Whoever knows more than the form finds in the rest what else to tell the caller.
#[derive(Debug, Default)]
pub struct Malformed {
    /// What is wrong with its form.
    pub violations: Vec<Violation>,
    /// Its purpose, if that is well formed.
    pub purpose: Option<PurposeCode>,
    /// Its person's number, if that is well formed.
    pub identifier: Option<Identifier>,
}

impl From<Request> for Malformed {
    /// A question whose form is right, and which cannot be asked for another reason.
    fn from(request: Request) -> Self {
        Self {
            violations: Vec::new(),
            purpose: Some(request.context.purpose),
            identifier: Some(request.subject.identifier),
        }
    }
}
