//! When the writer commits and when it looks after the disk. Not here: doing either.

use std::time::Duration;

use tokio::time::Instant;

use super::queue::{Pending, Sleep};

/// When the writer acts next.
#[derive(Debug)]
pub(crate) struct Pace {
    gather: Duration,
    last_began: Option<Instant>,
    traffic: Traffic,
    opens_since: Option<Instant>,
    house_at: Option<Instant>,
    disk_low: bool,
}

impl Pace {
    /// The pace of a writer that starts.
    pub(crate) fn new(gather: Duration) -> Self {
        Self {
            gather,
            last_began: None,
            traffic: Traffic::default(),
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

    /// How much longer the writer gathers: the more exchanges are open, the longer, by their square.
    /// A core that is half busy has few open, whose waiting would buy little: that of all of them
    /// grows with the time, what is spared does not. Those that wait for a slow agency do not count:
    /// no more than have lately come to their end.
    fn gathers(&self, places: u32, now: Instant) -> Option<Duration> {
        let crowd = places.min(self.traffic.lately(now)).min(CROWD);
        let time = self.gather * (crowd * crowd) / (CROWD * CROWD);
        left(self.last_began?, time, now)
    }

    /// A batch of so many leaves is begun.
    pub(crate) fn begin(&mut self, leaves: u32) {
        let now = Instant::now();
        self.traffic.add(leaves, now);
        self.last_began = Some(now);
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

/// How many leaves have lately come, counted by stretches of time.
#[derive(Debug, Default)]
struct Traffic {
    /// The beginning of this stretch.
    since: Option<Instant>,
    /// What came in the one before it.
    before: u32,
    /// What has come in this one.
    now: u32,
}

impl Traffic {
    fn add(&mut self, leaves: u32, now: Instant) {
        let since = *self.since.get_or_insert(now);
        if now >= since + LATELY {
            self.before = if now < since + 2 * LATELY {
                self.now
            } else {
                0
            };
            (self.since, self.now) = (Some(now), 0);
        }
        self.now = self.now.saturating_add(leaves);
    }

    /// The leaves of the last whole stretch, or of this one if they are more already.
    fn lately(&self, now: Instant) -> u32 {
        match self.since {
            Some(since) if now < since + 2 * LATELY => self.before.max(self.now),
            _ => 0,
        }
    }
}

fn left(since: Instant, total: Duration, now: Instant) -> Option<Duration> {
    total
        .checked_sub(now.saturating_duration_since(since))
        .filter(|left| !left.is_zero())
}

/// From that many open exchanges on, the whole time is spent gathering; of fewer, fewer would come.
const CROWD: u32 = 32;
/// How long a stretch is, or longer if no batch ends it: as long as an exchange takes where 32 that are open
/// keep a core busy with five sources each.
const LATELY: Duration = Duration::from_millis(40);
/// How long an attempt may wait for a leaf to share its commit: most exchanges are over by then,
/// and a commit of its own is spared; a hung agency's question is on the disk soon after. The time
/// runs from when the writer notices the attempt: after the commit in progress and the time to
/// gather, or as much later again if it sleeps.
const OPEN_LINGER: Duration = Duration::from_millis(10);
/// So long after a commit the writer looks for attempts by itself, and none has to wake it.
const BUSY: Duration = Duration::from_millis(100);
/// How often the free space of the disk is looked at.
const HOUSE_EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const GATHER: Duration = Duration::from_millis(6);

    /// How long a pace gathers right after a batch, with so many exchanges open, while so many
    /// leaves come every 10 ms.
    async fn gathers(open: u32, leaves: u32) -> Option<Duration> {
        let mut pace = Pace::new(GATHER);
        for _ in 0..20 {
            tokio::time::advance(Duration::from_millis(10)).await;
            pace.begin(leaves);
        }
        pace.gathers(open, Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn the_more_are_open_the_longer_is_gathered() {
        assert_eq!(gathers(0, 100).await, None);
        assert_eq!(gathers(16, 100).await, Some(GATHER / 4));
        assert_eq!(gathers(32, 100).await, Some(GATHER));
        assert_eq!(gathers(4_000, 100).await, Some(GATHER));
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_wait_for_a_slow_agency_hold_nobody_up() {
        // Four come to their end in 40 ms, whatever else is open.
        assert_eq!(gathers(4_000, 1).await, Some(GATHER / 64));
        assert_eq!(gathers(4_000, 0).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_long_ago_does_not_count() {
        let mut pace = Pace::new(GATHER);
        pace.begin(100);
        assert_eq!(pace.gathers(32, Instant::now()), Some(GATHER));
        tokio::time::advance(Duration::from_secs(1)).await;
        pace.begin(1);
        assert_eq!(pace.gathers(32, Instant::now()), Some(GATHER / 1024));
    }
}
