//! Traces leave over OTLP, form the tree of the road, and hold nothing personal.

use std::collections::HashMap;

use opentelemetry_proto::tonic::trace::v1::Span;
use tests::{Receiver, Rest, Sandbox, everything, question};

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
