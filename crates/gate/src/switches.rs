//! What operators have stopped: agencies, systems, sources and purposes.
//!
//! Who is stopped is refused before admission, and an answer that is under way does not leave. Not
//! here: who stops, and where that is kept.
//!
//! *Invariant:* nothing about a person leaves for whom or for what is stopped, from the moment of
//! [`Switches::replace`] on; each refusal is a record.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use adapter::Miss;
use arc_swap::ArcSwap;
use evidence::{Asked, Open, Refusal};
use exchange::{
    AgencyCode, CallContext, Caller, Fault, PurposeCode, Reason, Request, Source, SourceSet,
    SourceState, Switch, SystemId,
};
use tokio::sync::watch;
use tracing::Instrument as _;

use crate::{Call, Gate, trace};

/// The switches of a gateway, replaced as a whole.
#[derive(Default)]
pub struct Switches {
    stopped: ArcSwap<Stopped>,
    changes: watch::Sender<()>,
    /// How often they have changed.
    changed: AtomicU64,
}

/// What is stopped at a time.
#[derive(Debug, Default, PartialEq, Eq)]
struct Stopped {
    agencies: HashSet<AgencyCode>,
    systems: HashMap<AgencyCode, HashSet<SystemId>>,
    sources: SourceSet,
    purposes: HashSet<PurposeCode>,
}

impl Switches {
    /// Has these stopped and nothing else. Streams notice at once.
    pub fn replace(&self, all: impl IntoIterator<Item = Switch>) {
        let mut stopped = Stopped::default();
        for switch in all {
            match switch {
                Switch::Agency(agency) => drop(stopped.agencies.insert(agency)),
                Switch::System(agency, system) => {
                    stopped.systems.entry(agency).or_default().insert(system);
                }
                Switch::Source(source) => stopped.sources = stopped.sources.with(source),
                Switch::Purpose(purpose) => drop(stopped.purposes.insert(purpose)),
            }
        }
        if **self.stopped.load() != stopped {
            self.changed.fetch_add(1, SeqCst);
        }
        self.stopped.store(stopped.into());
        self.changes.send_replace(());
    }

    /// How often they have changed so far.
    pub(crate) fn changes(&self) -> u64 {
        self.changed.load(SeqCst)
    }

    /// Why a caller is refused, for a purpose if for one; none if neither is stopped.
    fn refuses(&self, caller: &Caller, purpose: Option<&PurposeCode>) -> Option<Reason> {
        let stopped = self.stopped.load();
        let (agency, system) = (caller.agency(), caller.system());
        let of_agency = || stopped.systems.get(agency);
        if stopped.agencies.contains(agency) {
            Some(Reason::AgencySuspended)
        } else if of_agency().is_some_and(|systems| systems.contains(system)) {
            Some(Reason::SystemSuspended)
        } else if purpose.is_some_and(|purpose| stopped.purposes.contains(purpose)) {
            Some(Reason::PurposeSuspended)
        } else {
            None
        }
    }

    /// Waits until a caller is refused, and says why.
    async fn refusal(&self, caller: &Caller, purpose: Option<&PurposeCode>) -> Reason {
        // Before the first look, so that no change falls between it and the wait.
        let mut changes = self.changes.subscribe();
        loop {
            if let Some(reason) = self.refuses(caller, purpose) {
                return reason;
            }
            // The sender is here, and so is the channel.
            changes.changed().await.ok();
        }
    }

    /// Refuses a source that is stopped: it is not asked, and no answer of it is used.
    ///
    /// # Errors
    /// It is stopped.
    pub fn asks(&self, source: Source) -> Result<(), Miss> {
        if !self.stopped.load().sources.contains(source) {
            return Ok(());
        }
        let detail = "an operator has stopped the source";
        let miss = Miss::new(SourceState::Skipped, SOURCE_SUSPENDED, detail);
        Err(miss.after(0))
    }
}

impl fmt::Debug for Switches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stopped.load().fmt(f)
    }
}

impl Gate {
    /// Refuses a question or a call about the record if its caller or purpose is stopped.
    pub(crate) async fn unless_stopped(
        &self,
        call: &Call,
        context: &CallContext,
        asked: Asked<'_>,
    ) -> Result<(), Fault> {
        let purpose = Some(&context.purpose);
        match self.deps.switches.refuses(&call.caller, purpose) {
            None => Ok(()),
            Some(reason) => Err(self.stopped(call, asked, reason).await),
        }
    }

    /// The attempt, unless its caller or purpose was stopped meanwhile: then it is recorded as
    /// abandoned, and the refusal behind it.
    pub(crate) async fn still_open(
        &self,
        open: Open,
        call: &Call,
        request: &Request,
    ) -> Result<Open, Fault> {
        let switches = &self.deps.switches;
        let Some(reason) = switches.refuses(&call.caller, Some(&request.purpose)) else {
            return Ok(open);
        };
        drop(open);
        Err(self.stopped(call, Asked::Question(request), reason).await)
    }

    /// Waits until the caller or the purpose of a question is stopped.
    pub(crate) async fn stops(&self, call: &Call, request: &Request) -> Reason {
        let switches = &self.deps.switches;
        switches.refusal(&call.caller, Some(&request.purpose)).await
    }

    /// Refuses a call that needs no agreement if its caller is stopped.
    ///
    /// # Errors
    /// The caller is stopped, or the record of that cannot be written.
    pub async fn open_to(&self, call: &Call) -> Result<(), Fault> {
        match self.deps.switches.refuses(&call.caller, None) {
            None => Ok(()),
            Some(reason) => {
                self.refuse(call, reason).await?;
                Err(fault(reason))
            }
        }
    }

    /// Waits until the caller of something that goes on is stopped; the refusal is recorded.
    pub async fn closed_to(&self, call: &Call) -> Fault {
        let reason = self.deps.switches.refusal(&call.caller, None).await;
        match self.refuse(call, reason).await {
            Ok(()) => fault(reason),
            Err(unrecorded) => unrecorded,
        }
    }

    /// Records that something was refused since it is stopped; what the caller is told.
    pub(crate) async fn stopped(&self, call: &Call, asked: Asked<'_>, reason: Reason) -> Fault {
        let digest = self.deps.admission.policy_digest();
        let record = Refusal {
            caller: &call.caller,
            asked: Some(asked),
            reason,
            policy: &digest,
        };
        let recorded = self.deps.evidence.refuse(&record);
        match recorded.instrument(trace::record()).await {
            Ok(_) => fault(reason),
            Err(unrecorded) => unrecorded,
        }
    }
}

fn fault(reason: Reason) -> Fault {
    Fault::new(reason, "an operator has stopped it")
}

/// The reason in the status of a source that is stopped.
pub(crate) const SOURCE_SUSPENDED: &str = "SOURCE_SUSPENDED";

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(agency: &str, system: &str) -> Caller {
        let agency = AgencyCode::parse(agency).unwrap();
        Caller::new(agency, SystemId::parse(system).unwrap(), "00")
    }

    fn stopped(all: &[&str]) -> Switches {
        let switches = Switches::default();
        switches.replace(all.iter().map(|text| Switch::parse(text).unwrap()));
        switches
    }

    #[test]
    fn only_what_is_stopped_is_refused() {
        let purpose = PurposeCode::parse("INSPECTION").unwrap();
        let refused = |all: &[&str], caller: &Caller| stopped(all).refuses(caller, Some(&purpose));
        let desk = caller("H55", "desk");
        assert_eq!(refused(&[], &desk), None);
        let agency = Some(Reason::AgencySuspended);
        assert_eq!(refused(&["agency:H55"], &desk), agency);
        assert_eq!(refused(&["agency:H5"], &desk), None);
        let system = Some(Reason::SystemSuspended);
        assert_eq!(refused(&["system:H55/desk"], &desk), system);
        assert_eq!(
            refused(&["system:H55/other", "system:H5/desk"], &desk),
            None
        );
        let all = ["purpose:OTHER", "source:tax"];
        assert_eq!(refused(&all, &desk), None);
        let purpose = Some(Reason::PurposeSuspended);
        assert_eq!(refused(&["purpose:INSPECTION"], &desk), purpose);
    }

    #[test]
    fn a_source_is_stopped_and_resumed() {
        let switches = stopped(&["source:tax"]);
        let miss = switches.asks(Source::Tax).unwrap_err();
        assert_eq!(miss.reason, "SOURCE_SUSPENDED");
        assert!(switches.asks(Source::Health).is_ok());
        switches.replace([]);
        assert!(switches.asks(Source::Tax).is_ok());
    }

    #[tokio::test]
    async fn who_waits_is_told_when_it_is_them_who_is_stopped() {
        let switches = stopped(&[]);
        let desk = caller("H55", "desk");
        let mut waiting = std::pin::pin!(switches.refusal(&desk, None));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        switches.replace([Switch::parse("agency:G24").unwrap()]);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        switches.replace([Switch::parse("agency:H55").unwrap()]);
        assert_eq!(waiting.await, Reason::AgencySuspended);
    }
}
