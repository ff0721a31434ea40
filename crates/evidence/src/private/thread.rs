//! The thread `evidence-private`: files what is published, and retires intake keys.
//!
//! It follows the public log, so that whatever is found can be proved. What comes is taken in at once
//! and written to the databases together with what follows in the next seconds, or as soon as somebody
//! searches: many records in the order of the tables touch far fewer pages than each by itself. While
//! a database cannot be written, it tries again every second; exchanges do not notice.

use std::fmt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use exchange::Clock;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::daily::Daily;
use super::file::Desk;
use super::index::Index;
use super::intake::Intake;
use super::older::{More, Older};
use super::promise::Promise;
use super::reach::Want;
use super::retire::Retiring;
use super::shared::Private;
use super::tags::TagKeys;
use super::{databases, log_number};
use crate::alarm::Siren;
use crate::leaf::Event;
use crate::publish::{Guard, Haste, Look, News, Published, Tail};
use crate::writer::{Queue, now_ms};
use crate::{Config, Error, Observer, priority};

/// What the thread works with.
#[derive(Debug)]
pub(crate) struct Filer {
    pub(crate) config: Config,
    pub(crate) intake: Arc<Intake>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) clock: Arc<dyn Clock>,
    /// When the log was begun to be written on, in milliseconds since 1970.
    pub(crate) begun_ms: u64,
    pub(crate) siren: Siren,
    /// What exchanges put their openings into.
    pub(crate) queue: Arc<Queue>,
    pub(crate) progress: Progress,
    pub(crate) private: Private,
}

/// What those who search know of the thread.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// How far it is published; who waits for it to be filed says so here.
    pub(super) published: Arc<Published>,
    /// The number of the first record that is not filed.
    pub(super) filed: watch::Sender<u64>,
}

/// Tells those who wait for an erasure that none will come, however the thread ends.
struct End {
    private: Private,
    log: i64,
}

impl Drop for End {
    fn drop(&mut self) {
        self.private.erases_no_more(self.log);
    }
}

/// A person whose keys are to be destroyed.
pub(super) struct Erasure {
    pub(super) promise: Promise,
    /// What is to be filed first.
    pub(super) wanted: Vec<Want>,
    /// How many records were found so far.
    pub(super) found: u64,
    /// Told how many records it was; nobody waits for what an earlier run has promised.
    pub(super) done: Option<oneshot::Sender<Result<u64, Error>>>,
}

impl fmt::Debug for Erasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Erasure(…)")
    }
}

/// What the thread has before it.
struct Work {
    /// None after a failure.
    desk: Option<Desk>,
    /// An older log that is being filed.
    older: Option<Older>,
    daily: Daily,
    /// From when on it is tried again; it waits after a failure.
    older_from: Instant,
    retiring: Retiring,
    /// So many bytes that ever entered the queue are filed.
    queued: u64,
    /// When what was taken in is written at the latest.
    due: Instant,
}

impl Work {
    /// True if not all that is published was taken in.
    fn is_cut_short(&self, news: &News) -> bool {
        let desk = self.desk.as_ref();
        desk.is_some_and(|desk| desk.next() < news.reached.seq)
    }
}

impl Progress {
    /// Nothing is filed yet.
    pub(crate) fn new(published: Arc<Published>) -> Self {
        Self {
            published,
            filed: watch::Sender::new(0),
        }
    }
}

impl Filer {
    /// Starts the thread.
    pub(crate) fn spawn(self) -> Result<JoinHandle<()>, Error> {
        thread::Builder::new()
            .name("evidence-private".to_owned())
            .spawn(move || self.run(Instant::now()))
            .map_err(Error::io("start the filing of", ""))
    }

    /// The whole life of the thread, which has begun at that time.
    pub(crate) fn run(self, begin: Instant) {
        let _guard = Guard(self.siren.clone());
        let _end = End {
            private: self.private.clone(),
            log: self.log(),
        };
        priority::lower();
        let mut work = Work {
            desk: None,
            older: None,
            daily: Daily::default(),
            older_from: begin,
            retiring: Retiring::after_start(begin, self.intake.current()),
            queued: 0,
            due: begin,
        };
        let mut look = Look {
            seen: 0,
            filed: Some(0),
            from: begin,
            until: begin + LOOK,
        };
        while let Some(news) = self.progress.published.next(look) {
            let now = Instant::now();
            priority::be_polite_for(match news.haste {
                Haste::Later => POLITE,
                Haste::Now => Duration::ZERO,
            });
            match self.work(&mut work, &news, now) {
                Ok(filed) => {
                    look = Look {
                        seen: news.reached.seq,
                        filed: Some(filed),
                        from: now + EVERY,
                        until: now + LOOK,
                    };
                    if work.older.is_some() || work.daily.is_at_work() {
                        (look.from, look.until) = (now, now);
                    }
                    if work.older_from > now {
                        look.until = look.until.min(work.older_from);
                    }
                    if work.is_cut_short(&news) && self.progress.published.has_ended() {
                        return; // what is left is for the next start
                    }
                }
                Err(error) => {
                    self.observer.not_filed(&error);
                    (work.desk, work.older) = (None, None);
                    (look.filed, look.from, look.until) = (None, now + RETRY, now + RETRY);
                    if self.progress.published.has_ended() {
                        return;
                    }
                }
            }
        }
    }

    /// Takes in what is published, files and erases what is due; the number of the first record that
    /// is not filed.
    fn work(&self, work: &mut Work, news: &News, now: Instant) -> Result<u64, Error> {
        let desk = match &mut work.desk {
            Some(desk) => desk,
            None => work.desk.insert(self.desk()?),
        };
        self.take_in(desk, news)?;
        let is_awaited = news.haste == Haste::Now || self.private.erases(self.log(), desk.next());
        let is_due = now >= work.due || is_awaited;
        if is_due && desk.filed() < desk.next() {
            desk.flush()?;
            work.due = now + LINGER;
        }
        if desk.filed() >= news.reached.seq {
            work.queued = news.reached.queued;
        }
        self.tell_of_lost(desk.take_lost());
        self.progress.filed.send_replace(desk.filed());
        self.observer.filed(desk.filed());
        if now >= work.older_from
            && let Err(error) = self.file_older(&mut work.older)
        {
            // Of the newest log, nothing is wrong.
            self.observer.not_filed(&error);
            (work.older, work.older_from) = (None, now + RETRY);
        }
        self.take_up(desk, news)?;
        self.erase(desk, &mut work.retiring, &mut work.daily)?;
        self.say_root(desk, &mut work.daily)?;
        let cleaning = self.private.cleaning();
        cleaning.go_on(&self.config, &self.observer, now);
        if desk.next() >= news.reached.seq {
            self.retire(desk, &mut work.retiring, work.queued)?;
        }
        Ok(desk.filed())
    }

    /// Takes in what is published, mostly out of memory.
    fn take_in(&self, desk: &mut Desk, news: &News) -> Result<(), Error> {
        if desk.continues(&news.written) {
            return news.written.iter().try_for_each(|batch| desk.take(batch));
        }
        if desk.is_new() || desk.next() < news.reached.seq {
            self.catch_up(desk, news)?;
        }
        Ok(())
    }

    /// Files what is not in memory: after a start or a failure, or when it was more than is handed on.
    fn catch_up(&self, desk: &mut Desk, news: &News) -> Result<(), Error> {
        desk.start_over();
        let mut tail = Tail::with_attempts(&self.config.dir, desk.next())?;
        while desk.next() < news.reached.seq {
            let limit = desk.next() + SLICE;
            tail.read_to(news.reached.end, limit, |frame| desk.frame(frame))?;
            desk.flush()?;
            self.progress.filed.send_replace(desk.filed());
            if self.progress.published.has_ended() {
                return Ok(());
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
        let Some(config) = self.private.to_be_filed() else {
            return Ok(());
        };
        if older.is_none() {
            *older = Older::open(&config, &self.intake)?;
        }
        if let Some(some) = older {
            let more = some.file()?;
            self.tell_of_lost(some.take_lost());
            if more == More::Yes {
                return Ok(());
            }
        }
        *older = None;
        self.private.is_filed(&config.origin);
        Ok(())
    }

    fn tell_of_lost(&self, lost: u64) {
        if lost > 0 {
            self.observer.openings_lost(lost);
        }
    }

    /// Erases whom it was asked to. Here, so that nothing about them is being filed meanwhile.
    fn erase(
        &self,
        desk: &mut Desk,
        retiring: &mut Retiring,
        daily: &mut Daily,
    ) -> Result<(), Error> {
        let erasures = self.private.ripe(self.log(), desk.filed());
        if erasures.is_empty() {
            return Ok(());
        }
        daily.start_over();
        // Before anybody is told of an erasure: who waits for the cleaning must not find it done.
        self.private.cleaning().is_due();
        let mut again = Ok(());
        for mut erasure in erasures {
            match (desk.erase(&mut erasure), erasure.done.take()) {
                (Err(error), done) if error.may_pass() => {
                    again = Err(error);
                    erasure.done = done;
                    self.private.ask_for(erasure)?;
                }
                // Whoever asked may have gone; it is done all the same.
                (erased, Some(done)) => drop(done.send(erased)),
                (Ok(erased), None) => self.record(erased),
                (Err(error), None) => self.observer.not_filed(&error),
            }
        }
        again?;
        // What was filed a moment ago could still be opened by the intake key.
        self.renew(desk, retiring)
    }

    /// Records the root of the index when a day has ended; some of it is counted each time.
    fn say_root(&self, desk: &mut Desk, daily: &mut Daily) -> Result<(), Error> {
        if !self.private.is_all_but(self.log()) {
            return Ok(());
        }
        if let Some(leaf) = daily.go_on(&self.config, &mut desk.index)?
            && self.queue.single(&leaf, None).is_err()
        {
            daily.start_over();
        }
        Ok(())
    }

    /// Takes up what earlier runs have promised and not done, once what there is now is filed.
    fn take_up(&self, desk: &mut Desk, news: &News) -> Result<(), Error> {
        if !self.private.takes_up(self.log()) {
            return Ok(());
        }
        let promised = desk.keyring.promised(&self.config.node, self.begun_ms)?;
        if !desk.keyring.marks()?.is_empty() {
            self.private.cleaning().is_due();
        }
        for promise in promised {
            match promise {
                Ok(promise) => self.private.ask_for(Erasure {
                    promise,
                    wanted: vec![Want {
                        log: self.log(),
                        records: news.reached.seq,
                        progress: self.progress.clone(),
                    }],
                    found: 0,
                    done: None,
                })?,
                Err(error) => self.observer.not_filed(&error),
            }
        }
        self.private.has_taken_up();
        Ok(())
    }

    /// Records how many records were erased of somebody, as an earlier run has promised.
    fn record(&self, erased: u64) {
        let leaf = Event {
            v: 1,
            t: "ADMIN",
            ts: now_ms(&*self.clock),
            node: &self.config.node,
            act: Some("ERASE"),
            n: Some(erased),
            ..Event::default()
        };
        // If the log has ended, closing it says so.
        drop(self.queue.single(&leaf.to_leaf(), None));
    }

    /// Renews the intake key now and then, and destroys those under which nothing waits any more:
    /// `filed` bytes of what ever entered the queue are filed, and all that was there before.
    fn retire(&self, desk: &Desk, retiring: &mut Retiring, filed: u64) -> Result<(), Error> {
        let now = Instant::now();
        if !self.private.is_all_but(self.log()) {
            return Ok(());
        }
        if retiring.is_due(now, desk.next()) {
            self.renew(desk, retiring)?;
        }
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
        desk(&self.config, &self.intake, databases::index(&self.config)?)
    }

    fn log(&self) -> i64 {
        log_number(&self.config.origin)
    }
}

/// The desk of a log.
pub(super) fn desk(config: &Config, intake: &Arc<Intake>, mut index: Index) -> Result<Desk, Error> {
    let log = log_number(&config.origin);
    index.name(log, &config.origin)?;
    let mut keyring = databases::keyring(config)?;
    let tags = TagKeys::load(config, &mut keyring)?;
    Desk::new(log, Arc::clone(intake), keyring, index, tags)
}

/// How often what is published is taken in.
const EVERY: Duration = Duration::from_millis(500);
/// How long filing lets others run first, unless somebody waits for it.
const POLITE: Duration = Duration::from_millis(400);
/// How long what was taken in waits for more, unless somebody searches.
const LINGER: Duration = Duration::from_secs(5);
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How often intake keys are looked after when nothing comes.
const LOOK: Duration = Duration::from_secs(2);
/// So many records are read between two looks at whether the log has ended.
pub(super) const SLICE: u64 = if cfg!(test) { 50 } else { 10_000 };
