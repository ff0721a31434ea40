//! Logs and traces: what leaves the process about itself, and where to.
//!
//! Here: the subscriber, the log lines, the choice of which exchanges are traced, OTLP. Not here:
//! which spans and lines there are (the rooms make them), and what is counted (module `metrics`).
//!
//! **Traces.** A trace begins with the span that a door opens for a call, and nowhere else. A
//! filter of the whole subscriber decides there, once, whether the exchange is traced; every other
//! span is made only below one that is. So an exchange that is not traced has no spans at all: the
//! filter is asked once per span (is a span current on this thread; for the root, one atomic
//! addition), and the macro hands back a disabled span, to which recording, entering and linking
//! do nothing. The log takes no part in spans. The caller's `traceparent` is a link, never a
//! parent, so its `sampled` flag decides nothing and a `parentbased_*` sampler does what the one
//! behind the prefix does. An exchange that is not traced sends no `traceparent` to the agencies.
//!
//! **Loss.** Lines and spans wait in bounded queues; what does not fit, or does not reach the
//! collector, is dropped and counted. No exchange waits for either. The exporter has a runtime of
//! its own, so that a slow collector takes no time from the doors.
//!
//! *Invariant:* one event is one line, whatever its fields hold.

mod dropped;
mod escape;
mod export;
mod filter;
mod gather;
mod line;
mod otlp;
mod sampling;
mod scrub;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use exchange::Clock;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracer;
use tracing::Subscriber;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::FilterExt as _;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt as log};

use crate::metrics::Metrics;
use export::Export;
use filter::Traced;
use gather::Gather;
use line::Line;
use otlp::Otlp;
use sampling::Sampler;

/// What telemetry must be told.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The name of this node.
    pub(crate) node: String,
    /// What stamps the lines of the log.
    pub(crate) clock: Arc<dyn Clock>,
}

/// Logs, traces and metrics, running until [`Telemetry::stop`].
#[derive(Debug)]
#[must_use = "dropped, it loses the last lines"]
pub(crate) struct Telemetry {
    metrics: Arc<Metrics>,
    export: Export,
    log: WorkerGuard,
}

/// Starts telemetry for the whole process, as the environment says.
///
/// # Errors
/// `LIENTHONG_LOG` cannot be read, or telemetry was started before.
pub(crate) fn start(settings: &Settings) -> anyhow::Result<Telemetry> {
    let env = |name: &str| std::env::var(name).ok();
    let filter = log_filter(env(LOG).as_deref())?;
    let otlp = Otlp::read(&env);
    let resource = otlp.resource(&settings.node);
    let (export, reader) = Export::start(&otlp, &resource);
    let metrics = Metrics::new(&settings.node, resource, reader)?;

    let (stderr, guard) = writer(Gather::new(io::stderr(), PAUSE));
    let lost_lines = stderr.error_counter();
    let line = if io::stderr().is_terminal() {
        Line::for_people(Arc::clone(&settings.clock))
    } else {
        Line::json(Arc::clone(&settings.clock))
    };
    install(log_layer(line, stderr, filter), &export, &otlp)?;
    count_losses(&metrics, &export, lost_lines);
    for problem in otlp.problems.iter().chain(export.problems()) {
        tracing::warn!(problem, "a setting of OpenTelemetry is not followed");
    }
    Ok(Telemetry {
        metrics,
        export,
        log: guard,
    })
}

impl Telemetry {
    /// What is counted.
    pub(crate) fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Sends what is left and writes the last lines; takes at most three seconds.
    ///
    /// Blocks its thread.
    pub(crate) fn stop(self) {
        self.export.stop(self.metrics, LAST_EXPORT);
        drop(self.log);
    }
}

fn install<L>(log: L, export: &Export, otlp: &Otlp) -> anyhow::Result<()>
where
    L: Layer<Registry> + Send + Sync,
{
    // Two subscribers, not one with an optional layer: a missing layer makes every disabled call
    // site ask again.
    let logged = tracing_subscriber::registry().with(log);
    let installed = match export.tracer() {
        Some(provider) => {
            let sampler = Sampler::new(otlp.sampling);
            traced(logged, provider.tracer("lienthong"), sampler).try_init()
        }
        None => logged.try_init(),
    };
    installed.context("telemetry was started before")
}

/// A writer that never waits for the one behind it.
fn writer(inner: impl io::Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LINES)
        .thread_name("log")
        .finish(inner)
}

/// Events become lines. Spans are not for the log: an event says all itself.
fn log_layer<S, W>(line: Line, writer: W, filter: EnvFilter) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> log::MakeWriter<'writer> + Send + Sync + 'static,
{
    log::layer()
        .event_format(line)
        .with_writer(writer)
        .with_filter(filter::events().and(filter))
}

/// Spans of traced exchanges become spans of OpenTelemetry; there are no others.
fn traced<S>(logged: S, tracer: SdkTracer, sampler: Sampler) -> impl Subscriber + Send + Sync
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let spans = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_context_activation(false)
        .with_tracked_inactivity(false)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_error_fields_to_exceptions(false)
        .with_error_events_to_exceptions(false)
        .with_error_records_to_exceptions(false)
        .with_filter(filter::exported());
    logged.with(spans).with(Traced::new(sampler))
}

fn log_filter(directives: Option<&str>) -> anyhow::Result<EnvFilter> {
    let directives = directives.filter(|text| !text.trim().is_empty());
    EnvFilter::builder()
        .parse(directives.unwrap_or(DEFAULT))
        .with_context(|| format!("{LOG} is no filter of log lines"))
}

fn count_losses(metrics: &Metrics, export: &Export, lines: ErrorCounter) {
    let dropped = export.dropped();
    metrics.drops(
        move || u64::try_from(lines.dropped_lines()).unwrap_or(u64::MAX),
        move || dropped.counts(),
    );
}

/// What holds the filter of the log.
const LOG: &str = "LIENTHONG_LOG";
/// Ours; of the libraries below only what is wrong. What OpenTelemetry fails at is told by us, once.
const DEFAULT: &str =
    "info,h2=warn,hyper=warn,tonic=warn,rustls=warn,opentelemetry_sdk=off,opentelemetry-otlp=off";
/// Lines that wait for stderr: 16,384 of about 400 bytes are 6.5 MB.
const LINES: usize = 16_384;
/// How long lines may come together before they are written.
const PAUSE: Duration = Duration::from_millis(10);
/// Leaves 1.1 s of three for the writer of the log, which waits at most that long.
const LAST_EXPORT: Duration = Duration::from_millis(1_900);

#[cfg(test)]
mod tests;
