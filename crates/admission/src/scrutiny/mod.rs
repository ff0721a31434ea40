//! Who asks as nobody with a reason to ask does.
//!
//! Scope: what is remembered of past questions so that guessing and scraping are noticed, and what
//! follows. Not here: how often one may ask (`quota`), and what one may ask (`check.rs`).
//!
//! *Invariant:* of officers and citizens only hashes are kept, under a key that is drawn when the
//! process starts and never leaves it, and of these never more than a fixed number. Who is suspended has a
//! name under a key of the nodes (`stored.rs`); no citizen has.

mod admission;
mod budgets;
mod level;
mod mismatch;
mod names;
mod room;
mod settings;
mod sketch;
mod stored;
mod watch;

pub use level::{Found, Level, Step, Suspension, SuspensionId, Suspicion};
pub(crate) use mismatch::Mismatches;
pub(crate) use names::{ByName, Name, Names};
pub(crate) use room::{HeldBack, Question, Scrutiny};
pub use settings::{Citizens, Thresholds};
