//! The switches of the gateway: an operator throws one here, the record says so, the store keeps it
//! for the next start and the other nodes, and the gate heeds it.
//!
//! Every node of several looks into the store each second, so that what is stopped on one stops on
//! all. Not here: what a stop does (crate `gate`), where it is kept (crate `evidence`).
//!
//! *Invariant:* nothing is stopped or resumed before the record says so. What is stopped stays so
//! while the store cannot be read; a stop that cannot be stored holds on this node, and is stored as
//! soon as it can be.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use admission::Admission;
use edge::{Instruction, Position, Switched, Undone};
use evidence::{Deed, Evidence, Stopped, SwitchStore};
use exchange::{Clock, PurposeCode, Switch};
use gate::Switches;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::config::chain;
use crate::deed;
use crate::metrics::Metrics;

/// What the switches are made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) store: SwitchStore,
    pub(crate) switches: Arc<Switches>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) evidence: Evidence,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The switches.
#[derive(Debug)]
pub(crate) struct Switchboard {
    parts: Parts,
    known: Mutex<Known>,
    /// Whoever has it uses the store; a stop does not wait for it.
    turn: tokio::sync::Mutex<()>,
}

/// What is stopped, as far as this node knows.
#[derive(Debug, Default)]
struct Known {
    /// As the store was last read.
    stored: Vec<Stopped>,
    /// Stopped here and not stored yet.
    unstored: Vec<Stopped>,
    /// True while the store cannot be used.
    is_blind: bool,
}

impl Known {
    fn all(&self) -> impl Iterator<Item = &Stopped> {
        self.stored.iter().chain(&self.unstored)
    }

    fn has(&self, switch: &Switch) -> bool {
        self.all().any(|it| it.switch == *switch)
    }
}

impl Switchboard {
    /// Reads what is stopped, before anybody is let in.
    ///
    /// # Errors
    /// The store cannot be read: what is stopped is not known.
    pub(crate) async fn open(parts: Parts) -> Result<Arc<Self>, evidence::Error> {
        let stored = parts.store.load().await?;
        let this = Self {
            parts,
            known: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        };
        this.change(|known| known.stored = stored);
        Ok(Arc::new(this))
    }

    /// Looks into the store from now on.
    pub(crate) fn watch(self: &Arc<Self>) -> JoinHandle<()> {
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let mut looks = interval(EVERY);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                looks.tick().await;
                let _turn = this.turn.lock().await;
                // What is wrong is in the log by now.
                drop(this.look().await);
            }
        })
    }

    /// Everything that is stopped, and whether it is stored.
    pub(crate) fn stopped(&self) -> Vec<edge::Stopped> {
        let known = self.known();
        let stored = known.stored.iter().map(|it| shown(it, true));
        let unstored = known.unstored.iter().map(|it| shown(it, false));
        stored.chain(unstored).collect()
    }

    /// Follows an instruction.
    ///
    /// # Errors
    /// It names nothing that there is, or cannot be recorded; what is to be resumed, not be stored.
    pub(crate) async fn switch(
        &self,
        to: Position,
        instruction: Instruction,
    ) -> Result<Switched, Undone> {
        match to {
            Position::Stopped => self.stop(instruction).await,
            Position::Resumed => self.resume(instruction).await,
        }
    }

    async fn stop(&self, instruction: Instruction) -> Result<Switched, Undone> {
        let switch = &instruction.switch;
        self.check(switch).map_err(Undone::Refused)?;
        if self.known().has(switch) {
            return Ok(unchanged());
        }
        let seq = self.record(Deed::Stop(switch), &instruction).await?;
        tracing::warn!(%switch, seq, "an operator has stopped something");
        let stopped = Stopped {
            switch: instruction.switch,
            since: self.parts.clock.now(),
            operator: instruction.operator,
            reason: instruction.reason,
        };
        // Here first: a store that does not answer keeps nobody going.
        self.change(|known| known.unstored.push(stopped));
        let _turn = self.turn.lock().await;
        let looked = self.look().await;
        Ok(Switched {
            changed: true,
            seq: Some(seq),
            stored: looked.is_ok(),
        })
    }

    async fn resume(&self, instruction: Instruction) -> Result<Switched, Undone> {
        let unavailable = |error| Undone::Unavailable(chain(&error));
        let _turn = self.turn.lock().await;
        self.look().await.map_err(unavailable)?;
        let switch = &instruction.switch;
        if !self.known().has(switch) {
            return Ok(unchanged());
        }
        let seq = self.record(Deed::Resume(switch), &instruction).await?;
        let resumed = self.parts.store.resume(switch).await;
        resumed.map_err(unavailable)?;
        self.change(|known| known.stored.retain(|it| it.switch != *switch));
        tracing::warn!(%switch, seq, "an operator has resumed something");
        Ok(Switched {
            changed: true,
            seq: Some(seq),
            stored: true,
        })
    }

    async fn record(&self, done: Deed<'_>, by: &Instruction) -> Result<u64, Undone> {
        deed::record(&self.parts.evidence, done, &by.operator, &by.reason).await
    }

    /// Refuses to stop what the agreements do not name: it would be a slip of the pen, and whoever was
    /// meant would go on. A source is named by its type.
    fn check(&self, switch: &Switch) -> Result<(), String> {
        let admission = &self.parts.admission;
        let (is_known, what) = match switch {
            Switch::Agency(agency) => (admission.knows_agency(agency), "agency"),
            Switch::System(agency, system) => (admission.knows_system(agency, system), "system"),
            Switch::Purpose(purpose) => (self.has_purpose(purpose), "purpose"),
            Switch::Source(_) => return Ok(()),
        };
        is_known
            .then_some(())
            .ok_or_else(|| format!("switch: no agreement names this {what}"))
    }

    fn has_purpose(&self, purpose: &PurposeCode) -> bool {
        self.parts.admission.purpose(purpose).is_some()
    }

    /// Stores what is not stored yet, and reads what is; what is known stays if that fails.
    async fn look(&self) -> Result<(), evidence::Error> {
        let looked = self.exchange().await;
        let is_blind = looked.is_err();
        let was_blind = std::mem::replace(&mut self.known().is_blind, is_blind);
        match &looked {
            Err(error) if !was_blind => {
                let error = chain(error);
                tracing::error!(
                    error,
                    "the store of the switches cannot be used; what is stopped stays so"
                );
            }
            Ok(()) if was_blind => tracing::info!("the store of the switches can be used again"),
            Ok(()) | Err(_) => {}
        }
        looked
    }

    async fn exchange(&self) -> Result<(), evidence::Error> {
        let unstored = self.known().unstored.clone();
        for stopped in &unstored {
            self.parts.store.stop(stopped).await?;
        }
        let stored = self.parts.store.load().await?;
        self.change(|known| {
            known.unstored.retain(|it| !unstored.contains(it));
            known.stored = stored;
        });
        self.parts.metrics.switches_read(self.parts.clock.now());
        Ok(())
    }

    /// Changes what is known, has the gate heed it, and tells how much is stopped.
    fn change(&self, change: impl FnOnce(&mut Known)) {
        let mut known = self.known();
        change(&mut known);
        let switches = known.all().map(|it| it.switch.clone());
        self.parts.switches.replace(switches);
        let count = |kind| known.all().filter(|it| it.switch.kind() == kind).count() as u64;
        self.parts.metrics.switches(Switch::KINDS.map(count));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn unchanged() -> Switched {
    Switched {
        changed: false,
        seq: None,
        stored: true,
    }
}

fn shown(stopped: &Stopped, stored: bool) -> edge::Stopped {
    edge::Stopped {
        switch: stopped.switch.to_string(),
        since: stopped.since,
        operator: stopped.operator.reveal().to_owned(),
        reason: stopped.reason.reveal().to_owned(),
        stored,
    }
}

/// What is stopped on one node stops on all within five seconds: two looks, and what the store takes.
const EVERY: Duration = Duration::from_secs(1);
