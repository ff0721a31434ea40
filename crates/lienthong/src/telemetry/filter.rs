//! Which spans there are: those of traced exchanges, and none beside.
//!
//! This is a filter of the whole subscriber, not of one layer: what a layer's own filter refuses
//! is a span for the registry all the same, with its allocation, its entering and its closing.

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterFn, filter_fn};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::sampling::Sampler;

/// Refuses every span outside of traced exchanges; lets events pass.
#[derive(Debug)]
pub(super) struct Traced {
    sampler: Sampler,
}

impl Traced {
    pub(super) const fn new(sampler: Sampler) -> Self {
        Self { sampler }
    }
}

impl<S> Layer<S> for Traced
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        match (metadata.is_span(), is_ours(metadata)) {
            (false, _) => Interest::always(),
            (true, false) => Interest::never(),
            (true, true) => Interest::sometimes(),
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        if !metadata.is_span() {
            return true;
        }
        // No span is current but in a traced exchange.
        is_ours(metadata)
            && (context.lookup_current().is_some() || (is_root(metadata) && self.sampler.draw()))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }
}

/// For the layer of OpenTelemetry: of events, our warnings and errors alone become part of a span.
pub(super) fn exported() -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    filter_fn(|metadata| {
        metadata.is_span() || (*metadata.level() <= Level::WARN && is_ours(metadata))
    })
    .with_max_level_hint(LevelFilter::INFO)
}

/// For the layer of the log: an event says all itself, so spans are none of its business.
pub(super) fn events() -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    filter_fn(|metadata| metadata.is_event()).with_max_level_hint(LevelFilter::TRACE)
}

/// True for what the rooms of the road say; a library's spans may hold what it was sent.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO && ROOMS.contains(&crate_of(metadata))
}

/// True for the span that a door opens for a call.
fn is_root(metadata: &Metadata<'_>) -> bool {
    metadata.name() == ROOT && crate_of(metadata) == "edge"
}

fn crate_of<'a>(metadata: &Metadata<'a>) -> &'a str {
    let target = metadata.target();
    target.split_once("::").map_or(target, |(name, _)| name)
}

/// The name of the span of a call; `edge` gives it.
const ROOT: &str = "edge";
const ROOMS: [&str; 6] = [
    "edge",
    "gate",
    "admission",
    "adapter",
    "agencies",
    "evidence",
];
