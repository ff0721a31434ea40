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
    erasures: Mutex<Vec<Erasure>>,
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
            erasures: Mutex::default(),
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

    pub(super) fn erasures(&self) -> MutexGuard<'_, Vec<Erasure>> {
        lock(&self.0.erasures)
    }
}

/// What a thread that panicked has left is whole: each change is one step.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
