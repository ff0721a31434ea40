//! Exchanges as the spans that reach the collector.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::with_default;
use tracing::{Span, Subscriber as _, error_span, info, info_span, warn};
use tracing_subscriber::layer::SubscriberExt as _;

use super::Stopped;
use crate::telemetry::dropped::{Counted, Dropped};
use crate::telemetry::line::Line;
use crate::telemetry::sampling::{Sampler, Sampling};
use crate::telemetry::{export, log_filter, log_layer, traced};

#[derive(Clone, Debug, Default)]
struct Collector {
    spans: Arc<Mutex<Vec<SpanData>>>,
    is_down: bool,
}

impl SpanExporter for Collector {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        if self.is_down {
            return Err(OTelSdkError::InternalFailure("down".to_owned()));
        }
        self.spans.lock().unwrap().extend(batch);
        Ok(())
    }
}

struct Tracing {
    collector: Collector,
    dropped: Arc<Dropped>,
    provider: SdkTracerProvider,
}

impl Tracing {
    fn new(is_down: bool) -> Self {
        const QUEUE: usize = 64;
        let collector = Collector {
            is_down,
            ..Collector::default()
        };
        let dropped = Dropped::new(QUEUE);
        let exporter = Counted {
            inner: collector.clone(),
            dropped: Arc::clone(&dropped),
        };
        let resource = Resource::builder_empty().build();
        Self {
            provider: export::provider(exporter, &dropped, QUEUE, &resource),
            collector,
            dropped,
        }
    }

    fn run(&self, sampling: Sampling, act: impl FnOnce()) -> Vec<SpanData> {
        let log = log_layer(
            Line::json(Arc::new(Stopped)),
            io::sink,
            log_filter(None).unwrap(),
        );
        let logged = tracing_subscriber::registry().with(log);
        let traced = traced(logged, self.provider.tracer("test"), Sampler::new(sampling));
        assert_eq!(traced.max_level_hint(), Some(LevelFilter::INFO));
        with_default(traced, act);
        drop(self.provider.force_flush());
        self.collector.spans.lock().unwrap().clone()
    }
}

fn exchange() {
    let root =
        info_span!(target: "edge::trace", "edge", otel.name = "Lookup", otel.kind = "server");
    let _entered = root.enter();
    info_span!(target: "gate::trace", "admission").in_scope(|| {});
    info_span!(target: "gate::trace", "source", gw.source = "tax").in_scope(|| {
        info_span!(target: "h2::client", "frame").in_scope(|| {});
    });
    warn!(target: "gate::ask", "a source gave no answer");
    info!(target: "edge::log", "call");
    info_span!(target: "gate::trace", "record").in_scope(|| {});
}

#[test]
fn a_traced_exchange_is_one_tree_of_our_spans() {
    let spans = Tracing::new(false).run(Sampling::All, exchange);
    let names: Vec<_> = spans.iter().map(|span| span.name.as_ref()).collect();
    assert_eq!(names, ["admission", "source", "record", "Lookup"]);
    let root = spans.last().unwrap();
    for child in &spans[..3] {
        assert_eq!(child.parent_span_id, root.span_context.span_id());
        assert_eq!(child.span_context.trace_id(), root.span_context.trace_id());
    }
    assert_eq!(root.events.len(), 1);
}

#[test]
fn an_exchange_that_is_not_drawn_makes_no_span() {
    let tracing = Tracing::new(false);
    let spans = tracing.run(Sampling::None, || {
        let root = info_span!(target: "edge::trace", "edge");
        assert!(root.is_disabled());
        root.in_scope(|| {
            assert!(info_span!(target: "gate::trace", "source").is_disabled());
            assert!(error_span!(target: "gate::trace", "record").is_disabled());
            assert!(Span::current().is_disabled());
        });
        exchange();
    });
    assert!(spans.is_empty());
}

#[test]
fn a_share_is_drawn_by_exchange_not_by_span() {
    let spans = Tracing::new(false).run(Sampling::Share(0.5), || {
        (0..16).for_each(|_| exchange());
    });
    assert_eq!(spans.len() % 4, 0);
}

#[test]
fn only_a_door_begins_a_trace() {
    let spans = Tracing::new(false).run(Sampling::All, || {
        info_span!(target: "gate::trace", "source").in_scope(|| {});
        info_span!(target: "edge::listener", "connection").in_scope(exchange);
        info_span!(target: "h2::client", "edge").in_scope(|| {});
    });
    assert_eq!(spans.len(), 4);
}

#[test]
fn an_id_in_a_span_does_not_leave() {
    let spans = Tracing::new(false).run(Sampling::All, || {
        let id = "999099000001";
        let root = info_span!(target: "edge::trace", "edge", url = format!("/v1/{id}"));
        root.in_scope(|| warn!(target: "edge::log", detail = id, "for {id}"));
    });
    assert_eq!(spans.len(), 1);
    assert!(!format!("{spans:?}").contains("999099000001"));
}

#[test]
fn spans_that_find_no_collector_are_counted() {
    let tracing = Tracing::new(true);
    let spans = tracing.run(Sampling::All, || (0..100).for_each(|_| exchange()));
    assert!(spans.is_empty());
    drop(
        tracing
            .provider
            .shutdown_with_timeout(Duration::from_secs(5)),
    );
    assert_eq!(tracing.dropped.counts(), [("traces", 400), ("metrics", 0)]);
}
