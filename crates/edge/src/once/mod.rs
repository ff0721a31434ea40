//! Each request id once: what a question means whose id was used before, for 24 hours.
//!
//! A question that is asked again while it runs is refused, and so is another one under the same id.
//! One that is over is asked again, and its record says of which record it is a repetition: no answer
//! is kept anywhere. This node's memory is asked first (`book.rs`), then the other nodes, if there are
//! some. Not here: how ids are kept for the next start and for the other nodes (crate `evidence`), and
//! why so: `manual/decisions/0045-keep-request-ids-over-a-restart.md`.
//!
//! *Invariant:* of a question only a hash under a key is kept, and of questions never more than a fixed
//! number.

mod book;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::v1;
use evidence::{ContentTag, RecordAt, RequestIds, RequestTag, Ruling};
use exchange::{Caller, Fault, Reason, RequestId};
use gate::Place;
use prost::Message;

use book::{Book, Known};

/// The request ids that were used.
#[derive(Clone)]
pub(crate) struct Once(Arc<Shared>);

struct Shared {
    book: Mutex<Book>,
    ids: RequestIds,
}

/// A question that runs. Dropped before it is done, it leaves its id to whoever asks the same again.
#[must_use = "a question that is dropped is over"]
pub(crate) struct Running {
    once: Once,
    tag: RequestTag,
    /// Of which record it is a repetition.
    repeats: Option<RecordAt>,
    record: Option<RecordAt>,
    stage: Stage,
}

/// How far a question has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It runs.
    Begun,
    /// Another node was against it.
    Refused,
}

impl Once {
    /// What is remembered is what earlier runs have left.
    ///
    /// # Errors
    /// That cannot be read.
    pub(crate) fn new(ids: RequestIds) -> Result<Self, evidence::Error> {
        let book = Mutex::new(Book::new(&ids)?);
        Ok(Self(Arc::new(Shared { book, ids })))
    }

    /// Begins a question.
    ///
    /// # Errors
    /// `REQUEST_IN_PROGRESS` if it runs, `REQUEST_ID_REUSED` if another one had its id.
    pub(crate) async fn begin(
        &self,
        caller: &Caller,
        id: RequestId,
        method: &'static str,
        message: &impl Message,
    ) -> Result<Running, Fault> {
        let tag = self.0.ids.tag(caller, id);
        let content = self.content(method, message);
        let repeats = match self.book().begin(tag, content) {
            Known::Fresh => None,
            Known::Repeated(record) => record,
            Known::Running => return Err(in_progress("the same question runs")),
            Known::Reused => return Err(reused()),
        };
        let mut running = Running {
            once: self.clone(),
            tag,
            repeats,
            record: None,
            stage: Stage::Begun,
        };
        match self.0.ids.claim(tag, content).await {
            None | Some(Ruling::Granted(None)) => Ok(running),
            Some(Ruling::Granted(record)) => {
                running.repeats = record;
                Ok(running)
            }
            Some(refused) => {
                running.stage = Stage::Refused;
                Err(match refused {
                    Ruling::Running => in_progress("the same question runs at another node"),
                    Ruling::Reused | Ruling::Granted(_) => reused(),
                })
            }
        }
    }

    /// The same for both doors: of the message, not of the bytes that came.
    fn content(&self, method: &str, message: &impl Message) -> ContentTag {
        let mut place = [0; MESSAGE_BYTES];
        let mut rest = place.as_mut_slice();
        if message.encode(&mut rest).is_err() {
            return self.0.ids.content(method, &message.encode_to_vec());
        }
        let left = rest.len();
        let len = MESSAGE_BYTES.saturating_sub(left);
        self.0
            .ids
            .content(method, place.get(..len).unwrap_or(&place))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Of which record it is a repetition.
    pub(crate) fn repeats(&self) -> Option<Place> {
        let record = self.repeats.as_ref()?;
        Some(Place {
            log: Arc::clone(&record.log),
            seq: record.seq,
        })
    }

    /// Ends it with the record of the answer, whose place its receipt says.
    pub(crate) fn answered(mut self, receipt: Option<&v1::AuditReceipt>) {
        self.record = receipt.map(|receipt| RecordAt {
            log: self.once.book().log(&receipt.log_origin),
            seq: receipt.seq,
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.stage == Stage::Refused && self.repeats.is_none() {
            self.once.book().take_back(self.tag);
            return;
        }
        // A repetition without an answer leaves the record of the first.
        let record = self.record.take();
        let known = record.clone().or_else(|| self.repeats.take());
        self.once.book().end(self.tag, known.as_ref());
        if self.stage == Stage::Begun {
            self.once.0.ids.end(self.tag, record);
        }
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Once(…)")
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Running(…)")
    }
}

fn in_progress(detail: &'static str) -> Fault {
    Fault::new(Reason::RequestInProgress, detail)
}

fn reused() -> Fault {
    Fault::new(
        Reason::RequestIdReused,
        "another question had the request id",
    )
}

/// A question of a hundred fields has some 800.
const MESSAGE_BYTES: usize = 1_024;
