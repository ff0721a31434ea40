//! A collector of traces that is down, slow, or refuses.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tests::vitals::{Metrics, resident};
use tests::{Rest, Sandbox};
use tokio::net::TcpListener;
use tokio::time::Instant;

/// How a collector is of no use.
#[derive(Clone, Copy, Debug)]
enum Collector {
    /// Nobody listens.
    Down,
    /// It takes every connection and says nothing.
    Slow,
    /// It answers 400.
    Refusing,
}

impl Collector {
    /// Starts it; its address.
    async fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        match self {
            Self::Down => drop(listener),
            Self::Slow => drop(tokio::spawn(async move {
                let mut held = Vec::new();
                while let Ok((socket, _)) = listener.accept().await {
                    held.push(socket);
                }
            })),
            Self::Refusing => drop(tokio::spawn(async move {
                while let Ok((socket, _)) = listener.accept().await {
                    tokio::spawn(refuse(socket));
                }
            })),
        }
        address
    }
}

async fn refuse(socket: tokio::net::TcpStream) {
    let service = service_fn(async |_request| {
        let response = Response::builder().status(400);
        response.body(Full::<Bytes>::default())
    });
    let builder = http2::Builder::new(TokioExecutor::new());
    let served = builder.serve_connection(TokioIo::new(socket), service);
    served.await.ok();
}

/// A sandbox that sends every span to that collector, of which few may wait.
fn sandbox(endpoint: &str) -> Sandbox {
    Sandbox::start_with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_TRACES_SAMPLER", "always_on"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "64"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "32"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
    ])
}

/// How long one lookup takes.
async fn lookup(rest: &Rest) -> Duration {
    let begun = Instant::now();
    let answer = rest.lookup("999099000001", "ONE_STOP_DESK", "tax.status");
    assert_eq!(answer.await.status, 200);
    begun.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Row L09: a collector that is down, slow or refuses costs no exchange any time: what does not reach
/// it is dropped from a queue of bounded length and counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_down_slow_or_refuses_delays_nobody() {
    for collector in [Collector::Down, Collector::Slow, Collector::Refusing] {
        let endpoint = collector.start().await;
        let (afflicted, sound) = (sandbox(&endpoint), sound().await);
        let metrics = Metrics::of(&afflicted);
        let (rest, beside) = (
            Rest::new(&afflicted, "commune"),
            Rest::new(&sound, "commune"),
        );
        for _ in 0..WARM {
            lookup(&rest).await;
            lookup(&beside).await;
        }
        let memory = resident(&afflicted);
        // In turns, so that both meet the same machine.
        let (mut took, mut sound) = (Vec::new(), Vec::new());
        for _ in 0..LOOKUPS {
            took.push(lookup(&rest).await);
            sound.push(lookup(&beside).await);
        }
        let (took, sound) = (median(took), median(sound));
        println!("{collector:?}: {took:?}, with a good one {sound:?}");
        assert!(took < sound * 2, "{collector:?}: {took:?} {sound:?}");
        metrics
            .grows("otlp_dropped_total", "signal=\"traces\"", 0)
            .await;
        let grown = resident(&afflicted).saturating_sub(memory);
        assert!(grown < 32 << 10, "{collector:?}: grown by {grown} KiB");
    }
}

/// A sandbox whose collector takes everything.
async fn sound() -> Sandbox {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let service = TraceServiceServer::new(Swallows);
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(incoming));
    sandbox(&endpoint)
}

/// Takes every span.
#[derive(Debug)]
struct Swallows;

#[tonic::async_trait]
impl TraceService for Swallows {
    async fn export(
        &self,
        _request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

const WARM: usize = 30;
const LOOKUPS: usize = 150;
