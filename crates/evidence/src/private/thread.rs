//! The thread `evidence-private`: files what is published, and retires intake keys.
//!
//! It follows the public log, so that whatever is found can be proved. While a database cannot be
//! written, it tries again every second; exchanges do not notice.

use std::fmt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::file::Desk;
use super::intake::Intake;
use super::older::{More, Older};
use super::retire::Retiring;
use super::shared::Private;
use super::tags::TagKeys;
use super::{databases, log_number};
use crate::alarm::Siren;
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
    pub(crate) private: Private,
}

/// What those who search know of the thread.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// The number of the first record that is not filed.
    pub(super) filed: watch::Sender<u64>,
}

/// A person whose keys are to be destroyed.
pub(super) struct Erasure {
    /// The kind of the number.
    pub(super) kind: &'static str,
    /// The number.
    pub(super) number: Zeroizing<Vec<u8>>,
    /// The log with the record behind which it was asked for: what comes before is to be filed first.
    pub(super) log: i64,
    /// The place of that record.
    pub(super) after: u64,
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
        let _guard = Guard(self.siren.clone());
        priority::lower();
        let mut retiring = Retiring::after_start(Instant::now(), self.intake.current());
        let (mut desk, mut from, mut seen) = (None, Instant::now(), 0);
        let (mut older, mut look) = (None, LOOK);
        while let Some(news) = self.published.next(seen, from, from + look) {
            from = Instant::now() + EVERY;
            let done = self.file(&mut desk, &news).and_then(|desk| {
                self.file_older(&mut older)?;
                self.erase(desk, &mut retiring)?;
                self.retire(desk, &mut retiring, &news)
            });
            match done {
                Ok(()) => {
                    seen = news.reached.seq;
                    look = LOOK;
                    if older.is_some() {
                        (from, look) = (Instant::now(), Duration::ZERO);
                    }
                }
                Err(error) => {
                    self.observer.not_filed(&error);
                    (desk, older) = (None, None);
                    from = Instant::now() + RETRY;
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

    /// Files some of what older logs may still hold that is not filed: a crash came before it was, or
    /// the index is missing.
    fn file_older(&self, older: &mut Option<Older>) -> Result<(), Error> {
        if !self.private.is_newest(self.log()) {
            return Ok(());
        }
        if older.is_none() {
            let Some(config) = self.private.to_be_filed() else {
                return Ok(());
            };
            *older = Older::open(&config, &self.intake)?;
        }
        if let Some(some) = older
            && some.file()? == More::Yes
        {
            return Ok(());
        }
        *older = None;
        self.private.has_filed();
        Ok(())
    }

    /// Erases whom it was asked to. Here, so that nothing about them is being filed meanwhile.
    fn erase(&self, desk: &mut Desk, retiring: &mut Retiring) -> Result<(), Error> {
        let (log, next) = (self.log(), desk.next());
        if !self.private.is_all_but(log) {
            return Ok(());
        }
        let is_due = |it: &mut Erasure| it.log != log || it.after < next;
        let mut waiting = self.private.erasures();
        let erasures: Vec<_> = waiting.extract_if(.., is_due).collect();
        drop(waiting);
        if erasures.is_empty() {
            return Ok(());
        }
        for erasure in erasures {
            let erased = desk.erase(erasure.kind, &erasure.number);
            // Whoever asked may have gone; it is done all the same.
            erasure.done.send(erased).ok();
        }
        // What was filed a moment ago could still be opened by the intake key.
        self.renew(desk, retiring)
    }

    /// Renews the intake key now and then, and destroys those under which nothing waits any more.
    fn retire(&self, desk: &Desk, retiring: &mut Retiring, news: &News) -> Result<(), Error> {
        let now = Instant::now();
        if !self.private.is_all_but(self.log()) {
            return Ok(());
        }
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
        desk(&self.config, &self.intake)
    }

    fn log(&self) -> i64 {
        log_number(&self.config.origin)
    }
}

/// The desk of a log.
pub(super) fn desk(config: &Config, intake: &Arc<Intake>) -> Result<Desk, Error> {
    let mut index = databases::index(config)?;
    let log = log_number(&config.origin);
    index.name(log, &config.origin)?;
    let keyring = databases::keyring(config)?;
    let tags = TagKeys::load(&config.keys_dir())?;
    Desk::new(log, Arc::clone(intake), keyring, index, tags)
}

/// A search waits for this at most, besides the time that publishing takes.
const EVERY: Duration = Duration::from_millis(500);
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How often intake keys are looked after when nothing comes.
const LOOK: Duration = Duration::from_secs(2);
/// So many records are read between two looks at whether the log has ended.
pub(super) const SLICE: u64 = 10_000;
