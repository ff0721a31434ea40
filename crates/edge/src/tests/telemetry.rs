//! What is told of a call to whoever runs the gateway: one line, one span, and no person.

use std::io;
use std::sync::{Arc, Mutex};

use http::Method;
use opentelemetry::trace::{SpanKind, Status, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use serde_json::Value;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;

use super::client::request;
use super::*;

/// Everything that was logged and traced on this thread.
#[derive(Clone, Debug, Default)]
struct Told {
    log: Arc<Mutex<Vec<u8>>>,
    spans: Arc<Mutex<Vec<SpanData>>>,
}

impl Told {
    fn listen() -> (Self, DefaultGuard) {
        let told = Self::default();
        let writer = told.clone();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(told.clone())
            .build();
        let subscriber = tracing_subscriber::registry()
            .with(
                tracing_subscriber::fmt::layer()
                    .json()
                    .with_writer(move || writer.clone()),
            )
            .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("test")));
        (told, tracing::subscriber::set_default(subscriber))
    }

    fn log(&self) -> String {
        String::from_utf8(self.log.lock().unwrap().clone()).unwrap()
    }

    /// The canonical lines.
    fn lines(&self) -> Vec<Value> {
        let log = self.log();
        let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
        let lines = lines.filter(|line: &Value| line["target"] == "exchange");
        lines.map(|line| line["fields"].clone()).collect()
    }

    fn edge(&self) -> SpanData {
        let spans = self.spans.lock().unwrap();
        let mut edge = spans.iter().filter(|s| s.span_kind == SpanKind::Server);
        edge.next().unwrap().clone()
    }
}

impl io::Write for Told {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.log.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SpanExporter for Told {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.spans.lock().unwrap().extend(batch);
        Ok(())
    }
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let mut found = span.attributes.iter().filter(|kv| kv.key.as_str() == key);
    found.next().map(|kv| kv.value.to_string())
}

#[tokio::test]
async fn a_call_is_one_line_and_one_span_linked_to_the_callers_trace() {
    let (told, _guard) = Told::listen();
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let asked = request(
        Method::POST,
        "/v1/citizens:lookup",
        question(KNOWN).to_string(),
    )
    .header("content-type", "application/json")
    .header(
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    );
    client.send(asked.finish()).await;
    let edge = told.edge();
    let [line] = &told.lines()[..] else {
        panic!("{}", told.log());
    };
    assert_eq!(line["caller"], "desk");
    assert_eq!(line["agency"], "H55");
    assert_eq!(line["purpose"], "TAX_CHECK");
    assert_eq!(line["outcome"], "COMPLETE");
    assert_eq!(line["exchange_id"], REQUEST_ID);
    assert!(line["duration_ms"].as_f64().unwrap() > 0.0);
    let trace = edge.span_context.trace_id().to_string();
    assert_eq!(line["trace_id"], trace);
    assert_eq!(edge.name, "POST /v1/citizens:lookup");
    let link = edge.links.iter().next().unwrap();
    let linked = link.span_context.trace_id().to_string();
    assert_eq!(linked, "0af7651916cd43dd8448eb211c80319c");
    assert_ne!(trace, linked);
    assert_eq!(edge.status, Status::Unset);
    for (key, value) in [
        ("http.request.method", Some("POST")),
        ("http.route", Some("/v1/citizens:lookup")),
        ("http.response.status_code", Some("200")),
        ("gw.caller.agency", Some("H55")),
        ("gw.completeness", Some("COMPLETE")),
        ("error.type", None),
        ("rpc.system.name", None),
    ] {
        assert_eq!(attribute(&edge, key).as_deref(), value, "{key}");
    }
    assert!(!told.log().contains(KNOWN));
    let spans = format!("{:?}", told.spans.lock().unwrap());
    assert!(!spans.contains(KNOWN));
}

#[tokio::test]
async fn a_failure_is_told_once_with_its_reason_and_nothing_personal() {
    let (told, _guard) = Told::listen();
    let world = World::with(|config| config.limits.deadline_ms = 400).await;
    let client = Client::of(&world, "desk");
    let mut body = question(HANGS);
    client.post("/v1/citizens:lookup", &body).await;
    assert!(told.edge().status.ne(&Status::Unset));
    // Not a purpose at all.
    body["context"]["purposeCode"] = KNOWN.into();
    body["context"]["requestId"] = exchange::RequestId::fresh().to_string().into();
    client.post("/v1/citizens:lookup", &body).await;
    let url = request(Method::GET, "/v1/citizens/999099000001", "");
    client.send(url.finish()).await;
    let lines = told.lines();
    let outcomes: Vec<_> = lines.iter().map(|line| &line["outcome"]).collect();
    assert_eq!(lines.len(), 3, "{outcomes:?}");
    assert_eq!(*outcomes[1], "PURPOSE_UNKNOWN");
    assert_eq!(lines[1]["origin"], "caller");
    assert_eq!(lines[1]["purpose"], Value::Null);
    assert_eq!(*outcomes[2], "PII_IN_URL");
    let spans = format!("{:?}", told.spans.lock().unwrap());
    for person in [KNOWN, HANGS] {
        assert!(!told.log().contains(person));
        assert!(!spans.contains(person));
    }
}
