//! The thread `evidence-scrub-old`: the logs of earlier half-years, read again one after the other.
//!
//! What it holds against the files comes from memory, as for the log that is written: the keys and the
//! checkpoint of each log as it was when this process saw first that it had ended; and what the logs say
//! of each other. Not here: the log that is written.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tokio::time::Instant;

use super::pace::{self, Pace};
use crate::keys::{PUBLIC_FILE, PublicKeys};
use crate::note::SignedCheckpoint;
use crate::private::Epoch;
use crate::verify::{self, PublicReport, Trust, VerifyError, Witnessed};
use crate::{Config, Error, Observer, link, priority, segment, writer};

/// What the thread works with.
pub(super) struct Older {
    /// The settings of the node, with all its logs.
    pub(super) node: Arc<Config>,
    /// The half-year whose log is written.
    pub(super) newest: Epoch,
    pub(super) observer: Arc<dyn Observer>,
}

/// A log as it was when it was seen first.
struct Seen {
    config: Config,
    keys: PublicKeys,
    last: SignedCheckpoint,
    /// False for a log that was retired.
    has_records: bool,
}

impl Older {
    pub(super) fn run(self, every: Duration, stop: &Receiver<Infallible>) {
        priority::lower_most();
        let mut seen = BTreeMap::new();
        self.remember(&mut seen);
        let mut next = Instant::now() + every;
        while pace::wait_until(next, stop).is_ok() {
            next = Instant::now() + every;
            self.remember(&mut seen);
            let mut before = None;
            for log in seen.values() {
                let mut pace = Pace::new(log.size(), every, stop);
                let (report, findings) = log.round(before.as_ref(), &mut pace);
                if pace.is_stopped() {
                    return;
                }
                for found in findings {
                    self.observer.scrub_found(&VerifyError::Older {
                        log: log.config.origin.clone(),
                        found: Box::new(found),
                    });
                }
                before = report;
            }
        }
    }

    /// Remembers logs that have ended. What cannot be read now is tried the next time; the start has
    /// read it.
    fn remember(&self, seen: &mut BTreeMap<Epoch, Seen>) {
        let begun = self.node.begun().unwrap_or_default();
        let older = begun.into_iter().filter(|(epoch, _)| *epoch < self.newest);
        for (epoch, config) in older {
            if seen.contains_key(&epoch) {
                continue;
            }
            if let Ok(Some(log)) = Seen::of(config) {
                seen.insert(epoch, log);
            }
        }
    }
}

impl Seen {
    /// A log as it is; none while it has not ended.
    fn of(config: Config) -> Result<Option<Self>, Error> {
        let Some(last) = link::end(&config.dir)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            keys: PublicKeys::read(&config.dir)?,
            has_records: config.has_records()?,
            config,
            last,
        }))
    }

    /// Reads everything once; what the public log holds, and what is wrong.
    fn round(
        &self,
        before: Option<&PublicReport>,
        pace: &mut Pace<'_>,
    ) -> (Option<PublicReport>, Vec<VerifyError>) {
        let mut findings = Vec::new();
        findings.extend(self.same_keys().err());
        let public = self.public(pace);
        if let (Some(before), Ok(log)) = (before, &public) {
            let keys = [self.keys.of_checkpoints(), self.keys.of_receipts()].concat();
            findings.extend(verify::follows(before, log, &keys).err());
        }
        let public = public.map_err(|found| findings.push(found)).ok();
        if self.has_records {
            findings.extend(self.records(pace).err());
        }
        (public, findings)
    }

    fn same_keys(&self) -> Result<(), VerifyError> {
        let named = PublicKeys::read(&self.config.dir).map_err(VerifyError::Unreadable)?;
        if named == self.keys {
            return Ok(());
        }
        Err(VerifyError::Unreadable(Error::Key {
            path: self.config.dir.join(PUBLIC_FILE),
            problem: "does not name the keys that it did",
        }))
    }

    fn public(&self, pace: &mut Pace<'_>) -> Result<PublicReport, VerifyError> {
        let trust = Trust {
            keys: self.keys.of_checkpoints(),
            older: vec![Witnessed {
                from: "this process".to_owned(),
                checkpoint: self.last.clone(),
            }],
        };
        verify::standing_public(&self.config.dir, &trust, &mut |bytes| pace.spend(bytes))
    }

    fn records(&self, pace: &mut Pace<'_>) -> Result<(), VerifyError> {
        let size = self.last.checkpoint().size;
        let end = writer::end_of(&self.config).map_err(VerifyError::Unreadable)?;
        if end.seq < size {
            return Err(VerifyError::SetBack {
                from: "its last checkpoint".to_owned(),
                size,
                problem: format!("the write-ahead log has only {}", end.seq),
            });
        }
        let mut pause = |bytes| pace.spend(bytes);
        verify::standing_wal(&self.config.dir, end.end, size, &mut pause)
    }

    /// How much there is to read, about: the public log repeats the records.
    fn size(&self) -> u64 {
        let dir = &self.config.dir;
        let numbers = segment::list(dir).unwrap_or_default();
        let files = numbers.into_iter().map(|number| segment::path(dir, number));
        let len = |path| fs::metadata(path).map_or(0, |file| file.len());
        2 * files.map(len).sum::<u64>()
    }
}
