//! How fast a log is read again: so that a round takes half of the interval, within limits.

use std::convert::Infallible;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::time::Instant;

use crate::Error;

/// Keeps to a number of bytes a second.
pub(super) struct Pace<'a> {
    bytes_per_s: u64,
    needs: Duration,
    /// When what was read so far would have been read at that pace.
    due: Instant,
    stop: &'a Receiver<Infallible>,
    is_stopped: bool,
}

impl<'a> Pace<'a> {
    /// The pace for so many bytes.
    pub(super) fn new(bytes: u64, every: Duration, stop: &'a Receiver<Infallible>) -> Self {
        let half = every.as_secs().div_ceil(2).max(1);
        let bytes_per_s = (bytes / half).clamp(SLOWEST, FASTEST);
        Self {
            bytes_per_s,
            needs: Duration::from_secs(bytes / bytes_per_s),
            due: Instant::now(),
            stop,
            is_stopped: false,
        }
    }

    /// How long a round takes.
    pub(super) const fn needs(&self) -> Duration {
        self.needs
    }

    /// What ends when the log does.
    pub(super) const fn stop(&self) -> &'a Receiver<Infallible> {
        self.stop
    }

    /// True if the log ends.
    pub(super) const fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Waits until so many more bytes may have been read.
    ///
    /// # Errors
    /// The log ends.
    pub(super) fn spend(&mut self, bytes: u64) -> Result<(), Error> {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.bytes_per_s);
        let time = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let now = Instant::now();
        // What was missed while the machine was busy is not made up for.
        self.due = self.due.max(now) + time;
        if self.due - now < NAP {
            return Ok(());
        }
        let waited = wait_until(self.due, self.stop);
        self.is_stopped |= waited.is_err();
        waited
    }
}

/// Waits until a time.
///
/// # Errors
/// The log ends.
pub(super) fn wait_until(time: Instant, stop: &Receiver<Infallible>) -> Result<(), Error> {
    let rest = time.saturating_duration_since(Instant::now());
    match stop.recv_timeout(rest) {
        Err(RecvTimeoutError::Timeout) => Ok(()),
        Err(RecvTimeoutError::Disconnected) => Err(Error::Ended),
        Ok(never) => match never {},
    }
}

/// Of a small log: a stretch a second.
const SLOWEST: u64 = 1 << 20;
/// A twentieth of a core, for checksums and hashes, and of what a disk of 300 MB/s reads: 57 GB an
/// hour.
const FASTEST: u64 = 16 << 20;
/// A thread that sleeps for less is woken too often.
const NAP: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_round_takes_half_of_the_interval_unless_the_log_is_too_large_or_small() {
        let (_go, stop) = channel();
        let needs = |bytes| Pace::new(bytes, HOUR, &stop).needs().as_secs();
        assert_eq!(needs(10 << 20), 10);
        assert_eq!(needs(18_000 << 20), 1800);
        assert_eq!(needs(16 * (7200 << 20)), 7200);
    }

    #[test]
    fn it_reads_no_faster_than_it_may_and_ends_at_once() {
        let (go, stop) = channel();
        let mut pace = Pace::new(0, HOUR, &stop);
        let begun = Instant::now();
        for _ in 0..64 {
            pace.spend(4096).unwrap();
        }
        // 256 KiB at 1 MiB a second, but for the last nap.
        assert!(begun.elapsed() >= Duration::from_millis(225));
        drop(go);
        assert!(pace.spend(1 << 40).is_err());
        assert!(pace.is_stopped());
    }
}
