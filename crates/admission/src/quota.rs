//! How often a caller may ask: one bucket per caller, in this process.
//!
//! Not here: limits per source, per officer and of the agency, and sharing between nodes.
//!
//! *Invariant:* only a caller to whom an agreement is open has a bucket, so there are at most as
//! many as systems with a certificate of an agency that agreed to something; a reload keeps the
//! buckets of every limit that stays, and drops those of callers that do not.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use exchange::{AgencyCode, Caller, SystemId};
use governor::clock::{Clock, Reference};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::Policy;

/// A caller's quota as it stands, for the `RateLimit` headers and `GetQuota`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaState {
    /// The name of the quota, as in the `RateLimit-Policy` header.
    pub policy: Arc<str>,
    /// The requests that a full quota allows at once.
    pub limit: u32,
    /// The requests it allows now.
    pub remaining: u32,
    /// The time in which an empty quota is full again.
    pub window: Duration,
    /// The time after which this one is full again, if nothing is asked until then.
    pub reset_after: Duration,
}

/// The limits that a policy sets.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) default: Limit,
    pub(crate) callers: Vec<(Scope, Limit)>,
}

/// To whom a limit applies, each system by itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    pub(crate) agency: AgencyCode,
    /// None: every system of the agency that has no limit of its own.
    pub(crate) system: Option<SystemId>,
}

/// How often one caller may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Limit {
    pub(crate) requests_per_minute: NonZeroU32,
    pub(crate) burst: NonZeroU32,
}

impl Limit {
    const fn quota(self) -> Quota {
        Quota::per_minute(self.requests_per_minute).allow_burst(self.burst)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rate, burst) = (self.requests_per_minute, self.burst);
        write!(f, "{rate} requests per minute, {burst} at once")
    }
}

/// A quota that is spent.
#[derive(Debug)]
pub(crate) struct Spent {
    pub(crate) state: QuotaState,
    pub(crate) retry_after: Duration,
    pub(crate) limit: Limit,
}

/// The buckets of all callers under one policy.
pub(crate) struct Quotas<C: Clock> {
    default: Arc<Buckets<C>>,
    agencies: HashMap<AgencyCode, OfAgency<C>>,
}

/// The limits that one agency has of its own.
struct OfAgency<C: Clock> {
    all: Arc<Buckets<C>>,
    systems: HashMap<SystemId, Arc<Buckets<C>>>,
}

impl<C: Clock + Clone> Quotas<C> {
    /// Full buckets for a policy, except where a limit of the old policy stays.
    pub(crate) fn new(policy: &Policy, clock: &C, old: Option<&Self>) -> Self {
        let mut by_limit: HashMap<Limit, Arc<Buckets<C>>> = HashMap::new();
        for buckets in old.into_iter().flat_map(Self::all) {
            by_limit.insert(buckets.limit, Arc::clone(buckets));
        }
        let mut of = |limit: Limit| {
            let buckets = by_limit.entry(limit);
            Arc::clone(buckets.or_insert_with(|| Arc::new(Buckets::new(limit, clock.clone()))))
        };
        let limits = policy.limits();
        let default = of(limits.default);
        let mut agencies: HashMap<AgencyCode, OfAgency<C>> = HashMap::new();
        for (scope, limit) in &limits.callers {
            let own = agencies
                .entry(scope.agency.clone())
                .or_insert_with(|| OfAgency {
                    all: Arc::clone(&default),
                    systems: HashMap::new(),
                });
            match &scope.system {
                Some(system) => drop(own.systems.insert(system.clone(), of(*limit))),
                None => own.all = of(*limit),
            }
        }
        let quotas = Self { default, agencies };
        quotas.forget_strangers(policy);
        quotas
    }

    /// Takes one request from the caller's bucket. The caller must be one that the policy knows.
    ///
    /// # Errors
    /// The bucket is empty.
    pub(crate) fn spend(&self, caller: &Caller) -> Result<QuotaState, Spent> {
        self.of(caller).spend(&Key::of(caller))
    }

    /// The caller's bucket as it is. The caller must be one that the policy knows.
    pub(crate) fn peek(&self, caller: &Caller) -> QuotaState {
        self.of(caller).peek(&Key::of(caller))
    }

    fn of(&self, caller: &Caller) -> &Buckets<C> {
        match self.agencies.get(caller.agency()) {
            None => &self.default,
            Some(own) => own.systems.get(caller.system()).unwrap_or(&own.all),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Buckets<C>>> {
        let own = self.agencies.values();
        let own = own.flat_map(|own| own.systems.values().chain([&own.all]));
        own.chain([&self.default])
    }

    fn forget_strangers(&self, policy: &Policy) {
        for buckets in self.all() {
            let is_known = |key: &Key| policy.knows(&key.agency, &key.system);
            buckets.store.0.retain(|key, _| is_known(key));
        }
    }
}

/// Whose bucket it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    agency: AgencyCode,
    system: SystemId,
}

impl Key {
    fn of(caller: &Caller) -> Self {
        Self {
            agency: caller.agency().clone(),
            system: caller.system().clone(),
        }
    }
}

/// The buckets of all callers that have the same limit.
struct Buckets<C: Clock> {
    name: Arc<str>,
    limit: Limit,
    store: Store,
    limiter: RateLimiter<Key, Store, C, StateInformationMiddleware>,
    start: C::Instant,
}

impl<C: Clock> Buckets<C> {
    fn new(limit: Limit, clock: C) -> Self {
        let store = Store::default();
        let limiter: RateLimiter<Key, Store, C, StateInformationMiddleware> =
            RateLimiter::new(limit.quota(), store.clone(), clock);
        Self {
            name: Arc::from(NAME),
            limit,
            store,
            start: limiter.clock().now(),
            limiter,
        }
    }

    fn spend(&self, key: &Key) -> Result<QuotaState, Spent> {
        match self.limiter.check_key(key) {
            Ok(after) => Ok(self.state(after.remaining_burst_capacity())),
            Err(until) => Err(Spent {
                state: self.state(0),
                retry_after: until.wait_time_from(self.limiter.clock().now()),
                limit: self.limit,
            }),
        }
    }

    /// Reads the bucket as the limiter would, and leaves it as it is: the time at which it is full
    /// again, less the present, over the time of one request, is what is missing.
    fn peek(&self, key: &Key) -> QuotaState {
        let read = |full_at: Option<Nanos>| Err::<((), Nanos), _>(full_at);
        let full_at = self.store.measure_and_replace(key, read).err().flatten();
        let now = self.limiter.clock().now().duration_since(self.start);
        let debt = full_at.map_or(0, |at| at.saturating_sub(now).as_u64());
        let one = Nanos::from(self.limit.quota().replenish_interval()).as_u64();
        let missing = u32::try_from(debt.div_ceil(one.max(1))).unwrap_or(u32::MAX);
        self.state(self.limit.burst.get().saturating_sub(missing))
    }

    fn state(&self, remaining: u32) -> QuotaState {
        let (limit, one) = (
            self.limit.burst.get(),
            self.limit.quota().replenish_interval(),
        );
        QuotaState {
            policy: Arc::clone(&self.name),
            limit,
            remaining,
            window: one.saturating_mul(limit),
            reset_after: one.saturating_mul(limit.saturating_sub(remaining)),
        }
    }
}

/// The buckets themselves, shared between the limiter and who looks without spending.
#[derive(Clone, Default)]
struct Store(Arc<DashMapStateStore<Key>>);

impl StateStore for Store {
    type Key = Key;

    fn measure_and_replace<T, F, E>(&self, key: &Key, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.measure_and_replace(key, decide)
    }
}

/// The one quota there is: of the caller itself.
const NAME: &str = "caller";
