//! The methods of batch jobs, of which a part stands in the path and in the query.

use api::routes::{ROUTES, Rpc};
use api::v1;
use bytes::Bytes;
use exchange::Fault;
use http::Response;
use http::request::Parts;
use tonic::body::Body;

use super::{Rest, json, query};
use crate::account::Context;

impl Rest {
    pub(super) async fn create_batch_job(
        &self,
        context: &Context,
        head: &Parts,
        body: &Bytes,
    ) -> Result<Response<Body>, Fault> {
        let message = self.question(context, head, body)?;
        json::answer(&self.handlers.create_batch_job(context, &message).await?)
    }

    pub(super) async fn batch_job(
        &self,
        context: &Context,
        head: &Parts,
    ) -> Result<Response<Body>, Fault> {
        let job_id = variable(Rpc::GetBatchJob, head);
        let message = v1::GetBatchJobRequest { job_id };
        json::answer(&self.handlers.batch_job(context, &message).await?)
    }

    pub(super) async fn batch_job_results(
        &self,
        context: &Context,
        head: &Parts,
    ) -> Result<Response<Body>, Fault> {
        let job_id = variable(Rpc::ListBatchJobResults, head);
        let message = query::results(job_id, head)?;
        json::answer(&self.handlers.batch_job_results(context, &message).await?)
    }

    pub(super) async fn cancel_batch_job(
        &self,
        context: &Context,
        head: &Parts,
    ) -> Result<Response<Body>, Fault> {
        let job_id = variable(Rpc::CancelBatchJob, head);
        let message = v1::CancelBatchJobRequest { job_id };
        json::answer(&self.handlers.cancel_batch_job(context, &message).await?)
    }
}

/// What stands in the path of a method in the place of its variable.
fn variable(rpc: Rpc, head: &Parts) -> String {
    let route = ROUTES.iter().find(|route| route.rpc == rpc);
    let value = route.and_then(|route| route.value(head.uri.path()));
    value.unwrap_or_default().to_owned()
}
