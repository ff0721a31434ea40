//! The thread `evidence-scrub`: now and then it reads the whole log again, so that what was changed
//! or lost on the disk is found within the hour, not at the next start.
//!
//! It reads the public log and the write-ahead log as far as that is durable, at a pace that nobody
//! feels, and writes nothing. What it finds is told; the gateway answers on, see
//! `manual/decisions/0024-answer-on-when-the-scrubber-finds-damage.md`. A second thread does so for
//! the logs of earlier half-years. Not here: how a log is checked (`verify`); the private side.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use exchange::Clock;
use tokio::sync::watch;
use tokio::time::Instant;

mod older;
mod pace;

use crate::keys::{InForce, PublicKeys, VerifierKey};
use crate::note::SignedCheckpoint;
use crate::publish::{Inbox, seconds};
use crate::verify::{self, Trust, VerifyError, Witnessed};
use crate::{Config, Error, Observer, priority, segment};
use older::Older;
use pace::Pace;

/// What the thread works with.
pub(crate) struct Scrubber {
    pub(crate) config: Config,
    /// The settings of the node, with all its logs.
    pub(crate) node: Arc<Config>,
    /// The keys that this process signs with.
    pub(crate) keys: Arc<InForce>,
    /// The latest checkpoint that this process has shown, of whichever log.
    pub(crate) shown: watch::Receiver<Option<Arc<str>>>,
    /// How far the log is durable.
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
}

/// The thread while it runs.
pub(crate) struct Scrubbing {
    present: Reading,
    /// None where half-years have no logs of their own.
    older: Option<Reading>,
}

/// A thread that reads.
struct Reading {
    /// Nothing is sent: the thread ends when this goes.
    stop: Sender<Infallible>,
    thread: JoinHandle<()>,
}

impl Scrubbing {
    /// Ends the threads.
    pub(crate) fn end(self) {
        for reading in [Some(self.present), self.older].into_iter().flatten() {
            drop(reading.stop);
            drop(reading.thread.join());
        }
    }
}

impl Reading {
    fn spawn(
        name: &str,
        run: impl FnOnce(&Receiver<Infallible>) + Send + 'static,
    ) -> Result<Self, Error> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(&stopped))
            .map_err(Error::io("start the scrubber of", ""))?;
        Ok(Self { stop, thread })
    }
}

impl Scrubber {
    /// Starts the threads; none if the settings want none.
    pub(crate) fn spawn(self) -> Result<Option<Scrubbing>, Error> {
        let every = Duration::from_secs(self.config.scrub_interval_s);
        if every.is_zero() {
            return Ok(None);
        }
        let older = self
            .older()
            .map(|older| Reading::spawn("evidence-scrub-old", move |stop| older.run(every, stop)));
        Ok(Some(Scrubbing {
            older: older.transpose()?,
            present: Reading::spawn("evidence-scrub", move |stop| self.run(every, stop))?,
        }))
    }

    fn older(&self) -> Option<Older> {
        Some(Older {
            newest: self.node.half_year(&self.config.origin)?,
            node: Arc::clone(&self.node),
            observer: Arc::clone(&self.observer),
        })
    }

    fn run(self, every: Duration, stop: &Receiver<Infallible>) {
        priority::lower_most();
        let mut next = Instant::now() + every;
        while pace::wait_until(next, stop).is_ok() {
            next = Instant::now() + every;
            let mut pace = Pace::new(self.size(), every, stop);
            if pace.needs() > every {
                self.observer.scrub_late(pace.needs());
            }
            let findings = self.round(&mut pace);
            if pace.is_stopped() {
                return;
            }
            for finding in &findings {
                self.observer.scrub_found(finding);
            }
            if findings.is_empty() {
                self.observer.scrubbed(seconds(&*self.clock));
            }
        }
    }

    /// Reads everything once; what is wrong with it.
    fn round(&self, pace: &mut Pace<'_>) -> Vec<VerifyError> {
        let dir = &self.config.dir;
        let named = self.named_keys().or_else(|_| {
            // They may be exchanged at this moment: the list is put in its place before they sign.
            pace::wait_until(Instant::now() + EXCHANGE, pace.stop())?;
            self.named_keys()
        });
        let named = named.map_err(VerifyError::Unreadable);
        let mut pause = |bytes| pace.spend(bytes);
        let public = self
            .trust()
            .and_then(|trust| verify::standing_public(dir, &trust, &mut pause));
        // What is public is durable: the end is taken after it.
        let shown = public
            .as_ref()
            .map_or(0, |it| it.checkpoint.checkpoint().size);
        let end = self.inbox.reached().end;
        let wal = verify::standing_wal(dir, end, shown, &mut pause);
        let all = [named, public.map(drop), wal];
        all.into_iter().filter_map(Result::err).collect()
    }

    /// The keys are those of this process, not of the file: whoever changes files could change it.
    fn trust(&self) -> Result<Trust, VerifyError> {
        let shown = self.shown.borrow().clone();
        let from = "this process";
        let checkpoint = shown.map(|text| SignedCheckpoint::parse(&text)).transpose();
        let checkpoint = checkpoint.map_err(|problem| VerifyError::Checkpoint {
            from: from.to_owned(),
            problem,
        })?;
        // At the turn of a half-year it may be that of the log before or behind this one.
        let own = checkpoint.filter(|it| it.checkpoint().origin == self.config.origin);
        let older = own.map(|checkpoint| Witnessed {
            from: from.to_owned(),
            checkpoint,
        });
        Ok(Trust {
            keys: self.keys.of_checkpoints(),
            older: older.into_iter().collect(),
        })
    }

    /// Refuses a file of public keys that does not name those of this process.
    fn named_keys(&self) -> Result<(), Error> {
        let signing = self.keys.load().public().log;
        let named = PublicKeys::read(&self.config.dir)?.log;
        let is_named = |key: &VerifierKey| named.iter().any(|it| it.to_string() == key.to_string());
        if signing.iter().all(is_named) {
            return Ok(());
        }
        Err(Error::Key {
            path: self.config.dir.join(crate::keys::PUBLIC_FILE),
            problem: "does not name the keys that sign the log",
        })
    }

    /// How much there is to read, about: the public log repeats the records.
    fn size(&self) -> u64 {
        let end = self.inbox.reached().end;
        let len = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        let closed = (0..end.segment).map(|number| len(&segment::path(&self.config.dir, number)));
        2 * (closed.sum::<u64>() + end.at)
    }
}

/// Longer than the sync of a directory takes.
const EXCHANGE: Duration = Duration::from_secs(1);
