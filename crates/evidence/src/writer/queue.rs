//! The queue between the exchanges and the writer: frames in one buffer, places by count.
//!
//! An exchange takes a place when it is opened and its last leaf gives it back once durable, so a
//! leaf can never be refused for want of room. Not here: files, sequence numbers.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use exchange::{Criticality, Fault, Reason};
use tokio::time::Instant;

use super::batch::{Batch, Ticket};
use crate::frame::{self, Kind};
use crate::keys::NextKeys;

/// Frames on their way to the disk.
#[derive(Debug)]
pub(crate) struct Queue {
    pending: Mutex<Pending>,
    wake: Condvar,
    places: AtomicU32,
    limit: u32,
    /// How many places may be taken when what nobody waits for comes.
    bulk_limit: u32,
    disk_low: AtomicBool,
}

/// The next batch.
#[derive(Debug)]
pub(crate) struct Pending {
    bytes: Vec<u8>,
    /// How many bytes have been taken before.
    taken: u64,
    pub(crate) leaves: u32,
    /// The places that the batch gives back.
    places: u32,
    batch: Arc<Batch>,
    next_keys: Option<NextKeys>,
    next_key: u64,
    pub(crate) phase: Phase,
    sleep: Sleep,
}

/// A batch that the writer has taken.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) bytes: Vec<u8>,
    /// How many bytes have ever entered the queue, with these.
    pub(crate) queued: u64,
    pub(crate) leaves: u32,
    pub(crate) places: u32,
    pub(crate) batch: Arc<Batch>,
    /// The keys whose record is in it: they sign as soon as it is durable.
    pub(crate) next_keys: Option<NextKeys>,
}

impl Pending {
    /// True if no frame waits.
    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn append_sealed(&mut self, key: u64, sealed: &[u8]) {
        let key = key.to_le_bytes();
        frame::append(&mut self.bytes, Kind::Opening, [&key, sealed]);
    }

    /// Adds a leaf that gives so many places back; its place in the batch is the result.
    fn append_leaf(&mut self, key: u64, leaf: &[u8], places: u32) -> u32 {
        frame::append(&mut self.bytes, Kind::Leaf, [&key.to_le_bytes(), leaf]);
        self.places += places;
        let index = self.leaves;
        self.leaves += 1;
        index
    }

    /// Takes what waits and goes on in the given buffer.
    pub(crate) fn take(&mut self, mut buffer: Vec<u8>) -> Taken {
        buffer.clear();
        self.taken += self.bytes.len() as u64;
        Taken {
            queued: self.taken,
            bytes: std::mem::replace(&mut self.bytes, buffer),
            leaves: std::mem::take(&mut self.leaves),
            places: std::mem::take(&mut self.places),
            batch: std::mem::take(&mut self.batch),
            next_keys: self.next_keys.take(),
        }
    }
}

/// What may still enter the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Everything.
    Open,
    /// Leaves: the writer stops when every open exchange has given its place back.
    Closing {
        /// It waits no longer than this; what is open then is for the next start to record.
        until: Instant,
    },
    /// Nothing: the writer has stopped, or shall stop as a crash would.
    Ended,
}

/// What the writer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sleep {
    /// It is at work.
    Awake,
    /// Any frame.
    UntilAny,
    /// A leaf.
    UntilLeaf,
    /// That every open exchange waits for its leaf.
    UntilAll,
}

/// Why nothing enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// Every place is taken.
    Full,
    /// So many places are taken that the rest is kept for what somebody waits for.
    Shed,
    /// Too little room on the disk.
    DiskLow,
    /// The gateway shuts down.
    Draining,
    /// The log cannot be written.
    Lost,
    /// The system gave no random bytes for a salt.
    NoSalt,
}

impl Closed {
    /// What the caller is told.
    pub(crate) fn fault(self) -> Fault {
        let (reason, detail, after_s) = match self {
            Self::Full => (
                Reason::AuditBackpressure,
                "every place in the record's queue is taken",
                1,
            ),
            Self::Shed => (
                Reason::AuditBackpressure,
                "the last places in the record's queue are kept for what somebody waits for",
                5,
            ),
            Self::DiskLow => (
                Reason::AuditUnavailable,
                "the disk of the record is below its reserve",
                30,
            ),
            Self::Draining => (Reason::Draining, "the record takes no new exchange", 1),
            Self::Lost => (Reason::AuditUnavailable, "the record cannot be written", 5),
            Self::NoSalt => (Reason::AuditUnavailable, "no random salt for the record", 5),
        };
        Fault::new(reason, detail).retry_after(Duration::from_secs(after_s))
    }
}

impl Queue {
    /// An empty queue with that many places.
    pub(crate) fn new(limit: u32, next_key: u64) -> Self {
        Self {
            pending: Mutex::new(Pending {
                bytes: Vec::new(),
                taken: 0,
                leaves: 0,
                places: 0,
                batch: Arc::default(),
                next_keys: None,
                next_key,
                phase: Phase::Open,
                sleep: Sleep::Awake,
            }),
            wake: Condvar::new(),
            places: AtomicU32::new(0),
            limit,
            bulk_limit: limit - limit / BULK_SPARES,
            disk_low: AtomicBool::new(false),
        }
    }

    /// How many bytes have ever entered it.
    pub(crate) fn queued(&self) -> u64 {
        let pending = self.lock();
        pending.taken + pending.bytes.len() as u64
    }

    /// The number of exchanges that are open or wait for their record.
    pub(crate) fn places(&self) -> u32 {
        self.places.load(Ordering::Relaxed)
    }

    /// Takes a place and puts an OPEN frame into the queue, with what it hides; its key is the result.
    pub(crate) fn open(
        &self,
        criticality: Criticality,
        head: &[u8],
        sealed: &[u8],
    ) -> Result<u64, Closed> {
        let mut pending = self.lock();
        match pending.phase {
            Phase::Open if criticality == Criticality::Bulk => {
                self.take_place(self.bulk_limit, Closed::Shed)?;
            }
            Phase::Open => self.take_place(self.limit, Closed::Full)?,
            Phase::Closing { .. } => return Err(Closed::Draining),
            Phase::Ended => return Err(Closed::Lost),
        }
        let key = pending.next_key;
        pending.next_key += 1;
        frame::append(&mut pending.bytes, Kind::Open, [&key.to_le_bytes(), head]);
        pending.append_sealed(key, sealed);
        self.nudge(pending);
        Ok(key)
    }

    /// Puts a leaf of an open exchange into the queue, with what it hides that the attempt did not;
    /// the last one gives the place back.
    pub(crate) fn leaf(
        &self,
        key: u64,
        leaf: &[u8],
        sealed: impl IntoIterator<Item = impl AsRef<[u8]>>,
        last: Last,
    ) -> Result<Ticket, Closed> {
        let mut pending = self.lock();
        if pending.phase == Phase::Ended {
            drop(pending);
            self.give_back(u32::from(last == Last::Yes));
            return Err(Closed::Lost);
        }
        let closes = if last == Last::Yes { key } else { 0 };
        for sealed in sealed {
            pending.append_sealed(closes, sealed.as_ref());
        }
        let index = pending.append_leaf(closes, leaf, u32::from(last == Last::Yes));
        let batch = Arc::clone(&pending.batch);
        self.nudge(pending);
        Ok(Ticket { batch, index })
    }

    /// Puts a leaf into the queue that belongs to no open exchange.
    pub(crate) fn single(&self, leaf: &[u8], sealed: Option<&[u8]>) -> Result<Ticket, Closed> {
        self.take_place(self.limit, Closed::Full)?;
        self.leaf(0, leaf, sealed, Last::Yes)
    }

    /// Puts a leaf into the queue that belongs to no open exchange, whether there is room or not: for
    /// the few that a log writes which closes.
    pub(crate) fn single_at_end(&self, leaf: &[u8]) -> Result<Ticket, Closed> {
        self.places.fetch_add(1, Ordering::Relaxed);
        self.leaf(0, leaf, None::<&[u8]>, Last::Yes)
    }

    /// Puts the leaf of a change of keys into the queue, with the keys that sign when it is durable;
    /// whether there is room or not.
    pub(crate) fn change_keys(&self, leaf: &[u8], next: NextKeys) -> Result<(), Closed> {
        let mut pending = self.lock();
        if pending.phase == Phase::Ended {
            return Err(Closed::Lost);
        }
        self.places.fetch_add(1, Ordering::Relaxed);
        pending.append_leaf(0, leaf, 1);
        pending.next_keys = Some(next);
        self.nudge(pending);
        Ok(())
    }

    /// How much longer a log that closes waits: not at all once every open exchange has put its
    /// last leaf into the queue.
    pub(crate) fn left(&self, pending: &Pending, until: Instant) -> Option<Duration> {
        let left = until.saturating_duration_since(Instant::now());
        (self.places() > pending.places && !left.is_zero()).then_some(left)
    }

    /// Gives places back.
    pub(crate) fn give_back(&self, places: u32) {
        self.places.fetch_sub(places, Ordering::Relaxed);
    }

    /// Says whether the disk has room.
    pub(crate) fn set_disk_low(&self, low: bool) {
        self.disk_low.store(low, Ordering::Relaxed);
    }

    /// Lets nothing new enter; the writer stops as `phase` says.
    pub(crate) fn close(&self, phase: Phase) {
        let mut pending = self.lock();
        if pending.phase != Phase::Ended {
            pending.phase = phase;
        }
        drop(pending);
        self.wake.notify_all();
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until what `sleep` says has entered, the time is over, or the queue is closed.
    pub(crate) fn sleep<'a>(
        &self,
        mut pending: MutexGuard<'a, Pending>,
        sleep: Sleep,
        time: Option<Duration>,
    ) -> MutexGuard<'a, Pending> {
        pending.sleep = sleep;
        let mut pending = match time {
            None => self
                .wake
                .wait(pending)
                .unwrap_or_else(PoisonError::into_inner),
            Some(time) => {
                let waited = self.wake.wait_timeout(pending, time);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        pending.sleep = Sleep::Awake;
        pending
    }

    /// Takes a place, unless so many are taken.
    fn take_place(&self, limit: u32, full: Closed) -> Result<(), Closed> {
        if self.disk_low.load(Ordering::Relaxed) {
            return Err(Closed::DiskLow);
        }
        if self.places.fetch_add(1, Ordering::Relaxed) >= limit {
            self.give_back(1);
            return Err(full);
        }
        Ok(())
    }

    /// Wakes the writer if this is what it waits for; outside the lock, which it takes first.
    fn nudge(&self, mut pending: MutexGuard<'_, Pending>) {
        let awaited = match pending.sleep {
            Sleep::Awake => false,
            Sleep::UntilAny => true,
            Sleep::UntilLeaf => pending.leaves > 0,
            Sleep::UntilAll => pending.leaves >= self.places(),
        };
        if awaited {
            pending.sleep = Sleep::Awake;
            drop(pending);
            self.wake.notify_one();
        }
    }
}

/// A quarter of the places is for what somebody waits for: work in bulk fills a queue that stands still
/// first, and can come again.
const BULK_SPARES: u32 = 4;

/// Whether a leaf closes its exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// It does.
    Yes,
    /// More will follow.
    No,
}
