//! What the rest of the gateway tells admission of the answers, and asks it about suspicions.

use exchange::{Caller, Identifier, OfficerId};

use super::{Found, Question, Suspension, SuspensionId, Suspicion};
use crate::{Admission, Refusal, check};

impl<Q: governor::clock::Clock + Clone> Admission<Q> {
    /// Notes that what was claimed about a person did not match. Five times in an hour, and the
    /// person is closed to the officer; to the system, if no officer is named.
    pub fn no_match(&self, caller: &Caller, officer: Option<&OfficerId>, subject: &Identifier) {
        self.mismatches.note(caller, officer, subject);
    }

    /// Takes note of what was said about the person of a question; what follows from it and
    /// those before, if something new does: an alarm is due.
    pub fn answered(
        &self,
        caller: &Caller,
        officer: Option<&OfficerId>,
        about: &Identifier,
        found: Found,
    ) -> Option<Suspicion> {
        let question = Question {
            caller,
            officer,
            about,
        };
        self.scrutiny.note(question, found, self.clock.now())
    }

    /// Takes note of whom was asked about, where it must not matter whether there is such a person; what
    /// follows, if something new does: an alarm is due.
    pub fn asked(
        &self,
        caller: &Caller,
        officer: Option<&OfficerId>,
        about: &Identifier,
    ) -> Option<Suspicion> {
        let question = Question {
            caller,
            officer,
            about,
        };
        self.scrutiny.note_citizen(question, self.clock.now())
    }

    /// Who is suspended for how they asked, the earliest first.
    #[must_use]
    pub fn suspensions(&self) -> Vec<Suspension> {
        self.scrutiny.suspensions()
    }

    /// Has suspensions named under that key from now on, so that every node that has it gives the same
    /// officer the same name. To be said once, before anybody asks.
    pub fn name_suspensions(&self, key: &[u8; 32]) {
        self.scrutiny.stored.name_by(key);
    }

    /// Whom this node has suspended, and the store that was heeded last does not know of.
    #[must_use]
    pub fn suspensions_here(&self) -> Vec<Suspension> {
        self.scrutiny.suspensions_here()
    }

    /// Has these suspended, whoever found them, beside those whom this node has found since it last
    /// heeded a store; who stood in that and does not in this is let go. Returns who is new.
    pub fn heed_suspensions(&self, stored: Vec<Suspension>) -> Vec<Suspension> {
        self.scrutiny.heed(stored)
    }

    /// Lifts a suspension, with nothing counted against them; none if there is none of that id.
    pub fn lift_suspension(&self, id: SuspensionId) -> Option<Suspension> {
        self.scrutiny.lift(id)
    }

    /// Sees that the person is open to the officer. To be asked between the permit and the sources;
    /// the refusal is to be recorded as one of [`Admission::admit`].
    ///
    /// # Errors
    /// `ENUMERATION_SUSPECTED` after too many claims that did not match.
    pub fn open_to(
        &self,
        caller: &Caller,
        officer: Option<&OfficerId>,
        subject: &Identifier,
    ) -> Result<(), Refusal> {
        match self.mismatches.locked_for(caller, officer, subject) {
            None => Ok(()),
            Some(_) => {
                let fault = check::locked();
                Err(Refusal::under(fault, self.policy_digest(), None))
            }
        }
    }
}
