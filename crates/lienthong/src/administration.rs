//! What an operator may have done through the operations listener, and who does it.

use std::path::Path;
use std::sync::Arc;

use edge::{
    Administration, Closure, Effect, Instruction, Position, Reloaded, Reviewed, Reviews, Stopped,
    Switched, Undone,
};
use evidence::SwitchStore;
use futures_util::future::BoxFuture;
use gate::Switches;
use tokio::task::JoinHandle;

use crate::config::Problems;
use crate::reload::{self, Reloads};
use crate::reviewer::Reviewer;
use crate::switchboard::{self, Switchboard};

/// Hands each instruction to whoever does it.
#[derive(Debug)]
pub(crate) struct Administrator {
    reloads: Arc<Reloads>,
    switchboard: Arc<Switchboard>,
    reviewer: Reviewer,
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
    ) -> Result<Arc<Self>, evidence::Error> {
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
        Ok(Arc::new(Self {
            switchboard: switchboard.await?,
            reviewer,
            reloads: Reloads::new(path, parts),
        }))
    }

    /// Looks after files, switches and reviews from now on.
    ///
    /// # Errors
    /// The configuration cannot be read.
    pub(crate) async fn watch(&self) -> Result<[JoinHandle<()>; 3], Problems> {
        let files = self.reloads.begin().await?;
        Ok([files, self.switchboard.watch(), self.reviewer.watch()])
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
        let thrown = tokio::spawn(async move { switchboard.switch(to, instruction).await });
        Box::pin(async {
            let ended = "the gateway is ending".to_owned();
            thrown.await.unwrap_or(Err(Undone::Unavailable(ended)))
        })
    }

    fn reviews(&self) -> BoxFuture<'_, Result<Reviews, Undone>> {
        Box::pin(self.reviewer.list())
    }

    fn close_review(&self, closure: Closure) -> BoxFuture<'_, Result<Reviewed, Undone>> {
        Box::pin(async move { self.reviewer.close(&closure).await })
    }
}
