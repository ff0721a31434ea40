//! Who owns the writers of the log, and ends them.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::evidence::Evidence;
use crate::link::Before;
use crate::series::Series;
use crate::writer::{self, Phase, Plan};
use crate::{Config, Error};

/// Owns the writer of a log.
///
/// Dropped without [`Handle::close`], it stops the writer as a crash would: no `STOP` leaf.
#[derive(Debug)]
#[must_use = "the log stops when its handle is dropped"]
pub struct Handle {
    evidence: Evidence,
    keeper: Option<Keeper>,
}

/// Who has the writers.
#[derive(Debug)]
pub(crate) enum Keeper {
    /// The handle: of one log.
    Handle(Box<Writings>),
    /// The thread that turns from one log to the next.
    Turner {
        stop: mpsc::Sender<()>,
        thread: JoinHandle<Writings>,
    },
}

/// The writers of a node: of the log that takes what is new, and of older ones that wait for their
/// last exchanges.
#[derive(Debug)]
pub(crate) struct Writings {
    pub(crate) current: Writing,
    pub(crate) closing: Vec<Writing>,
}

/// The writer of one log. Dropped, it stops as a crash would.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(crate) config: Config,
    pub(crate) evidence: Evidence,
    done: oneshot::Receiver<Result<(), Error>>,
    thread: Option<JoinHandle<()>>,
}

impl Writing {
    /// Opens a log.
    pub(crate) fn start(plan: Plan, series: &Arc<Series>) -> Result<Self, Error> {
        let (config, kit) = (plan.config.clone(), plan.kit.clone());
        let (done_tx, done) = oneshot::channel();
        let (started, thread) = writer::spawn(plan, done_tx)?;
        Ok(Self {
            evidence: Evidence::new(started, &config, &kit, series),
            config,
            done,
            thread: Some(thread),
        })
    }

    /// Takes no new exchange, and waits so long for those that are open.
    pub(crate) fn close(&self, patience: Duration) {
        let until = Instant::now() + patience;
        self.evidence.queue().close(Phase::Closing { until });
    }

    async fn end(&mut self) -> Result<(), Error> {
        (&mut self.done).await.unwrap_or(Err(Error::Ended))
    }

    /// What came of closing it; none while it waits.
    pub(crate) fn ended(&mut self) -> Option<Result<(), Error>> {
        match self.done.try_recv() {
            Ok(result) => Some(result),
            Err(oneshot::error::TryRecvError::Closed) => Some(Err(Error::Ended)),
            Err(oneshot::error::TryRecvError::Empty) => None,
        }
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> Result<(), Error> {
        match self.thread.take().map(JoinHandle::join) {
            // A panic of the writer has already been reported as fatal.
            None | Some(Err(_)) => Err(Error::Ended),
            Some(Ok(())) => self.ended().unwrap_or(Err(Error::Ended)),
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.evidence.queue().close(Phase::Ended);
        if let Some(thread) = self.thread.take() {
            // A panic of the writer has already been reported as fatal.
            drop(thread.join());
        }
    }
}

impl Writings {
    async fn close(mut self) -> Result<(), Error> {
        let mut closed = Ok(());
        for old in &mut self.closing {
            old.close(CLOSING);
            let ended = old.end().await;
            // If it cannot be said here how it has ended, the next start says it.
            if let Some(before) = Before::of(&old.config).ok().filter(Before::has_ended) {
                self.current.evidence.link(&before).ok();
            }
            closed = closed.and(ended);
        }
        self.current.close(CLOSING);
        closed.and(self.current.end().await)
    }
}

impl Keeper {
    /// Takes the writers back.
    fn stop(self) -> Result<Writings, Error> {
        match self {
            Self::Handle(writings) => Ok(*writings),
            Self::Turner { stop, thread } => {
                drop(stop);
                thread.join().map_err(|_| Error::Ended)
            }
        }
    }
}

impl Handle {
    pub(crate) const fn new(evidence: Evidence, keeper: Keeper) -> Self {
        Self {
            evidence,
            keeper: Some(keeper),
        }
    }

    /// Takes nothing new, records how many refusals were counted, waits for the leaves of open
    /// exchanges, writes a `STOP` leaf behind them, and ends the writer.
    ///
    /// An exchange that stays open for 2 s more is recorded as `UNKNOWN` by the next start.
    ///
    /// # Errors
    /// The log could not be written to its end.
    pub async fn close(mut self) -> Result<(), Error> {
        let keeper = self.keeper.take().ok_or(Error::Ended)?;
        let writings = match keeper {
            Keeper::Handle(writings) => *writings,
            turner @ Keeper::Turner { .. } => {
                let stopped = tokio::task::spawn_blocking(move || turner.stop()).await;
                stopped.unwrap_or(Err(Error::Ended))?
            }
        };
        self.evidence.end_floods();
        writings.close().await
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // A thread that has panicked has dropped its writers.
        drop(self.keeper.take().map(Keeper::stop));
        self.evidence.end_series();
    }
}

/// How long a log that closes waits for open exchanges. The doors are shut by then and calls were
/// cut: what is open belongs to tasks about to be dropped, which takes milliseconds.
const CLOSING: Duration = Duration::from_secs(2);
