//! What the logs of a node have in common while it runs, and which of them is the newest.

use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};
use exchange::Clock;
use tokio::runtime;
use tokio::sync::watch;

use crate::alarm::Siren;
use crate::evidence::Evidence;
use crate::fold::Folds;
use crate::policy::PolicyInForce;
use crate::private::Private;
use crate::{Config, Observer, Witnesses};

/// What every log of a node is written with.
#[derive(Clone, Debug)]
pub(crate) struct Kit {
    /// The settings of the node, with all its logs.
    pub(crate) node: Arc<Config>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) witnesses: Option<Arc<dyn Witnesses>>,
    pub(crate) version: &'static str,
    pub(crate) policy: PolicyInForce,
    pub(crate) siren: Siren,
    pub(crate) runtime: runtime::Handle,
    /// Told of every checkpoint that the newest log shows.
    pub(crate) shown: watch::Sender<Option<Arc<str>>>,
    pub(crate) checkpoints: watch::Receiver<Option<Arc<str>>>,
    pub(crate) private: Private,
}

/// The logs of a node, one after the other.
#[derive(Default)]
pub(crate) struct Series {
    /// None before the first and behind the last.
    newest: ArcSwapOption<Evidence>,
    /// Floods of refusals go on from one log to the next.
    pub(crate) folds: Folds,
}

impl Series {
    /// The newest log; none behind the end.
    pub(crate) fn newest(&self) -> Option<Evidence> {
        self.look().as_deref().cloned()
    }

    /// The same without counting who has it: not to be held over an `await`.
    pub(crate) fn look(&self) -> Guard<Option<Arc<Evidence>>> {
        self.newest.load()
    }

    /// Says which log is the newest from here on.
    pub(crate) fn begin(&self, evidence: &Evidence) {
        self.newest.store(Some(Arc::new(evidence.clone())));
    }

    /// Says that nothing follows; what holds the logs together goes with it.
    pub(crate) fn end(&self) {
        self.newest.store(None);
    }
}

impl fmt::Debug for Series {
    /// Without the newest log, which shows this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folds = &self.folds;
        f.debug_struct("Series")
            .field("folds", folds)
            .finish_non_exhaustive()
    }
}
