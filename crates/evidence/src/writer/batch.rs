//! The exchanges that wait for one batch. Not here: the batch's bytes.

use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use exchange::Fault;
use tokio::time::Instant;

use super::queue::Closed;
use crate::receipt::Committed;
use crate::{Evidence, Receipt};

/// A batch as those who wait for it see it.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    done: OnceLock<Result<Arc<Committed>, Closed>>,
    wakers: Mutex<Vec<Option<Waker>>>,
}

impl Batch {
    /// Says what came of the batch. Wakes nobody.
    pub(crate) fn settle(&self, result: Result<Arc<Committed>, Closed>) {
        // A batch is settled once; a second word would come from a writer that has already failed.
        drop(self.done.set(result));
    }

    /// Wakes everyone who waits; to be called once the batch is settled.
    pub(crate) fn wake_all(&self) {
        let wakers = std::mem::take(&mut *self.lock());
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn poll(&self, index: u32, cx: &Context<'_>) -> Poll<Result<Receipt, Closed>> {
        if self.done.get().is_none() {
            let mut wakers = self.lock();
            // Looked at again under the lock: `wake_all` takes the wakers after `settle`.
            if self.done.get().is_none() {
                let place = index as usize;
                if wakers.len() <= place {
                    wakers.resize(place + 1, None);
                }
                if let Some(waker) = wakers.get_mut(place) {
                    *waker = Some(cx.waker().clone());
                }
                return Poll::Pending;
            }
        }
        match self.done.get() {
            Some(Ok(batch)) => Poll::Ready(Ok(Receipt::new(Arc::clone(batch), index))),
            Some(Err(closed)) => Poll::Ready(Err(*closed)),
            None => Poll::Pending,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Option<Waker>>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A leaf's place in a batch.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) batch: Arc<Batch>,
    pub(crate) index: u32,
}

/// Waits until a leaf is durable; resolves to its receipt.
///
/// The leaf is in the queue already: dropping this does not take it back.
#[derive(Debug)]
#[must_use = "an answer may leave only when its record is durable"]
pub struct Sealing {
    ticket: Result<Ticket, Closed>,
    evidence: Evidence,
    since: Instant,
}

impl Sealing {
    pub(crate) fn new(ticket: Result<Ticket, Closed>, evidence: Evidence) -> Self {
        Self {
            ticket,
            evidence,
            since: Instant::now(),
        }
    }
}

impl Future for Sealing {
    type Output = Result<Receipt, Fault>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match &self.ticket {
            Ok(ticket) => std::task::ready!(ticket.batch.poll(ticket.index, cx)),
            Err(closed) => Err(*closed),
        };
        if result.is_ok() {
            self.evidence.observe_wait(self.since.elapsed());
        }
        Poll::Ready(result.map_err(Closed::fault))
    }
}
