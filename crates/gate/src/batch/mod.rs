//! Batch jobs: questions about many, which nobody waits for. Here a job is taken and told of.
//!
//! Each item is an exchange of its own on the road of a lookup, admitted anew when it runs, with its
//! own record. Not here: how a job is kept (crate `evidence`).
//!
//! *Invariants:* a job is seen by its caller alone; what is asked for is kept before it is said to be
//! taken, and a result before its question is forgotten.

mod judge;
mod keeper;
mod runner;
mod said;

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::convert::{Batch, Results};
use api::v1;
use evidence::{BatchKey, BatchStore, Created, NewBatch};
use exchange::{
    CallContext, Criticality, Fault, Position, Query, QuotaViolation, Reason, Request, RequestId,
    SourceSet, Violation,
};
use prost::Message as _;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::{Call, Gate, Reply};

/// Where items find room among the calls in progress.
pub trait Room: Send + Sync + fmt::Debug {
    /// A place for one item, until it is dropped.
    ///
    /// # Errors
    /// `OVERLOADED`.
    fn enter(&self) -> Result<Box<dyn Any + Send>, Fault>;
}

/// What has become of an item that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemEnd {
    /// Every source has given an answer.
    Answered,
    /// It has come to its end without.
    Failed,
    /// It is asked again.
    PutOff,
}

impl ItemEnd {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Answered, Self::Failed, Self::PutOff];

    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::PutOff => "put_off",
        }
    }
}

/// The batch jobs of a gateway.
#[derive(Debug)]
pub struct Batches {
    gate: Arc<Gate>,
    store: BatchStore,
    /// Told when there is a new job.
    wake: Notify,
    /// How many items of all jobs may be asked at once.
    places: Semaphore,
    /// The jobs that this node runs.
    running: Mutex<HashMap<BatchKey, CancellationToken>>,
}

impl Batches {
    /// The jobs in a store, to be asked at a gate.
    #[must_use]
    pub fn new(gate: Arc<Gate>, store: BatchStore) -> Arc<Self> {
        Arc::new(Self {
            gate,
            store,
            wake: Notify::new(),
            places: Semaphore::new(MOST_ITEMS),
            running: Mutex::default(),
        })
    }

    /// Takes a job. It is admitted as its first item would be, which spends one request.
    ///
    /// # Errors
    /// It may not be asked, another job has its id, or it cannot be kept.
    pub async fn create(
        &self,
        call: &Call,
        message: &v1::CreateBatchJobRequest,
        asked: &Batch,
    ) -> Result<Reply<v1::BatchJob>, Fault> {
        let synthetic = self.violations(asked);
        if !synthetic.is_empty() {
            return Err(Fault::invalid(synthetic));
        }
        let permit = self.gate.admit(call, &first(asked)?).await?;
        let key = BatchKey::of(&call.caller, asked.context.id);
        let plan = v1::CreateBatchJobRequest {
            context: message.context.clone(),
            read_mask: message.read_mask.clone(),
            items: Vec::new(),
        };
        let items = message.items.iter();
        let job = NewBatch {
            key: key.clone(),
            certificate: call.caller.certificate().to_owned(),
            content: Zeroizing::new(message.encode_to_vec()),
            plan: Zeroizing::new(plan.encode_to_vec()),
            items: items.map(|it| Zeroizing::new(it.encode_to_vec())).collect(),
            lasts_ms: LONGEST_MS,
        };
        match self.store.create(job, MOST_OPEN).await.map_err(unkept)? {
            Created::New => self.wake.notify_one(),
            Created::Known => {}
            Created::Reused => {
                let detail = "another job has the request id";
                return Err(Fault::new(Reason::RequestIdReused, detail));
            }
            Created::TooMany => return Err(too_many()),
        }
        Ok(Reply {
            message: self.find(&key).await?,
            quota: permit.quota().clone(),
        })
    }

    /// A job of the caller.
    ///
    /// # Errors
    /// The caller has no such job.
    pub async fn get(&self, call: &Call, id: &str) -> Result<v1::BatchJob, Fault> {
        self.find(&key(call, id)?).await
    }

    /// Ends a job of the caller; one that is over stays as it is.
    ///
    /// # Errors
    /// The caller has no such job, or that cannot be kept.
    pub async fn cancel(&self, call: &Call, id: &str) -> Result<v1::BatchJob, Fault> {
        let key = key(call, id)?;
        self.store.cancel(&key).await.map_err(unkept)?;
        if let Some(job) = self.running().get(&key) {
            job.cancel();
        }
        self.find(&key).await
    }

    /// A page of the results of a job of the caller.
    ///
    /// # Errors
    /// The caller has no such job, or the page is none of it.
    pub async fn results(
        &self,
        call: &Call,
        id: &str,
        asked: &Results,
    ) -> Result<v1::ListBatchJobResultsResponse, Fault> {
        let key = key(call, id)?;
        let query = Query {
            request: Some(key.id),
            ..Query::default()
        };
        let page = asked.page.as_ref();
        let after = self.gate.turn_to(call, LIST, &query, page).await?;
        self.find(&key).await?;
        let after = after.map_or(0, |it| it.seq);
        let results = self.store.results(&key, after, asked.limit, PAGE_BYTES);
        let (results, is_more) = results.await.map_err(unkept)?;
        let last = results.last().filter(|_| is_more);
        let next = last.map(|last| Position {
            ts: 0,
            log: 0,
            seq: last.number,
        });
        let read = results.iter().map(|it| said::result(&it.result));
        Ok(v1::ListBatchJobResultsResponse {
            results: read.collect::<Result<_, _>>()?,
            next_page_token: self.gate.next_page(call, LIST, &query, next).await?,
        })
    }

    async fn find(&self, key: &BatchKey) -> Result<v1::BatchJob, Fault> {
        let found = self.store.find(key).await.map_err(unkept)?;
        found.as_ref().map(said::job).ok_or_else(unknown)
    }

    /// What is wrong with the numbers of a job, wherever it is asked.
    fn violations(&self, asked: &Batch) -> Vec<Violation> {
        let places = asked.subjects.iter().enumerate();
        let wrong = places.flat_map(|(place, subject)| {
            let wrong = self.gate.violations(None, Some(&subject.identifier));
            wrong.into_iter().map(move |mut it| {
                it.field = format!("items[{place}].lookup.personal_id");
                it
            })
        });
        wrong.collect()
    }

    fn running(&self) -> MutexGuard<'_, HashMap<BatchKey, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first question of a job, to be admitted and not asked.
fn first(asked: &Batch) -> Result<Request, Fault> {
    let subject = asked.subjects.first();
    let subject = subject.ok_or_else(|| Fault::new(Reason::Internal, "a job without items"))?;
    Ok(Request {
        context: CallContext {
            criticality: Criticality::Bulk,
            ..asked.context.clone()
        },
        subject: subject.clone(),
        mask: asked.mask,
        required: SourceSet::EMPTY,
        dry_run: true,
    })
}

fn key(call: &Call, id: &str) -> Result<BatchKey, Fault> {
    let id = RequestId::parse(id).ok_or_else(unknown)?;
    Ok(BatchKey::of(&call.caller, id))
}

fn unknown() -> Fault {
    Fault::new(Reason::BatchJobNotFound, "the caller has no such job")
}

fn too_many() -> Fault {
    let mut fault = Fault::new(Reason::QuotaExceeded, "too many jobs are not over");
    fault.quota = Some(QuotaViolation {
        policy: "batch-jobs",
        description: format!("{MOST_OPEN} batch jobs of a system that are not over"),
        limit: u32::try_from(MOST_OPEN).unwrap_or(u32::MAX),
        window: Duration::from_millis(LONGEST_MS),
    });
    fault.retry_after(Duration::from_secs(60))
}

fn unkept(error: evidence::Error) -> Fault {
    let fault = Fault::new(Reason::AuditUnavailable, "the store of batch jobs fails");
    fault.because(error).retry_after(Duration::from_secs(1))
}

/// The kind of list to which page tokens of results are sealed.
const LIST: &str = "BATCH_RESULTS";
/// Half of what an answer may have as JSON: base64 and names of members take the rest.
const PAGE_BYTES: usize = 256 << 10;
/// Of one system, so that none fills the store.
const MOST_OPEN: u64 = 16;
/// A night of maintenance and a spent quota of a day are over by then.
const LONGEST_MS: u64 = 24 * 3_600 * 1_000;
/// Twice what one job may: agencies have other callers, whose citizens wait.
const MOST_ITEMS: usize = 8;
