//! Identical questions that are under way at the same time are put once.
//!
//! Whoever asks first makes the call, and who asks the same meanwhile waits for its end. Not here: what
//! makes two questions the same (`tag.rs`), what is asked (`put.rs`).
//!
//! *Invariants:* nobody is told less for having joined: who leaves hands the call over to one of those
//! who wait, and it is dropped with the last of them. Who asks alone takes one lock to begin and one
//! to end. No number and no name of a person is kept, only keyed hashes.

mod put;
mod tag;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adapter::BoxFuture;
use exchange::{FieldSet, Source};
use hashbrown::HashTable;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

pub(crate) use put::Ended;
pub(crate) use tag::{Mode, Tag, Tags};

/// Questions under way, and who waits for each.
pub(crate) struct Once<T> {
    shards: [Mutex<HashTable<Underway<T>>>; SHARDS],
}

/// What makes a question to one source the same as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// Who asks, why, and about whom.
    pub(crate) tag: Tag,
    /// Whom.
    pub(crate) source: Source,
    /// What.
    pub(crate) fields: FieldSet,
}

/// Whose call it was that brought the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// That of the question itself.
    Itself,
    /// That of another one, the same.
    Another,
}

/// A question under way.
struct Underway<T> {
    key: Key,
    waiting: Vec<oneshot::Sender<Handed<T>>>,
}

/// What those who wait are handed.
enum Handed<T> {
    /// How it ended.
    End(Arc<T>),
    /// The call itself: who made it has left.
    Call(BoxFuture<'static, T>),
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Once<T> {
    /// Makes a call, or waits for the end of the same one until that time; none if it comes no sooner.
    ///
    /// The call itself is not cut at that time: it sees to its own.
    pub(crate) async fn ask(
        &self,
        key: Key,
        until: Instant,
        call: impl FnOnce() -> BoxFuture<'static, T>,
    ) -> Option<(T, By)> {
        loop {
            let Some(behind) = self.enter(key) else {
                let lead = Lead {
                    once: self,
                    key,
                    call: Some(call()),
                };
                return lead.end().await.map(|end| (end, By::Itself));
            };
            // None if the call broke: then this question is put by itself.
            if let Some(end) = timeout_at(until, behind.end()).await.ok()? {
                return Some((end, By::Another));
            }
        }
    }

    /// Begins a question; or how to wait for the same one, if that is under way.
    fn enter(&self, key: Key) -> Option<Behind<'_, T>> {
        let mut shard = self.shard(&key);
        if let Some(same) = shard.find_mut(key.bits(), |it| it.key == key) {
            let (send, handed) = oneshot::channel();
            same.add(send);
            return Some(Behind {
                once: self,
                key,
                handed,
            });
        }
        let waiting = Vec::new();
        let begun = Underway { key, waiting };
        shard.insert_unique(key.bits(), begun, |it| it.key.bits());
        None
    }

    /// Ends a question, and tells everybody who waits.
    fn tell(&self, key: &Key, end: T) -> T {
        let waiting = self.forget(key);
        if waiting.is_empty() {
            return end;
        }
        let end = Arc::new(end);
        for waiting in waiting {
            // Who has left needs no answer.
            waiting.send(Handed::End(Arc::clone(&end))).ok();
        }
        Arc::unwrap_or_clone(end)
    }

    /// Hands a call over to one of those who wait; drops it if nobody does.
    fn hand_over(&self, key: &Key, mut call: BoxFuture<'static, T>) {
        let mut shard = self.shard(key);
        let same = shard.find_entry(key.bits(), |it| it.key == *key);
        let Ok(mut same) = same else { return };
        while let Some(waiting) = same.get_mut().waiting.pop() {
            match waiting.send(Handed::Call(call)) {
                Err(Handed::Call(back)) => call = back,
                Ok(()) | Err(Handed::End(_)) => return,
            }
        }
        same.remove();
        // Not under the lock: a connection may be closed with it.
        drop(shard);
        drop(call);
    }

    /// Ends a question; who waits for it.
    fn forget(&self, key: &Key) -> Vec<oneshot::Sender<Handed<T>>> {
        let mut shard = self.shard(key);
        let same = shard.find_entry(key.bits(), |it| it.key == *key);
        same.map_or_else(|_| Vec::new(), |same| same.remove().0.waiting)
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, HashTable<Underway<T>>> {
        let place = (key.bits() >> 32) as usize % SHARDS;
        #[expect(clippy::indexing_slicing, reason = "a remainder")]
        let shard = self.shards[place].lock();
        shard.unwrap_or_else(PoisonError::into_inner)
    }

    /// How many questions are under way.
    #[cfg(test)]
    fn len(&self) -> usize {
        let shards = self.shards.iter();
        shards.map(|shard| shard.lock().unwrap().len()).sum()
    }
}

impl<T> fmt::Debug for Once<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Once")
    }
}

impl Key {
    const fn bits(&self) -> u64 {
        self.tag.bits() ^ self.source as u64
    }
}

impl<T> Underway<T> {
    /// Has one more wait. Those who have left make room before more is taken.
    fn add(&mut self, waiting: oneshot::Sender<Handed<T>>) {
        if self.waiting.len() == self.waiting.capacity() {
            self.waiting.retain(|it| !it.is_closed());
        }
        self.waiting.push(waiting);
    }
}

/// A call under way, in the hands of whoever makes it.
struct Lead<'o, T: Clone + Send + Sync + 'static> {
    once: &'o Once<T>,
    key: Key,
    /// None once it has ended.
    call: Option<BoxFuture<'static, T>>,
}

impl<T: Clone + Send + Sync + 'static> Lead<'_, T> {
    async fn end(mut self) -> Option<T> {
        let end = self.call.as_mut()?.await;
        self.call = None;
        Some(self.once.tell(&self.key, end))
    }
}

impl<T: Clone + Send + Sync + 'static> Drop for Lead<'_, T> {
    fn drop(&mut self) {
        let Some(call) = self.call.take() else { return };
        if std::thread::panicking() {
            // It broke: those who wait find their line closed, and ask by themselves.
            self.once.forget(&self.key);
        } else {
            self.once.hand_over(&self.key, call);
        }
    }
}

/// A place behind a question under way.
struct Behind<'o, T: Clone + Send + Sync + 'static> {
    once: &'o Once<T>,
    key: Key,
    handed: oneshot::Receiver<Handed<T>>,
}

impl<T: Clone + Send + Sync + 'static> Behind<'_, T> {
    /// How the question ended; none if the call broke.
    async fn end(mut self) -> Option<T> {
        match (&mut self.handed).await.ok()? {
            Handed::End(end) => Some(Arc::unwrap_or_clone(end)),
            Handed::Call(call) => {
                let lead = Lead {
                    once: self.once,
                    key: self.key,
                    call: Some(call),
                };
                lead.end().await
            }
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Drop for Behind<'_, T> {
    fn drop(&mut self) {
        self.handed.close();
        // The call may have come at the very moment.
        if let Ok(Handed::Call(call)) = self.handed.try_recv() {
            self.once.hand_over(&self.key, call);
        }
    }
}

/// More than the cores that meet here.
const SHARDS: usize = 32;
