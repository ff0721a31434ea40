//! Dossiers that questions have left under way: kept over a restart, looked after, and moved by operators.
//!
//! Not here: what a dossier is and what moves it (`adapter::dossier`), where it is kept (crate `evidence`).
//!
//! *Invariant:* an operator moves nothing before the record says so.

mod kept;
mod sweeper;

use std::sync::Arc;
use std::time::Duration;

use adapter::dossier::{Dossier, Illegal, Move, Register};
use adapter::guard::Guarded;
use anyhow::Context as _;
use edge::{DossierOrder, Moved, Undone};
use evidence::{Deed, DossierStore, Evidence};
use exchange::Clock;
use gate::Switches;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::config::chain;
use crate::deed;

/// The dossiers of this node.
#[derive(Debug)]
pub(crate) struct Dossiers {
    register: Arc<Register>,
    store: DossierStore,
    evidence: Evidence,
    clock: Arc<dyn Clock>,
    /// One order at a time: what is checked before the record holds behind it.
    turn: Mutex<()>,
    /// Whoever has it brings changes into the store, in their order.
    keeping: Mutex<()>,
}

/// Those who look after dossiers.
#[derive(Debug)]
pub(crate) struct Watch {
    dossiers: Arc<Dossiers>,
    tasks: Vec<JoinHandle<()>>,
}

impl Watch {
    /// Ends it, and keeps what questions that were cut off have left.
    pub(crate) async fn stop(self) {
        for task in &self.tasks {
            task.abort();
        }
        for task in self.tasks {
            // That it was ended is no failure.
            task.await.ok();
        }
        if let Err(error) = self.dossiers.keep().await {
            let error = chain(&error);
            tracing::error!(error, "what is under way at agencies was not stored");
        }
    }
}

impl Dossiers {
    /// Has the register as the last run has left it, before anybody is let in.
    ///
    /// # Errors
    /// What was left cannot be read.
    pub(crate) async fn open(
        register: Arc<Register>,
        store: DossierStore,
        evidence: Evidence,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Arc<Self>> {
        let (key, rows) = (store.key().await?, store.load().await?);
        let before = rows.into_iter().map(kept::read);
        let before: Option<Vec<Dossier>> = before.collect();
        let before = before.context("the dossiers hold a state of a later version")?;
        register.open(&key, before);
        Ok(Arc::new(Self {
            register,
            store,
            evidence,
            clock,
            turn: Mutex::default(),
            keeping: Mutex::default(),
        }))
    }

    /// Looks after them from now on, and keeps what changes.
    pub(crate) fn watch(
        self: Arc<Self>,
        (agencies, switches): (Vec<Guarded>, Arc<Switches>),
    ) -> Watch {
        let this = Arc::clone(&self);
        let tidy = sweeper::tidy(Arc::clone(&self.register));
        let mut tasks = vec![
            tokio::spawn(async move { this.keep_on().await }),
            tokio::spawn(tidy),
        ];
        for agency in agencies {
            let (register, switches) = (Arc::clone(&self.register), Arc::clone(&switches));
            let sweep = sweeper::sweep(register, agency, switches);
            tasks.push(tokio::spawn(sweep));
        }
        let dossiers = self;
        Watch { dossiers, tasks }
    }

    /// Keeps what has changed, in rounds.
    async fn keep_on(self: &Arc<Self>) {
        let mut fails = false;
        loop {
            self.register.changed().await;
            tokio::time::sleep(ROUND).await;
            let kept = self.keep().await;
            match &kept {
                Err(error) if !fails => {
                    let error = chain(error);
                    tracing::error!(
                        error,
                        "DossiersNotKept: what is under way at agencies cannot be stored"
                    );
                }
                Ok(()) if fails => tracing::info!("dossiers are stored again"),
                Ok(()) | Err(_) => {}
            }
            fails = kept.is_err();
            if fails {
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    /// Keeps what has changed since this was last done; to the end, also if nobody waits for that.
    ///
    /// # Errors
    /// The store cannot be written; it is tried again with what changes next.
    pub(crate) async fn keep(self: &Arc<Self>) -> Result<(), evidence::Error> {
        let this = Arc::clone(self);
        let keeping = tokio::spawn(async move { this.keep_changes().await });
        keeping.await.unwrap_or(Err(evidence::Error::Ended))
    }

    async fn keep_changes(&self) -> Result<(), evidence::Error> {
        let _keeping = self.keeping.lock().await;
        let changes = self.register.changes();
        if changes.all().is_empty() {
            return Ok(());
        }
        let rows = changes.all().iter();
        let rows = rows.map(|(number, it)| (*number, it.as_ref().map(kept::row)));
        self.store.keep(rows.collect()).await?;
        changes.kept();
        Ok(())
    }

    /// Every dossier, the earliest first.
    pub(crate) fn list(&self) -> Vec<edge::Dossier> {
        let now = self.clock.now();
        let all = self.register.all();
        all.iter().map(|it| kept::shown(it, now)).collect()
    }

    /// Moves a dossier as an operator says.
    ///
    /// # Errors
    /// There is none such, it may not be moved so, or that cannot be recorded.
    pub(crate) async fn order(self: &Arc<Self>, order: DossierOrder) -> Result<Moved, Undone> {
        let refused = |illegal: Illegal| Undone::Refused(illegal.to_string());
        let (it, name) = match order.to {
            edge::DossierMove::Requery => (Move::Requery, "DOSSIER_REQUERY"),
            edge::DossierMove::Resend => (Move::Resend, "DOSSIER_RESEND"),
            edge::DossierMove::Close => (Move::Close, "DOSSIER_CLOSE"),
        };
        let _turn = self.turn.lock().await;
        let dossier = self.register.may(order.dossier, it).map_err(refused)?;
        let which = format!("{}/{}", dossier.source, dossier.code);
        let request = dossier.request.to_string();
        let done = Deed::Dossier(name, &which, &request);
        let seq = deed::record(&self.evidence, done, &order.operator, &order.reason).await?;
        let moved = self.register.order(order.dossier, it).map_err(refused)?;
        let (dossier, state) = (moved.number, moved.state.name());
        tracing::warn!(
            dossier,
            which,
            state,
            seq,
            "an operator has moved a dossier"
        );
        // Kept before it is said; if it cannot be, that is told in the log and tried again.
        drop(self.keep().await);
        Ok(Moved { state, seq })
    }
}

/// Nobody waits for the store, so that ten commits a second are enough.
const ROUND: Duration = Duration::from_millis(100);
/// After a failure.
const RETRY: Duration = Duration::from_secs(1);
