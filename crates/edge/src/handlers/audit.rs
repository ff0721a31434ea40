//! The calls about the record.

use std::sync::Arc;

use api::v1;
use exchange::{Fault, Reason};
use futures_util::stream::{self, Stream};
use gate::Checkpoints;
use tokio::sync::watch;

use super::{Handlers, whole};
use crate::account::Context;
use crate::readiness::State;

impl Handlers {
    pub(crate) async fn inclusion_proof(
        &self,
        context: &Context,
        message: &v1::GetInclusionProofRequest,
    ) -> Result<v1::GetInclusionProofResponse, Fault> {
        self.note_quota(context);
        self.gate.inclusion_proof(&context.call, message).await
    }

    pub(crate) async fn consistency_proof(
        &self,
        context: &Context,
        message: &v1::GetConsistencyProofRequest,
    ) -> Result<v1::GetConsistencyProofResponse, Fault> {
        self.note_quota(context);
        self.gate.consistency_proof(&context.call, message).await
    }

    pub(crate) async fn search_records(
        &self,
        context: &Context,
        message: &v1::SearchRecordsRequest,
    ) -> Result<v1::SearchRecordsResponse, Fault> {
        let asked = self.read(context, message)?;
        let reply = self.gate.search(&context.call, &asked).await;
        self.note(context, &asked.context, reply.map(whole))
    }

    pub(crate) async fn erase_subject(
        &self,
        context: &Context,
        message: &v1::EraseSubjectRequest,
    ) -> Result<v1::EraseSubjectResponse, Fault> {
        let asked = self.read(context, message)?;
        let reply = self.gate.erase(&context.call, &asked).await;
        self.note(context, &asked.context, reply.map(whole))
    }

    pub(crate) async fn list_accesses(
        &self,
        context: &Context,
        message: &v1::ListMyAccessesRequest,
    ) -> Result<v1::ListMyAccessesResponse, Fault> {
        let asked = self.read(context, message)?;
        let reply = self.gate.list_accesses(&context.call, &asked).await;
        self.note(context, &asked.context, reply.map(whole))
    }

    /// The latest checkpoint, then each new one; who reads slower than they are made gets the
    /// latest. The last item is the fault that ended it.
    pub(crate) async fn watch_checkpoints(
        &self,
        context: &Context,
        message: &v1::WatchCheckpointsRequest,
    ) -> Result<impl Stream<Item = Result<v1::WatchCheckpointsResponse, Fault>> + Send + use<>, Fault>
    {
        self.note_quota(context);
        let mut checkpoints = self.gate.checkpoints(&context.call, message).await?;
        checkpoints.mark_changed();
        let begun = Some((checkpoints, self.readiness.watch()));
        let (gate, call) = (Arc::clone(&self.gate), context.call.clone());
        Ok(stream::unfold(begun, move |watched| {
            let (gate, call) = (Arc::clone(&gate), call.clone());
            async move {
                let (mut checkpoints, mut readiness) = watched?;
                tokio::select! {
                    biased;
                    () = drain(&mut readiness) => Some((Err(draining()), None)),
                    fault = gate.closed_to(&call) => Some((Err(fault), None)),
                    next = next(&mut checkpoints) => match next {
                        Some(checkpoint) => {
                            let checkpoint = String::from(&*checkpoint);
                            let response = v1::WatchCheckpointsResponse { checkpoint };
                            Some((Ok(response), Some((checkpoints, readiness))))
                        }
                        None => Some((Err(draining()), None)),
                    },
                }
            }
        }))
    }
}

/// Waits for a checkpoint that was not sent yet; none if there are no more.
async fn next(checkpoints: &mut Checkpoints) -> Option<Arc<str>> {
    loop {
        checkpoints.changed().await.ok()?;
        if let Some(checkpoint) = &*checkpoints.borrow_and_update() {
            return Some(Arc::clone(checkpoint));
        }
    }
}

/// Waits until this node takes no more calls.
async fn drain(readiness: &mut watch::Receiver<State>) {
    // Whoever could say so is gone: so is the node.
    readiness.wait_for(|state| state.draining).await.ok();
}

fn draining() -> Fault {
    Fault::new(Reason::Draining, "the checkpoints are watched elsewhere")
}
