//! Searching and opening records, and forgetting persons. Not here: who may, and that it is recorded.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use exchange::{Found, Identifier, Opened, Opening, Position, Query};
use jiff::Timestamp;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

use super::index::{Index, Terms};
use super::keyring::Keyring;
use super::pages::PageKey;
use super::parts::Portion;
use super::promise::Promise;
use super::reach::{Reach, Want};
use super::reviews::Reviews;
use super::shared::Private;
use super::sound::Asked;
use super::tags::{NOBODY, OFFICER, TagKeys};
use super::thread::{Erasure, Progress};
use super::{databases, entry, log_number};
use crate::attempt::subject_name;
use crate::publish::{self, Inbox};
use crate::{Config, Error, batch};

/// The records of a log, to be searched.
#[derive(Clone, Debug)]
pub(crate) struct Records(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: Config,
    /// With every log of this node.
    node: Arc<Config>,
    reach: Reach,
    private: Private,
    searches: Arc<Semaphore>,
    /// Databases that were opened for a search and wait for the next.
    idle: Mutex<Vec<Shelves>>,
}

/// What a search reads.
#[derive(Debug)]
struct Shelves {
    index: Index,
    keyring: Keyring,
}

/// Records, and what is known of those that are on other pages.
#[derive(Clone, Debug, Default)]
pub struct Accesses {
    /// One page of them, newest first.
    pub found: Found,
    /// How many there are on all pages; not counted but for a person's own list.
    pub total: u64,
    /// Since when records are kept; none if there are none, and told in a person's own list alone.
    pub available_from: Option<Timestamp>,
}

/// Whose eyes a search is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Eyes {
    /// An inspector's: everything.
    Inspector,
    /// Those of the person it is about, at this time: answers to questions, once they may be seen.
    Person(Timestamp),
}

impl Records {
    pub(crate) fn new(
        config: Config,
        node: Arc<Config>,
        inbox: Arc<Inbox>,
        progress: Progress,
        private: Private,
    ) -> Self {
        let log = log_number(&config.origin);
        Self(Arc::new(Shared {
            config,
            node,
            reach: Reach {
                log,
                inbox,
                progress,
            },
            private,
            searches: Arc::new(Semaphore::new(SEARCHES)),
            idle: Mutex::default(),
        }))
    }

    /// True if everything before that number is filed.
    pub(crate) fn has_filed(&self, seq: u64) -> bool {
        *self.0.reach.progress.filed.borrow() >= seq
    }

    /// True if no older log waits to be filed, and this one is the newest.
    #[cfg(test)]
    pub(crate) fn is_all_there_is(&self) -> bool {
        self.0.private.is_all_but(self.0.reach.log)
    }

    /// How far the log is.
    pub(crate) fn reach(&self) -> Reach {
        self.0.reach.clone()
    }

    /// Searches what is filed; waits for what was recorded before the call, until then.
    pub(crate) async fn search(
        &self,
        query: Query,
        eyes: Eyes,
        until: Instant,
    ) -> Result<Accesses, Error> {
        let complete = self.is_all_filed(until).await;
        let turn = Arc::clone(&self.0.searches).acquire_owned().await;
        let turn = turn.map_err(|_| Error::Ended)?;
        let records = self.clone();
        let mut all = off_the_road(move || {
            let found = records.search_now(&query, eyes);
            drop(turn);
            found
        })
        .await?;
        all.found.complete = complete;
        Ok(all)
    }

    /// The oldest exchanges that wait to be reviewed; waits for what was recorded before the call,
    /// until then.
    pub(crate) async fn reviews(&self, limit: u32, until: Instant) -> Result<Reviews, Error> {
        let complete = self.is_all_filed(until).await;
        let config = self.0.config.clone();
        let mut reviews = off_the_road(move || databases::index(&config)?.reviews(limit)).await?;
        reviews.complete = complete;
        Ok(reviews)
    }

    /// The key of page tokens; read once.
    pub(crate) async fn page_key(&self) -> Result<Arc<PageKey>, Error> {
        let Shared {
            private, config, ..
        } = &*self.0;
        if let Some(key) = private.page_key() {
            return Ok(key);
        }
        let (private, config) = (private.clone(), config.clone());
        off_the_road(move || private.open_page_key(&config)).await
    }

    /// Wants everything filed that is durable now.
    pub(crate) fn want_all(&self) -> Vec<Want> {
        self.0.private.want_all(&self.0.reach)
    }

    /// Promises, durably, that a person will be erased.
    pub(crate) async fn promise(
        &self,
        subject: &Identifier,
        until_ms: u64,
        until: Instant,
    ) -> Result<Promise, Error> {
        let kind = subject_name(subject.kind());
        let promise = Promise::new(kind, subject.reveal().as_bytes(), until_ms)?;
        let config = self.0.config.clone();
        let promising = off_the_road(move || {
            databases::keyring(&config)?.promise(&promise, &config.node)?;
            Ok(promise)
        });
        let promised = timeout_at(until, promising).await;
        promised.unwrap_or(Err(Error::Unpromised))
    }

    /// Has the keys to everything destroyed that is recorded of a person, once that is filed; what other
    /// nodes have recorded, until the time of the promise. How many records it was. Goes on if nobody
    /// waits any more.
    pub(crate) async fn erase(&self, promise: Promise, wanted: Vec<Want>) -> Result<u64, Error> {
        let (done, erased) = oneshot::channel();
        self.0.private.ask_for(Erasure {
            promise,
            wanted,
            found: 0,
            done: Some(done),
        })?;
        let erased = erased.await.unwrap_or(Err(Error::Ended));
        // What they have read into memory must not outlive it.
        self.idle().clear();
        erased
    }

    /// Waits until the files of the databases are cleaned of what was erased.
    pub(crate) async fn cleaned(&self) {
        self.0.private.cleaning().done().await;
    }

    /// Waits until what is durable now is filed: a second or two, and several where exchanges take
    /// every core. False if it takes longer than until then.
    async fn is_all_filed(&self, until: Instant) -> bool {
        let wanted = self.want_all();
        let filed = self.0.private.are_filed(&wanted);
        timeout_at(until, filed).await.is_ok()
    }

    /// Searches in databases that were open before, if there are any, and in those opened anew if a
    /// connection has been lost meanwhile.
    fn search_now(&self, query: &Query, eyes: Eyes) -> Result<Accesses, Error> {
        let used = self.idle().pop();
        if let Some(mut shelves) = used
            && let Ok(found) = self.search_in(&mut shelves, query, eyes)
        {
            self.idle().push(shelves);
            return Ok(found);
        }
        let config = &self.0.config;
        let mut shelves = Shelves {
            index: databases::index(config)?,
            keyring: databases::keyring(config)?,
        };
        let found = self.search_in(&mut shelves, query, eyes)?;
        self.idle().push(shelves);
        Ok(found)
    }

    /// The databases that wait; a thread that panicked has not put its own back.
    fn idle(&self) -> MutexGuard<'_, Vec<Shelves>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn search_in(
        &self,
        shelves: &mut Shelves,
        query: &Query,
        eyes: Eyes,
    ) -> Result<Accesses, Error> {
        let config = &self.0.config;
        let Shelves { index, keyring } = shelves;
        let tags = TagKeys::load(config, keyring)?;
        let terms = terms(&tags, query, eyes);
        // One more than a page tells whether there is another.
        let more = Query {
            limit: query.limit.saturating_add(query.skip).saturating_add(1),
            ..query.clone()
        };
        let mut places = index.search(&more, &terms)?;
        let (total, available_from) = match eyes {
            Eyes::Inspector => (0, None),
            Eyes::Person(_) => (
                index.total(&more, &terms, places.len())?,
                index.oldest()?.and_then(time),
            ),
        };
        places.drain(..places.len().min(query.skip as usize));
        let next = (places.len() > query.limit as usize).then(|| {
            places.truncate(query.limit as usize);
            places.last().copied()
        });
        let mut shown = tags.tags(NOBODY, &[]);
        shown.extend(terms.subject.iter().flatten());
        let asked = Asked {
            query,
            terms: &terms,
            tags: &tags,
        };
        let mut leaves = Leaves::new(&self.0.node);
        let opened = places.iter().map(|place| {
            let portion = index.portion(place.log, place.seq, &shown)?;
            let origin = index.origin(place.log)?;
            let misfiled = |problem| Error::Misfiled {
                log: origin.clone(),
                seq: place.seq,
                problem,
            };
            let openings = open(&portion, index, keyring)?.map_err(misfiled)?;
            let found = describe(place, &origin, openings, index, &mut leaves)?;
            match asked.problem(place.log, &found) {
                Some(problem) => Err(misfiled(problem)),
                None => Ok(found),
            }
        });
        let found = Found {
            records: opened.collect::<Result<_, _>>()?,
            next: next.flatten(),
            complete: true,
        };
        Ok(Accesses {
            found,
            total,
            available_from,
        })
    }
}

fn terms(tags: &TagKeys, query: &Query, eyes: Eyes) -> Terms {
    let subject = query.subject.as_ref();
    let officer = query.officer.as_ref();
    Terms {
        subject: subject.map(|id| tags.tags(subject_name(id.kind()), id.reveal().as_bytes())),
        officer: officer.map(|officer| tags.tags(OFFICER, officer.reveal().as_bytes())),
        shown_at: match eyes {
            Eyes::Inspector => None,
            Eyes::Person(now) => Some(u64::try_from(now.as_millisecond()).unwrap_or(0)),
        },
    }
}

/// What is still to be opened; or what is wrong with what hides it. Read in this order, an erasure
/// that comes between is nothing wrong.
fn open(
    portion: &Portion,
    index: &mut Index,
    keyring: &mut Keyring,
) -> Result<Result<Vec<Opening>, &'static str>, Error> {
    let sealed = index.sealed(portion)?;
    let keys = keyring.record(portion)?;
    if keys.len() < keyring.count(portion)? {
        return Ok(Err("the keyring has a key that does not open"));
    }
    let mut openings = Vec::new();
    for (part, secret) in keys {
        let text = sealed.iter().find(|(of, _)| *of == part);
        match text.and_then(|(_, text)| entry::open(&secret, text)) {
            Some(opened) => openings.extend(opened),
            None => return Ok(Err("what it hides does not open")),
        }
    }
    Ok(Ok(openings))
}

/// A record with what was opened of it.
fn describe(
    place: &Position,
    origin: &str,
    mut openings: Vec<Opening>,
    index: &mut Index,
    leaves: &mut Leaves<'_>,
) -> Result<Opened, Error> {
    Ok(Opened {
        seq: place.seq,
        ts_ms: place.ts,
        leaf: match leaves.leaf(origin, place.seq)? {
            Some(leaf) => leaf,
            None => index.leaf(place.log, place.seq)?.unwrap_or_default(),
        },
        origin: origin.into(),
        entries: batch::take_proofs(&mut openings),
        openings,
    })
}

/// Leaves out of the bundles of the public logs; the latest bundle is kept, since what is found lies
/// in order.
struct Leaves<'a> {
    node: &'a Config,
    bundle: Option<Bundle>,
}

/// The records of a bundle.
struct Bundle {
    origin: String,
    number: u64,
    leaves: Vec<Vec<u8>>,
}

impl<'a> Leaves<'a> {
    const fn new(node: &'a Config) -> Self {
        Self { node, bundle: None }
    }

    /// The record; none if its log is not kept here.
    fn leaf(&mut self, origin: &str, seq: u64) -> Result<Option<Vec<u8>>, Error> {
        let log = self.node.named(origin).filter(|log| log.dir.is_dir());
        let Some(log) = log else {
            return Ok(None);
        };
        let (number, place) = publish::bundle_of(seq);
        let is_it = |held: &Bundle| {
            held.origin == origin && held.number == number && held.leaves.len() > place
        };
        let bundle = match self.bundle.take().filter(is_it) {
            Some(held) => held,
            None => Bundle {
                leaves: publish::read_bundle(&log.dir, number)?,
                origin: log.origin,
                number,
            },
        };
        let leaf = bundle.leaves.get(place).cloned();
        self.bundle = Some(bundle);
        leaf.map(Some).ok_or(Error::Forgotten { seq })
    }
}

/// Runs what blocks where it holds up nobody.
async fn off_the_road<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or(Err(Error::Ended))
}

fn time(ts_ms: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(ts_ms).ok()?).ok()
}

/// So many searches run at once, each with two connections where there is a database.
const SEARCHES: usize = 8;
