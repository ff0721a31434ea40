//! What an operator may have done through the operations listener, and who does it.

use std::path::Path;
use std::sync::Arc;

use adapter::guard::Guard;
use admission::Consents;
use edge::{
    Administration, Closure, Consented, Dossier, DossierOrder, Effect, Instruction, Lift, Lifted,
    Moved, Position, Registration, Reloaded, Reviewed, Reviews, SourceHealth, Stopped, Suspended,
    Switched, Undone, Withdrawal,
};
use evidence::{SuspensionStore, SwitchStore};
use futures_util::future::BoxFuture;
use gate::Switches;
use tokio::task::JoinHandle;

use crate::config::Problems;
use crate::dossiers::Dossiers;
use crate::registrar::Registrar;
use crate::reload::{self, Reloads};
use crate::reviewer::Reviewer;
use crate::sources::Sources;
use crate::suspensions::Suspensions;
use crate::switchboard::{self, Switchboard};

/// Hands each instruction to whoever does it.
#[derive(Debug)]
pub(crate) struct Administrator {
    reloads: Arc<Reloads>,
    switchboard: Arc<Switchboard>,
    reviewer: Reviewer,
    registrar: Arc<Registrar>,
    suspensions: Arc<Suspensions>,
    sources: Sources,
    dossiers: Arc<Dossiers>,
}

/// What an operator sees beside switches and files.
#[derive(Debug)]
pub(crate) struct Seen {
    consents: Arc<Consents>,
    guards: Arc<[Arc<Guard>]>,
    dossiers: Arc<Dossiers>,
}

impl Seen {
    pub(crate) fn new(
        consents: Arc<Consents>,
        guards: Arc<[Arc<Guard>]>,
        dossiers: &Arc<Dossiers>,
    ) -> Self {
        let dossiers = Arc::clone(dossiers);
        Self {
            consents,
            guards,
            dossiers,
        }
    }
}

impl Administrator {
    /// Has the switches as operators have left them, before anybody is let in.
    ///
    /// # Errors
    /// What is stopped cannot be read.
    pub(crate) async fn open(
        path: &Path,
        parts: reload::Parts,
        store: SwitchStore,
        switches: Arc<Switches>,
        seen: Seen,
    ) -> Result<Arc<Self>, evidence::Error> {
        let suspensions = Suspensions::open(
            Arc::clone(&parts.admission),
            parts.evidence.clone(),
            SuspensionStore::beside(store.clone()),
        );
        let suspensions = suspensions.await?;
        let switchboard = Switchboard::open(switchboard::Parts {
            store,
            switches,
            admission: Arc::clone(&parts.admission),
            evidence: parts.evidence.clone(),
            metrics: Arc::clone(&parts.metrics),
            clock: Arc::clone(&parts.clock),
        });
        let reviewer = Reviewer {
            evidence: parts.evidence.clone(),
            metrics: Arc::clone(&parts.metrics),
            clock: Arc::clone(&parts.clock),
        };
        let registrar = Registrar::new(seen.consents, parts.evidence.clone());
        let sources = Sources {
            guards: seen.guards,
            clock: Arc::clone(&parts.clock),
        };
        Ok(Arc::new(Self {
            sources,
            dossiers: seen.dossiers,
            registrar: Arc::new(registrar),
            switchboard: switchboard.await?,
            reviewer,
            suspensions,
            reloads: Reloads::new(path, parts),
        }))
    }

    /// Looks after files, switches and reviews from now on.
    ///
    /// # Errors
    /// The configuration cannot be read.
    pub(crate) async fn watch(&self) -> Result<[JoinHandle<()>; 4], Problems> {
        let files = self.reloads.begin().await?;
        let suspensions = self.suspensions.watch();
        let switches = self.switchboard.watch();
        Ok([files, switches, suspensions, self.reviewer.watch()])
    }

    /// Reads the configuration again at each SIGHUP.
    pub(crate) fn at_hangup(&self) -> std::io::Result<JoinHandle<()>> {
        self.reloads.at_hangup()
    }
}

impl Administration for Administrator {
    fn reload(&self, effect: Effect) -> BoxFuture<'_, Result<Reloaded, Vec<String>>> {
        Box::pin(self.reloads.read(effect))
    }

    fn stopped(&self) -> BoxFuture<'_, Vec<Stopped>> {
        let stopped = self.switchboard.stopped();
        Box::pin(async { stopped })
    }

    fn switch(
        &self,
        to: Position,
        instruction: Instruction,
    ) -> BoxFuture<'_, Result<Switched, Undone>> {
        // Thrown to its end, whether or not whoever asked still waits.
        let switchboard = Arc::clone(&self.switchboard);
        ended(tokio::spawn(async move {
            switchboard.switch(to, instruction).await
        }))
    }

    fn reviews(&self) -> BoxFuture<'_, Result<Reviews, Undone>> {
        Box::pin(self.reviewer.list())
    }

    fn close_review(&self, closure: Closure) -> BoxFuture<'_, Result<Reviewed, Undone>> {
        Box::pin(async move { self.reviewer.close(&closure).await })
    }

    fn suspended(&self) -> Vec<Suspended> {
        self.suspensions.list()
    }

    fn sources(&self) -> Vec<SourceHealth> {
        self.sources.list()
    }

    fn dossiers(&self) -> Vec<Dossier> {
        self.dossiers.list()
    }

    fn order_dossier(&self, order: DossierOrder) -> BoxFuture<'_, Result<Moved, Undone>> {
        // To its end, whether or not whoever asked still waits: what is recorded is done.
        let dossiers = Arc::clone(&self.dossiers);
        ended(tokio::spawn(async move { dossiers.order(order).await }))
    }

    fn lift(&self, lift: Lift) -> BoxFuture<'_, Result<Lifted, Undone>> {
        // To its end, whether or not whoever asked still waits: what is recorded is done.
        let suspensions = Arc::clone(&self.suspensions);
        ended(tokio::spawn(async move { suspensions.lift(&lift).await }))
    }

    fn register_consent(&self, it: Registration) -> BoxFuture<'_, Result<Consented, Undone>> {
        // To its end, whether or not whoever asked still waits: what is recorded is done.
        let registrar = Arc::clone(&self.registrar);
        ended(tokio::spawn(async move { registrar.register(it).await }))
    }

    fn withdraw_consent(&self, it: Withdrawal) -> BoxFuture<'_, Result<Consented, Undone>> {
        let registrar = Arc::clone(&self.registrar);
        ended(tokio::spawn(async move { registrar.withdraw(it).await }))
    }
}

/// What came of something that is done to its end.
fn ended<T: Send + 'static>(
    task: JoinHandle<Result<T, Undone>>,
) -> BoxFuture<'static, Result<T, Undone>> {
    let ending = || Undone::Unavailable("the gateway is ending".to_owned());
    Box::pin(async move { task.await.unwrap_or_else(|_| Err(ending())) })
}
