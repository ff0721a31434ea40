//! What a start says in the log, before anything else is recorded. Not here: writing it.

use std::sync::{Arc, mpsc};

use exchange::Clock;

use super::queue::Taken;
use super::{Plan, now_ms};
use crate::frame::{self, Kind};
use crate::keys::{Change, Keys, NextKeys, PublicKeys};
use crate::leaf::{self, Digest, Event, Tail};
use crate::recover::Recovered;
use crate::{Config, Error, Observer};

/// The leaves a start writes: `RECOVERY` if something was cut, one leaf per unfinished attempt,
/// `START`, and `CONFIG` if another policy is in force than the log has named last.
pub(super) fn first_batch(recovered: &Recovered, plan: &Plan) -> Taken {
    let event = Event {
        v: 1,
        ts: now_ms(&*plan.kit.clock),
        node: &plan.config.node,
        ..Event::default()
    };
    let mut first = Taken::default();
    if recovered.torn > 0 {
        let leaf = Event {
            t: "RECOVERY",
            bytes: Some(recovered.torn),
            last_seq: recovered.chain.seq.checked_sub(1),
            ..event.clone()
        };
        push(&mut first, 0, &leaf.to_leaf());
    }
    for (key, head) in &recovered.unfinished {
        push(&mut first, *key, &unknown(head));
    }
    let policy = plan.kit.policy.digest();
    let pol = Some(Digest(&policy));
    let leaf = Event {
        t: "START",
        ver: Some(plan.kit.version),
        pol,
        prev: plan.before.as_ref(),
        ..event.clone()
    };
    push(&mut first, 0, &leaf.to_leaf());
    if recovered.policy.is_some_and(|named| named != policy) {
        let t = "CONFIG";
        push(&mut first, 0, &Event { t, pol, ..event }.to_leaf());
    }
    first
}

/// A change of keys that is written with the first batch.
pub(super) struct Changed {
    change: Change,
    done: mpsc::Receiver<()>,
}

impl Changed {
    /// Says so, if the keys are listed.
    pub(super) fn tell(self, observer: &dyn Observer) -> Result<(), Error> {
        self.done.recv().map_err(|_| Error::Ended)?;
        observer.keys_changed(&self.change.add, &self.change.gone);
        Ok(())
    }
}

/// Adds the leaf of a change of keys, if others are to sign than the log lists.
pub(super) fn change_keys(
    first: &mut Taken,
    config: &Config,
    keys: &Arc<Keys>,
    clock: &dyn Clock,
) -> Result<Option<Changed>, Error> {
    let listed = PublicKeys::read(&config.dir)?;
    let Some(change) = Change::between(&listed, keys)? else {
        return Ok(None);
    };
    push(first, 0, &change.leaf(&config.node, now_ms(clock)));
    let (next, done) = NextKeys::new(Arc::clone(keys), &config.dir)?;
    first.next_keys = Some(next);
    Ok(Some(Changed { change, done }))
}

/// The leaf of an attempt whose outcome a crash has taken.
fn unknown(head: &[u8]) -> Vec<u8> {
    let mut out = head.to_vec();
    leaf::write_tail(
        &mut out,
        &Tail::<()> {
            opened: leaf::ts(head),
            ..Tail::of("UNKNOWN")
        },
    );
    out
}

fn push(batch: &mut Taken, key: u64, leaf: &[u8]) {
    frame::append(&mut batch.bytes, Kind::Leaf, [&key.to_le_bytes(), leaf]);
    batch.leaves += 1;
}
