//! How often one may ask: each caller, each caller at a source, each officer, and the budget of
//! each agency as a source.
//!
//! Scope: which buckets there are (`limit.rs`), one of them (`bucket.rs`), what a question spends
//! (`quotas.rs`, `officers.rs`), and how nodes share (`lease.rs`, `pool.rs`). Not here: what a question may be about (`check.rs`), and
//! who asks in a suspicious way (`scrutiny`).
//!
//! *Invariants:* a caller spends its own quota first and an agency's budget last, so that what is
//! refused costs whoever asks and no agency. However many names are made up, there are at most as
//! many buckets as systems with a certificate of an agency that agreed to something, times the
//! sources, and a fixed number of officers. A reload keeps every bucket whose limit stays.

mod bucket;
mod lease;
mod limit;
mod maker;
mod officers;
mod pool;
mod quotas;

use std::time::Duration;

use exchange::Source;

pub(crate) use bucket::{Bucket, Spent};
pub use lease::{Sharing, Standing};
pub(crate) use limit::{Limit, Limits, Scope};
pub(crate) use maker::Maker;
pub(crate) use pool::Pool;
pub use pool::{Ask, Granted, Leases};
pub(crate) use quotas::Quotas;

/// A quota as it stands, for the `RateLimit` headers and `GetQuota`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaState {
    /// The name of the quota, as in the `RateLimit-Policy` header.
    pub policy: &'static str,
    /// The requests that a full quota allows at once.
    pub limit: u32,
    /// The requests it allows now.
    pub remaining: u32,
    /// The time in which an empty quota is full again.
    pub window: Duration,
    /// The time after which this one is full again, if nothing is asked until then.
    pub reset_after: Duration,
}

/// Why a source is not asked: a quota for it is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// Whose quota, as the state of the source tells it.
    pub reason: &'static str,
    /// When to come again.
    pub retry_after: Duration,
}

/// The sources of a question that are not asked because a quota for them is spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LimitedSources([Option<Limited>; Source::ALL.len()]);

impl LimitedSources {
    /// Why a source is not asked.
    pub(crate) fn of(&self, source: Source) -> Option<Limited> {
        self.0.get(place(source)).copied().flatten()
    }

    fn add(&mut self, source: Source, limited: Limited) {
        if let Some(place) = self.0.get_mut(place(source)) {
            *place = Some(limited);
        }
    }
}

/// The place of a source in a list of all.
const fn place(source: Source) -> usize {
    source as usize - 1
}
