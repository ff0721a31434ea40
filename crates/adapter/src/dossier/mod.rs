//! Work that an agency does in its own time: it takes a question as a dossier, and is asked how far it is
//! until it is done.
//!
//! Here: the states and the moves between them (`state`), the register of what questions have left under
//! way (`register`), and a dossier in the hands of a question (`held`). Not here: an agency's words for any
//! of it; looking after what was left, and keeping it over a restart, which are the program's.
//!
//! *Invariant:* the register holds no number of a person and nothing of an answer: an agency's own code of
//! the dossier, who asked, since when, and a keyed tag of the question, by which the same question finds it.

mod config;
mod entry;
mod held;
mod register;
mod state;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use entry::{Dossier, Enquiry, Tag};
pub use held::Held;
pub use register::{Changes, Due, Illegal, Opened, Register, Seen, Taken};
pub use state::{Move, State};

/// The reason of an agency that does not know its own dossier.
pub const LOST: &str = "DOSSIER_LOST";
/// The reason of an agency that has not done a dossier yet.
pub const UNDER_WAY: &str = "DOSSIER_UNDER_WAY";
