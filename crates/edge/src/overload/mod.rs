//! How much is done at once. A call beyond it is shed before any work, the least urgent first.
//!
//! Here: who still finds room. Not here: how much room there is (`limit.rs`), how urgent a call is
//! (`claim.rs`), how many connections there may be (`listener/limits.rs`).
//!
//! *Invariants:* a call that finds room at once costs one addition and one comparison; no call of a
//! class is taken up where one of a more urgent class would not be.

pub(crate) mod claim;
mod limit;
mod memory;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use exchange::{Criticality, Fault, Reason};
use tokio::time::{Instant, sleep_until};

use crate::config::Limits;
use crate::{Load, Observer, Shed};
use limit::{Limit, Looked};
pub use memory::Pressure;

/// The calls in progress, and how many there may be.
#[derive(Debug)]
pub(crate) struct Overload {
    running: AtomicUsize,
    /// With how many in progress one more of each class is taken up, in the order of [`CLASSES`].
    room: [AtomicUsize; CLASSES.len()],
    /// How many were shed since it was looked at last.
    shed: AtomicU64,
    calls: usize,
    memory: Option<u64>,
    observer: Arc<dyn Observer>,
}

/// One call in progress; over when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<Overload>);

impl Overload {
    pub(crate) fn new(limits: &Limits, observer: Arc<dyn Observer>) -> Arc<Self> {
        let overload = Self {
            running: AtomicUsize::new(0),
            room: Default::default(),
            shed: AtomicU64::new(0),
            calls: limits.calls.get(),
            memory: limits.memory_bytes.map(NonZeroU64::get),
            observer,
        };
        overload.divide(overload.calls, Pressure::None);
        Arc::new(overload)
    }

    /// Takes a place for a call. How urgent it is, is looked at only if that matters.
    ///
    /// # Errors
    /// `OVERLOADED`.
    pub(crate) fn enter(
        self: &Arc<Self>,
        class: impl FnOnce() -> Criticality,
    ) -> Result<Place, (Criticality, Fault)> {
        let before = self.running.fetch_add(1, Relaxed);
        let place = Place(Arc::clone(self));
        if before < self.room_for(Criticality::Bulk) {
            return Ok(place);
        }
        let class = class();
        if before < self.room_for(class) {
            return Ok(place);
        }
        drop(place);
        self.shed.fetch_add(1, Relaxed);
        self.observer.shed(class, self.why());
        Err((class, overloaded(class)))
    }

    /// True while memory is so short that no connection is taken.
    pub(crate) fn is_out_of_memory(&self) -> bool {
        self.room_for(Criticality::CitizenWaiting) == 0
    }

    /// Looks again and again at how long what is due waits for its turn, and at the memory.
    pub(crate) async fn keep(self: Arc<Self>) {
        let mut limit = Limit::new(self.calls);
        loop {
            let waited = standing_wait().await;
            let used = self.memory.and_then(|_| memory::resident());
            let pressure = Pressure::of(used, self.memory);
            let running = self.running.load(Relaxed);
            let was_short = self.shed.swap(0, Relaxed) > 0;
            let limit = limit.next(&Looked {
                running,
                was_short,
                waited,
            });
            self.divide(limit, pressure);
            self.observer.load(&Load {
                running,
                limit,
                waited,
                pressure,
            });
        }
    }

    /// Divides the room among the classes.
    fn divide(&self, limit: usize, pressure: Pressure) {
        for (class, room) in CLASSES.iter().zip(&self.room) {
            room.store(share(*class, limit, pressure), Relaxed);
        }
    }

    fn room_for(&self, class: Criticality) -> usize {
        let room = self.room.get(class as usize - 1);
        room.map_or(0, |room| room.load(Relaxed))
    }

    fn why(&self) -> Shed {
        match self.room_for(Criticality::Bulk) {
            0 => Shed::Memory,
            _ => Shed::Calls,
        }
    }
}

/// Where items of batch jobs find room.
#[derive(Debug)]
pub(crate) struct Bulk(pub(crate) Arc<Overload>);

impl gate::Room for Bulk {
    fn enter(&self) -> Result<Box<dyn Any + Send>, Fault> {
        match self.0.enter(|| Criticality::Bulk) {
            Ok(place) => Ok(Box::new(place)),
            Err((_, fault)) => Err(fault),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Relaxed);
    }
}

/// With how many calls in progress one more of a class is taken up.
const fn share(class: Criticality, limit: usize, pressure: Pressure) -> usize {
    let percent = match (pressure, class) {
        (Pressure::None, Criticality::Bulk) => 70,
        (Pressure::None, Criticality::BackOffice) => 88,
        (Pressure::None | Pressure::Shed, Criticality::CitizenWaiting) => 95,
        (Pressure::None | Pressure::Shed, Criticality::Emergency) => 100,
        (Pressure::Refuse, Criticality::Emergency) => 5,
        (Pressure::Shed | Pressure::Refuse, _) => 0,
    };
    (limit * percent).div_ceil(100)
}

/// How long the luckiest of what came due within an interval waited for its turn: a queue that is
/// never empty makes everybody wait, a burst does not.
///
/// The runtime turns to a timer as it turns to a connection on which something has arrived, so a
/// call waits about as long, and none has to be timed for it.
async fn standing_wait() -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..PROBES {
        let due = Instant::now() + PROBE;
        sleep_until(due).await;
        least = least.min(due.elapsed());
    }
    least
}

fn overloaded(class: Criticality) -> Fault {
    let seconds = match class {
        Criticality::Emergency | Criticality::CitizenWaiting => 1,
        Criticality::BackOffice => 2,
        Criticality::Bulk => 10,
    };
    Fault::new(Reason::Overloaded, "too many calls are in progress")
        .retry_after(Duration::from_secs(seconds))
}

/// Every class, as the numbers of the contract order them.
const CLASSES: [Criticality; 4] = [
    Criticality::Emergency,
    Criticality::CitizenWaiting,
    Criticality::BackOffice,
    Criticality::Bulk,
];
/// Ten looks in a tenth of a second: ten timers a tenth of a second cost about 50 µs of CPU a second.
const PROBE: Duration = Duration::from_millis(10);
const PROBES: u32 = 10;
