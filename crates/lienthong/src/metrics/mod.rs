//! What the gateway counts: one OpenTelemetry meter that feeds OTLP and the scrape of `/metrics`.
//!
//! Here: instruments, and the observers that the rooms call. Not here: where OTLP goes (module
//! `telemetry`), and what a number means to an operator (`manual/operations.md`).
//!
//! What happens on every exchange is counted in atomics made beforehand; the meter reads them when
//! it is asked. Only histograms go through the meter at once, with labels that need no allocation.
//!
//! *Invariant:* every label is from a closed set or bounded; none comes from a request's body.

mod agencies;
mod batches;
mod disk;
mod doors;
mod dossiers;
mod endpoints;
mod guards;
mod in_force;
mod maintenance;
mod overload;
mod process;
mod request_ids;
mod reviews;
mod road;
mod runway;
mod sharing;
mod suspicions;
mod switches;
mod witnesses;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use identity::Lifetimes;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter, MeterProvider as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{Instrument, SdkMeterProvider, Stream};
use prometheus::{Registry, TextEncoder};

use agencies::Agencies;
use batches::Batches;
use disk::Disk;
use doors::Doors;
use in_force::InForce;
pub(crate) use in_force::Reading;
use request_ids::RequestIds;
use reviews::Reviews;
use road::Road;
use sharing::Sharing;
use switches::Switches;

/// Everything that is counted; the observer of the gate, of the log and of the doors.
pub(crate) struct Metrics {
    road: Road,
    doors: Doors,
    disk: Disk,
    in_force: Arc<InForce>,
    switches: Arc<Switches>,
    reviews: Arc<Reviews>,
    batches: Arc<Batches>,
    sharing: Arc<Sharing>,
    request_ids: Arc<RequestIds>,
    meter: Meter,
    registry: Registry,
    provider: SdkMeterProvider,
}

impl Metrics {
    /// Makes every instrument. `otlp` also sends them somewhere.
    ///
    /// # Errors
    /// The registry of the scrape refuses the meter.
    pub(crate) fn new<R: MetricReader>(
        node: &str,
        resource: Resource,
        otlp: Option<R>,
    ) -> anyhow::Result<Arc<Self>> {
        let registry = Registry::new();
        let scrape = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()
            .context("the registry of /metrics cannot be made")?;
        let mut provider = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_reader(scrape)
            .with_view(limit);
        if let Some(otlp) = otlp {
            provider = provider.with_reader(otlp);
        }
        let provider = provider.build();
        let meter = provider.meter("lienthong");
        let agencies = Arc::new(Agencies::default());
        let in_force = InForce::new(&meter);
        let switches = Switches::new(&meter);
        let reviews = Reviews::new(&meter);
        let batches = Batches::new(&meter);
        build_info(&meter);
        process::observe(&meter);
        Ok(Arc::new(Self {
            road: Road::new(&meter, Arc::clone(&agencies)),
            doors: Doors::new(&meter, agencies),
            disk: Disk::new(&meter, node),
            in_force,
            switches,
            reviews,
            batches,
            sharing: Sharing::new(&meter),
            request_ids: RequestIds::new(&meter),
            meter,
            registry,
            provider,
        }))
    }

    /// Everything counted so far, in the text format of Prometheus.
    pub(crate) fn render(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_else(|error| {
                tracing::error!(%error, "the metrics cannot be written as text");
                String::new()
            })
    }

    /// Notes until when the certificates in use are good.
    pub(crate) fn certificates(&self, lifetimes: &Lifetimes) {
        self.in_force.certificates(*lifetimes);
    }

    /// Notes the digest of the policy in force.
    pub(crate) fn policy(&self, digest: &[u8; 32]) {
        self.in_force.policy(digest);
    }

    /// Counts that the configuration or the certificates were read again.
    pub(crate) fn reloaded(&self, how: Reading) {
        self.in_force.reloaded(how);
    }

    /// Counts what logs and traces lose, as the functions say.
    pub(crate) fn drops(
        &self,
        lines: impl Fn() -> u64 + Send + Sync + 'static,
        signals: impl Fn() -> [(&'static str, u64); 2] + Send + Sync + 'static,
    ) {
        counter(
            &self.meter,
            "log.dropped",
            "Lines of the log that were dropped because stderr did not keep up.",
            move |counted| counted.observe(lines(), &[]),
        );
        counter(
            &self.meter,
            "otlp.dropped",
            "Spans, and collections of metrics, that did not reach the collector.",
            move |counted| {
                for (signal, dropped) in signals() {
                    counted.observe(dropped, &[KeyValue::new("signal", signal)]);
                }
            },
        );
    }

    /// Sends what is left to the collector, if there is one; waits no longer than its exporter.
    pub(crate) fn stop(&self, within: Duration) {
        if let Err(error) = self.provider.shutdown_with_timeout(within) {
            tracing::debug!(%error, "the meter did not stop cleanly");
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// A counter that the meter reads when it is asked.
fn counter(
    meter: &Meter,
    name: &'static str,
    description: &'static str,
    read: impl Fn(&dyn AsyncInstrument<u64>) + Send + Sync + 'static,
) {
    meter
        .u64_observable_counter(name)
        .with_description(description)
        .with_callback(read)
        .build();
}

/// A gauge that the meter reads when it is asked.
fn gauge(
    meter: &Meter,
    name: &'static str,
    unit: &'static str,
    description: &'static str,
    read: impl Fn(&dyn AsyncInstrument<u64>) + Send + Sync + 'static,
) {
    meter
        .u64_observable_gauge(name)
        .with_unit(unit)
        .with_description(description)
        .with_callback(read)
        .build();
}

fn build_info(meter: &Meter) {
    gauge(
        meter,
        "gateway.build.info",
        "",
        "One; its label is the version of the program.",
        |info| info.observe(1, &[KeyValue::new("version", env!("CARGO_PKG_VERSION"))]),
    );
}

/// How many sets of labels an instrument may have; the rest falls into one that says so.
fn limit(instrument: &Instrument) -> Option<Stream> {
    let limit = match instrument.name() {
        doors::DURATION => doors::DURATION_SETS,
        road::ANSWERS => road::ANSWERS_SETS,
        _ => return None,
    };
    Stream::builder().with_cardinality_limit(limit).build().ok()
}

/// What stands for a label whose value is in no closed set.
const OTHER: &str = "_OTHER";

#[cfg(test)]
mod tests;
