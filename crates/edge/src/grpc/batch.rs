//! The service of batch jobs over the shared handlers.

use api::v1;
use api::v1::batch_service_server::BatchService;
use tonic::{Request, Response, Status};

use super::{Shell, settle, split};

#[tonic::async_trait]
impl BatchService for Shell {
    async fn create_batch_job(
        &self,
        request: Request<v1::CreateBatchJobRequest>,
    ) -> Result<Response<v1::CreateBatchJobResponse>, Status> {
        let (context, message) = split(request)?;
        let job = self.handlers.create_batch_job(&context, &message).await;
        settle(&context, job)
    }

    async fn get_batch_job(
        &self,
        request: Request<v1::GetBatchJobRequest>,
    ) -> Result<Response<v1::GetBatchJobResponse>, Status> {
        let (context, message) = split(request)?;
        let job = self.handlers.batch_job(&context, &message).await;
        settle(&context, job)
    }

    async fn list_batch_job_results(
        &self,
        request: Request<v1::ListBatchJobResultsRequest>,
    ) -> Result<Response<v1::ListBatchJobResultsResponse>, Status> {
        let (context, message) = split(request)?;
        let results = self.handlers.batch_job_results(&context, &message).await;
        settle(&context, results)
    }

    async fn cancel_batch_job(
        &self,
        request: Request<v1::CancelBatchJobRequest>,
    ) -> Result<Response<v1::CancelBatchJobResponse>, Status> {
        let (context, message) = split(request)?;
        let job = self.handlers.cancel_batch_job(&context, &message).await;
        settle(&context, job)
    }
}
