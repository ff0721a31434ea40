//! What the logs of one node share on the private side: the intake, what is to be erased, and which
//! older logs are not filed whole yet.
//!
//! *Invariant:* no intake key is destroyed and nobody is erased while an older log is not filed whole:
//! it may hold what is sealed under that key, or about that person.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::intake::Intake;
use super::log_number;
use super::thread::Erasure;
use crate::{Config, Error};

/// The private side that the logs of a node share. Cloned by reference count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Private(Arc<State>);

#[derive(Debug)]
struct State {
    intake: Mutex<Option<Arc<Intake>>>,
    /// What is to be erased; none behind the end of the newest log.
    erasures: Mutex<Option<Vec<Erasure>>>,
    /// Older logs that have ended and may not be filed whole.
    ended: Mutex<Vec<Config>>,
    /// How many older logs are written on or not known to be filed whole.
    unfiled: watch::Sender<usize>,
    /// The number of the newest log.
    newest: AtomicI64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            intake: Mutex::default(),
            erasures: Mutex::new(Some(Vec::new())),
            ended: Mutex::default(),
            unfiled: watch::Sender::new(0),
            newest: AtomicI64::new(0),
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

    /// Says which log is the newest: what files it looks after keys and erasures from here on.
    pub(crate) fn lead(&self, origin: &str) {
        self.0.newest.store(log_number(origin), Ordering::SeqCst);
        lock(&self.0.erasures).get_or_insert_default();
    }

    /// Says that a log is about to become an older one.
    pub(crate) fn expect(&self) {
        self.0.unfiled.send_modify(|unfiled| *unfiled += 1);
    }

    /// Says that one of those is filed whole, or stays the newest.
    pub(crate) fn is_filed(&self) {
        let less = |unfiled: &mut usize| *unfiled = unfiled.saturating_sub(1);
        self.0.unfiled.send_modify(less);
    }

    /// Says that one of those has ended, and may not be filed whole.
    pub(crate) fn has_ended(&self, config: Config) {
        lock(&self.0.ended).push(config);
    }

    /// An older log that is to be filed.
    pub(super) fn to_be_filed(&self) -> Option<Config> {
        lock(&self.0.ended).first().cloned()
    }

    /// Says that the first of those is filed whole.
    pub(super) fn has_filed(&self) {
        let mut ended = lock(&self.0.ended);
        if !ended.is_empty() {
            ended.remove(0);
            self.is_filed();
        }
    }

    /// True if that log is the newest.
    pub(super) fn is_newest(&self, log: i64) -> bool {
        self.0.newest.load(Ordering::SeqCst) == log
    }

    /// True if that log is the newest, and every older one is filed whole.
    pub(super) fn is_all_but(&self, log: i64) -> bool {
        self.is_newest(log) && *self.0.unfiled.borrow() == 0
    }

    /// How many older logs are not known to be filed whole.
    pub(super) fn unfiled(&self) -> watch::Receiver<usize> {
        self.0.unfiled.subscribe()
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
        self.is_newest(log) && waiting.iter().flatten().any(|it| it.is_ripe(log, next))
    }

    /// Takes those whose time has come: that log is the newest and filed as far as `filed`, and every
    /// older one is filed whole.
    pub(super) fn ripe(&self, log: i64, filed: u64) -> Vec<Erasure> {
        if !self.is_all_but(log) {
            return Vec::new();
        }
        let mut waiting = lock(&self.0.erasures);
        let ripe = waiting.iter_mut();
        ripe.flat_map(|all| all.extract_if(.., |it| it.is_ripe(log, filed)))
            .collect()
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
