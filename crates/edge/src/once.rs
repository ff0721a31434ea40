//! Each request id once: what a question means whose id was used before, for 24 hours.
//!
//! A question that is asked again while it runs is refused, and so is another one under the same id.
//! One that is over is asked again, and its record says of which record it is a repetition: no answer
//! is kept anywhere. What is remembered is this node's and this process's, see
//! `manual/decisions/0044-remember-request-ids-in-memory.md`.
//!
//! *Invariant:* of a question only a hash under a key that is drawn at the start and never leaves it is
//! kept, and of questions never more than a fixed number.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::v1;
use exchange::{Caller, Fault, Reason, RequestId};
use gate::Place;
use prost::Message;
use tokio::time::Instant;

/// The request ids that were used.
#[derive(Clone)]
pub(crate) struct Once {
    book: Arc<Mutex<Book>>,
    callers: RandomState,
    contents: [RandomState; 2],
    remembered_for: Duration,
}

/// A question that runs. Dropped before it is done, it leaves its id to whoever asks the same again.
#[must_use = "a question that is dropped is over"]
pub(crate) struct Running {
    book: Arc<Mutex<Book>>,
    key: Key,
    /// Of which record it is a repetition.
    pub(crate) repeats: Option<Place>,
    record: Option<Place>,
}

/// A caller, hashed, and its request id.
type Key = (u64, u128);

#[derive(Default)]
struct Book {
    entries: HashMap<Key, Entry>,
    /// In the order in which they were used; an id that was used again stands there again.
    order: VecDeque<(Key, Instant)>,
}

struct Entry {
    content: [u64; 2],
    used: Instant,
    state: State,
}

/// What became of the question.
enum State {
    Running,
    /// It is over; if it has a record of an answer, there.
    Over(Option<Place>),
}

impl Once {
    /// No id was used yet.
    pub(crate) fn new(remembered_for: Duration) -> Self {
        Self {
            book: Arc::default(),
            callers: RandomState::new(),
            contents: [RandomState::new(), RandomState::new()],
            remembered_for,
        }
    }

    /// Begins a question.
    ///
    /// # Errors
    /// `REQUEST_IN_PROGRESS` if it runs, `REQUEST_ID_REUSED` if another one had its id.
    pub(crate) fn begin(
        &self,
        caller: &Caller,
        id: RequestId,
        method: &'static str,
        message: &impl Message,
    ) -> Result<Running, Fault> {
        let key = (
            self.callers.hash_one((caller.agency(), caller.system())),
            id.uuid().as_u128(),
        );
        let message = message.encode_to_vec();
        let content = self
            .contents
            .each_ref()
            .map(|hash| hash.hash_one((method, &message)));
        let now = Instant::now();
        let mut book = lock(&self.book);
        book.forget(now, self.remembered_for);
        let repeats = match book.entries.get(&key) {
            None => None,
            Some(entry) if entry.content != content => return Err(reused()),
            Some(entry) => match &entry.state {
                State::Running => return Err(in_progress()),
                State::Over(record) => record.clone(),
            },
        };
        let entry = Entry {
            content,
            used: now,
            state: State::Running,
        };
        book.entries.insert(key, entry);
        book.order.push_back((key, now));
        drop(book);
        Ok(Running {
            book: Arc::clone(&self.book),
            key,
            repeats,
            record: None,
        })
    }
}

impl Running {
    /// Notes the record of the answer, whose place its receipt says.
    pub(crate) fn answered(&mut self, receipt: Option<&v1::AuditReceipt>) {
        self.record = receipt.map(|receipt| Place {
            log: receipt.log_origin.as_str().into(),
            seq: receipt.seq,
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A repetition without an answer leaves the record of the first.
        let record = self.record.take().or(self.repeats.take());
        if let Some(entry) = lock(&self.book).entries.get_mut(&self.key) {
            entry.state = State::Over(record);
        }
    }
}

impl Book {
    /// Forgets what is old, and the oldest of what is too much.
    fn forget(&mut self, now: Instant, remembered_for: Duration) {
        while let Some((key, used)) = self.order.front().copied() {
            let until = used.checked_add(remembered_for);
            if until.is_none_or(|until| until > now) && self.order.len() < MOST {
                return;
            }
            self.order.pop_front();
            // One that was used again since stands further behind.
            if self.entries.get(&key).is_some_and(|it| it.used == used) {
                self.entries.remove(&key);
            }
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

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

fn in_progress() -> Fault {
    Fault::new(Reason::RequestInProgress, "the same question runs")
}

fn reused() -> Fault {
    Fault::new(
        Reason::RequestIdReused,
        "another question had the request id",
    )
}

/// Ids that are remembered: about 160 bytes each, 42 MB in all. At 3 a second it takes a day to fill
/// them, at 300 a quarter of an hour.
const MOST: usize = 1 << 18;

#[cfg(test)]
mod tests {
    use super::*;
    use exchange::{AgencyCode, SystemId};

    fn caller(agency: &str) -> Caller {
        let (agency, system) = (AgencyCode::parse(agency), SystemId::parse("desk"));
        Caller::new(agency.unwrap(), system.unwrap(), "ab")
    }

    fn message(id: &str) -> v1::ResolveIdentifierRequest {
        v1::ResolveIdentifierRequest {
            context: None,
            subject: Some(v1::SubjectRef {
                id: Some(v1::subject_ref::Id::PersonalId(id.to_owned())),
                hints: None,
            }),
        }
    }

    fn receipt(seq: u64) -> v1::AuditReceipt {
        v1::AuditReceipt {
            log_origin: "log".to_owned(),
            seq,
            ..Default::default()
        }
    }

    fn reason(begun: Result<Running, Fault>) -> Reason {
        begun.map(drop).unwrap_err().reason
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_is_asked_again_only_when_it_is_over_and_is_the_same() {
        let once = Once::new(DAY);
        let (id, desk) = (RequestId::fresh(), caller("H55"));
        let begin = |who: &Caller, number| once.begin(who, id, "m", &message(number));
        let mut first = begin(&desk, "999099000001").unwrap();
        assert!(first.repeats.is_none());
        assert_eq!(
            reason(begin(&desk, "999099000001")),
            Reason::RequestInProgress
        );
        assert_eq!(
            reason(begin(&desk, "999099000002")),
            Reason::RequestIdReused
        );
        let other = begin(&caller("G12"), "999099000002").unwrap();
        assert!(other.repeats.is_none(), "another caller is independent");
        first.answered(Some(&receipt(7)));
        drop(first);
        let again = begin(&desk, "999099000001").unwrap();
        assert_eq!(again.repeats.as_ref().map(|it| it.seq), Some(7));
        drop(again);
        let third = begin(&desk, "999099000001").unwrap();
        assert_eq!(
            third.repeats.as_ref().map(|it| it.seq),
            Some(7),
            "no answer came between"
        );
        assert_eq!(
            reason(begin(&desk, "999099000002")),
            Reason::RequestIdReused
        );
        let method = once.begin(&desk, id, "other", &message("999099000001"));
        assert_eq!(reason(method), Reason::RequestIdReused);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_day_an_id_is_fresh() {
        let once = Once::new(DAY);
        let (id, desk) = (RequestId::fresh(), caller("H55"));
        drop(
            once.begin(&desk, id, "m", &message("999099000001"))
                .unwrap(),
        );
        tokio::time::advance(DAY - Duration::from_secs(1)).await;
        let other = || once.begin(&desk, id, "m", &message("999099000002"));
        assert_eq!(reason(other()), Reason::RequestIdReused);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(other().unwrap().repeats.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn many_ids_do_not_grow_the_book() {
        let once = Once::new(DAY);
        let (first, desk) = (RequestId::fresh(), caller("H55"));
        drop(once.begin(&desk, first, "m", &message("1")).unwrap());
        for _ in 0..=MOST {
            drop(
                once.begin(&desk, RequestId::fresh(), "m", &message("1"))
                    .unwrap(),
            );
        }
        assert!(lock(&once.book).entries.len() <= MOST);
        assert!(
            once.begin(&desk, first, "m", &message("2")).is_ok(),
            "the oldest is forgotten"
        );
    }

    const DAY: Duration = Duration::from_secs(24 * 3_600);
}
