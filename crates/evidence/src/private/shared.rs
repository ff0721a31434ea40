//! What the logs of one node share on the private side: the intake, what is to be erased, and which
//! older logs are not filed whole yet.
//!
//! *Invariant:* no intake key is destroyed while an older log is not filed whole: it may hold what is
//! sealed under that key. Nobody is erased before what every log held when it was asked for is filed.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::watch;

use super::cleaning::Cleaning;
use super::intake::Intake;
use super::pages::PageKey;
use super::reach::{Reach, Want};
use super::thread::Erasure;
use super::{databases, log_number};
use crate::{Config, Error};

/// The private side that the logs of a node share. Cloned by reference count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Private(Arc<State>);

#[derive(Debug)]
struct State {
    intake: Mutex<Option<Arc<Intake>>>,
    /// What is to be erased; none behind the end of the newest log.
    erasures: Mutex<Option<Vec<Erasure>>>,
    /// Older logs that are not known to be filed whole, oldest first.
    older: watch::Sender<Vec<Older>>,
    /// The number of the newest log.
    newest: AtomicI64,
    cleaning: Cleaning,
    pages: OnceLock<Arc<PageKey>>,
    /// What runs before left undone is taken up once, by the first log.
    has_taken_up: AtomicBool,
}

/// A log that is not the newest.
#[derive(Clone, Debug)]
enum Older {
    /// Exchanges are open in it, and its own thread files it.
    Closing(Reach),
    /// It has ended, and the thread of the newest files what it may still hold.
    Ended(Box<Config>),
}

impl Older {
    fn log(&self) -> i64 {
        match self {
            Self::Closing(reach) => reach.log,
            Self::Ended(config) => log_number(&config.origin),
        }
    }

    const fn closing(&self) -> Option<&Reach> {
        match self {
            Self::Closing(reach) => Some(reach),
            Self::Ended(_) => None,
        }
    }

    const fn ended(&self) -> Option<&Config> {
        match self {
            Self::Ended(config) => Some(config),
            Self::Closing(_) => None,
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            intake: Mutex::default(),
            erasures: Mutex::new(Some(Vec::new())),
            older: watch::Sender::default(),
            newest: AtomicI64::new(0),
            cleaning: Cleaning::default(),
            pages: OnceLock::new(),
            has_taken_up: AtomicBool::new(false),
        }
    }
}

impl Private {
    /// The intake; opened once, by the first log that is held.
    pub(crate) fn intake(&self, config: &Config) -> Result<Arc<Intake>, Error> {
        let mut intake = lock(&self.0.intake);
        if let Some(intake) = &*intake {
            return Ok(Arc::clone(intake));
        }
        let opened = Arc::new(Intake::open(&config.keys_dir())?);
        Ok(Arc::clone(intake.insert(opened)))
    }

    /// The key of page tokens, if it was opened before.
    pub(super) fn page_key(&self) -> Option<Arc<PageKey>> {
        self.0.pages.get().cloned()
    }

    /// Opens the key of page tokens.
    pub(super) fn open_page_key(&self, config: &Config) -> Result<Arc<PageKey>, Error> {
        let opened = Arc::new(databases::page_key(config)?);
        Ok(Arc::clone(self.0.pages.get_or_init(|| opened)))
    }

    /// Says which log is the newest: what files it looks after keys and erasures from here on.
    pub(crate) fn lead(&self, origin: &str) {
        self.0.newest.store(log_number(origin), Ordering::SeqCst);
        lock(&self.0.erasures).get_or_insert_default();
    }

    /// Says that a log is about to become an older one.
    pub(crate) fn expect(&self, log: Reach) {
        let closing = Older::Closing(log);
        self.0.older.send_modify(|older| older.push(closing));
    }

    /// Says that an older log is filed whole, or stays the newest.
    pub(crate) fn is_filed(&self, origin: &str) {
        let log = log_number(origin);
        let older = &self.0.older;
        older.send_modify(|older| older.retain(|it| it.log() != log));
    }

    /// Says that a log has ended, and may not be filed whole.
    pub(crate) fn has_ended(&self, config: Config) {
        let ended = Older::Ended(Box::new(config));
        self.0.older.send_modify(|older| {
            older.retain(|it| it.log() != ended.log());
            older.push(ended);
        });
    }

    /// An older log that has ended and is to be filed.
    pub(super) fn to_be_filed(&self) -> Option<Config> {
        self.0.older.borrow().iter().find_map(Older::ended).cloned()
    }

    /// True if that log is the newest.
    pub(super) fn is_newest(&self, log: i64) -> bool {
        self.0.newest.load(Ordering::SeqCst) == log
    }

    /// True if that log is the newest, and every older one is filed whole.
    pub(super) fn is_all_but(&self, log: i64) -> bool {
        self.is_newest(log) && self.0.older.borrow().is_empty()
    }

    /// Wants everything filed that is durable now: of this log, and of those that close. An exchange
    /// that is open in one has no record yet.
    pub(super) fn want_all(&self, own: &Reach) -> Vec<Want> {
        let older = self.0.older.borrow();
        let closing = older.iter().filter_map(Older::closing);
        let closing = closing.filter(|reach| reach.log != own.log).cloned();
        closing.chain([own.clone()]).map(Reach::want_all).collect()
    }

    /// Waits until these are filed, and whole every older log that has ended.
    pub(super) async fn are_filed(&self, wanted: &[Want]) {
        let mut older = self.0.older.subscribe();
        for want in wanted {
            tokio::select! {
                () = want.met() => {}
                // The thread of a log that has ended may have left it to that of the newest.
                _ = older.wait_for(|older| self.is_whole(want.log, older)) => {}
            }
        }
        let has_ended = |older: &Vec<Older>| older.iter().any(|it| it.ended().is_some());
        // The sender is in here.
        drop(older.wait_for(|older| !has_ended(older)).await);
    }

    /// True if an older log is filed whole.
    fn is_whole(&self, log: i64, older: &[Older]) -> bool {
        !self.is_newest(log) && older.iter().all(|it| it.log() != log)
    }

    /// The cleaning of the databases' files.
    pub(super) fn cleaning(&self) -> &Cleaning {
        &self.0.cleaning
    }

    /// True if that log is the newest, and nobody has taken up yet what was left undone.
    pub(super) fn takes_up(&self, log: i64) -> bool {
        self.is_newest(log) && !self.0.has_taken_up.load(Ordering::SeqCst)
    }

    /// Says that it was taken up.
    pub(super) fn has_taken_up(&self) {
        self.0.has_taken_up.store(true, Ordering::SeqCst);
    }

    /// Has a person's keys destroyed.
    pub(super) fn ask_for(&self, erasure: Erasure) -> Result<(), Error> {
        let mut waiting = lock(&self.0.erasures);
        waiting.as_mut().ok_or(Error::Ended)?.push(erasure);
        Ok(())
    }

    /// True if that log is the newest, and somebody is to be erased who can be once everything before
    /// `next` is filed.
    pub(super) fn erases(&self, log: i64, next: u64) -> bool {
        let waiting = lock(&self.0.erasures);
        let mut waiting = waiting.iter().flatten();
        self.is_newest(log) && waiting.any(|it| self.is_ripe(it, next))
    }

    /// Takes those whose time has come: that log is the newest and filed as far as `filed`.
    pub(super) fn ripe(&self, log: i64, filed: u64) -> Vec<Erasure> {
        if !self.is_newest(log) {
            return Vec::new();
        }
        let mut waiting = lock(&self.0.erasures);
        let ripe = waiting.iter_mut();
        ripe.flat_map(|all| all.extract_if(.., |it| self.is_ripe(it, filed)))
            .collect()
    }

    /// True if what every log held when it was asked for is filed, where the newest is filed as far as
    /// `filed`.
    fn is_ripe(&self, erasure: &Erasure, filed: u64) -> bool {
        let older = self.0.older.borrow();
        let is_filed = |want: &Want| match want.log {
            newest if self.is_newest(newest) => filed >= want.records,
            log => want.is_met() || self.is_whole(log, &older),
        };
        older.iter().all(|it| it.ended().is_none()) && erasure.wanted.iter().all(is_filed)
    }

    /// Says that a log has ended: if it is the newest, nobody is erased any more.
    pub(super) fn erases_no_more(&self, log: i64) {
        if self.is_newest(log) {
            *lock(&self.0.erasures) = None;
        }
    }
}

/// What a thread that panicked has left is whole: each change is one step.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
