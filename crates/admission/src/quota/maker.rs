//! What buckets are made of: the clock, and whom they are shared with.

use std::sync::Arc;

use governor::clock::Clock;

use super::{Bucket, Limit, Pool};

/// Makes the buckets of a node.
#[derive(Clone)]
pub(crate) struct Maker<C: Clock> {
    pub(crate) clock: C,
    /// None: this node is the only one.
    pub(crate) pool: Option<Arc<Pool<C>>>,
}

impl<C: Clock + Clone> Maker<C> {
    /// A full bucket of one quota; `of` says whose it is, so that every node means the same one.
    pub(super) fn full(&self, policy: &'static str, of: &[&str], limit: Limit) -> Arc<Bucket<C>> {
        let clock = self.clock.clone();
        Arc::new(match &self.pool {
            None => Bucket::full(policy, limit, clock),
            Some(pool) => Bucket::shared(policy, of, limit, clock, pool),
        })
    }

    /// The old bucket if its limit stays, or a full one.
    pub(super) fn kept(
        &self,
        policy: &'static str,
        of: &[&str],
        limit: Limit,
        old: Option<&Arc<Bucket<C>>>,
    ) -> Arc<Bucket<C>> {
        match old {
            Some(old) if old.limit() == limit => Arc::clone(old),
            _ => self.full(policy, of, limit),
        }
    }
}
