//! The register: what questions have left under way, found again by the same question, by whoever looks
//! after it, and by operators.
//!
//! In memory, with a list of what has changed for whoever keeps it over a restart. Nobody who asks waits
//! for that. While there is nothing under way, a question looks at one number and no further. Here: what
//! questions do with it. Not here: what is kept and found (`kept`), looking after it (`looks`), operators
//! (`orders`), what has changed (`changes`).

mod changes;
mod kept;
mod looks;
mod orders;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use exchange::{Caller, Clock, Criticality, RequestId, Source};
use tokio::sync::Notify;

use super::{Dossier, Enquiry, Held, State, Tag};
pub use changes::Changes;
use kept::Kept;
#[cfg(test)]
pub(super) use kept::{MOST, SHARE};
pub use looks::{Due, Seen, Taken};
pub use orders::Illegal;

/// The dossiers under way.
pub struct Register {
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
    count: AtomicUsize,
    changed: Notify,
}

/// What a question has opened at an agency.
#[derive(Debug)]
pub struct Opened<'a> {
    /// At which.
    pub source: Source,
    /// What the agency calls it, and where it has it.
    pub taken: Taken,
    /// What the question stands for.
    pub tag: Tag,
    /// Who asked.
    pub caller: &'a Caller,
    /// Under which id.
    pub request: RequestId,
    /// How urgent it is.
    pub class: Criticality,
    /// After which time it hangs.
    pub ttl: Duration,
    /// How far it is.
    pub state: State,
    /// What was sent.
    pub enquiry: Enquiry,
}

impl Register {
    /// A register that keeps nothing before it is opened.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            kept: Mutex::default(),
            count: AtomicUsize::new(0),
            changed: Notify::new(),
        }
    }

    /// Keeps from now on, under a key for its tags, what questions leave; beside what was kept before.
    pub fn open(&self, key: &[u8; 32], before: Vec<Dossier>) {
        let now = self.clock.now();
        let mut kept = self.kept();
        kept.key = Some(hmac::Key::new(HMAC_SHA256, key));
        for dossier in before {
            kept.last = kept.last.max(dossier.number);
            kept.insert(dossier, now, None);
        }
        self.count.store(kept.entries.len(), Relaxed);
    }

    /// What a question stands for: its caller, and what is asked of whom. None if nothing is kept.
    #[must_use]
    pub fn tag(&self, source: Source, caller: &Caller, question: &[u8]) -> Option<Tag> {
        let mut hmac = hmac::Context::with_key(self.kept().key.as_ref()?);
        for part in [
            source.name(),
            caller.agency().as_str(),
            caller.system().as_str(),
        ] {
            hmac.update(part.as_bytes());
            hmac.update(&[0]);
        }
        hmac.update(question);
        hmac.sign().as_ref().first_chunk().copied().map(Tag)
    }

    /// True while nothing is under way: then no question need be told from another.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count.load(Relaxed) == 0
    }

    /// The dossier that the same question has left under way.
    #[must_use]
    pub fn join(self: &Arc<Self>, tag: Tag) -> Option<Held> {
        let mut kept = self.kept();
        let number = *kept.by_tag.get(&tag)?;
        let entry = kept.entries.get_mut(&number)?;
        if !entry.dossier.is_joined() {
            return None;
        }
        entry.in_hands += 1;
        let dossier = entry.dossier.clone();
        drop(kept);
        Some(Held::new(Arc::clone(self), dossier, None))
    }

    /// The name of the address that has what the same question has left under way.
    #[must_use]
    pub fn address(&self, tag: Tag) -> Option<String> {
        let kept = self.kept();
        let entry = kept.entries.get(kept.by_tag.get(&tag)?)?;
        let dossier = &entry.dossier;
        dossier.is_joined().then(|| dossier.address.clone())
    }

    /// Puts a dossier into the hands of the question that has opened it.
    #[must_use]
    pub fn hold(self: &Arc<Self>, it: Opened<'_>) -> Held {
        let now = self.clock.now();
        let dossier = Dossier {
            number: 0,
            source: it.source,
            code: it.taken.code,
            address: it.taken.address,
            tag: it.tag,
            agency: it.caller.agency().clone(),
            system: it.caller.system().clone(),
            request: it.request,
            class: it.class,
            ttl: it.ttl,
            state: it.state,
            opened: now,
            since: now,
            asked: now,
            asks: 0,
            reason: "".into(),
        };
        Held::new(Arc::clone(self), dossier, Some(it.enquiry))
    }

    /// Takes a dossier from a question that is over.
    pub(super) fn put_down(&self, held: &Dossier, enquiry: Option<Enquiry>) {
        let now = self.clock.now();
        let mut kept = self.kept();
        let number = match held.number {
            0 => match kept.take(held.clone(), now, enquiry) {
                Some(number) => number,
                None => return,
            },
            number => number,
        };
        let Some(entry) = kept.entries.get_mut(&number) else {
            return;
        };
        entry.in_hands = entry.in_hands.saturating_sub(1);
        if let Some(state) = entry.dossier.state.reach(held.state) {
            entry.dossier.enter(state, now);
        }
        entry.dossier.asked = now;
        entry.due = entry.dossier.next_look(now);
        self.change(kept, number);
    }

    /// Forgets a dossier.
    pub(super) fn forget(&self, number: u64) {
        let mut kept = self.kept();
        if kept.remove(number) {
            self.change(kept, number);
        }
    }

    fn change(&self, mut kept: MutexGuard<'_, Kept>, number: u64) {
        kept.changes.insert(number);
        self.count.store(kept.entries.len(), Relaxed);
        drop(kept);
        self.changed.notify_one();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Register({})", self.count.load(Relaxed))
    }
}
