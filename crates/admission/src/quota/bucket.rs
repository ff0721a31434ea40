//! One bucket: how much of one quota is left.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};

use super::lease::{Lease, Standing};
use super::pool::{Granted, Pool};
use super::{Limit, QuotaState};

/// The bucket of one quota.
pub(crate) struct Bucket<C: Clock> {
    policy: &'static str,
    limit: Limit,
    /// What this node may spend by itself: all of it, if it is the only one.
    own: Quota,
    level: Level,
    limiter: RateLimiter<NotKeyed, Level, C, StateInformationMiddleware>,
    start: C::Instant,
    shared: Option<(Lease, Arc<Pool<C>>)>,
}

/// A quota that is spent.
#[derive(Debug)]
pub(crate) struct Spent {
    pub(crate) state: QuotaState,
    pub(crate) retry_after: Duration,
    pub(crate) limit: Limit,
}

impl<C: Clock> Bucket<C> {
    /// A full bucket of this node alone.
    pub(super) fn full(policy: &'static str, limit: Limit, clock: C) -> Self {
        Self::new(policy, limit, limit.quota(), clock, None)
    }

    /// A full bucket of several nodes; `of` says whose it is.
    pub(super) fn shared(
        policy: &'static str,
        of: &[&str],
        limit: Limit,
        clock: C,
        pool: &Arc<Pool<C>>,
    ) -> Self {
        let lease = Lease::new(pool.sharing.name(&[&[policy], of].concat()));
        let own = limit.share(pool.sharing.nodes());
        Self::new(policy, limit, own, clock, Some((lease, Arc::clone(pool))))
    }

    fn new(
        policy: &'static str,
        limit: Limit,
        own: Quota,
        clock: C,
        shared: Option<(Lease, Arc<Pool<C>>)>,
    ) -> Self {
        let level = Level::default();
        let limiter: RateLimiter<NotKeyed, Level, C, StateInformationMiddleware> =
            RateLimiter::new(own, level.clone(), clock);
        Self {
            policy,
            limit,
            own,
            level,
            start: limiter.clock().now(),
            limiter,
            shared,
        }
    }

    /// The limit that it keeps.
    pub(super) const fn limit(&self) -> Limit {
        self.limit
    }

    /// Takes one request.
    ///
    /// # Errors
    /// It is empty.
    pub(super) fn spend(self: &Arc<Self>) -> Result<QuotaState, Spent> {
        let Some((lease, pool)) = &self.shared else {
            return self.spend_own();
        };
        if lease.want() {
            pool.join(Arc::clone(self));
        }
        if !lease.holds(self.now()) {
            return self.spend_own().inspect(|_| lease.took_alone());
        }
        match lease.take() {
            Some(_) => Ok(self.state(remaining(lease))),
            None => Err(Spent {
                state: self.state(0),
                // Until the next lease, or one comes back.
                retry_after: self.limit.quota().replenish_interval().max(PAUSE),
                limit: self.limit,
            }),
        }
    }

    fn spend_own(&self) -> Result<QuotaState, Spent> {
        match self.limiter.check() {
            Ok(after) => Ok(self.state(after.remaining_burst_capacity())),
            Err(until) => Err(Spent {
                state: self.state(0),
                retry_after: until.wait_time_from(self.limiter.clock().now()),
                limit: self.limit,
            }),
        }
    }

    /// How much there is, without taking any.
    pub(super) fn peek(&self) -> QuotaState {
        match &self.shared {
            Some((lease, _)) if lease.holds(self.now()) => self.state(remaining(lease)),
            _ => self.state(self.left()),
        }
    }

    /// Reads the bucket as the limiter would, and leaves it as it is: the time at which it is full
    /// again, less the present, over the time of one request, is what is missing.
    fn left(&self) -> u32 {
        let read = |full_at: Option<Nanos>| Err::<((), Nanos), _>(full_at);
        let full_at = self.level.measure_and_replace(&NotKeyed::NonKey, read);
        let now = Nanos::from(self.now());
        let debt = full_at
            .err()
            .flatten()
            .map_or(0, |at| at.saturating_sub(now).as_u64());
        let one = Nanos::from(self.own.replenish_interval()).as_u64();
        let missing = u32::try_from(debt.div_ceil(one.max(1))).unwrap_or(u32::MAX);
        self.own.burst_size().get().saturating_sub(missing)
    }

    /// True if nothing is missing and no lease is held: a bucket that was just made is no other.
    pub(super) fn is_full(&self) -> bool {
        let is_leased = self
            .shared
            .as_ref()
            .is_some_and(|(lease, _)| lease.holds(self.now()));
        !is_leased && self.left() == self.own.burst_size().get()
    }

    fn state(&self, remaining: u32) -> QuotaState {
        let limit = self.limit.burst.get();
        let remaining = remaining.min(limit);
        let one = self.limit.quota().replenish_interval();
        QuotaState {
            policy: self.policy,
            limit,
            remaining,
            window: one.saturating_mul(limit),
            reset_after: one.saturating_mul(limit.saturating_sub(remaining)),
        }
    }

    fn now(&self) -> Duration {
        self.limiter.clock().now().duration_since(self.start).into()
    }
}

/// What the rounds of leases do with a bucket.
impl<C: Clock> Bucket<C> {
    pub(super) fn name(&self) -> &str {
        self.shared.as_ref().map_or("", |(lease, _)| &lease.name)
    }

    /// What was spent and wanted since the last round.
    pub(super) fn since(&self) -> (u32, u32) {
        let shared = self.shared.as_ref();
        shared.map_or((0, 0), |(lease, _)| lease.since())
    }

    pub(super) fn standing(&self) -> Standing {
        let shared = self.shared.as_ref();
        shared.map_or(Standing::Fresh, |(lease, _)| lease.standing())
    }

    /// Takes a lease; what this node may spend by itself is spent with that.
    pub(super) fn lease_out(&self, grant: Granted) {
        let Some((lease, _)) = &self.shared else {
            return;
        };
        let is_given = lease.give(grant.tokens, grant.left, self.now());
        if is_given && let Some(left) = NonZeroU32::new(self.left()) {
            // A call that was quicker has taken of it, and the rest stays for the next round.
            self.limiter.check_n(left).ok();
        }
    }

    pub(super) fn unheard(&self) {
        if let Some((lease, _)) = &self.shared {
            lease.unheard();
        }
    }

    pub(super) fn end_lease(&self) {
        if let Some((lease, _)) = &self.shared {
            lease.end();
        }
    }
}

/// What is left of a lease and in common.
fn remaining(lease: &Lease) -> u32 {
    u32::try_from(lease.in_all()).unwrap_or(u32::MAX)
}

impl<C: Clock> fmt::Debug for Bucket<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("policy", &self.policy)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// What is left, shared between the limiter and who looks without spending.
#[derive(Clone, Debug, Default)]
struct Level(Arc<InMemoryState>);

impl StateStore for Level {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, key: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.measure_and_replace(key, decide)
    }
}

/// Between two rounds of leases.
const PAUSE: Duration = Duration::from_millis(50);
