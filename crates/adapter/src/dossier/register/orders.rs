//! What operators do with a dossier, and why they may not.

use super::Register;
use super::kept::{Entry, Kept};
use crate::dossier::{Dossier, Move, State};

/// Why an operator does not move a dossier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// There is none of that number.
    #[error("there is no dossier {0}")]
    Unknown(u64),
    /// It is in a state that such a move does not leave.
    #[error(
        "dossier {0} is {state}: one that is HUNG is asked about again, sent again or closed, and one that is \
         FAILED_RETRYABLE sent again", state = .1.name()
    )]
    State(u64, State),
    /// What it asked is not known any more.
    #[error(
        "what dossier {0} asked is not kept over a restart: it can be asked about again or be closed"
    )]
    Forgotten(u64),
}

impl Register {
    /// Says whether an operator may move a dossier so; as it is.
    ///
    /// # Errors
    /// Why not.
    pub fn may(&self, number: u64, it: Move) -> Result<Dossier, Illegal> {
        self.kept()
            .may(number, it)
            .map(|entry| entry.dossier.clone())
    }

    /// Moves a dossier as an operator says; as it is then.
    ///
    /// # Errors
    /// Why it may not be.
    pub fn order(&self, number: u64, it: Move) -> Result<Dossier, Illegal> {
        let now = self.clock.now();
        let mut kept = self.kept();
        let entry = kept.may(number, it)?;
        entry.dossier.go(it, now);
        entry.dossier.reason = "".into();
        entry.due = now;
        let dossier = entry.dossier.clone();
        self.change(kept, number);
        Ok(dossier)
    }
}

impl Kept {
    fn may(&mut self, number: u64, it: Move) -> Result<&mut Entry, Illegal> {
        let entry = self.entries.get_mut(&number);
        let entry = entry.ok_or(Illegal::Unknown(number))?;
        let state = entry.dossier.state;
        if state.after(it).is_none() {
            return Err(Illegal::State(number, state));
        }
        if it == Move::Resend && entry.enquiry.is_none() {
            return Err(Illegal::Forgotten(number));
        }
        Ok(entry)
    }
}
