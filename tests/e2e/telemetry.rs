//! Traces leave over OTLP, form the tree of the road, and hold nothing personal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use tests::{Rest, Sandbox, everything, question};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// Keeps every span that is exported to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Receiver(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let scopes = request
            .into_inner()
            .resource_spans
            .into_iter()
            .flat_map(|r| r.scope_spans);
        self.0
            .lock()
            .unwrap()
            .extend(scopes.flat_map(|scope| scope.spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Receiver {
    pub(crate) async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(self.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(server);
        format!("http://{address}")
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        self.0.lock().unwrap().clone()
    }

    /// Waits until there are so many spans of that name.
    pub(crate) async fn wait_for(&self, name: &str, count: usize) {
        for _ in 0..2_000 {
            if self
                .spans()
                .iter()
                .filter(|span| span.name.contains(name))
                .count()
                >= count
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no {count} spans {name} in {:?}", names(&self.spans()));
    }
}

fn names(spans: &[Span]) -> Vec<&str> {
    spans.iter().map(|span| span.name.as_str()).collect()
}

/// Row E11: a number in `tracestate` or `baggage` goes into no span, no log and to no agency.
#[tokio::test(flavor = "multi_thread")]
async fn the_exported_spans_form_the_tree_of_the_road_and_hold_nothing_personal() {
    let receiver = Receiver::default();
    let endpoint = receiver.start().await;
    let sandbox = Sandbox::start_with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_TRACES_SAMPLER", "always_on"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ]);
    let rest = Rest::new(&sandbox, "commune");
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut body = question("999099004711", "ONE_STOP_DESK", &everything());
    body["context"]["officerId"] = "Officer Nguyễn".into();
    let smuggled = format!("citizen={OTHER}");
    let headers = [
        ("traceparent", parent),
        ("tracestate", &smuggled),
        ("baggage", &smuggled),
    ];
    let answer = rest
        .post("/v1/citizens:lookup", body.to_string(), &headers)
        .await
        .unwrap();
    let citizen = answer.json();
    receiver.wait_for("record", 2).await; // the sandbox's own first lookup, and this one
    receiver.wait_for("citizens:lookup", 2).await;

    let spans = receiver.spans();
    let linked: Vec<&Span> = spans.iter().filter(|span| !span.links.is_empty()).collect();
    let [root] = linked.as_slice() else {
        panic!("{:?}", names(&spans))
    };
    assert!(
        root.parent_span_id.is_empty(),
        "the caller's trace is a link, not a parent"
    );
    assert_eq!(
        hex(&root.links[0].trace_id),
        "4bf92f3577b34da6a3ce929d0e0e4736"
    );
    let children: HashMap<&str, &Span> = spans
        .iter()
        .filter(|span| span.parent_span_id == root.span_id)
        .map(|span| (span.name.as_str(), span))
        .collect();
    for name in [
        "admission",
        "population",
        "health",
        "civil_status",
        "tax",
        "social_security",
        "record",
    ] {
        assert!(
            children.contains_key(name),
            "{name} is not in {:?}",
            children.keys()
        );
    }

    let journal = crate::answers::journal(&sandbox, exchange::Source::Population).await;
    let sent = journal
        .iter()
        .filter_map(|asked| asked["traceparent"].as_str());
    let trace = hex(&root.trace_id);
    assert!(
        sent.into_iter().any(|sent| sent.contains(&trace)),
        "the trace did not go on"
    );

    let asked = format!("{journal:?}");
    assert!(!asked.contains(OTHER), "{asked}");

    let all = format!("{spans:?}");
    let name = citizen["citizen"]["population"]["name"]["full"]
        .as_str()
        .unwrap();
    for secret in ["999099004711", OTHER, "Nguyễn", name] {
        assert!(!all.contains(secret), "{secret} is in the spans");
        assert!(!sandbox.logged().contains(secret), "{secret} is in the log");
    }
    assert!(
        !twelve_digits(&all),
        "something that reads as a personal id is in the spans"
    );
}

/// Whom nobody asks about.
const OTHER: &str = "999099000002";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// True if a run of exactly twelve digits stands by itself in the text.
fn twelve_digits(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .any(|word| word.len() == 12 && word.bytes().all(|b| b.is_ascii_digit()))
}
