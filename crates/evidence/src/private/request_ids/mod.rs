//! The request ids that were used, kept for the next start and for the other nodes: a file of a node
//! that stands alone (`embedded.rs`), or a table in the PostgreSQL of several (`shared.rs`).
//!
//! Not here: what a repeated id means, and the memory that is asked first (crate `edge`).
//!
//! *Invariant:* no id and nothing of a question is kept, only keyed hashes of both (`keys.rs`).
//! Nobody waits for a database that does not answer.

mod embedded;
mod keys;
mod queue;
pub(super) mod shared;
#[cfg(test)]
pub(super) mod tests;
mod thread;
mod trail;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use exchange::{Caller, Clock, RequestId};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use self::embedded::Embedded;
use self::keys::Keys;
pub use self::keys::{ContentTag, RequestTag};
use self::queue::{Claim, End, Queue, Step};
use self::thread::{Keeper, Store};
use super::databases;
use crate::writer::now_ms;
use crate::{Config, Error, Observer};

/// The request ids that were used. Cloned by reference count.
#[derive(Clone)]
pub struct RequestIds(Arc<Shared>);

struct Shared {
    state: Arc<State>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// What the last run has left, until it is told.
    past: Mutex<Option<Embedded>>,
}

/// What the store of request ids needs besides the settings of the log.
#[derive(Clone, Debug)]
pub struct RequestIdDeps {
    /// For how long an id stands for one question.
    pub kept: Duration,
    /// How long a question lasts at most: after that time, nobody waits for a node that is gone.
    pub lasts: Duration,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Who measures.
    pub observer: Arc<dyn Observer>,
}

/// The place of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordAt {
    /// The log, by its origin.
    pub log: Arc<str>,
    /// The number of the record in it.
    pub seq: u64,
}

/// What was done with an id before this start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Past {
    /// A question was asked with it.
    Used {
        /// Whose id, and which.
        tag: RequestTag,
        /// For what.
        content: ContentTag,
        /// For how long it is still remembered.
        left: Duration,
    },
    /// The question has been answered, with that record.
    Answered(RequestTag, RecordAt),
}

/// What all nodes together say to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// The question may be asked; the record of the same one before it, if there is one.
    Granted(Option<RecordAt>),
    /// The same question runs at another node.
    Running,
    /// Another question had the id.
    Reused,
}

/// What those who ask share with the thread.
#[derive(Debug)]
struct State {
    config: Config,
    kept: Duration,
    lasts: Duration,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    keys: Keys,
    queue: Queue,
    /// True while nobody waits for the other nodes: their database does not answer.
    is_apart: AtomicBool,
}

impl RequestIds {
    /// How many ids are remembered at most.
    ///
    /// They take 25 MB of memory. At 5 a second it takes a day to fill it, at 300 twenty-five minutes.
    pub const MOST: usize = (1 << 19) / 8 * 7;

    /// Opens what the last run has left, once the log is open; of several nodes nothing but the keys.
    /// Blocks for that long.
    ///
    /// # Errors
    /// The keyring or the file cannot be opened.
    pub fn open(config: &Config, deps: RequestIdDeps) -> Result<Self, Error> {
        let keys = Keys::new(&databases::master_key(config)?)?;
        let (mut store, mut past) = (None, None);
        if config.database.is_none() {
            store = Some(Store::Embedded(Embedded::open(config)?));
            past = Some(Embedded::open(config)?);
        }
        let state = Arc::new(State {
            config: config.clone(),
            kept: deps.kept,
            lasts: deps.lasts,
            clock: deps.clock,
            observer: deps.observer,
            keys,
            queue: Queue::default(),
            is_apart: AtomicBool::new(false),
        });
        let keeper = Keeper {
            state: Arc::clone(&state),
            store,
            fails: false,
        };
        let thread = Builder::new().name("request-ids".to_owned());
        let thread = thread.spawn(move || keeper.run());
        let thread =
            thread.map_err(Error::io("start the keeper of request ids of", &config.dir))?;
        Ok(Self(Arc::new(Shared {
            state,
            thread: Mutex::new(Some(thread)),
            past: Mutex::new(past),
        })))
    }

    /// Tells what was done with ids in earlier runs of this node, in its order, if they are still
    /// remembered; once. Blocks for that long.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn recall(&self, mut each: impl FnMut(Past)) -> Result<(), Error> {
        let (state, mut past) = (&self.0.state, self.0.past.lock());
        let past = past.as_mut().map_or(None, |past| past.take());
        past.map_or(Ok(()), |mut past| {
            past.recall(now_ms(&*state.clock), state.kept, &mut each)
        })
    }

    /// For how long an id stands for one question.
    #[must_use]
    pub fn kept(&self) -> Duration {
        self.0.state.kept
    }

    /// What stands for a caller and its id.
    #[must_use]
    pub fn tag(&self, caller: &Caller, id: RequestId) -> RequestTag {
        self.0.state.keys.id(caller, id)
    }

    /// What stands for a question.
    #[must_use]
    pub fn content(&self, method: &str, message: &[u8]) -> ContentTag {
        self.0.state.keys.content(method, message)
    }

    /// Says that a question has begun, and asks the other nodes, if there are some. None if this node
    /// has to know by itself.
    pub async fn claim(&self, tag: RequestTag, content: ContentTag) -> Option<Ruling> {
        let state = &self.0.state;
        let is_asked = state.is_shared() && !state.is_apart.load(Ordering::Relaxed);
        let (asked, ruling) = is_asked.then(oneshot::channel).unzip();
        state.queue.push(Step::Claim(Claim {
            tag,
            content,
            begun: Instant::now(),
            asked,
        }));
        match timeout(PATIENCE, ruling?).await {
            Ok(ruling) => ruling.ok(),
            Err(_late) => {
                // The next ones do not wait in vain.
                state.is_apart.store(true, Ordering::Relaxed);
                None
            }
        }
    }

    /// Says that a question is over, and where its record is if it was answered.
    pub fn end(&self, tag: RequestTag, record: Option<RecordAt>) {
        // At the next start of a node that stands alone, every question is over.
        if record.is_some() || self.0.state.is_shared() {
            self.0.state.queue.push(Step::End(End { tag, record }));
        }
    }

    /// Stores what waits, if the database answers, and closes it. Blocks for that long.
    pub fn close(&self) {
        self.0.state.queue.close();
        let mut thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // If it has panicked, that was told.
            thread.join().ok();
        }
    }
}

impl State {
    /// True if other nodes write to the database as well.
    const fn is_shared(&self) -> bool {
        self.config.database.is_some()
    }

    /// The least time between two rounds.
    const fn gather(&self) -> Duration {
        if self.is_shared() { GATHER } else { WRITE }
    }

    /// Between two looks for what is old.
    fn clean_every(&self) -> Duration {
        (self.kept / 100).clamp(CLEAN_MIN, CLEAN_MAX)
    }
}

impl fmt::Debug for RequestIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestIds(…)")
    }
}

/// How long a question waits for the other nodes: longer than a healthy database ever takes.
const PATIENCE: Duration = Duration::from_millis(250);
/// A statement costs server and node some 0.1 ms of CPU: 500 rounds a second at most.
const GATHER: Duration = Duration::from_millis(2);
/// A commit costs 0.1 ms of CPU: ten a second are a thousandth of a core.
const WRITE: Duration = Duration::from_millis(100);
const CLEAN_MIN: Duration = Duration::from_millis(200);
const CLEAN_MAX: Duration = Duration::from_secs(30);
