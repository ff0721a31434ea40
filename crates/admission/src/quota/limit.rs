//! The limits that a policy sets.

use std::fmt;
use std::num::NonZeroU32;

use exchange::{AgencyCode, Source, SystemId};
use governor::Quota;

/// Every limit of a policy.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Of each caller without a limit of its own.
    pub(crate) default: Limit,
    /// Of callers, and of callers at one source.
    pub(crate) callers: Vec<(Scope, Limit)>,
    /// Of each officer of each agency; none: officers are not counted.
    pub(crate) officer: Option<Limit>,
    /// What an agency bears as a source, of all callers together.
    pub(crate) sources: Vec<(Source, Limit)>,
}

/// To whom a limit applies, each system by itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    pub(crate) agency: AgencyCode,
    /// None: every system of the agency that has no limit of its own.
    pub(crate) system: Option<SystemId>,
    /// None: whatever is asked.
    pub(crate) source: Option<Source>,
}

/// How often one may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Limit {
    pub(crate) requests_per_minute: NonZeroU32,
    pub(crate) burst: NonZeroU32,
}

impl Limit {
    /// The limit as the limiter takes it.
    pub(super) const fn quota(self) -> Quota {
        Quota::per_minute(self.requests_per_minute).allow_burst(self.burst)
    }

    /// What one of so many nodes may spend when it knows nothing of the others: together no more
    /// than the limit, if a burst is at least one for each.
    pub(super) fn share(self, nodes: NonZeroU32) -> Quota {
        let all = self.quota();
        let burst = NonZeroU32::new(self.burst.get() / nodes).unwrap_or(NonZeroU32::MIN);
        let interval = all.replenish_interval().saturating_mul(nodes.get());
        // No limit is so high that the time between two requests would be none.
        Quota::with_period(interval).map_or(all, |share| share.allow_burst(burst))
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rate, burst) = (self.requests_per_minute, self.burst);
        write!(f, "{rate} requests per minute, {burst} at once")
    }
}

impl Limits {
    /// The limit of a caller: of the system, of its agency, or the one for all.
    pub(super) fn of(&self, agency: &AgencyCode, system: &SystemId) -> Limit {
        self.find(agency, system, None).unwrap_or(self.default)
    }

    /// The limit of a caller at one source, if there is one.
    pub(super) fn at(
        &self,
        agency: &AgencyCode,
        system: &SystemId,
        source: Source,
    ) -> Option<Limit> {
        self.find(agency, system, Some(source))
    }

    /// The budget of a source, if it has one.
    pub(super) fn budget(&self, source: Source) -> Option<Limit> {
        let mut all = self.sources.iter();
        all.find(|(its, _)| *its == source).map(|(_, limit)| *limit)
    }

    fn find(
        &self,
        agency: &AgencyCode,
        system: &SystemId,
        source: Option<Source>,
    ) -> Option<Limit> {
        let fitting = self.callers.iter().filter(|(scope, _)| {
            scope.agency == *agency
                && scope.source == source
                && scope.system.as_ref().is_none_or(|its| its == system)
        });
        // A limit of the system itself comes before that of the agency.
        let best = fitting.max_by_key(|(scope, _)| scope.system.is_some());
        best.map(|(_, limit)| *limit)
    }
}
