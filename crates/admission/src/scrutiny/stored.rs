//! Who is suspended by another node or before the start, under names that all nodes give.
//!
//! Not here: where that is kept, and how often it is looked at (the program).
//!
//! *Invariant:* of officers and prefixes only keyed hashes are kept.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{OnceLock, PoisonError, RwLock};

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use exchange::AgencyCode;

use super::level::{Level, Suspension, SuspensionId};

/// Who is suspended as the store says it.
#[derive(Default)]
pub(super) struct Stored {
    /// Under which every node names the same officer the same; none on a node that keeps nothing.
    key: OnceLock<hmac::Key>,
    all: RwLock<HashMap<SuspensionId, Suspension>>,
    /// How many: none, nearly always, and then nothing is named.
    count: AtomicUsize,
}

impl Stored {
    /// Sets the key, once.
    pub(super) fn name_by(&self, key: &[u8; 32]) {
        self.key.get_or_init(|| hmac::Key::new(HMAC_SHA256, key));
    }

    /// What a suspension is called on every node; none without a key.
    pub(super) fn id(&self, level: Level, agency: &AgencyCode, what: &str) -> Option<SuspensionId> {
        let mut context = hmac::Context::with_key(self.key.get()?);
        for part in [level.name(), agency.as_str(), what] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let tag = context.sign();
        let first = tag.as_ref().first_chunk()?;
        Some(SuspensionId(u64::from_be_bytes(*first)))
    }

    /// True if nobody is.
    pub(super) fn is_empty(&self) -> bool {
        self.count.load(Relaxed) == 0
    }

    /// True if that one is.
    pub(super) fn has(&self, id: SuspensionId) -> bool {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.contains_key(&id)
    }

    /// Everybody.
    pub(super) fn all(&self) -> Vec<Suspension> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.values().cloned().collect()
    }

    /// Has these suspended and nobody else: who was not before, and who is not any more.
    pub(super) fn replace(&self, stored: Vec<Suspension>) -> (Vec<Suspension>, Vec<SuspensionId>) {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = |it: &&Suspension| !all.contains_key(&it.id);
        let new = stored.iter().filter(is_new).cloned().collect();
        let next: HashMap<_, _> = stored.into_iter().map(|it| (it.id, it)).collect();
        let gone = all.keys().filter(|id| !next.contains_key(id)).copied();
        let gone = gone.collect();
        self.count.store(next.len(), Relaxed);
        *all = next;
        (new, gone)
    }

    /// Lets one go.
    pub(super) fn remove(&self, id: SuspensionId) -> Option<Suspension> {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let removed = all.remove(&id);
        self.count.store(all.len(), Relaxed);
        removed
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stored(…)")
    }
}
