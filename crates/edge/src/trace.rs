//! The span of a call at the doors. Names and attributes are those of `manual/operations.md`; none
//! holds anything personal, and none holds a URL.

use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::{Span, field, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::log::Ended;
use crate::method::{self, Door, Target, Tracked};

/// The span of a call, linked to the caller's own trace if it names one.
///
/// The caller's trace is never the parent, and its flags decide nothing: who calls has no say in
/// what is recorded here.
pub(crate) fn span(door: Door, target: Target, head: &Parts, titles: &Titles) -> Span {
    let method = target.name();
    let span = info_span!(
        "edge",
        otel.name = field::Empty,
        otel.kind = "server",
        otel.status_code = field::Empty,
        rpc.system.name = field::Empty,
        rpc.method = method,
        rpc.status_code = field::Empty,
        http.request.method = field::Empty,
        http.route = field::Empty,
        http.response.status_code = field::Empty,
        error.type = field::Empty,
        gw.caller.agency = field::Empty,
        gw.caller.system = field::Empty,
        gw.purpose = field::Empty,
        gw.criticality = field::Empty,
        gw.completeness = field::Empty,
        gw.request_id = field::Empty,
    );
    if span.is_disabled() {
        return span;
    }
    match door {
        Door::Grpc => {
            span.record("otel.name", method);
            span.record("rpc.system.name", "grpc");
        }
        Door::Rest => {
            span.record("http.request.method", known(&head.method));
            let title = titles.of(target);
            span.record("otel.name", title.map_or(method::OTHER, |(title, _)| title));
            if let Some((_, route)) = title {
                span.record("http.route", route);
            }
        }
    }
    if let Some(context) = caller_trace(&head.headers) {
        span.add_link(context);
    }
    span
}

/// Notes in a call's span how it ended.
pub(crate) fn ended(span: &Span, ended: &Ended<'_>, door: Door) {
    if span.is_disabled() {
        return;
    }
    span.record("gw.caller.agency", ended.caller.agency().as_str());
    span.record("gw.caller.system", ended.caller.system().as_str());
    span.record("gw.request_id", field::display(ended.id));
    if let Some(purpose) = &ended.notes.purpose {
        span.record("gw.purpose", purpose.as_str());
    }
    if let Some(criticality) = ended.notes.criticality {
        span.record("gw.criticality", criticality.name());
    }
    if let Some(completeness) = ended.completeness() {
        span.record("gw.completeness", completeness);
    }
    if door == Door::Grpc {
        span.record("rpc.status_code", ended.code);
    }
    if let Some(fault) = &ended.notes.fault {
        span.record("error.type", fault.reason.name());
    }
    if SERVER_ERRORS.contains(&ended.code) {
        span.record("otel.status_code", "ERROR");
    }
}

/// The trace of a span, if it is part of one.
pub(crate) fn trace_id(span: &Span) -> Option<TraceId> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let id = context.span().span_context().trace_id();
    (id != TraceId::INVALID).then_some(id)
}

/// The names of REST spans, made once.
#[derive(Debug)]
pub(crate) struct Titles(Vec<(Target, &'static str, String)>);

impl Titles {
    pub(crate) fn new() -> Self {
        let routes = api::routes::ROUTES.into_iter();
        let routes = routes.map(|route| (Target::Rpc(route.rpc), route.path, route.verb));
        let tracked = Tracked::ALL.into_iter();
        let tracked = tracked.map(|it| (Target::Tracked(it), it.path(), it.verb()));
        let titled = routes.chain(tracked).map(|(target, path, verb)| {
            let title = format!("{} {path}", method::verb(verb));
            (target, path, title)
        });
        Self(titled.collect())
    }

    fn of(&self, target: Target) -> Option<(&str, &'static str)> {
        let (_, path, title) = self.0.iter().find(|(its, ..)| *its == target)?;
        Some((title, path))
    }
}

/// Reads a W3C `traceparent`.
fn caller_trace(headers: &HeaderMap) -> Option<SpanContext> {
    let text = headers.get(TRACEPARENT)?.to_str().ok()?;
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // A later version may have more parts; version 00 has not, and ff is none.
    let extra = parts.next().is_some();
    if version.len() != 2 || version == "ff" || (version == "00" && extra) {
        return None;
    }
    let is_hex = |text: &str, len| {
        text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    if !(is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2)) {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::NONE,
    );
    context.is_valid().then_some(context)
}

/// A method that is none of HTTP's own is the caller's text, which is not kept.
fn known(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::POST
        | Method::PUT
        | Method::DELETE
        | Method::HEAD
        | Method::OPTIONS
        | Method::PATCH
        | Method::CONNECT
        | Method::TRACE => method.as_str(),
        _ => method::OTHER,
    }
}

/// The codes that are an error of this side.
const SERVER_ERRORS: [&str; 6] = [
    "UNKNOWN",
    "DEADLINE_EXCEEDED",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
];
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> bool {
        let headers = HeaderMap::from_iter([(TRACEPARENT, text.parse().unwrap())]);
        caller_trace(&headers).is_some()
    }

    #[test]
    fn only_a_proper_traceparent_is_linked() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let span = "b7ad6b7169203331";
        assert!(parsed(&format!("00-{trace}-{span}-01")));
        assert!(parsed(&format!("cc-{trace}-{span}-01-more")));
        for wrong in [
            format!("00-{trace}-{span}-01-more"),
            format!("ff-{trace}-{span}-01"),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{trace}-{span}"),
            String::new(),
        ] {
            assert!(!parsed(&wrong), "{wrong}");
        }
    }
}
