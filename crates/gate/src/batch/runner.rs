//! Runs one job: a few items at once, and none while something must be over first.
//!
//! *Invariant:* between two times that the same item is asked lies a wait.

use std::collections::VecDeque;
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use api::convert::Question as _;
use api::v1;
use api::v1::batch_item::Op;
use api::v1::batch_result::Outcome;
use evidence::{BatchEnd, BatchState, Due, KeptBatch, Step};
use exchange::{Caller, Fault, Reason, RequestId};
use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use prost::Message as _;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::judge::{Judged, Wait, judge};
use super::keeper::LEASE;
use super::{Batches, ItemEnd, Room};
use crate::Call;

/// A job that this node runs.
pub(super) struct Runner {
    asker: Arc<Asker>,
    job: KeptBatch,
    /// The items without a result that are not asked just now, the next one first.
    waiting: VecDeque<Item>,
    /// Until when nothing is asked, and why.
    pause: Option<(Instant, String)>,
    /// How many items may be asked at once.
    width: usize,
    /// How often in a row the job had to wait.
    waits: u32,
    /// How many results there are.
    told: u64,
    /// Results that are not kept yet.
    ends: Vec<BatchEnd>,
    /// True if this node does not go on with it.
    lets_go: bool,
}

/// What the items of a job are asked with.
struct Asker {
    batches: Arc<Batches>,
    room: Arc<dyn Room>,
    caller: Caller,
    plan: v1::CreateBatchJobRequest,
}

/// A question without a result.
struct Item {
    place: u64,
    item: v1::BatchItem,
    /// How often some source was asked in vain.
    tries: u32,
    due: Instant,
    /// Why it waits.
    reason: String,
}

/// What came of an item.
struct Heard {
    item: Item,
    request: RequestId,
    judged: Judged,
}

/// What a job waits for when nothing of it is asked.
enum Rest {
    /// Nothing is left.
    Done,
    Until(Instant, String),
}

impl Runner {
    /// The runner of a job; none if what is kept of it cannot be read.
    pub(super) fn new(batches: Arc<Batches>, due: Due, room: Arc<dyn Room>) -> Option<Self> {
        let now = Instant::now();
        let read = |(place, item): &(u64, Zeroizing<Vec<u8>>)| {
            Some(Item {
                place: *place,
                item: v1::BatchItem::decode(item.as_slice()).ok()?,
                tries: 0,
                due: now,
                reason: String::new(),
            })
        };
        let waiting = due.items.iter().map(read).collect::<Option<_>>()?;
        let key = &due.job.key;
        let caller = Caller::new(key.agency.clone(), key.system.clone(), &due.certificate);
        Some(Self {
            asker: Arc::new(Asker {
                batches,
                room,
                caller,
                plan: v1::CreateBatchJobRequest::decode(due.plan.as_slice()).ok()?,
            }),
            told: u64::from(due.job.succeeded) + u64::from(due.job.failed),
            job: due.job,
            waiting,
            pause: None,
            width: 1,
            waits: 0,
            ends: Vec::new(),
            lets_go: false,
        })
    }

    /// Runs the job until it is over, cancelled, or taken from this node, or until the node stops.
    pub(super) async fn run(mut self, stop: &CancellationToken, cancelled: &CancellationToken) {
        tokio::select! {
            () = cancelled.cancelled() => {}
            () = self.go_on(stop) => {}
        }
        let (agency, system) = (&self.job.key.agency, &self.job.key.system);
        let job = tracing::field::display(&self.job.key.id);
        let (state, reason) = (self.job.state.name(), &*self.job.reason);
        let results = self.told;
        tracing::info!(%agency, %system, job, state, reason, results, "a batch job does not run here any more");
    }

    async fn go_on(&mut self, stop: &CancellationToken) {
        let mut asked = FuturesUnordered::new();
        if !self.keep(BatchState::Running, "", None, stop).await {
            return;
        }
        loop {
            while asked.len() < self.width && !stop.is_cancelled() {
                let Some(item) = self.next() else { break };
                asked.push(Box::pin(Arc::clone(&self.asker).ask(item)));
            }
            if asked.is_empty() {
                if !self.rest(stop).await {
                    return;
                }
                continue;
            }
            let renew = sleep(RENEW);
            let mut over = None;
            tokio::select! {
                Some(heard) = asked.next() => {
                    over = self.heard(heard);
                    // What has come to its end meanwhile is kept with it.
                    while let Some(Some(heard)) = asked.next().now_or_never() {
                        over = over.or(self.heard(heard));
                    }
                }
                () = renew => {}
            }
            if let Some(reason) = over {
                drop(asked);
                self.keep(BatchState::Failed, reason.name(), None, stop)
                    .await;
                return;
            }
            if !self.keep(BatchState::Running, "", None, stop).await {
                return;
            }
        }
    }

    /// The next item that may be asked now.
    fn next(&mut self) -> Option<Item> {
        let now = Instant::now();
        if self.pause.as_ref().is_some_and(|(until, _)| *until > now) {
            return None;
        }
        self.pause = None;
        let place = self.waiting.iter().position(|item| item.due <= now)?;
        self.waiting.remove(place)
    }

    /// What the job waits for.
    fn waits_for(&self) -> Rest {
        let first = self.waiting.iter().min_by_key(|item| item.due);
        match (&self.pause, first) {
            (_, None) => Rest::Done,
            (Some((until, reason)), Some(_)) => Rest::Until(*until, reason.clone()),
            (None, Some(item)) => Rest::Until(item.due, item.reason.clone()),
        }
    }

    /// Waits until there is something to ask again; false if nothing of the job is left to do here.
    async fn rest(&mut self, stop: &CancellationToken) -> bool {
        let (until, reason) = match self.waits_for() {
            Rest::Done => {
                self.keep(BatchState::Succeeded, "", None, stop).await;
                return false;
            }
            Rest::Until(until, reason) => (until, reason),
        };
        let is_ready = until <= Instant::now();
        if stop.is_cancelled() {
            self.lets_go = true;
            let state = if is_ready {
                BatchState::Queued
            } else {
                BatchState::Paused
            };
            let (reason, until) = if is_ready {
                ("", None)
            } else {
                (&*reason, Some(until))
            };
            self.keep(state, reason, until, stop).await;
            return false;
        }
        if is_ready {
            return true;
        }
        if !self
            .keep(BatchState::Paused, &reason, Some(until), stop)
            .await
        {
            return false;
        }
        tokio::select! {
            () = sleep_until(until.min(Instant::now() + RENEW)) => {}
            () = stop.cancelled() => {}
        }
        true
    }

    /// Takes what came of an item; the reason for which nothing more may be asked, if so.
    fn heard(&mut self, heard: Heard) -> Option<Reason> {
        let Heard {
            mut item,
            request,
            judged,
        } = heard;
        let end = match judged {
            Judged::Over(reason) => return Some(reason),
            Judged::Answered(outcome) => {
                self.waits = 0;
                self.width = (self.width * 2).min(WIDTH);
                self.end(&item, request, outcome, true)
            }
            Judged::Failed(outcome) => self.end(&item, request, outcome, false),
            Judged::Again(_, outcome) if item.tries + 1 >= MOST_TRIES => {
                self.end(&item, request, outcome, false)
            }
            Judged::Again(wait, _) => {
                item.tries += 1;
                item.due = Instant::now() + wait.after.unwrap_or_default().max(pause(item.tries));
                item.reason = wait.reason;
                self.waiting.push_back(item);
                ItemEnd::PutOff
            }
            Judged::Later(wait) => {
                self.put_off(item, wait);
                ItemEnd::PutOff
            }
        };
        self.asker.batches.gate.deps.observer.batch_item(end);
        None
    }

    fn end(
        &mut self,
        item: &Item,
        request: RequestId,
        outcome: Outcome,
        is_answered: bool,
    ) -> ItemEnd {
        let result = v1::BatchResult {
            correlation_id: item.item.correlation_id.clone(),
            request_id: request.to_string(),
            outcome: Some(outcome),
        };
        self.ends.push(BatchEnd {
            place: item.place,
            result: Zeroizing::new(result.encode_to_vec()),
            is_answered,
        });
        match is_answered {
            true => ItemEnd::Answered,
            false => ItemEnd::Failed,
        }
    }

    /// Has the whole job wait, this item for the first turn.
    fn put_off(&mut self, item: Item, wait: Wait) {
        let is_first = self.pause.is_none();
        if is_first {
            self.waits += 1;
        }
        let after = wait.after.unwrap_or(pause(self.waits)).max(SHORTEST);
        let until = Instant::now() + after;
        if self.pause.as_ref().is_none_or(|(known, _)| *known < until) {
            self.pause = Some((until, wait.reason));
        }
        // One goes ahead then.
        self.width = 1;
        self.waiting.push_front(item);
    }

    /// Keeps how far the job is; false if it is not this node's any more, or over.
    async fn keep(
        &mut self,
        state: BatchState,
        reason: &str,
        next_try: Option<Instant>,
        stop: &CancellationToken,
    ) -> bool {
        let batches = Arc::clone(&self.asker.batches);
        let now = batches.gate.deps.clock.now();
        let wait = next_try.map(|it| it.saturating_duration_since(Instant::now()));
        let next_try = wait.and_then(|wait| now.checked_add(wait).ok());
        let ends = std::mem::take(&mut self.ends);
        let first = self.told + 1;
        self.told += ends.len() as u64;
        self.job.state = state;
        reason.clone_into(&mut self.job.reason);
        let step = Arc::new(Step {
            state,
            reason: reason.to_owned(),
            next_try,
            first,
            ends,
            lets_go: self.lets_go,
        });
        loop {
            let kept = batches.store.keep(&self.job.key, &step, LEASE).await;
            match kept {
                Ok(kept) => return kept && !state.is_over(),
                Err(error) => tracing::warn!(%error, "a step of a batch job cannot be stored"),
            }
            // What is not stored is asked again by whoever takes the job.
            if stop.is_cancelled() {
                return false;
            }
            sleep(RETRY).await;
        }
    }
}

impl Asker {
    async fn ask(self: Arc<Self>, item: Item) -> Heard {
        let request = RequestId::fresh();
        let asking = AssertUnwindSafe(self.answer(request, &item)).catch_unwind();
        let answer = asking.await.unwrap_or_else(|_panic| {
            let detail = "an item of a batch job panicked";
            tracing::error!(request_id = %request, "{detail}");
            Err(Fault::new(Reason::Internal, detail))
        });
        Heard {
            item,
            request,
            judged: judge(answer),
        }
    }

    async fn answer(
        &self,
        request: RequestId,
        item: &Item,
    ) -> Result<v1::LookupCitizenResponse, Fault> {
        let _place = match self.batches.places.acquire().await {
            Ok(place) => place,
            Err(_closed) => pending().await,
        };
        let _room = self.room.enter()?;
        let subject = item
            .item
            .op
            .as_ref()
            .map(|Op::Lookup(subject)| subject.clone());
        let message = v1::LookupCitizenRequest {
            context: self.plan.context.clone().map(|context| v1::CallContext {
                request_id: request.to_string(),
                criticality: v1::Criticality::Bulk.into(),
                ..context
            }),
            subject,
            read_mask: self.plan.read_mask.clone(),
            ..Default::default()
        };
        let gate = &self.batches.gate;
        let asked = message.read(gate.year());
        let asked = asked.map_err(|malformed| Fault::invalid(malformed.violations))?;
        let call = Call {
            caller: self.caller.clone(),
            deadline: Instant::now() + PATIENCE,
            repeats: None,
        };
        let asked = Arc::new(asked);
        let asking = timeout_at(call.deadline, gate.lookup(&call, &asked));
        let late = |_| Fault::new(Reason::DeadlineExceeded, "an item took too long");
        asking.await.map_err(late)?.map(|reply| reply.message)
    }
}

/// How long is waited after so many times in vain, where nobody says.
fn pause(times: u32) -> Duration {
    let doubled = SHORTEST * (1 << times.saturating_sub(1).min(6));
    doubled.min(LONGEST)
}

/// The items of a job that are asked at once.
const WIDTH: usize = 4;
const MOST_TRIES: u32 = 5;
/// The least and the most time between two tries where nobody says.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// As long as a caller may wait who names no deadline.
const PATIENCE: Duration = Duration::from_secs(10);
/// Three times within a lease.
const RENEW: Duration = Duration::from_secs(5);
/// After a failure of the store.
const RETRY: Duration = Duration::from_secs(1);
