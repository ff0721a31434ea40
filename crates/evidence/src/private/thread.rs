//! The thread `evidence-private`: files what is published, and retires intake keys.
//!
//! It follows the public log, so that whatever is found can be proved. While a database cannot be
//! written, it tries again every second; exchanges do not notice.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::file::Desk;
use super::intake::Intake;
use super::retire::Retiring;
use super::tags::TagKeys;
use super::{databases, log_number};
use crate::evidence::Siren;
use crate::publish::{Guard, News, Published, Tail};
use crate::writer::Queue;
use crate::{Config, Error, Observer, priority};

/// What the thread works with.
#[derive(Debug)]
pub(crate) struct Filer {
    pub(crate) config: Config,
    pub(crate) intake: Arc<Intake>,
    /// How far it is published.
    pub(crate) published: Arc<Published>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) siren: Siren,
    /// What exchanges put their openings into.
    pub(crate) queue: Arc<Queue>,
    pub(crate) progress: Progress,
}

/// What those who search, and those who erase, know of the thread.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// The number of the first record that is not filed.
    pub(super) filed: watch::Sender<u64>,
    /// What is to be erased; none behind the end of the thread.
    erasures: Arc<Mutex<Option<Vec<Erasure>>>>,
}

impl Progress {
    /// Has a person's keys destroyed.
    pub(super) fn ask_for(&self, erasure: Erasure) -> Result<(), Error> {
        let mut waiting = lock(&self.erasures);
        waiting.as_mut().ok_or(Error::Ended)?.push(erasure);
        Ok(())
    }
}

/// Tells those who wait for an erasure that none will come, however the thread ends.
struct End(Progress);

impl Drop for End {
    fn drop(&mut self) {
        *lock(&self.0.erasures) = None;
    }
}

/// A person whose keys are to be destroyed.
pub(super) struct Erasure {
    /// The kind of the number.
    pub(super) kind: &'static str,
    /// The number.
    pub(super) number: Zeroizing<Vec<u8>>,
    /// The record behind which it was asked for: what comes before is to be filed first.
    pub(super) after: u64,
    /// When it was asked for, in milliseconds since 1970.
    pub(super) until_ms: u64,
    /// Told how many records it was.
    pub(super) done: oneshot::Sender<Result<u64, Error>>,
}

impl fmt::Debug for Erasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Erasure(…)")
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            filed: watch::Sender::new(0),
            erasures: Arc::new(Mutex::new(Some(Vec::new()))),
        }
    }
}

impl Filer {
    /// Starts the thread.
    pub(crate) fn spawn(self) -> Result<JoinHandle<()>, Error> {
        thread::Builder::new()
            .name("evidence-private".to_owned())
            .spawn(move || self.run())
            .map_err(Error::io("start the filing of", ""))
    }

    fn run(self) {
        let (_guard, _end) = (Guard(self.siren.clone()), End(self.progress.clone()));
        priority::lower();
        let mut retiring = Retiring::after_start(Instant::now(), self.intake.current());
        let (mut desk, mut from, mut seen) = (None, Instant::now(), 0);
        while let Some(news) = self.published.next(seen, from, from + LOOK) {
            from = Instant::now() + EVERY;
            let done = self.file(&mut desk, &news).and_then(|desk| {
                self.erase(desk, &mut retiring)?;
                self.retire(desk, &mut retiring, &news)
            });
            match done {
                Ok(()) => seen = news.reached.seq,
                Err(error) => {
                    self.observer.not_filed(&error);
                    (desk, from) = (None, Instant::now() + RETRY);
                    if self.published.has_ended() {
                        return;
                    }
                }
            }
        }
    }

    /// Files what is published.
    fn file<'a>(&self, desk: &'a mut Option<Desk>, news: &News) -> Result<&'a mut Desk, Error> {
        let desk = match desk {
            Some(desk) => desk,
            None => desk.insert(self.desk()?),
        };
        if desk.continues(&news.written) {
            for batch in &news.written {
                desk.take(batch)?;
            }
            desk.flush()?;
        } else if desk.is_new() || desk.next() < news.reached.seq {
            self.catch_up(desk, news)?;
        }
        let lost = desk.take_lost();
        if lost > 0 {
            self.observer.openings_lost(lost);
        }
        self.progress.filed.send_replace(desk.next());
        self.observer.filed(desk.next());
        Ok(desk)
    }

    /// Files what is not in memory: after a start or a failure, or when it was more than is handed on.
    fn catch_up(&self, desk: &mut Desk, news: &News) -> Result<(), Error> {
        desk.start_over();
        let mut tail = Tail::with_attempts(&self.config.dir, desk.next())?;
        while desk.next() < news.reached.seq {
            let limit = desk.next() + SLICE;
            tail.read_to(news.reached.end, limit, |frame| desk.frame(frame))?;
            desk.flush()?;
            self.progress.filed.send_replace(desk.next());
            if self.published.has_ended() {
                return Ok(()); // what is left is for the next start
            }
        }
        tail.read_to(news.reached.end, u64::MAX, |frame| desk.frame(frame))?;
        desk.flush()?;
        desk.has_read_before(tail.next_batch());
        Ok(())
    }

    /// Erases whom it was asked to. Here, so that nothing about them is being filed meanwhile.
    fn erase(&self, desk: &mut Desk, retiring: &mut Retiring) -> Result<(), Error> {
        let next = desk.next();
        let mut waiting = lock(&self.progress.erasures);
        let ripe = waiting.iter_mut();
        let erasures: Vec<_> = ripe
            .flat_map(|all| all.extract_if(.., |it| it.after < next))
            .collect();
        drop(waiting);
        if erasures.is_empty() {
            return Ok(());
        }
        let mut again = Ok(());
        for erasure in erasures {
            match desk.erase(&erasure) {
                Err(error) if error.may_pass() => {
                    again = Err(error);
                    self.progress.ask_for(erasure)?;
                }
                // Whoever asked may have gone; it is done all the same.
                erased => drop(erasure.done.send(erased)),
            }
        }
        again?;
        // What was filed a moment ago could still be opened by the intake key.
        self.renew(desk, retiring)
    }

    /// Renews the intake key now and then, and destroys those under which nothing waits any more.
    fn retire(&self, desk: &Desk, retiring: &mut Retiring, news: &News) -> Result<(), Error> {
        let now = Instant::now();
        if retiring.is_due(now, desk.next()) {
            self.renew(desk, retiring)?;
        }
        let filed = news.reached.queued;
        while let Some(below) = retiring.done(now, self.queue.queued(), filed) {
            if desk.waits_for_intake_before(below) {
                return Ok(());
            }
            self.intake.destroy_before(below)?;
            retiring.destroyed();
        }
        Ok(())
    }

    fn renew(&self, desk: &Desk, retiring: &mut Retiring) -> Result<(), Error> {
        let current = self.intake.renew()?;
        retiring.renewed(Instant::now(), current, desk.next());
        Ok(())
    }

    fn desk(&self) -> Result<Desk, Error> {
        let mut index = databases::index(&self.config)?;
        let log = log_number(&self.config.origin);
        index.name(log, &self.config.origin)?;
        let mut keyring = databases::keyring(&self.config)?;
        let tags = TagKeys::load(&self.config, &mut keyring)?;
        Desk::new(log, Arc::clone(&self.intake), keyring, index, tags)
    }
}

/// The erasures that wait; a thread that panicked with them has changed nothing.
fn lock(erasures: &Mutex<Option<Vec<Erasure>>>) -> MutexGuard<'_, Option<Vec<Erasure>>> {
    erasures.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A search waits for this at most, besides the time that publishing takes.
const EVERY: Duration = Duration::from_millis(500);
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How often intake keys are looked after when nothing comes.
const LOOK: Duration = Duration::from_secs(2);
/// So many records are read between two looks at whether the log has ended.
const SLICE: u64 = 10_000;
