//! The way to the collector: gRPC, on a runtime of its own.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use opentelemetry_otlp::{MetricExporter, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::PeriodicReader;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider,
};
use tokio::runtime::{self, Runtime};

use super::dropped::{Bounded, Counted, Dropped};
use super::otlp::Otlp;
use crate::metrics::Metrics;

/// Sends metrics at intervals.
pub(super) type Reader = PeriodicReader<Counted<MetricExporter>>;

/// What runs to export spans and metrics; nothing, if neither is asked for.
#[derive(Debug)]
pub(super) struct Export {
    runtime: Option<Runtime>,
    tracer: Option<SdkTracerProvider>,
    dropped: Arc<Dropped>,
    problems: Vec<String>,
}

impl Export {
    /// Starts what is asked for. A collector that does not answer is no problem here.
    pub(super) fn start(otlp: &Otlp, resource: &Resource) -> (Self, Option<Reader>) {
        let mut export = Self {
            runtime: None,
            tracer: None,
            dropped: Dropped::new(otlp.queue),
            problems: Vec::new(),
        };
        if !otlp.traces && !otlp.metrics {
            return (export, None);
        }
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("telemetry")
            .enable_all()
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => {
                export
                    .problems
                    .push(format!("no thread to export: {error}"));
                return (export, None);
            }
        };
        let entered = runtime.enter(); // the exporters' connections live there
        let reader = otlp.metrics.then(|| export.reader()).flatten();
        if otlp.traces {
            export.tracer = export.provider(otlp.queue, resource);
        }
        drop(entered);
        export.runtime = Some(runtime);
        (export, reader)
    }

    /// Where spans go, if they are exported.
    pub(super) const fn tracer(&self) -> Option<&SdkTracerProvider> {
        self.tracer.as_ref()
    }

    /// What is lost on the way.
    pub(super) fn dropped(&self) -> Arc<Dropped> {
        Arc::clone(&self.dropped)
    }

    /// What is asked for and could not be started.
    pub(super) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Sends what is left, for so long and no longer.
    pub(super) fn stop(mut self, metrics: Arc<Metrics>, within: Duration) {
        if self.runtime.is_none() {
            return;
        }
        let (done, stopped) = mpsc::channel::<()>();
        if let Some(tracer) = self.tracer.take() {
            beside(done.clone(), move || {
                if let Err(error) = tracer.shutdown_with_timeout(within) {
                    tracing::debug!(%error, "the tracer did not stop cleanly");
                }
            });
        }
        beside(done, move || metrics.stop(within));
        // Nothing is ever sent: the channel closes when both are done.
        if stopped.recv_timeout(within) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the collector did not take the last telemetry in time");
        }
    }

    fn reader(&mut self) -> Option<Reader> {
        match MetricExporter::builder().with_tonic().build() {
            Ok(inner) => Some(PeriodicReader::builder(self.counted(inner)).build()),
            Err(error) => {
                self.problems.push(format!("metrics: {error}"));
                None
            }
        }
    }

    fn provider(&mut self, queue: usize, resource: &Resource) -> Option<SdkTracerProvider> {
        let inner = match SpanExporter::builder().with_tonic().build() {
            Ok(inner) => inner,
            Err(error) => {
                self.problems.push(format!("traces: {error}"));
                return None;
            }
        };
        Some(provider(
            self.counted(inner),
            &self.dropped,
            queue,
            resource,
        ))
    }

    fn counted<E>(&self, inner: E) -> Counted<E> {
        Counted {
            inner,
            dropped: Arc::clone(&self.dropped),
        }
    }
}

/// Runs on a thread that can be left behind: the SDK keeps to no time when it stops metrics.
fn beside(done: Sender<()>, act: impl FnOnce() + Send + 'static) {
    let act = move || {
        act();
        drop(done);
    };
    if let Err(error) = thread::Builder::new().spawn(act) {
        tracing::debug!(%error, "no thread to stop telemetry");
    }
}

/// Spans that reach it are to be exported: the filter has drawn already.
pub(super) fn provider<E>(
    exporter: E,
    dropped: &Arc<Dropped>,
    queue: usize,
    resource: &Resource,
) -> SdkTracerProvider
where
    E: opentelemetry_sdk::trace::SpanExporter + 'static,
{
    let config = BatchConfigBuilder::default().with_max_queue_size(queue);
    let processor = Bounded {
        inner: BatchSpanProcessor::new(exporter, config.build()),
        dropped: Arc::clone(dropped),
    };
    SdkTracerProvider::builder()
        .with_resource(resource.clone())
        .with_sampler(Sampler::AlwaysOn)
        .with_span_processor(processor)
        .build()
}

impl Drop for Export {
    fn drop(&mut self) {
        // Dropped as usual, a runtime waits, and panics inside another.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
