//! Which policy is in force, as the records about the log itself say it: `START`, `CONFIG`, `STOP`.
//! Not here: what a policy says.
//!
//! *Invariant:* a log says that another policy is in force before the first exchange that is admitted by
//! it can be recorded.

use std::sync::Arc;

use arc_swap::ArcSwap;

/// The SHA-256 of the policy in force, shared by the logs of a node.
#[derive(Clone, Debug)]
pub(crate) struct PolicyInForce(Arc<ArcSwap<[u8; 32]>>);

impl PolicyInForce {
    /// That policy is in force from the start.
    pub(crate) fn new(digest: [u8; 32]) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(digest)))
    }

    /// That of this moment.
    pub(crate) fn digest(&self) -> [u8; 32] {
        **self.0.load()
    }

    /// Another one is in force from here on.
    pub(crate) fn change(&self, digest: &[u8; 32]) {
        self.0.store(Arc::new(*digest));
    }
}
