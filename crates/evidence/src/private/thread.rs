//! The thread `evidence-private`: files what is published, and retires intake keys.
//!
//! It follows the public log, so that whatever is found can be proved. While a database cannot be
//! written, it tries again every second; exchanges do not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::file::Desk;
use super::intake::Intake;
use super::tags::TagKeys;
use super::{databases, log_number};
use crate::publish::{Inbox, News, Place, Published, Tail};
use crate::{Config, Error, Observer, priority};

/// What the thread works with.
#[derive(Debug)]
pub(crate) struct Filer {
    pub(crate) config: Config,
    pub(crate) intake: Arc<Intake>,
    /// How far the write-ahead log is durable.
    pub(crate) inbox: Arc<Inbox>,
    /// How far it is published.
    pub(crate) published: Arc<Published>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) progress: Progress,
}

/// What those who search know of the thread.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// The number of the first record that is not filed.
    pub(super) filed: watch::Sender<u64>,
    /// Set by one who wants the intake key renewed.
    pub(super) renew: Arc<AtomicBool>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            filed: watch::Sender::new(0),
            renew: Arc::default(),
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
        priority::lower();
        let mut retiring = Retiring::after_start();
        let (mut desk, mut from, mut seen) = (None, Instant::now(), 0);
        while let Some(news) = self.published.next(seen, from, from + LOOK) {
            from = Instant::now() + EVERY;
            let filed = self.file(&mut desk, &news);
            let done = filed.and_then(|()| self.retire(&mut retiring, desk.as_ref(), &news));
            match done {
                Ok(()) => {
                    seen = news.reached.seq;
                    self.progress.filed.send_replace(seen);
                    self.observer.filed(seen);
                }
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
    fn file(&self, desk: &mut Option<Desk>, news: &News) -> Result<(), Error> {
        let desk = match desk {
            Some(desk) => desk,
            None => desk.insert(self.desk()?),
        };
        match news.written.first() {
            Some(first) if desk.is_next(first) => {
                for batch in &news.written {
                    desk.take(batch)?;
                }
            }
            _ if desk.next() >= news.reached.seq => {}
            _ => {
                // After a start or a failure, or more than is handed on in memory.
                desk.start_over();
                let mut tail = Tail::with_attempts(&self.config.dir, desk.next())?;
                tail.read_to(news.reached.end, u64::MAX, |frame| desk.frame(frame))?;
                desk.has_read_before(tail.next_batch());
            }
        }
        desk.flush()
    }

    fn desk(&self) -> Result<Desk, Error> {
        let mut index = databases::index(&self.config)?;
        let log = log_number(&self.config.origin);
        index.name(log, &self.config.origin)?;
        let keyring = databases::keyring(&self.config)?;
        let tags = TagKeys::load(&self.config.keys_dir())?;
        Desk::new(log, Arc::clone(&self.intake), keyring, index, tags)
    }

    /// Renews the intake key now and then, and destroys those under which nothing waits any more.
    fn retire(
        &self,
        retiring: &mut Retiring,
        desk: Option<&Desk>,
        news: &News,
    ) -> Result<(), Error> {
        let now = Instant::now();
        let asked = self.progress.renew.swap(false, Ordering::Relaxed);
        if asked || (now >= retiring.renew && news.reached.seq > retiring.used) {
            self.intake.renew()?;
            *retiring = Retiring::renewed(now, news.reached.seq);
        }
        match retiring.wait {
            Wait::Until(time) if now >= time => {
                // Whatever was sealed under an older key is on its way into the log by now.
                retiring.wait = Wait::Filed(self.inbox.reached().end);
            }
            Wait::Filed(end) if news.reached.end >= end => {
                let current = self.intake.current();
                if desk.is_some_and(|desk| !desk.waits_for_intake_before(current)) {
                    self.intake.destroy_before(current)?;
                    retiring.wait = Wait::Nothing;
                }
            }
            Wait::Until(_) | Wait::Filed(_) | Wait::Nothing => {}
        }
        Ok(())
    }
}

/// The older intake keys on their way out.
#[derive(Debug)]
struct Retiring {
    /// When the key that is in force is to be followed by another.
    renew: Instant,
    /// How many records there were when it came into force.
    used: u64,
    wait: Wait,
}

/// What the end of the older keys waits for.
#[derive(Clone, Copy, Debug)]
enum Wait {
    /// Nothing: there are none.
    Nothing,
    /// A time.
    Until(Instant),
    /// That everything before a place is filed.
    Filed(Place),
}

impl Retiring {
    /// A start has made a new key: the older ones are those of the run before.
    fn after_start() -> Self {
        Self::renewed(Instant::now(), 0)
    }

    fn renewed(now: Instant, used: u64) -> Self {
        Self {
            renew: now + RENEW,
            used,
            wait: Wait::Until(now + SETTLE),
        }
    }
}

/// A search waits for this at most, besides the time that publishing takes.
const EVERY: Duration = Duration::from_millis(500);
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How often intake keys are looked after when nothing comes.
const LOOK: Duration = Duration::from_secs(2);
/// How long openings are sealed under one intake key: so long a copy of the machine's files would
/// open what was erased meanwhile.
const RENEW: Duration = Duration::from_secs(600);
/// Sealing and queueing is one step of an exchange: microseconds, unless the machine stands still.
const SETTLE: Duration = Duration::from_secs(10);
