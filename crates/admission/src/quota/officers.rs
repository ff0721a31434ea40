//! The quotas of officers: one bucket for each who has asked of late.
//!
//! *Invariant:* an officer's id is not kept, only a keyed hash of it; and however many ids an agency
//! makes up, there are at most [`MOST`] buckets and one for each agency.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use exchange::{AgencyCode, OfficerId};
use governor::clock::{Clock, Reference as _};

use super::{Bucket, Limit, Maker, QuotaState, Spent};
use crate::scrutiny::{Name, Names};

/// The buckets of officers under one limit.
pub(super) struct Officers<C: Clock> {
    limit: Limit,
    names: Names,
    maker: Maker<C>,
    buckets: RwLock<HashMap<Name, Arc<Bucket<C>>>>,
    swept: Mutex<Option<C::Instant>>,
}

impl<C: Clock + Clone> Officers<C> {
    /// No officer has asked yet.
    pub(super) fn new(limit: Limit, maker: Maker<C>) -> Self {
        Self {
            limit,
            names: Names::default(),
            maker,
            buckets: RwLock::default(),
            swept: Mutex::default(),
        }
    }

    /// The limit of each officer.
    pub(super) const fn limit(&self) -> Limit {
        self.limit
    }

    /// Takes one request from the officer's bucket.
    ///
    /// # Errors
    /// The bucket is empty.
    pub(super) fn spend(
        &self,
        agency: &AgencyCode,
        officer: &OfficerId,
    ) -> Result<QuotaState, Spent> {
        let name = self.names.of((agency, officer));
        let bucket = self.known(name);
        let bucket = bucket.unwrap_or_else(|| self.meet(name, agency, officer));
        bucket.spend()
    }

    fn known(&self, name: Name) -> Option<Arc<Bucket<C>>> {
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        buckets.get(&name).map(Arc::clone)
    }

    /// The bucket of an officer who has not asked of late. If there is no room, the one that the
    /// agency's other newcomers share.
    fn meet(&self, name: Name, agency: &AgencyCode, officer: &OfficerId) -> Arc<Bucket<C>> {
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST && self.may_sweep() {
            // A full bucket tells nothing that a new one does not.
            buckets.retain(|_, bucket| !bucket.is_full());
        }
        let (name, of) = match buckets.len() >= MOST {
            true => (self.names.of(agency), None),
            false => (name, Some(officer)),
        };
        let of = [agency.as_str(), of.map_or("", OfficerId::reveal)];
        let full = || self.maker.full(POLICY, &of, self.limit);
        Arc::clone(buckets.entry(name).or_insert_with(full))
    }

    /// True once in a while: who floods the table does not make each of their questions sweep it.
    fn may_sweep(&self) -> bool {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.maker.clock.now();
        let is_due = swept.is_none_or(|last| {
            let passed: Duration = now.duration_since(last).into();
            passed >= BETWEEN_SWEEPS
        });
        if is_due {
            *swept = Some(now);
        }
        is_due
    }
}

/// The name of these quotas.
const POLICY: &str = "officer";
/// Officers who may have asked of late: 200 bytes each, 13 MiB in all.
const MOST: usize = 1 << 16;
const BETWEEN_SWEEPS: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn made_up_officers_share_what_is_left_and_take_nobodys_quota() {
        let clock = FakeRelativeClock::default();
        let two = NonZeroU32::new(2).unwrap();
        let limit = Limit {
            requests_per_minute: two,
            burst: two,
        };
        let maker = Maker {
            clock: clock.clone(),
            pool: None,
        };
        let officers = Officers::new(limit, maker);
        let (flooding, other) = (agency("H55"), agency("G12"));
        let spend = |agency, name: &str| {
            let officer = OfficerId::parse(name).unwrap();
            officers.spend(agency, &officer).is_ok()
        };
        assert!(spend(&other, "CB-1"));
        let answered = (0..MOST + 1_000).filter(|n| spend(&flooding, &format!("x{n}")));
        assert_eq!(answered.count(), MOST - 1 + 2);
        assert!(officers.buckets.read().unwrap().len() <= MOST + 1);
        // Who was there before, and who comes new from elsewhere, still has a quota.
        assert!(spend(&other, "CB-1") && !spend(&other, "CB-1"));
        assert!(spend(&other, "CB-2"));
        // What is full again makes room.
        clock.advance(Duration::from_secs(60));
        assert!(spend(&flooding, "y1") && spend(&flooding, "y2") && spend(&flooding, "y3"));
        assert_eq!(officers.buckets.read().unwrap().len(), 3);
    }

    fn agency(code: &str) -> AgencyCode {
        AgencyCode::parse(code).unwrap()
    }
}
