//! The spans of the road. Names and attributes are those of `manual/operations.md`; none holds
//! anything personal.

use std::fmt::Write as _;

use exchange::{Source, SourceState};
use opentelemetry::trace::TraceContextExt as _;
use tracing::{Span, field, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The span of admission.
pub(crate) fn admission() -> Span {
    info_span!("admission")
}

/// The span of one question to one source.
pub(crate) fn source(source: Source) -> Span {
    info_span!(
        "source",
        otel.name = source.name(),
        otel.kind = "client",
        gw.source = source.name(),
        gw.source.state = field::Empty,
        error.type = field::Empty,
        otel.status_code = field::Empty,
    )
}

/// Notes in a source's span how it ended. Every failure is an error of a client span.
pub(crate) fn ended(span: &Span, state: SourceState) {
    span.record("gw.source.state", state.name());
    if state.is_failure() {
        span.record("error.type", state.name());
        span.record("otel.status_code", "ERROR");
    }
}

/// The span of the wait for the record.
pub(crate) fn record() -> Span {
    info_span!("record", gw.audit.seq = field::Empty)
}

/// The W3C `traceparent` of a span, if it is part of a trace.
///
/// An exchange that is not traced has no spans, so nothing is written and nothing is sent.
pub(crate) fn traceparent(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let span = context.span();
    let span = span.span_context();
    if !span.is_valid() {
        return None;
    }
    let (trace, id, flags) = (span.trace_id(), span.span_id(), span.trace_flags());
    let mut text = String::with_capacity(TRACEPARENT_LEN);
    write!(text, "00-{trace}-{id}-{:02x}", flags.to_u8()).ok()?;
    Some(text)
}

/// Two, 32, 16 and two hexadecimal digits with a hyphen between each.
const TRACEPARENT_LEN: usize = 2 + 1 + 32 + 1 + 16 + 1 + 2;
