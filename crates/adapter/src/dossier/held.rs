//! A dossier in the hands of a question. Whatever ends the question, its time, its caller's leaving or a
//! failure, the register keeps the dossier, unless the question is through with it.

use std::sync::Arc;

use super::{Dossier, Enquiry, Register, State};

/// A dossier in the hands of a question; dropped, it goes to the register.
#[derive(Debug)]
pub struct Held {
    register: Arc<Register>,
    dossier: Dossier,
    /// What was sent, if this question has sent it.
    enquiry: Option<Enquiry>,
    is_through: bool,
}

impl Held {
    pub(super) const fn new(
        register: Arc<Register>,
        dossier: Dossier,
        enquiry: Option<Enquiry>,
    ) -> Self {
        Self {
            register,
            dossier,
            enquiry,
            is_through: false,
        }
    }

    /// The dossier.
    #[must_use]
    pub const fn dossier(&self) -> &Dossier {
        &self.dossier
    }

    /// Notes how far it is.
    pub const fn is_now(&mut self, state: State) {
        self.dossier.state = state;
    }

    /// Ends it: the question has what is to be had of it, and nobody is to look after it.
    pub fn finish(mut self) {
        self.is_through = true;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_through {
            self.register.forget(self.dossier.number);
        } else {
            self.register.put_down(&self.dossier, self.enquiry.take());
        }
    }
}
