//! What the gate tells: how the sources answered, and how long each took.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use evidence::BatchState;
use exchange::{Caller, Closed, RequestId, Source, SourceState};
use gate::ItemEnd;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Histogram, Meter};

use admission::Suspicion;

use super::agencies::{Agencies, MOST, STATES};
use super::suspicions::Suspicions;
use super::{Metrics, counter};

/// The counter of answers, as OpenTelemetry names it.
pub(super) const ANSWERS: &str = "gateway.answers";
/// Every agency and the others × sources × states: 201 × 5 × 10, one more for what overflows.
pub(super) const ANSWERS_SETS: usize = (MOST + 1) * Source::ALL.len() * STATES.len() + 1;

/// The counts of the gate.
#[derive(Debug)]
pub(super) struct Road {
    agencies: Arc<Agencies>,
    took: Histogram<f64>,
    wrong_subject: Arc<[AtomicU64; Source::ALL.len()]>,
    panics: Arc<[AtomicU64; Source::ALL.len()]>,
    suspicions: Arc<Suspicions>,
    closed: Arc<[AtomicU64; Source::ALL.len()]>,
    joined: Arc<[AtomicU64; Source::ALL.len()]>,
    remembered: Arc<[AtomicU64; Source::ALL.len()]>,
    protected: Arc<AtomicU64>,
}

impl Road {
    pub(super) fn new(meter: &Meter, agencies: Arc<Agencies>) -> Self {
        answers(meter, Arc::clone(&agencies));
        canary_hits(meter, Arc::clone(&agencies));
        break_glass(meter, Arc::clone(&agencies));
        let took = meter
            .f64_histogram("gateway.source.duration")
            .with_unit("s")
            .with_description("From the question to a source to its answer.")
            .with_boundaries(BOUNDS.to_vec())
            .build();
        let what = "Answers about another person than the one asked about.";
        let wrong_subject = by_source(meter, "gateway.wrong_subject", what);
        let what = "Adapters that panicked at a question.";
        let panics = by_source(meter, "gateway.adapter.panics", what);
        let what = "Questions to sources about persons of whom the caller is told nothing.";
        let closed = by_source(meter, "gateway.closed_records", what);
        let what = "Questions to sources that the call of an identical one has answered.";
        let joined = by_source(meter, "gateway.joined_questions", what);
        let what = "Questions to sources that a remembered verdict has answered.";
        let remembered = by_source(meter, "gateway.remembered_verdicts", what);
        Self {
            agencies,
            took,
            wrong_subject,
            panics,
            suspicions: Suspicions::new(meter),
            closed,
            joined,
            remembered,
            protected: protected(meter),
        }
    }
}

impl gate::Observer for Metrics {
    fn source(&self, caller: &Caller, source: Source, state: SourceState, took: Duration) {
        let road = &self.road;
        road.agencies.of(caller.agency()).answered(source, state);
        let labels = [
            KeyValue::new("source", source.name()),
            KeyValue::new("source_state", state.name()),
        ];
        road.took.record(took.as_secs_f64(), &labels);
    }

    fn joined(&self, source: Source) {
        if let Some(count) = self.road.joined.get(source as usize - 1) {
            count.fetch_add(1, Relaxed);
        }
    }

    fn remembered(&self, source: Source) {
        if let Some(count) = self.road.remembered.get(source as usize - 1) {
            count.fetch_add(1, Relaxed);
        }
    }

    fn wrong_subject(&self, source: Source) {
        if let Some(count) = self.road.wrong_subject.get(source as usize - 1) {
            count.fetch_add(1, Relaxed);
        }
    }

    fn panicked(&self, source: Source) {
        if let Some(count) = self.road.panics.get(source as usize - 1) {
            count.fetch_add(1, Relaxed);
        }
    }

    fn break_glass(&self, caller: &Caller, request: &RequestId) {
        let (agency, system) = (caller.agency(), caller.system());
        self.road.agencies.of(agency).broke_glass();
        let request_id = tracing::field::display(request);
        tracing::error!(%agency, %system, request_id, "BreakGlass: an emergency is answered, to be reviewed within 72 hours");
    }

    fn suspected(&self, caller: &Caller, suspicion: Suspicion) {
        self.road.suspicions.tell(caller, suspicion);
    }

    fn closed(&self, caller: &Caller, request: &RequestId, source: Source, why: Closed) {
        if let Some(count) = self.road.closed.get(source as usize - 1) {
            count.fetch_add(1, Relaxed);
        }
        let (agency, system) = (caller.agency(), caller.system());
        let (request_id, why) = (tracing::field::display(request), why.name());
        tracing::error!(%agency, %system, %source, request_id, why, "ClosedRecord: somebody is asked about of whom the caller is told nothing");
    }

    fn protected(&self, caller: &Caller, request: &RequestId) {
        self.road.protected.fetch_add(1, Relaxed);
        let (agency, system) = (caller.agency(), caller.system());
        let request_id = tracing::field::display(request);
        tracing::error!(%agency, %system, request_id, "ProtectedPerson: somebody highly protected is asked about, and answered");
    }

    fn batch_jobs(&self, jobs: &[(BatchState, u64)]) {
        self.batches.jobs(jobs);
    }

    fn batch_item(&self, end: ItemEnd) {
        self.batches.item(end);
    }

    fn canary(&self, caller: &Caller, request: &RequestId) {
        let (agency, system) = (caller.agency(), caller.system());
        self.road.agencies.of(agency).hit_canary();
        let request_id = tracing::field::display(request);
        tracing::error!(%agency, %system, request_id, "CanaryHit: somebody is asked about whom nobody should ask about");
    }
}

/// A counter with one series for each source.
fn by_source(
    meter: &Meter,
    name: &'static str,
    what: &'static str,
) -> Arc<[AtomicU64; Source::ALL.len()]> {
    let counts = Arc::new(<[AtomicU64; Source::ALL.len()]>::default());
    let read = Arc::clone(&counts);
    counter(meter, name, what, move |counted| {
        for (source, count) in Source::ALL.into_iter().zip(read.iter()) {
            let source = KeyValue::new("source", source.name());
            counted.observe(count.load(Relaxed), &[source]);
        }
    });
    counts
}

fn protected(meter: &Meter) -> Arc<AtomicU64> {
    let count = Arc::new(AtomicU64::new(0));
    let read = Arc::clone(&count);
    let what = "Questions about highly protected persons by those to whom they are open.";
    counter(meter, "gateway.protected_persons", what, move |counted| {
        counted.observe(read.load(Relaxed), &[]);
    });
    count
}

fn canary_hits(meter: &Meter, agencies: Arc<Agencies>) {
    let read = move |counted: &dyn AsyncInstrument<u64>| {
        for agency in agencies.all() {
            let agency_label = [KeyValue::new("caller_agency", agency.label.clone())];
            counted.observe(agency.canary_hits(), &agency_label);
        }
    };
    counter(meter, "canary.hits", "Questions about canaries.", read);
}

fn break_glass(meter: &Meter, agencies: Arc<Agencies>) {
    let read = move |counted: &dyn AsyncInstrument<u64>| {
        for agency in agencies.all() {
            let agency_label = [KeyValue::new("caller_agency", agency.label.clone())];
            counted.observe(agency.broken_glass(), &agency_label);
        }
    };
    let description = "Emergencies that were answered.";
    counter(meter, "gateway.break_glass", description, read);
}

fn answers(meter: &Meter, agencies: Arc<Agencies>) {
    let read = move |counted: &dyn AsyncInstrument<u64>| {
        for agency in agencies.all() {
            for (source, state, count) in agency.answers() {
                let labels = [
                    KeyValue::new("caller_agency", agency.label.clone()),
                    KeyValue::new("source", source.name()),
                    KeyValue::new("source_state", state.name()),
                ];
                counted.observe(count, &labels);
            }
        }
    };
    counter(
        meter,
        ANSWERS,
        "Questions to sources, by how they ended.",
        read,
    );
}

/// The convention's for calls, and below them two for what the gateway adds, in seconds.
pub(super) const BOUNDS: [f64; 15] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0,
];
