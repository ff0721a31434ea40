//! What the doors tell: calls, refusals, connections and who was turned away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use edge::{Call, Cut, Load, Shed, TurnedAway};
use exchange::{Criticality, Reason};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Histogram, Meter};

use super::agencies::Agencies;
use super::overload::Overload;
use super::road::BOUNDS;
use super::{Metrics, OTHER, counter, gauge};

/// The duration of calls, as OpenTelemetry names it.
pub(super) const DURATION: &str = "rpc.server.call.duration";
/// A set is a series per bound, one without bound, a sum and a count: 18; together at most 20,000.
pub(super) const DURATION_SETS: usize = 20_000 / (BOUNDS.len() + 3);

/// The counts of the doors.
#[derive(Debug)]
pub(super) struct Doors {
    agencies: Arc<Agencies>,
    took: Histogram<f64>,
    rejections: Arc<[AtomicU64]>,
    turned_away: Arc<[(TurnedAway, AtomicU64)]>,
    cut: Arc<[(Cut, AtomicU64)]>,
    connections: Arc<AtomicU64>,
    overload: Arc<Overload>,
}

impl Doors {
    pub(super) fn new(meter: &Meter, agencies: Arc<Agencies>) -> Self {
        let took = meter
            .f64_histogram(DURATION)
            .with_unit("s")
            .with_description("From the head of a call to the end of its answer.")
            .with_boundaries(BOUNDS.to_vec())
            .build();
        completeness(meter, Arc::clone(&agencies));
        Self {
            agencies,
            took,
            rejections: rejections(meter),
            turned_away: turned_away(meter),
            cut: cut(meter),
            connections: connections(meter),
            overload: Overload::new(meter),
        }
    }
}

impl edge::Observer for Metrics {
    fn call(&self, call: &Call<'_>) {
        let doors = &self.doors;
        let agency = doors.agencies.of(call.agency);
        let labels = [
            KeyValue::new("rpc.method", call.method),
            KeyValue::new("rpc.status_code", call.code),
            KeyValue::new("caller_agency", agency.label.clone()),
            KeyValue::new(
                "criticality",
                call.criticality.map_or(OTHER, Criticality::name),
            ),
        ];
        doors.took.record(call.took.as_secs_f64(), &labels);
        if let Some(completeness) = call.completeness {
            agency.complete(completeness);
        }
        if let Some(reason) = call.reason
            && let Some(count) = doors.rejections.get(reason as usize)
        {
            count.fetch_add(1, Relaxed);
        }
    }

    fn turned_away(&self, why: TurnedAway) {
        let mut every = self.doors.turned_away.iter();
        if let Some((_, count)) = every.find(|(known, _)| *known == why) {
            count.fetch_add(1, Relaxed);
        }
    }

    fn cut(&self, why: Cut) {
        let mut every = self.doors.cut.iter();
        if let Some((_, count)) = every.find(|(known, _)| *known == why) {
            count.fetch_add(1, Relaxed);
        }
    }

    fn connections(&self, open: usize) {
        let open = u64::try_from(open).unwrap_or(u64::MAX);
        self.doors.connections.store(open, Relaxed);
    }

    fn shed(&self, class: Criticality, why: Shed) {
        self.doors.overload.shed(class, why);
    }

    fn load(&self, load: &Load) {
        self.doors.overload.load(load);
    }
}

fn completeness(meter: &Meter, agencies: Arc<Agencies>) {
    let read = move |counted: &dyn AsyncInstrument<u64>| {
        for agency in agencies.all() {
            for (completeness, count) in agency.completeness() {
                let labels = [
                    KeyValue::new("caller_agency", agency.label.clone()),
                    KeyValue::new("completeness", completeness),
                ];
                counted.observe(count, &labels);
            }
        }
    };
    counter(
        meter,
        "gateway.completeness",
        "Answers, by whether every source asked is in them.",
        read,
    );
}

/// One count per reason, in the order of the catalogue.
fn rejections(meter: &Meter) -> Arc<[AtomicU64]> {
    let counts: Arc<[AtomicU64]> = Reason::ALL.iter().map(|_| AtomicU64::default()).collect();
    let read = Arc::clone(&counts);
    counter(
        meter,
        "gateway.rejections",
        "Calls that failed, by reason.",
        move |counted| {
            for (reason, count) in Reason::ALL.iter().zip(read.iter()) {
                let reason = KeyValue::new("reason", reason.name());
                counted.observe(count.load(Relaxed), &[reason]);
            }
        },
    );
    counts
}

fn turned_away(meter: &Meter) -> Arc<[(TurnedAway, AtomicU64)]> {
    let counts: Arc<[_]> = TurnedAway::all()
        .map(|why| (why, AtomicU64::default()))
        .collect();
    let read = Arc::clone(&counts);
    counter(
        meter,
        "tls.handshake.failures",
        "Connections that were not taken, by why.",
        move |counted| {
            for (why, count) in read.iter() {
                let why = KeyValue::new("why", why.name());
                counted.observe(count.load(Relaxed), &[why]);
            }
        },
    );
    counts
}

fn cut(meter: &Meter) -> Arc<[(Cut, AtomicU64)]> {
    let counts: Arc<[_]> = Cut::ALL.map(|why| (why, AtomicU64::default())).into();
    let read = Arc::clone(&counts);
    counter(
        meter,
        "gateway.connections.cut",
        "Connections that were cut, by why.",
        move |counted| {
            for (why, count) in read.iter() {
                let why = KeyValue::new("why", why.name());
                counted.observe(count.load(Relaxed), &[why]);
            }
        },
    );
    counts
}

fn connections(meter: &Meter) -> Arc<AtomicU64> {
    let open = Arc::new(AtomicU64::default());
    let read = Arc::clone(&open);
    gauge(
        meter,
        "gateway.connections",
        "",
        "Open connections on the agencies' listener.",
        move |counted| counted.observe(read.load(Relaxed), &[]),
    );
    open
}
