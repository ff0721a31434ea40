//! Who is suspended for how they asked: kept for the next start, spread over the nodes, and lifted.
//!
//! Every node of several looks into the store each second, as it does for the switches: whom one
//! suspends, all refuse within five. Not here: who is suspended, and when (crate `admission`).
//!
//! *Invariants:* nothing is lifted before the record says so. Who is suspended stays so while the store
//! cannot be read; a suspension that cannot be stored holds on this node, and is stored as soon as it
//! can be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use admission::{Admission, Level, Suspension, SuspensionId};
use edge::{Lift, Lifted, Undone};
use evidence::{Deed, Evidence, Suspended, SuspensionStore};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::config::chain;
use crate::deed;

/// The suspensions.
#[derive(Debug)]
pub(crate) struct Suspensions {
    admission: Arc<Admission>,
    evidence: Evidence,
    store: SuspensionStore,
    /// Whoever has it uses the store.
    turn: tokio::sync::Mutex<()>,
    /// True while the store cannot be used.
    is_blind: AtomicBool,
}

impl Suspensions {
    /// Has everybody suspended who was, before anybody is let in.
    ///
    /// # Errors
    /// The store cannot be read: who is suspended is not known.
    pub(crate) async fn open(
        admission: Arc<Admission>,
        evidence: Evidence,
        store: SuspensionStore,
    ) -> Result<Arc<Self>, evidence::Error> {
        let key = store.key().await?;
        admission.name_suspensions(&key);
        let this = Self {
            admission,
            evidence,
            store,
            turn: tokio::sync::Mutex::default(),
            is_blind: AtomicBool::new(false),
        };
        this.exchange().await?;
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

    /// Everybody who is suspended, the earliest first.
    pub(crate) fn list(&self) -> Vec<edge::Suspended> {
        let all = self.admission.suspensions();
        all.iter().map(shown).collect()
    }

    /// Lifts a suspension, on every node.
    ///
    /// # Errors
    /// There is none of that name, or it cannot be recorded or stored.
    pub(crate) async fn lift(&self, lift: &Lift) -> Result<Lifted, Undone> {
        let unavailable = |error| Undone::Unavailable(chain(&error));
        let none = || Undone::Refused("id: names no suspension".to_owned());
        let id = SuspensionId::parse(&lift.id).ok_or_else(none)?;
        let _turn = self.turn.lock().await;
        self.look().await.map_err(unavailable)?;
        let all = self.admission.suspensions();
        let suspension = all.iter().find(|it| it.id == id).ok_or_else(none)?;
        let of = name(suspension);
        let done = Deed::Lift(&of);
        let seq = deed::record(&self.evidence, done, &lift.operator, &lift.reason).await?;
        let lifted = self.store.lift(&id.to_string()).await;
        lifted.map_err(unavailable)?;
        self.admission.lift_suspension(id).ok_or_else(none)?;
        tracing::warn!(of, seq, "an operator has lifted a suspension");
        Ok(Lifted { seq })
    }

    /// Stores whom this node has suspended, and heeds whom the others have.
    async fn look(&self) -> Result<(), evidence::Error> {
        let looked = self.exchange().await;
        let was_blind = self.is_blind.swap(looked.is_err(), Relaxed);
        match &looked {
            Err(error) if !was_blind => {
                let error = chain(error);
                tracing::error!(
                    error,
                    "the store of the suspensions cannot be used; who is suspended stays so"
                );
            }
            Ok(()) if was_blind => tracing::info!("the store of the suspensions can be used again"),
            Ok(()) | Err(_) => {}
        }
        looked
    }

    async fn exchange(&self) -> Result<(), evidence::Error> {
        for suspension in self.admission.suspensions_here() {
            self.store.keep(&kept(&suspension)).await?;
        }
        let stored = self.store.load().await?;
        let stored = stored.iter().filter_map(read).collect();
        for suspension in self.admission.heed_suspensions(stored) {
            let of = name(&suspension);
            tracing::warn!(of, id = %suspension.id, "somebody is suspended whom another run or node has found");
        }
        Ok(())
    }
}

fn kept(suspension: &Suspension) -> Suspended {
    Suspended {
        id: suspension.id.to_string(),
        level: suspension.level.name().to_owned(),
        agency: suspension.agency.clone(),
        system: suspension.system.clone(),
        since: suspension.since,
    }
}

/// A level that only a later version knows is of nobody whom this one can tell.
fn read(stored: &Suspended) -> Option<Suspension> {
    Some(Suspension {
        id: SuspensionId::parse(&stored.id)?,
        level: Level::ALL
            .into_iter()
            .find(|level| level.name() == stored.level)?,
        agency: stored.agency.clone(),
        system: stored.system.clone(),
        since: stored.since,
    })
}

fn shown(suspension: &Suspension) -> edge::Suspended {
    edge::Suspended {
        id: suspension.id.to_string(),
        level: suspension.level.name(),
        agency: suspension.agency.to_string(),
        system: suspension.system.to_string(),
        since: suspension.since,
    }
}

/// Whose it is, as far as it may be told: `officer:G24/claims`.
fn name(suspension: &Suspension) -> String {
    let (level, agency) = (suspension.level.name(), &suspension.agency);
    format!("{level}:{agency}/{}", suspension.system)
}

/// As often as the switches: of five seconds that leaves room for one failed look and the next.
const EVERY: Duration = Duration::from_secs(1);
