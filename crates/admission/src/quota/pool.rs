//! The buckets of a node that are asked for leases: those of which something is wanted.
//!
//! Not here: over which wire they are asked (crate `lienthong`).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};

use super::Bucket;
use super::lease::{Sharing, Standing};

/// What the buckets of a node share.
pub(crate) struct Pool<C: Clock> {
    pub(super) sharing: Sharing,
    newcomers: Mutex<Vec<Arc<Bucket<C>>>>,
}

impl<C: Clock> Pool<C> {
    /// No bucket is asked yet.
    pub(crate) const fn new(sharing: Sharing) -> Self {
        Self {
            sharing,
            newcomers: Mutex::new(Vec::new()),
        }
    }

    /// Takes up a bucket of which something is wanted.
    pub(super) fn join(&self, bucket: Arc<Bucket<C>>) {
        let mut newcomers = self
            .newcomers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        newcomers.push(bucket);
    }

    fn take(&self) -> Vec<Arc<Bucket<C>>> {
        let mut newcomers = self
            .newcomers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut newcomers)
    }
}

/// The leases of a node: what is to be asked for, round after round.
///
/// Each round is [`Leases::asks`], and then either [`Leases::granted`] or [`Leases::unheard`].
pub struct Leases<C: Clock = DefaultClock> {
    pool: Arc<Pool<C>>,
    active: Vec<Active<C>>,
}

struct Active<C: Clock> {
    bucket: Arc<Bucket<C>>,
    /// Rounds in which nothing was wanted.
    idle: u32,
}

/// What is asked of the common bucket of one quota.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Its name.
    pub bucket: String,
    /// What it holds when it is full.
    pub capacity: u32,
    /// In which time one comes back.
    pub interval: Duration,
    /// What was spent here since the last round.
    pub spent: u32,
    /// How many are wanted; what is left of the lease before goes back.
    pub wanted: u32,
    /// What is known of it here.
    pub standing: Standing,
}

/// What the common bucket of one quota gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// What may be spent here.
    pub tokens: u32,
    /// What is left for all nodes.
    pub left: i64,
}

impl<C: Clock> Leases<C> {
    pub(crate) const fn new(pool: Arc<Pool<C>>) -> Self {
        Self {
            pool,
            active: Vec::new(),
        }
    }

    /// What is to be asked for in this round.
    pub fn asks(&mut self) -> Vec<Ask> {
        let newcomers = self.pool.take().into_iter();
        self.active
            .extend(newcomers.map(|bucket| Active { bucket, idle: 0 }));
        let nodes = self.pool.sharing.nodes().get();
        self.active
            .iter_mut()
            .map(|active| active.ask(nodes))
            .collect()
    }

    /// Gives out what was granted, in the order of the asks.
    pub fn granted(&mut self, grants: &[Granted]) {
        for (active, grant) in self.active.iter().zip(grants) {
            active.bucket.lease_out(*grant);
        }
        self.active.retain(|active| !active.is_over());
    }

    /// Notes that nobody answered.
    pub fn unheard(&mut self) {
        for active in &self.active {
            active.bucket.unheard();
        }
        self.active.retain(|active| !active.is_over());
    }
}

impl<C: Clock> Active<C> {
    fn ask(&mut self, nodes: u32) -> Ask {
        let (limit, (spent, wanted)) = (self.bucket.limit(), self.bucket.since());
        self.idle = match wanted {
            0 => self.idle + 1,
            _ => 0,
        };
        let burst = limit.burst.get();
        // Twice what was wanted, for what comes; at least half of this node's part of a burst.
        let ahead = wanted
            .saturating_mul(2)
            .max(burst / nodes / 2)
            .clamp(1, burst);
        Ask {
            bucket: self.bucket.name().to_owned(),
            capacity: burst,
            interval: limit.quota().replenish_interval(),
            spent,
            wanted: if self.idle >= IDLE { 0 } else { ahead },
            standing: self.bucket.standing(),
        }
    }

    /// True once nothing was wanted for long; the lease is over then.
    fn is_over(&self) -> bool {
        let is_over = self.idle >= IDLE;
        if is_over {
            self.bucket.end_lease();
        }
        is_over
    }
}

impl<C: Clock> fmt::Debug for Leases<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leases")
            .field("active", &self.active.len())
            .finish_non_exhaustive()
    }
}

/// A second at twenty rounds a second.
const IDLE: u32 = 20;
