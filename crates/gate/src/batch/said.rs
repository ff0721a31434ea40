//! Jobs and results as the contract has them.

use api::v1;
use api::v1::batch_result::Outcome;
use evidence::{BatchState, KeptBatch};
use exchange::{Fault, Reason};
use prost::Message as _;

/// A job.
pub(super) fn job(kept: &KeptBatch) -> v1::BatchJob {
    v1::BatchJob {
        job_id: kept.key.id.to_string(),
        state: state(kept.state).into(),
        total: kept.total,
        succeeded: kept.succeeded,
        failed: kept.failed,
        create_time: Some(kept.created.into()),
        expire_time: Some(kept.expires.into()),
        reason: kept.reason.clone(),
        next_try_time: kept.next_try.map(Into::into),
    }
}

const fn state(state: BatchState) -> v1::BatchJobState {
    match state {
        BatchState::Queued => v1::BatchJobState::Queued,
        BatchState::Running => v1::BatchJobState::Running,
        BatchState::Paused => v1::BatchJobState::Paused,
        BatchState::Succeeded => v1::BatchJobState::Succeeded,
        BatchState::Failed => v1::BatchJobState::Failed,
        BatchState::Cancelled => v1::BatchJobState::Cancelled,
    }
}

/// A result as it was kept.
pub(super) fn result(kept: &[u8]) -> Result<v1::BatchResult, Fault> {
    let read = v1::BatchResult::decode(kept);
    read.map_err(|error| Fault::new(Reason::Internal, "a result is none").because(error))
}

/// What stands for an answer that there is not.
pub(super) fn failure(reason: Reason) -> Outcome {
    Outcome::Failure(v1::BatchFailure {
        reason: reason.name().to_owned(),
    })
}
