//! The services of the record over the shared handlers.

use api::v1;
use api::v1::audit_service_server::AuditService;
use api::v1::data_subject_service_server::DataSubjectService;
use tonic::{Request, Response, Status};

use super::{Events, Shell, settle, split};

#[tonic::async_trait]
impl AuditService for Shell {
    type WatchCheckpointsStream = Events<v1::WatchCheckpointsResponse>;

    async fn search_records(
        &self,
        request: Request<v1::SearchRecordsRequest>,
    ) -> Result<Response<v1::SearchRecordsResponse>, Status> {
        let (context, message) = split(request)?;
        settle(
            &context,
            self.handlers.search_records(&context, &message).await,
        )
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
        let (context, message) = split(request)?;
        settle(
            &context,
            self.handlers.erase_subject(&context, &message).await,
        )
    }
}

#[tonic::async_trait]
impl DataSubjectService for Shell {
    async fn list_my_accesses(
        &self,
        request: Request<v1::ListMyAccessesRequest>,
    ) -> Result<Response<v1::ListMyAccessesResponse>, Status> {
        let (context, message) = split(request)?;
        settle(
            &context,
            self.handlers.list_accesses(&context, &message).await,
        )
    }
}
