//! Every bucket under one policy, and what a question spends.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use exchange::{AgencyCode, Caller, OfficerId, Source, SourceSet, SystemId};
use governor::clock::Clock;

use super::officers::Officers;
use super::{Bucket, Limited, LimitedSources, Limits, Maker, QuotaState, Spent, place};
use crate::Policy;

/// The buckets under one policy.
pub(crate) struct Quotas<C: Clock> {
    callers: RwLock<HashMap<Key, Arc<OfCaller<C>>>>,
    officers: Option<Arc<Officers<C>>>,
    budgets: PerSource<C>,
    maker: Maker<C>,
}

/// The buckets of one caller.
pub(crate) struct OfCaller<C: Clock> {
    own: Arc<Bucket<C>>,
    at: PerSource<C>,
}

/// At most one bucket per source.
type PerSource<C> = [Option<Arc<Bucket<C>>>; Source::ALL.len()];

impl<C: Clock + Clone> Quotas<C> {
    /// Full buckets for a policy, except where a limit of the old one stays.
    pub(crate) fn new(policy: &Policy, maker: &Maker<C>, old: Option<&Self>) -> Self {
        let limits = policy.limits();
        let budgets = Source::ALL.map(|source| {
            let before = old.and_then(|old| old.budgets.get(place(source))?.as_ref());
            let limit = limits.budget(source)?;
            Some(maker.kept(budget_name(source), &[], limit, before))
        });
        let officers = limits.officer.map(|limit| {
            let before = old.and_then(|old| old.officers.as_ref());
            let before = before.filter(|officers| officers.limit() == limit);
            before.map_or_else(|| Arc::new(Officers::new(limit, maker.clone())), Arc::clone)
        });
        let mut callers = HashMap::new();
        if let Some(old) = old {
            let all = old.callers.read().unwrap_or_else(PoisonError::into_inner);
            let known = all
                .iter()
                .filter(|(key, _)| policy.knows(&key.agency, &key.system));
            callers.extend(known.map(|(key, old)| {
                let own = OfCaller::new(key, limits, maker, Some(old));
                (key.clone(), Arc::new(own))
            }));
        }
        Self {
            callers: RwLock::new(callers),
            officers,
            budgets,
            maker: maker.clone(),
        }
    }

    /// The buckets of a caller. The caller must be one that the policy knows.
    pub(crate) fn of(&self, policy: &Policy, caller: &Caller) -> Arc<OfCaller<C>> {
        let key = Key {
            agency: caller.agency().clone(),
            system: caller.system().clone(),
        };
        let callers = self.callers.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = callers.get(&key) {
            return Arc::clone(own);
        }
        drop(callers);
        let own = Arc::new(OfCaller::new(&key, policy.limits(), &self.maker, None));
        let mut callers = self.callers.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(callers.entry(key).or_insert(own))
    }

    /// Takes one request from the caller's own bucket, and from the officer's.
    ///
    /// # Errors
    /// One of them is empty.
    pub(crate) fn spend(
        &self,
        own: &OfCaller<C>,
        agency: &AgencyCode,
        officer: Option<&OfficerId>,
    ) -> Result<QuotaState, Spent> {
        let state = own.own.spend()?;
        if let (Some(officers), Some(officer)) = (&self.officers, officer) {
            officers.spend(agency, officer)?;
        }
        Ok(state)
    }

    /// Takes one request from what the caller may ask of each source, and from the agency's budget.
    /// Returns the sources for which one of both is empty.
    ///
    /// # Errors
    /// It is for a source that is required, or for all.
    pub(crate) fn spend_at(
        &self,
        own: &OfCaller<C>,
        sources: SourceSet,
        required: SourceSet,
    ) -> Result<LimitedSources, Spent> {
        let mut limited = LimitedSources::default();
        let mut last = None;
        let mut left = sources;
        for (buckets, reason) in [(&own.at, CALLER_QUOTA), (&self.budgets, SOURCE_BUDGET)] {
            // Required ones first: if they cannot be had, nobody else's budget is spent.
            let (first, then) = (left.and(required), left.minus(required));
            for source in first.iter().chain(then.iter()) {
                let bucket = buckets.get(place(source)).and_then(Option::as_ref);
                let Some(Err(spent)) = bucket.map(|bucket| bucket.spend()) else {
                    continue;
                };
                if required.contains(source) {
                    return Err(spent);
                }
                let retry_after = spent.retry_after;
                limited.add(
                    source,
                    Limited {
                        reason,
                        retry_after,
                    },
                );
                left = left.without(source);
                last = Some(spent);
            }
        }
        match last {
            Some(spent) if left.is_empty() => Err(spent),
            _ => Ok(limited),
        }
    }

    /// The caller's own bucket as it is.
    pub(crate) fn peek(own: &OfCaller<C>) -> QuotaState {
        own.own.peek()
    }

    /// Every bucket that concerns the caller as it is: its own, its own at each source, and the
    /// budgets of the sources that it may ask.
    pub(crate) fn all(&self, own: &OfCaller<C>, sources: SourceSet) -> Vec<QuotaState> {
        let budgets = sources.iter().map(|source| self.budgets.get(place(source)));
        let budgets = budgets.flatten().flatten();
        let buckets = own.at.iter().flatten().chain(budgets);
        let all = std::iter::once(&own.own).chain(buckets);
        all.map(|bucket| bucket.peek()).collect()
    }
}

impl<C: Clock + Clone> OfCaller<C> {
    fn new(key: &Key, limits: &Limits, maker: &Maker<C>, old: Option<&Self>) -> Self {
        let limit = limits.of(&key.agency, &key.system);
        let of = [key.agency.as_str(), key.system.as_str()];
        Self {
            own: maker.kept(OWN, &of, limit, old.map(|old| &old.own)),
            at: Source::ALL.map(|source| {
                let limit = limits.at(&key.agency, &key.system, source)?;
                let before = old.and_then(|old| old.at.get(place(source))?.as_ref());
                Some(maker.kept(own_name(source), &of, limit, before))
            }),
        }
    }
}

/// Whose buckets they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    agency: AgencyCode,
    system: SystemId,
}

/// The quota of a caller, whatever it asks.
const OWN: &str = "caller";

/// Why a source is not asked: what the caller may ask of it is spent.
const CALLER_QUOTA: &str = "CALLER_QUOTA";
/// Why a source is not asked: what it bears of all callers is spent.
const SOURCE_BUDGET: &str = "SOURCE_BUDGET";

/// The quota of a caller at one source.
const fn own_name(source: Source) -> &'static str {
    match source {
        Source::Population => "caller-population",
        Source::Health => "caller-health",
        Source::CivilStatus => "caller-civil_status",
        Source::Tax => "caller-tax",
        Source::SocialSecurity => "caller-social_security",
    }
}

/// The budget of one source.
const fn budget_name(source: Source) -> &'static str {
    match source {
        Source::Population => "source-population",
        Source::Health => "source-health",
        Source::CivilStatus => "source-civil_status",
        Source::Tax => "source-tax",
        Source::SocialSecurity => "source-social_security",
    }
}
