//! When the writer commits and when it looks after the disk. Not here: doing either.

use std::time::Duration;

use tokio::time::Instant;

use super::queue::{Pending, Sleep};

/// When the writer acts next.
#[derive(Debug)]
pub(crate) struct Pace {
    gather: Duration,
    last_began: Option<Instant>,
    opens_since: Option<Instant>,
    house_at: Option<Instant>,
    disk_low: bool,
}

impl Pace {
    /// The pace of a writer that starts.
    pub(crate) const fn new(gather: Duration) -> Self {
        Self {
            gather,
            last_began: None,
            opens_since: None,
            house_at: None,
            disk_low: false,
        }
    }

    /// What to wait for, or none if the next batch is due.
    pub(crate) fn wait(
        &mut self,
        pending: &Pending,
        places: u32,
    ) -> Option<(Sleep, Option<Duration>)> {
        if pending.leaves > 0 && pending.leaves >= places {
            return None;
        }
        let now = Instant::now();
        if let Some(time) = self.gathers(places, now) {
            return Some((Sleep::UntilAll, Some(time)));
        }
        if pending.leaves > 0 {
            return None;
        }
        if !pending.is_empty() {
            let since = *self.opens_since.get_or_insert(now);
            return left(since, OPEN_LINGER, now).map(|time| (Sleep::UntilLeaf, Some(time)));
        }
        let is_busy = self.last_began.is_some_and(|began| now < began + BUSY);
        Some(if is_busy {
            (Sleep::UntilLeaf, Some(OPEN_LINGER))
        } else {
            (Sleep::UntilAny, self.disk_low.then_some(HOUSE_EVERY))
        })
    }

    /// How much longer the writer gathers: the more exchanges are open, the longer.
    fn gathers(&self, places: u32, now: Instant) -> Option<Duration> {
        left(
            self.last_began?,
            self.gather * places.min(CROWD) / CROWD,
            now,
        )
    }

    /// A batch is begun.
    pub(crate) fn begin(&mut self) {
        self.last_began = Some(Instant::now());
        self.opens_since = None;
    }

    /// True if it is time to look after the disk.
    pub(crate) fn is_house_due(&self) -> bool {
        self.house_at.is_none_or(|at| at.elapsed() >= HOUSE_EVERY)
    }

    /// The disk was looked after.
    pub(crate) fn house_kept(&mut self, disk_low: bool) {
        self.house_at = Some(Instant::now());
        self.disk_low = disk_low;
    }

    /// True if the disk was below its reserve when last looked at.
    pub(crate) const fn is_disk_low(&self) -> bool {
        self.disk_low
    }
}

fn left(since: Instant, total: Duration, now: Instant) -> Option<Duration> {
    total
        .checked_sub(now.saturating_duration_since(since))
        .filter(|left| !left.is_zero())
}

/// From that many open exchanges on, the whole time is spent gathering; of fewer, fewer would come.
const CROWD: u32 = 32;
/// How long an attempt may wait for a leaf to share its commit: most exchanges are over by then,
/// and a commit of its own is spared; a hung agency's question is on the disk soon after. The time
/// runs from when the writer notices the attempt: after the commit in progress and the time to
/// gather, or as much later again if it sleeps.
const OPEN_LINGER: Duration = Duration::from_millis(10);
/// So long after a commit the writer looks for attempts by itself, and none has to wake it.
const BUSY: Duration = Duration::from_millis(100);
/// How often the free space of the disk is looked at.
const HOUSE_EVERY: Duration = Duration::from_secs(1);
