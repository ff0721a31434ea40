//! `bench sink`: an OTLP receiver that counts spans, so that the gateway really exports.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::signal::unix::{SignalKind, signal};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// Takes spans until told to end, and prints how many came.
///
/// # Errors
/// The port cannot be bound.
pub(crate) async fn run() -> anyhow::Result<()> {
    let incoming = TcpIncoming::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let spans = Arc::new(AtomicUsize::new(0));
    let mut terminate = signal(SignalKind::terminate())?;
    println!("ready http://{}", incoming.local_addr()?);
    let server = Server::builder().add_service(TraceServiceServer::new(Sink(Arc::clone(&spans))));
    tokio::select! {
        served = server.serve_with_incoming(incoming) => served?,
        _ = terminate.recv() => {}
    }
    println!("spans {}", spans.load(Ordering::Relaxed));
    Ok(())
}

/// Counts, and keeps nothing.
#[derive(Debug)]
struct Sink(Arc<AtomicUsize>);

#[tonic::async_trait]
impl TraceService for Sink {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let resources = request.get_ref().resource_spans.iter();
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        let spans: usize = scopes.map(|scope| scope.spans.len()).sum();
        self.0.fetch_add(spans, Ordering::Relaxed);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
