//! `bench passthrough`: the yardstick, tonic as it comes.
//!
//! It takes a lookup over mutual TLS, asks the tax register over one connection of mutual TLS, and
//! encodes the answer again. Here is what a gateway costs that decodes and encodes, and nothing
//! else: no admission, no quota, no record, no span, no limit.

use std::borrow::Cow;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use api::agency::v1::agency_service_client::AgencyServiceClient;
use api::agency::v1::{
    AskContext, LookupRecordRequest, LookupRecordResponse, lookup_record_response as answer,
};
use api::v1::citizen_service_server::{CitizenService, CitizenServiceServer};
use api::v1::{
    AuditReceipt, CitizenView, Completeness, LookupCitizenRequest, LookupCitizenResponse,
    ResolveIdentifierRequest, ResolveIdentifierResponse, Source, SourceState, SourceStatus,
    StreamCitizenRequest, StreamCitizenResponse, subject_ref,
};
use clap::Args;
use tokio::time::Instant;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{
    Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig,
};
use tonic::{Request, Response, Status};

use crate::sandbox::Sandbox;

/// Arguments of `passthrough`.
#[derive(Debug, Args)]
pub(crate) struct Passthrough {
    /// The directory of the sandbox.
    #[arg(long)]
    pub(crate) dir: PathBuf,
}

impl Passthrough {
    /// Serves until the process ends.
    ///
    /// # Errors
    /// The sandbox has not what is needed.
    pub(crate) async fn run(&self) -> anyhow::Result<()> {
        let (incoming, router) = self.bind()?;
        println!("ready https://localhost:{}", incoming.local_addr()?.port());
        router.serve_with_incoming(incoming).await?;
        Ok(())
    }

    /// Binds a free port of the loopback.
    pub(crate) fn bind(&self) -> anyhow::Result<(TcpIncoming, tonic::transport::server::Router)> {
        let sandbox = Sandbox::new(&self.dir);
        let pair = |at: &str| -> anyhow::Result<Identity> {
            let (certificate, key) = (format!("{at}.pem"), format!("{at}.key"));
            Ok(Identity::from_pem(
                sandbox.read(&certificate)?,
                sandbox.read(&key)?,
            ))
        };
        let upstream = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(sandbox.read("agencies/tax/ca.pem")?))
            .identity(pair("agencies/tax/gateway")?);
        let channel = Endpoint::from_shared(sandbox.tax_url()?)?
            .tls_config(upstream)?
            .connect_lazy();
        let server = ServerTlsConfig::new()
            .client_ca_root(Certificate::from_pem(sandbox.read("pki/ca.pem")?))
            .identity(pair("pki/gateway")?);
        let service = CitizenServiceServer::new(Bare {
            tax: AgencyServiceClient::new(channel),
        });
        let incoming = TcpIncoming::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let router = Server::builder().tls_config(server)?.add_service(service);
        Ok((incoming.with_nodelay(Some(true)), router))
    }
}

/// The service, with nothing but the way to the register.
#[derive(Debug)]
struct Bare {
    tax: AgencyServiceClient<Channel>,
}

#[tonic::async_trait]
impl CitizenService for Bare {
    type StreamCitizenStream = tokio_stream::Empty<Result<StreamCitizenResponse, Status>>;

    async fn lookup_citizen(
        &self,
        request: Request<LookupCitizenRequest>,
    ) -> Result<Response<LookupCitizenResponse>, Status> {
        let (request_id, question) = question(request.into_inner())?;
        let mut tax = self.tax.clone();
        let begun = Instant::now();
        let record = tax.lookup_record(question).await?.into_inner();
        Ok(Response::new(reply(request_id, record, begun)?))
    }

    async fn stream_citizen(
        &self,
        _: Request<StreamCitizenRequest>,
    ) -> Result<Response<Self::StreamCitizenStream>, Status> {
        Err(Status::unimplemented("only lookups are passed through"))
    }

    async fn resolve_identifier(
        &self,
        _: Request<ResolveIdentifierRequest>,
    ) -> Result<Response<ResolveIdentifierResponse>, Status> {
        Err(Status::unimplemented("only lookups are passed through"))
    }
}

/// The caller's request id, and the question as the gateway puts it to the register.
fn question(asked: LookupCitizenRequest) -> Result<(String, LookupRecordRequest), Status> {
    let context = asked.context.unwrap_or_default();
    let subject = asked.subject.unwrap_or_default();
    let Some(subject_ref::Id::PersonalId(personal_id)) = subject.id else {
        return Err(Status::invalid_argument("a personal id is needed"));
    };
    let mask = asked.read_mask.unwrap_or_default();
    let question = LookupRecordRequest {
        context: Some(AskContext {
            request_id: context.request_id.clone(),
            caller_agency: "H55".to_owned(),
            purpose_code: context.purpose_code,
            agreement_id: "A-101".to_owned(),
            ..Default::default()
        }),
        personal_id,
        paths: mask.texts().map(Cow::into_owned).collect(),
        ..Default::default()
    };
    Ok((context.request_id, question))
}

/// The answer of the register as the gateway's callers get it.
fn reply(
    request_id: String,
    record: LookupRecordResponse,
    begun: Instant,
) -> Result<LookupCitizenResponse, Status> {
    let Some(answer::Record::Tax(tax)) = record.record else {
        return Err(Status::internal("the register answers with no tax record"));
    };
    let took = begun.elapsed();
    let status = SourceStatus {
        source: Source::Tax.into(),
        state: SourceState::Ok.into(),
        latency: Some(took.into()),
        attempts: 1,
        as_of: record.as_of,
        record_salt: ballast(32),
        ..Default::default()
    };
    Ok(LookupCitizenResponse {
        citizen: Some(CitizenView {
            tax: Some(tax.into()),
            ..Default::default()
        }),
        completeness: Completeness::Complete.into(),
        sources: vec![status],
        receipt: Some(AuditReceipt {
            log_origin: "no log, but a receipt's weight".to_owned(),
            leaf_hash: ballast(32),
            committed_at: record.as_of,
            batch_size: 32,
            path: vec![ballast(32); PATH],
            signature: ballast(64),
            ..Default::default()
        }),
        request_id,
        ..Default::default()
    })
}

/// Bytes that a receipt would hold: the same message on the wire, and no claim.
fn ballast(size: usize) -> Vec<u8> {
    vec![0; size]
}

/// How many hashes lead from a record to the root of a batch of 17 to 32, of 32 under way.
const PATH: usize = 5;
