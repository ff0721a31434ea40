//! The gRPC door: tonic around the shared handlers.
//!
//! Not here: how a fault is told. A handler that fails leaves its fault in the notes of the call,
//! and the stack tells it, so that both doors say the same.

mod audit;
mod batch;

use std::pin::Pin;
use std::sync::Arc;

use adapter::{BoxFuture, boxed};
use api::routes::Rpc;
use api::v1;
use api::v1::audit_service_server::AuditServiceServer;
use api::v1::batch_service_server::BatchServiceServer;
use api::v1::catalogue_service_server::{CatalogueService, CatalogueServiceServer};
use api::v1::citizen_service_server::{CitizenService, CitizenServiceServer};
use api::v1::data_subject_service_server::DataSubjectServiceServer;
use api::v1::verification_service_server::{VerificationService, VerificationServiceServer};
use bytes::Bytes;
use exchange::{Fault, Reason};
use futures_util::stream::{Stream, StreamExt as _};
use http::request::Parts;
use http_body_util::Full;
use hyper::body::Incoming;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tower::Service as _;

use crate::account::Context;
use crate::fault::Told;
use crate::handlers::Handlers;
use crate::{Config, Error};

/// The services behind the gRPC door.
#[derive(Clone, Debug)]
pub(crate) struct Grpc {
    citizen: CitizenServiceServer<Shell>,
    catalogue: CatalogueServiceServer<Shell>,
    audit: AuditServiceServer<Shell>,
    data_subject: DataSubjectServiceServer<Shell>,
    verification: VerificationServiceServer<Shell>,
    batch: BatchServiceServer<Shell>,
    /// Health and, in a sandbox, reflection.
    services: Routes,
}

impl Grpc {
    pub(crate) fn new(
        config: &Config,
        handlers: Handlers,
        help_base: Arc<str>,
        health: HealthReporter,
    ) -> Result<Self, Error> {
        let shell = Arc::new(Shell {
            handlers,
            help_base,
        });
        let health = HealthServer::new(HealthService::from_health_reporter(health));
        let mut services = Routes::new(health.max_decoding_message_size(HEALTH_BYTES));
        if config.reflection {
            services = reflection(services).map_err(|error| Error::Reflection(error.into()))?;
        }
        Ok(Self {
            citizen: CitizenServiceServer::from_arc(Arc::clone(&shell))
                .max_decoding_message_size(config.limits.body_bytes)
                .max_encoding_message_size(ANSWER_BYTES),
            catalogue: CatalogueServiceServer::from_arc(Arc::clone(&shell))
                .max_decoding_message_size(config.limits.body_bytes)
                .max_encoding_message_size(ANSWER_BYTES),
            audit: AuditServiceServer::from_arc(Arc::clone(&shell))
                .max_decoding_message_size(config.limits.body_bytes)
                .max_encoding_message_size(ANSWER_BYTES),
            verification: VerificationServiceServer::from_arc(Arc::clone(&shell))
                .max_decoding_message_size(config.limits.body_bytes)
                .max_encoding_message_size(ANSWER_BYTES),
            batch: BatchServiceServer::from_arc(Arc::clone(&shell))
                .max_decoding_message_size(JOB_BYTES)
                .max_encoding_message_size(ANSWER_BYTES),
            data_subject: DataSubjectServiceServer::from_arc(shell)
                .max_decoding_message_size(config.limits.body_bytes)
                .max_encoding_message_size(ANSWER_BYTES),
            services: services.prepare(),
        })
    }

    /// Answers a method of the contract.
    pub(crate) async fn call(
        &self,
        context: &Arc<Context>,
        rpc: Rpc,
        mut head: Parts,
        body: Bytes,
    ) -> Result<http::Response<Body>, Fault> {
        if body
            .first()
            .is_some_and(|is_compressed| *is_compressed == 1)
        {
            return Err(Fault::new(
                Reason::NotServed,
                "no message encoding is served",
            ));
        }
        head.extensions.insert(Arc::clone(context));
        let request = http::Request::from_parts(head, Full::new(body));
        let Ok(response) = match rpc {
            Rpc::LookupCitizen | Rpc::StreamCitizen | Rpc::ResolveIdentifier => {
                self.citizen.clone().call(request).await
            }
            Rpc::ListFields | Rpc::ListPurposes | Rpc::ListGrants | Rpc::GetQuota => {
                self.catalogue.clone().call(request).await
            }
            Rpc::SearchRecords
            | Rpc::GetInclusionProof
            | Rpc::GetConsistencyProof
            | Rpc::WatchCheckpoints
            | Rpc::EraseSubject => self.audit.clone().call(request).await,
            Rpc::ListMyAccesses => self.data_subject.clone().call(request).await,
            Rpc::VerifyAttributes => self.verification.clone().call(request).await,
            Rpc::CreateBatchJob
            | Rpc::GetBatchJob
            | Rpc::ListBatchJobResults
            | Rpc::CancelBatchJob => self.batch.clone().call(request).await,
        };
        if let Some(fault) = context.notes().fault.take() {
            return Err(fault);
        }
        match response.extensions().get::<Status>() {
            Some(status) => Err(unreadable(status)),
            None => Ok(response),
        }
    }

    /// Answers health and reflection.
    pub(crate) async fn service(
        &self,
        head: Parts,
        body: Incoming,
    ) -> Result<http::Response<Body>, Fault> {
        let request = http::Request::from_parts(head, body);
        let Ok(response) = self.services.clone().call(request).await;
        let (head, body) = response.into_parts();
        Ok(http::Response::from_parts(head, Body::new(body)))
    }
}

fn reflection(services: Routes) -> Result<Routes, tonic_reflection::server::Error> {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(api::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let services = services.add_service(builder().build_v1()?);
    Ok(services.add_service(builder().build_v1alpha()?))
}

/// The fault of a request that tonic has refused before any handler saw it.
fn unreadable(status: &Status) -> Fault {
    if status.code() == Code::Unimplemented {
        Fault::new(Reason::NotServed, "the message encoding is not served")
    } else {
        Fault::new(Reason::InvalidArgument, "the message cannot be decoded")
    }
}

/// The generated traits over the shared handlers.
#[derive(Debug)]
struct Shell {
    handlers: Handlers,
    help_base: Arc<str>,
}

/// The messages of a stream, and the status that ends it.
type Events<M> = Pin<Box<dyn Stream<Item = Result<M, Status>> + Send>>;

impl Shell {
    /// The answer of a method that streams.
    fn streamed<M>(
        &self,
        context: Arc<Context>,
        events: Result<impl Stream<Item = Result<M, Fault>> + Send + 'static, Fault>,
    ) -> Result<Response<Events<M>>, Status> {
        let events = match events {
            Ok(events) => events,
            Err(fault) => return settle(&context, Err(fault)),
        };
        let help_base = Arc::clone(&self.help_base);
        let told = events.map(move |event| {
            event.map_err(|fault| {
                let status = Told::new(&fault, context.request_id(), &help_base).grpc();
                context.notes().fault = Some(fault);
                status
            })
        });
        Ok(Response::new(Box::pin(told)))
    }
}

#[tonic::async_trait]
impl CitizenService for Shell {
    type StreamCitizenStream = Events<v1::StreamCitizenResponse>;

    // Not `async`, for `boxed`: nothing is called as often.
    fn lookup_citizen<'a, 'f>(
        &'a self,
        request: Request<v1::LookupCitizenRequest>,
    ) -> BoxFuture<'f, Result<Response<v1::LookupCitizenResponse>, Status>>
    where
        'a: 'f,
    {
        boxed(move || async move {
            let (context, message) = split(request)?;
            settle(&context, self.handlers.lookup(&context, &message).await)
        })
    }

    async fn stream_citizen(
        &self,
        request: Request<v1::StreamCitizenRequest>,
    ) -> Result<Response<Self::StreamCitizenStream>, Status> {
        let (context, message) = split(request)?;
        let events = self.handlers.stream(&context, &message).await;
        self.streamed(context, events)
    }

    async fn resolve_identifier(
        &self,
        request: Request<v1::ResolveIdentifierRequest>,
    ) -> Result<Response<v1::ResolveIdentifierResponse>, Status> {
        let (context, message) = split(request)?;
        settle(&context, self.handlers.resolve(&context, &message).await)
    }
}

#[tonic::async_trait]
impl VerificationService for Shell {
    async fn verify_attributes(
        &self,
        request: Request<v1::VerifyAttributesRequest>,
    ) -> Result<Response<v1::VerifyAttributesResponse>, Status> {
        let (context, message) = split(request)?;
        settle(&context, self.handlers.verify(&context, &message).await)
    }
}

#[tonic::async_trait]
impl CatalogueService for Shell {
    async fn list_fields(
        &self,
        request: Request<v1::ListFieldsRequest>,
    ) -> Result<Response<v1::ListFieldsResponse>, Status> {
        let (context, _) = split(request)?;
        settle(&context, self.handlers.list_fields(&context).await)
    }

    async fn list_purposes(
        &self,
        request: Request<v1::ListPurposesRequest>,
    ) -> Result<Response<v1::ListPurposesResponse>, Status> {
        let (context, _) = split(request)?;
        settle(&context, self.handlers.list_purposes(&context).await)
    }

    async fn list_grants(
        &self,
        request: Request<v1::ListGrantsRequest>,
    ) -> Result<Response<v1::ListGrantsResponse>, Status> {
        let (context, _) = split(request)?;
        settle(&context, self.handlers.list_grants(&context).await)
    }

    async fn get_quota(
        &self,
        request: Request<v1::GetQuotaRequest>,
    ) -> Result<Response<v1::GetQuotaResponse>, Status> {
        let (context, _) = split(request)?;
        settle(&context, self.handlers.get_quota(&context).await)
    }
}

/// Takes out the call that [`Grpc::call`] has put in.
fn split<T>(request: Request<T>) -> Result<(Arc<Context>, T), Status> {
    let (_, mut extensions, message) = request.into_parts();
    let context = extensions.remove::<Arc<Context>>();
    Ok((context.ok_or_else(|| Status::internal("no call"))?, message))
}

/// Leaves a fault in the notes of the call; the status that stands for it never leaves.
fn settle<T>(context: &Context, result: Result<T, Fault>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(|fault| {
        context.notes().fault = Some(fault);
        Status::unknown("")
    })
}

/// The largest message of an answer, at both doors. Five records with everything in them take less
/// than a quarter.
pub(crate) const ANSWER_BYTES: usize = 1 << 20;
/// The message of a job: a thousand numbers with names and birth dates, as JSON.
pub(crate) const JOB_BYTES: usize = 512 << 10;
/// The name of a service.
const HEALTH_BYTES: usize = 1 << 10;
