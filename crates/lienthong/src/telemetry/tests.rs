//! Lines as they are written, and spans as they are exported.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use exchange::{CitizenId, Clock, OfficerId};
use jiff::Timestamp;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::with_default;
use tracing::{Span, error, error_span, info, info_span, warn};

use super::dropped::{Counted, Dropped};
use super::sampling::Sampling;
use super::*;

#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        "2026-02-03T04:05:06.789Z".parse().unwrap()
    }
}

#[derive(Clone, Debug, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// The lines of what happens in `act`.
fn logged(line: Line, directives: &str, act: impl FnOnce()) -> String {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let filter = log_filter(Some(directives)).unwrap();
    let layer = log_layer(line, move || writer.clone(), filter);
    with_default(tracing_subscriber::registry().with(layer), act);
    buffer.text()
}

fn json(act: impl FnOnce()) -> serde_json::Value {
    let text = logged(Line::json(Arc::new(Stopped)), "", act);
    assert_eq!(text.matches('\n').count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

const HOSTILE: &str = "a\r\nb \u{1b}[31m \"q\" \\ \u{202e} \u{9b} ${jndi:x}";

#[test]
fn an_event_is_one_line_of_json_whatever_it_holds() {
    let line = json(|| {
        warn!(agent = HOSTILE, shown = %HOSTILE, count = 3_u64, share = f64::NAN, whole = true, "{HOSTILE}");
    });
    let expected = serde_json::json!({
        "time": "2026-02-03T04:05:06.789Z",
        "level": "WARN",
        "target": module_path!(),
        "message": HOSTILE,
        "agent": HOSTILE,
        "shown": HOSTILE,
        "count": 3,
        "share": "NaN",
        "whole": true,
    });
    assert_eq!(line, expected);
}

#[test]
fn a_field_cannot_pose_as_the_envelope() {
    let line = json(|| info!(level = "ERROR", time = 1, target = "x", "said"));
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["field.level"], "ERROR");
    assert_eq!(line["field.time"], 1);
}

#[test]
fn an_error_is_told_with_what_caused_it() {
    let inner = io::Error::other("the disk is gone");
    let error = fmt_error(inner);
    let line = json(|| {
        error!(
            error = &error as &(dyn std::error::Error + 'static),
            "failed"
        )
    });
    assert_eq!(line["error"], "cannot write: the disk is gone");
}

#[derive(Debug)]
struct Outer(io::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot write")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn fmt_error(inner: io::Error) -> Outer {
    Outer(inner)
}

#[test]
fn a_line_for_people_holds_no_control_character() {
    let text = logged(Line::for_people(Arc::new(Stopped)), "", || {
        info!(agent = HOSTILE, count = 3, "said {HOSTILE}");
    });
    let line = text.strip_suffix('\n').unwrap();
    assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'));
    assert!(line.starts_with("2026-02-03T04:05:06.789Z  INFO lienthong::telemetry::tests: said a"));
    assert!(line.ends_with(" count=3"));
}

#[test]
fn people_do_not_show_in_a_line() {
    let id = CitizenId::parse("999099000001", 2026).unwrap();
    let officer = OfficerId::parse("CB-17").unwrap();
    let text = logged(Line::json(Arc::new(Stopped)), "", || {
        info!(?id, ?officer, "asked");
    });
    assert!(!text.contains("999099000001") && !text.contains("CB-17"));
}

#[test]
fn libraries_are_told_of_only_when_something_is_wrong() {
    let text = logged(Line::json(Arc::new(Stopped)), DEFAULT, || {
        info!(target: "h2::codec", "frame");
        warn!(target: "h2::codec", "reset");
        error!(target: "opentelemetry_sdk", "export");
        info!(target: "edge::log", "call");
    });
    let messages: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["message"].clone())
        .collect();
    assert_eq!(messages, ["reset", "call"]);
}

#[test]
fn a_filter_that_is_none_is_refused() {
    assert!(log_filter(Some("info,=,")).is_err());
    assert!(log_filter(None).is_ok());
}

#[test]
fn lines_that_find_no_room_are_counted() {
    #[derive(Debug)]
    struct Stuck(std::sync::mpsc::Receiver<()>);
    impl io::Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            while self.0.recv().is_ok() {} // until the sender is gone
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (free, stuck) = std::sync::mpsc::channel();
    let (mut writer, guard) = writer(Stuck(stuck));
    for _ in 0..LINES + 10 {
        io::Write::write_all(&mut writer, b"line\n").unwrap();
    }
    // One line may be with the writer already.
    assert!(writer.error_counter().dropped_lines() >= 9);
    drop(free);
    drop(guard);
}

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
