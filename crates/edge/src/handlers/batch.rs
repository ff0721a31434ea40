//! The calls about batch jobs.

use api::v1;
use exchange::Fault;

use super::{Handlers, whole};
use crate::account::Context;

impl Handlers {
    pub(crate) async fn create_batch_job(
        &self,
        context: &Context,
        message: &v1::CreateBatchJobRequest,
    ) -> Result<v1::CreateBatchJobResponse, Fault> {
        let asked = self.read(context, message)?;
        let running = self
            .begin(context, &asked.context, "batch", message)
            .await?;
        let reply = self.batches.create(&context.call, message, &asked).await;
        let job = self.note(context, &asked.context, reply.map(whole))?;
        running.answered(None);
        Ok(v1::CreateBatchJobResponse { job: Some(job) })
    }

    pub(crate) async fn batch_job(
        &self,
        context: &Context,
        message: &v1::GetBatchJobRequest,
    ) -> Result<v1::GetBatchJobResponse, Fault> {
        self.browse(context).await?;
        let job = self.batches.get(&context.call, &message.job_id).await?;
        Ok(v1::GetBatchJobResponse { job: Some(job) })
    }

    pub(crate) async fn batch_job_results(
        &self,
        context: &Context,
        message: &v1::ListBatchJobResultsRequest,
    ) -> Result<v1::ListBatchJobResultsResponse, Fault> {
        self.browse(context).await?;
        let asked = message.page(self.gate.year()).map_err(Fault::invalid)?;
        let (call, id) = (&context.call, &message.job_id);
        self.batches.results(call, id, &asked).await
    }

    pub(crate) async fn cancel_batch_job(
        &self,
        context: &Context,
        message: &v1::CancelBatchJobRequest,
    ) -> Result<v1::CancelBatchJobResponse, Fault> {
        self.browse(context).await?;
        let job = self.batches.cancel(&context.call, &message.job_id).await?;
        Ok(v1::CancelBatchJobResponse { job: Some(job) })
    }
}
