//! The road of one exchange: admit → record the attempt → ask every source at once → merge and
//! minimise → seal.
//!
//! [`Gate::lookup`] is that road on one screen; streams, resolutions and verifications walk the same
//! rooms. Calls about the record itself stand in `audit`. Not here: gRPC, HTTP and TLS (crate `edge`), any
//! agency's wire (crate `agencies`).
//!
//! *Invariants:* no agency is asked without a recorded attempt; nothing about a person leaves
//! before its record is durable; only fields that are asked for *and* granted are asked of an
//! agency and leave (name and birth date are also asked for to compare a second factor, and leave
//! no further); every source that the mask implies has a state.

mod answer;
mod ask;
mod audit;
mod batch;
mod call;
mod catalogue;
mod closed;
mod differ;
mod dry;
mod factor;
mod failure;
mod listed;
mod notice;
mod observer;
mod once;
mod part;
mod quality;
mod relatives;
mod resolve;
mod road;
mod seal;
mod stream;
mod subject;
mod switches;
#[cfg(test)]
mod tests;
mod trace;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use adapter::guard::Guarded;
use adapter::{Answer, Resolution};
use admission::Admission;
use evidence::{Evidence, Shelf};
use exchange::{Clock, Source};
use once::{Ended, Once, Tags};
use tokio_util::task::TaskTracker;
use verify::Verdicts;

pub use audit::{Checkpoints, Period, Records, Usage, Usages};
pub use batch::{Batches, ItemEnd, Room};
pub use call::{Call, Place, Reply};
pub use listed::{ListError, Listed};
pub use observer::{NoObserver, Observer};
pub use stream::Events;
pub use switches::Switches;
pub use verify::{VERDICTS_KEPT, VERDICTS_KEPT_MOST};

/// What the gate is made of.
#[derive(Debug)]
pub struct Deps {
    /// Who may ask what.
    pub admission: Arc<Admission>,
    /// The record.
    pub evidence: Evidence,
    /// The public files of the record.
    pub log: Shelf,
    /// Where records can be found and opened.
    pub records: Arc<dyn Records>,
    /// The agencies behind their guards, at most one per source.
    pub agencies: Vec<Guarded>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Who counts.
    pub observer: Arc<dyn Observer>,
    /// Whom nobody has a reason to ask about.
    pub canaries: Arc<Listed>,
    /// Who is closed unless an agreement opens them.
    pub protected: Arc<Listed>,
    /// What operators have stopped.
    pub switches: Arc<Switches>,
    /// Whether synthetic citizens (prefix 999) are served: in a sandbox alone.
    pub synthetic: Synthetic,
    /// The time after which a verification is answered, or twice, four times… that: nothing about
    /// the person shows in it.
    pub verification_step: Duration,
    /// For how long a verdict is remembered; not at all if zero, and never longer than
    /// [`VERDICTS_KEPT_MOST`].
    pub verdicts_kept: Duration,
}

/// The step of the times of verifications, if nothing else is set.
///
/// An agency on the same network answers within a few milliseconds, found or not found.
pub const VERIFICATION_STEP: Duration = Duration::from_millis(50);

/// Whether synthetic citizens are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synthetic {
    /// A sandbox: they are.
    Served,
    /// Anywhere else: they are refused.
    Refused,
}

/// The gate: everything between the doors and the agencies.
#[derive(Debug)]
pub struct Gate {
    deps: Deps,
    /// Tells questions apart.
    tags: Tags,
    /// Questions to sources that are under way.
    answers: Once<Ended<Answer>>,
    /// The same of questions who is behind a number.
    resolutions: Once<Ended<Resolution>>,
    /// What was verified a moment ago.
    verdicts: Verdicts,
    /// The streams in progress, one task each.
    streams: TaskTracker,
}

impl Gate {
    /// Puts the gate together.
    #[must_use]
    pub fn new(deps: Deps) -> Self {
        Self {
            verdicts: Verdicts::new(deps.verdicts_kept),
            deps,
            tags: Tags::new(),
            answers: Once::default(),
            resolutions: Once::default(),
            streams: TaskTracker::new(),
        }
    }

    /// The agency of a source. An agency is reached only with a recorded attempt in hand.
    fn agency(&self, _recorded: &evidence::Open, source: Source) -> Option<&Guarded> {
        let mut agencies = self.deps.agencies.iter();
        agencies.find(|guarded| guarded.guard.source() == source)
    }

    /// The agencies in service, for health and metrics.
    pub fn sources(&self) -> impl Iterator<Item = Source> {
        let agencies = self.deps.agencies.iter();
        agencies.map(|guarded| guarded.guard.source())
    }
}
