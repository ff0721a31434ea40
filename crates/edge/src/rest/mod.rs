//! The REST door: JSON around the shared handlers, on the routes of the contract.
//!
//! Not here: which routes there are (generated in crate `api`), how a fault is told.

mod json;
mod stream;

use std::sync::Arc;

use api::routes::Rpc;
use bytes::Bytes;
use exchange::{Fault, Reason};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Response};
use http_body_util::Full;
use tonic::body::Body;

use crate::account::Context;
use crate::handlers::Handlers;

/// The handlers behind the REST door.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    handlers: Handlers,
    help_base: Arc<str>,
}

impl Rest {
    pub(crate) const fn new(handlers: Handlers, help_base: Arc<str>) -> Self {
        Self {
            handlers,
            help_base,
        }
    }

    /// Answers a method of the contract.
    pub(crate) async fn call(
        &self,
        context: &Arc<Context>,
        rpc: Rpc,
        head: &Parts,
        body: &Bytes,
    ) -> Result<Response<Body>, Fault> {
        if head.uri.query().is_some_and(|query| !query.is_empty()) {
            return Err(Fault::new(
                Reason::InvalidArgument,
                "a query is no part of any route",
            ));
        }
        let handlers = &self.handlers;
        match rpc {
            Rpc::LookupCitizen => {
                let message = json::read(head, body, |its| handlers.violations(context, its))?;
                json::answer(&handlers.lookup(context, &message).await?)
            }
            Rpc::ResolveIdentifier => {
                let message = json::read(head, body, |its| handlers.violations(context, its))?;
                json::answer(&handlers.resolve(context, &message).await?)
            }
            Rpc::StreamCitizen => {
                let message = json::read(head, body, |its| handlers.violations(context, its))?;
                let events = handlers.stream(context, &message).await?;
                Ok(stream::answer(events, context, &self.help_base))
            }
            Rpc::ListFields => json::answer(&handlers.list_fields(context)),
            Rpc::ListPurposes => json::answer(&handlers.list_purposes(context)),
            Rpc::ListGrants => json::answer(&handlers.list_grants(context)),
            Rpc::GetQuota => json::answer(&handlers.get_quota(context)),
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
            Rpc::SearchRecords | Rpc::EraseSubject | Rpc::ListMyAccesses => {
                Err(crate::grpc::not_served())
            }
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
