//! The services of the record over the shared handlers.

use api::v1;
use api::v1::audit_service_server::AuditService;
use tonic::{Request, Response, Status};

use super::{Events, Shell, not_served, settle, split};

#[tonic::async_trait]
impl AuditService for Shell {
    type WatchCheckpointsStream = Events<v1::WatchCheckpointsResponse>;

    async fn search_records(
        &self,
        request: Request<v1::SearchRecordsRequest>,
    ) -> Result<Response<v1::SearchRecordsResponse>, Status> {
        let (context, _) = split(request)?;
        settle(&context, Err(not_served()))
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<v1::GetInclusionProofRequest>,
    ) -> Result<Response<v1::GetInclusionProofResponse>, Status> {
        let (context, message) = split(request)?;
        let proof = self.handlers.inclusion_proof(&context, &message).await;
        settle(&context, proof)
    }

    async fn get_consistency_proof(
        &self,
        request: Request<v1::GetConsistencyProofRequest>,
    ) -> Result<Response<v1::GetConsistencyProofResponse>, Status> {
        let (context, message) = split(request)?;
        let proof = self.handlers.consistency_proof(&context, &message).await;
        settle(&context, proof)
    }

    async fn watch_checkpoints(
        &self,
        request: Request<v1::WatchCheckpointsRequest>,
    ) -> Result<Response<Self::WatchCheckpointsStream>, Status> {
        let (context, message) = split(request)?;
        let events = self.handlers.watch_checkpoints(&context, &message).await;
        self.streamed(context, events)
    }

    async fn erase_subject(
        &self,
        request: Request<v1::EraseSubjectRequest>,
    ) -> Result<Response<v1::EraseSubjectResponse>, Status> {
        let (context, _) = split(request)?;
        settle(&context, Err(not_served()))
    }
}
