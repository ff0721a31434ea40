//! Bounded waiting for the collector: what does not fit or does not arrive is counted.
//!
//! The SDK's own queue is as long as [`Dropped::limit`], and is entered through it only, so nothing
//! is lost there uncounted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};

use super::scrub::scrub;

/// What waits for the collector, and what was lost.
#[derive(Debug)]
pub(super) struct Dropped {
    limit: usize,
    waiting: AtomicUsize,
    spans: Loss,
    metrics: Loss,
}

/// What is lost of one signal.
#[derive(Debug, Default)]
struct Loss {
    count: AtomicU64,
    is_failing: AtomicBool,
}

impl Dropped {
    /// Counts for a queue of that many spans.
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            waiting: AtomicUsize::default(),
            spans: Loss::default(),
            metrics: Loss::default(),
        })
    }

    /// What was lost of each signal: spans one by one, metrics by collection.
    pub(super) fn counts(&self) -> [(&'static str, u64); 2] {
        let count = |loss: &Loss| loss.count.load(Relaxed);
        [
            ("traces", count(&self.spans)),
            ("metrics", count(&self.metrics)),
        ]
    }

    /// Takes a place in the queue, if there is one.
    fn enter(&self) -> bool {
        let entered = self.waiting.fetch_add(1, Relaxed) < self.limit;
        if !entered {
            self.waiting.fetch_sub(1, Relaxed);
            self.spans.count.fetch_add(1, Relaxed);
        }
        entered
    }

    fn leave(&self, spans: usize) {
        self.waiting.fetch_sub(spans, Relaxed);
    }
}

impl Loss {
    /// Notes how an export ended; a failure is told when it begins and when it is over.
    fn note(&self, signal: &'static str, lost: usize, result: &OTelSdkResult) {
        let lost = u64::try_from(lost).unwrap_or(u64::MAX);
        match result {
            Err(error) => {
                self.count.fetch_add(lost, Relaxed);
                if !self.is_failing.swap(true, Relaxed) {
                    tracing::warn!(signal, %error, "the collector takes no telemetry");
                }
            }
            Ok(()) => {
                if self.is_failing.swap(false, Relaxed) {
                    tracing::info!(signal, "the collector takes telemetry again");
                }
            }
        }
    }
}

/// A span processor in front of the SDK's own that lets in what fits.
#[derive(Debug)]
pub(super) struct Bounded<P> {
    pub(super) inner: P,
    pub(super) dropped: Arc<Dropped>,
}

impl<P: SpanProcessor> SpanProcessor for Bounded<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.dropped.enter() {
            self.inner.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// An exporter that counts what does not arrive.
#[derive(Debug)]
pub(super) struct Counted<E> {
    pub(super) inner: E,
    pub(super) dropped: Arc<Dropped>,
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.dropped.leave(spans);
        batch.iter_mut().for_each(scrub);
        let result = self.inner.export(batch).await;
        self.dropped.spans.note("traces", spans, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Counted<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let result = self.inner.export(metrics).await;
        self.dropped.metrics.note("metrics", 1, &result);
        result
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.inner.temporality()
    }
}
