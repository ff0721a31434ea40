//! The REST door: JSON around the shared handlers, on the routes of the contract.
//!
//! Not here: which routes there are (generated in crate `api`), how a fault is told.

mod batch;
pub(crate) mod json;
mod query;
mod stream;

use std::sync::Arc;

use api::convert::Question;
use api::routes::Rpc;
use bytes::Bytes;
use exchange::{Fault, Reason};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Response};
use http_body_util::Full;
use serde::de::DeserializeOwned;
use tonic::body::Body;

use crate::account::Context;
use crate::handlers::Handlers;
use crate::method::Tracked;
use crate::tracker::Tracker;

/// The handlers behind the REST door.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    handlers: Handlers,
    tracker: Tracker,
    help_base: Arc<str>,
}

impl Rest {
    pub(crate) const fn new(handlers: Handlers, tracker: Tracker, help_base: Arc<str>) -> Self {
        Self {
            handlers,
            tracker,
            help_base,
        }
    }

    /// Answers a method of the contract.
    #[expect(
        clippy::cognitive_complexity,
        reason = "a table: one arm for each method, and nothing between them"
    )]
    pub(crate) async fn call(
        &self,
        context: &Arc<Context>,
        rpc: Rpc,
        head: &Parts,
        body: &Bytes,
    ) -> Result<Response<Body>, Fault> {
        if rpc != Rpc::ListBatchJobResults {
            without_query(head)?;
        }
        let Self { handlers, .. } = self;
        match rpc {
            Rpc::LookupCitizen => {
                let message = self.question(context, head, body)?;
                json::answer(&handlers.lookup(context, &message).await?)
            }
            Rpc::ResolveIdentifier => {
                let message = self.question(context, head, body)?;
                json::answer(&handlers.resolve(context, &message).await?)
            }
            Rpc::VerifyAttributes => {
                let message = self.question(context, head, body)?;
                json::answer(&handlers.verify(context, &message).await?)
            }
            Rpc::StreamCitizen => {
                let message = self.question(context, head, body)?;
                let events = handlers.stream(context, &message).await?;
                Ok(stream::answer(events, context, &self.help_base))
            }
            Rpc::ListFields => json::answer(&handlers.list_fields(context).await?),
            Rpc::ListPurposes => json::answer(&handlers.list_purposes(context).await?),
            Rpc::ListGrants => json::answer(&handlers.list_grants(context).await?),
            Rpc::GetQuota => json::answer(&handlers.get_quota(context).await?),
            Rpc::SearchRecords => {
                let message = self.question(context, head, body)?;
                json::answer(&handlers.search_records(context, &message).await?)
            }
            Rpc::EraseSubject => {
                let message = self.question(context, head, body)?;
                json::answer(&handlers.erase_subject(context, &message).await?)
            }
            Rpc::ListMyAccesses => {
                let message = self.question(context, head, body)?;
                json::answer(&handlers.list_accesses(context, &message).await?)
            }
            Rpc::GetInclusionProof => {
                let message = json::read(head, body, |_| Vec::new())?;
                json::answer(&handlers.inclusion_proof(context, &message).await?)
            }
            Rpc::GetConsistencyProof => {
                let message = json::read(head, body, |_| Vec::new())?;
                json::answer(&handlers.consistency_proof(context, &message).await?)
            }
            Rpc::WatchCheckpoints => {
                let message = json::read(head, body, |_| Vec::new())?;
                let events = handlers.watch_checkpoints(context, &message).await?;
                Ok(stream::answer(events, context, &self.help_base))
            }
            Rpc::CreateBatchJob => self.create_batch_job(context, head, body).await,
            Rpc::GetBatchJob => self.batch_job(context, head).await,
            Rpc::ListBatchJobResults => self.batch_job_results(context, head).await,
            Rpc::CancelBatchJob => self.cancel_batch_job(context, head).await,
        }
    }

    /// Answers a call of a data tracker.
    pub(crate) async fn track(
        &self,
        context: &Context,
        which: Tracked,
        head: &Parts,
        body: &Bytes,
    ) -> Result<Response<Body>, Fault> {
        without_query(head)?;
        let (tracker, call) = (&self.tracker, &context.call);
        let answer = match which {
            Tracked::FindUsage => {
                let asked = json::read(head, body, |_| Vec::new())?;
                let usage = tracker.read(&head.headers, &asked)?;
                tracker.find(call, &usage).await
            }
            Tracked::UsagePeriod => tracker.period(call).await,
            Tracked::Heartbeat => Ok(tracker.heartbeat()),
        };
        context.notes().quota = tracker.quota(call);
        json::answer(&answer?)
    }

    /// Reads a message of which the gate knows more than its form.
    fn question<Q: Question + DeserializeOwned>(
        &self,
        context: &Context,
        head: &Parts,
        body: &[u8],
    ) -> Result<Q, Fault> {
        json::read(head, body, |its| self.handlers.violations(context, its))
    }
}

/// Refuses a query, which this route has not.
fn without_query(head: &Parts) -> Result<(), Fault> {
    match head.uri.query() {
        None | Some("") => Ok(()),
        Some(_) => {
            let detail = "a query is no part of the route";
            Err(Fault::new(Reason::InvalidArgument, detail))
        }
    }
}

/// An answer that nothing in between may keep.
pub(crate) fn response(content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The body of an answer that is whole.
pub(crate) fn whole(body: Vec<u8>) -> Body {
    Body::new(Full::new(Bytes::from(body)))
}
