//! Collects cosignatures: offers every checkpoint that is shown to the witnesses of the policy, and
//! hands what they sign to the publisher (decision 0017).
//!
//! A thread of its own, `evidence-witness`, with a small runtime: a witness that is slow or gone
//! delays neither another one nor a record. It reads the public log and writes nothing. Not here:
//! HTTP (the program brings [`Witnesses`]), and the other side of the protocol
//! ([`crate::witness`]).
//!
//! *Invariant:* only a signature that verifies with a key of the policy, over this very checkpoint,
//! is handed on.
//!
//! *Invariant:* no record is signed into a checkpoint before every witness that answers was asked
//! whether it knows more of this log than the log itself.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use exchange::Clock;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

mod ask;
mod failure;
mod pause;
mod quorum;
mod said;

pub use failure::NotCosigned;

use crate::alarm::Siren;
use crate::note::SignedCheckpoint;
use crate::publish::{Guard, Inbox};
use crate::verify::FetchError;
use crate::witness::Answer;
use crate::{Config, Error, Observer};
use ask::Asker;
use quorum::{Overdue, Quorum};

/// The way to witnesses.
pub trait Witnesses: Send + Sync + fmt::Debug {
    /// Posts a request to a URL. What comes back is from whoever has that URL, and from nobody
    /// between: the log ends when a witness knows more of it than the log itself.
    ///
    /// The caller limits the time; the implementation limits what it reads.
    fn post<'a>(
        &'a self,
        url: &'a str,
        request: String,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, FetchError>> + Send + 'a>>;
}

/// What the collector works with.
pub(crate) struct Collector {
    pub(crate) witnesses: Option<Arc<dyn Witnesses>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) siren: Siren,
    pub(crate) inbox: Arc<Inbox>,
    /// The checkpoint that the log begins with.
    pub(crate) first: SignedCheckpoint,
}

/// The publisher's end. The thread ends when this goes.
#[derive(Debug)]
pub(crate) struct Cosigning {
    shared: Arc<Shared>,
    latest: watch::Sender<Latest>,
}

/// The checkpoint that is offered.
#[derive(Clone, Debug)]
struct Latest {
    signed: SignedCheckpoint,
    /// None will follow.
    is_last: bool,
}

/// What both ends know.
#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    witnesses: Arc<dyn Witnesses>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    siren: Siren,
    inbox: Arc<Inbox>,
    quorum: Quorum,
    grace: Option<Duration>,
    /// The size of the largest checkpoint that anybody may have seen.
    announced: AtomicU64,
}

impl Collector {
    /// Asks the witnesses what they know of the log, and begins to collect; none without a policy.
    ///
    /// # Errors
    /// The policy cannot be used, or a witness knows more of the log than is here, or another one.
    pub(crate) fn start(self, config: &Config) -> Result<Option<Cosigning>, Error> {
        let Some(policy) = config.witnesses()? else {
            return Ok(None);
        };
        let witnesses = self.witnesses.ok_or(Error::Setting {
            setting: "witness_policy",
            problem: "there is no way to reach its witnesses",
        })?;
        let shared = Arc::new(Shared {
            dir: config.dir.clone(),
            witnesses,
            clock: self.clock,
            observer: self.observer,
            siren: self.siren,
            inbox: self.inbox,
            quorum: Quorum::new(policy),
            grace: config.witness_grace(),
            announced: AtomicU64::new(self.first.checkpoint().size),
        });
        let (latest, offers) = watch::channel(Latest {
            signed: self.first,
            is_last: false,
        });
        let (ready, is_ready) = mpsc::sync_channel(1);
        let of_thread = Arc::clone(&shared);
        thread::Builder::new()
            .name("evidence-witness".to_owned())
            .spawn(move || run(&of_thread, offers, &ready))
            .map_err(Error::io("start the collector of", &config.dir))?;
        is_ready.recv().unwrap_or(Err(Error::Ended))?;
        Ok(Some(Cosigning { shared, latest }))
    }
}

impl Cosigning {
    /// Says that a checkpoint of that size is about to be shown. Others than we may bring it to a
    /// witness at once.
    pub(crate) fn announce(&self, size: u64) {
        self.shared.announced.fetch_max(size, Ordering::SeqCst);
    }

    /// Offers the checkpoint that is shown, unless it is the one that was offered last.
    pub(crate) fn offer(&self, signed: &SignedCheckpoint) {
        let size = signed.checkpoint().size;
        let shared = &self.shared;
        self.latest.send_if_modified(|latest| {
            let is_new = latest.signed.checkpoint().size != size;
            if is_new {
                shared.inbox.begin_round(size, shared.quorum.needs_none());
                shared.quorum.shown(size);
                shared.observer.cosigned(0);
                latest.signed = signed.clone();
            }
            is_new
        });
    }

    /// Says that the checkpoint that was offered is the last one.
    pub(crate) fn finish(&self) {
        self.latest.send_modify(|latest| latest.is_last = true);
    }
}

/// The whole life of the thread.
fn run(
    shared: &Arc<Shared>,
    offers: watch::Receiver<Latest>,
    ready: &mpsc::SyncSender<Result<(), Error>>,
) {
    let _guard = Guard(shared.siren.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = Error::io("start the collector of", &shared.dir)(error);
            // Whoever asked has gone if this fails.
            return drop(ready.send(Err(error)));
        }
    };
    runtime.block_on(async {
        let first = offers.borrow().signed.clone();
        let begun = begin(Asker::all(shared), &first).await;
        let (begun, askers) = match begun {
            Ok(askers) => (Ok(()), askers),
            Err(error) => (Err(error), Vec::new()),
        };
        if ready.send(begun).is_ok() {
            collect(shared, askers, offers).await;
        }
    });
    // What a witness has not answered yet is not waited for.
    runtime.shutdown_background();
    shared.inbox.collected();
}

/// Asks every witness about the checkpoint that the log begins with. Those that do not answer in time
/// do not hinder the start.
///
/// # Errors
/// A witness knows more of the log, or another one.
async fn begin(askers: Vec<Asker>, first: &SignedCheckpoint) -> Result<Vec<Asker>, Error> {
    let mut asking = JoinSet::new();
    for mut asker in askers {
        let first = first.clone();
        asking.spawn(async move {
            let asked = timeout(AT_START, asker.ask(&first)).await;
            let asked = asked.unwrap_or_else(|_| Err(NotCosigned::Slow(AT_START).into()));
            asker.take(&first, asked).map(|_| asker)
        });
    }
    let mut askers = Vec::new();
    while let Some(asked) = asking.join_next().await {
        askers.push(asked.unwrap_or(Err(Error::Ended))?);
    }
    Ok(askers)
}

/// Lets every witness be asked, and looks at the clock meanwhile.
async fn collect(shared: &Arc<Shared>, askers: Vec<Asker>, mut offers: watch::Receiver<Latest>) {
    let mut asking = JoinSet::new();
    for asker in askers {
        asking.spawn(asker.run(offers.clone()));
    }
    let (mut tick, mut overdue) = (interval(TICK), Overdue::default());
    loop {
        tokio::select! {
            ended = asking.join_next() => match ended {
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => return shared.siren.ring(&error),
                Some(Err(_)) => return shared.siren.ring(&Error::Ended),
                None => return,
            },
            changed = offers.changed() => if changed.is_err() {
                return;
            },
            _ = tick.tick() => {
                let missing = shared.quorum.missing().unwrap_or_default();
                shared.observer.quorum_missing(missing);
                if overdue.begins(missing) {
                    shared.observer.quorum_overdue(missing);
                }
                if shared.grace.is_some_and(|grace| missing >= grace) {
                    return shared.siren.ring(&Error::NoQuorum(missing.as_secs()));
                }
            }
        }
    }
}

/// How long the start waits for witnesses.
const AT_START: Duration = Duration::from_secs(3);
/// How often it is looked for how long the quorum is missing.
const TICK: Duration = Duration::from_secs(1);
