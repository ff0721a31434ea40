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
use tests::row::{Caller, KNOWN, Row};
use tests::vitals::Metrics;
use tests::{Sandbox, question};
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

/// A gateway that sends every span to that collector, of which few may wait.
async fn begin(sandbox: &Sandbox, name: &str, endpoint: &str) -> Row {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_TRACES_SAMPLER", "always_on"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "64"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "32"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
    ];
    Row::told(sandbox, name, &[], &variables).await
}

/// How long one lookup takes.
async fn lookup(caller: &Caller) -> Duration {
    let question = question(KNOWN, "ONE_STOP_DESK", "tax.status");
    let begun = Instant::now();
    let answer = caller.put(&question, 10).await;
    assert_eq!(answer.status, 200);
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
    let sandbox = Sandbox::start();
    let good = good().await;
    for collector in [Collector::Down, Collector::Slow, Collector::Refusing] {
        let endpoint = collector.start().await;
        let afflicted = begin(&sandbox, &format!("{collector:?}"), &endpoint).await;
        let sound = begin(&sandbox, &format!("good-{collector:?}"), &good).await;
        let metrics = Metrics::at(&afflicted.gateway.operations);
        for _ in 0..WARM {
            lookup(&afflicted.caller).await;
            lookup(&sound.caller).await;
        }
        // In turns, so that both meet the same machine.
        let (mut took, mut beside) = (Vec::new(), Vec::new());
        for _ in 0..LOOKUPS {
            took.push(lookup(&afflicted.caller).await);
            beside.push(lookup(&sound.caller).await);
        }
        let (took, beside) = (median(took), median(beside));
        println!("{collector:?}: {took:?}, with a good one {beside:?}");
        let most = beside * 5 / 4 + Duration::from_millis(2);
        assert!(took < most, "{collector:?}: {took:?} {beside:?}");
        let traces = "signal=\"traces\"";
        // Of each lookup there are several, and 64 may wait.
        metrics
            .grows("otlp_dropped_total", traces, LOOKUPS as u64)
            .await;
        afflicted.ends().await;
        sound.ends().await;
    }
}

/// Where a collector takes everything.
async fn good() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let service = TraceServiceServer::new(Swallows);
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(incoming));
    endpoint
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
