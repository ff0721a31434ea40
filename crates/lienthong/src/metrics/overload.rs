//! How much is done at once, and what was shed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use edge::{Load, Shed};
use exchange::Criticality;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::{counter, gauge};

/// What the doors tell of their load.
#[derive(Debug)]
pub(super) struct Overload {
    shed: Box<[(Criticality, Shed, AtomicU64)]>,
    running: AtomicU64,
    limit: AtomicU64,
    waited_us: AtomicU64,
    pressure: AtomicU64,
}

impl Overload {
    pub(super) fn new(meter: &Meter) -> Arc<Self> {
        let sets = CLASSES
            .into_iter()
            .flat_map(|class| Shed::ALL.map(|why| (class, why, AtomicU64::default())));
        let overload = Arc::new(Self {
            shed: sets.collect(),
            running: AtomicU64::default(),
            limit: AtomicU64::default(),
            waited_us: AtomicU64::default(),
            pressure: AtomicU64::default(),
        });
        overload.observe(meter);
        overload
    }

    pub(super) fn shed(&self, class: Criticality, why: Shed) {
        let mut every = self.shed.iter();
        if let Some((.., count)) = every.find(|(its, reason, _)| (*its, *reason) == (class, why)) {
            count.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn load(&self, load: &Load) {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        self.running.store(count(load.running), Relaxed);
        self.limit.store(count(load.limit), Relaxed);
        let waited = u64::try_from(load.waited.as_micros()).unwrap_or(u64::MAX);
        self.waited_us.store(waited, Relaxed);
        self.pressure.store(load.pressure as u64, Relaxed);
    }

    fn observe(self: &Arc<Self>, meter: &Meter) {
        let read = Arc::clone(self);
        let what = "Calls that were shed, by how urgent they were and by what was short.";
        counter(meter, "gateway.shed", what, move |counted| {
            for (class, why, count) in &read.shed {
                let labels = [
                    KeyValue::new("criticality", class.name()),
                    KeyValue::new("why", why.name()),
                ];
                counted.observe(count.load(Relaxed), &labels);
            }
        });
        for (name, what, number) in [
            ("gateway.calls", "Calls in progress.", RUNNING),
            ("gateway.calls.limit", "How many there may be.", LIMIT),
            (
                "gateway.memory.pressure",
                "How short memory is: 0 not, 1 what nobody waits for is shed, 2 almost all is refused.",
                PRESSURE,
            ),
        ] {
            let read = Arc::clone(self);
            gauge(meter, name, "", what, move |gauge| {
                gauge.observe(number(&read).load(Relaxed), &[]);
            });
        }
        let read = Arc::clone(self);
        meter
            .f64_observable_gauge("gateway.queue.wait")
            .with_unit("s")
            .with_description("How long what was due waited for its turn, at least.")
            .with_callback(move |gauge| {
                let waited = std::time::Duration::from_micros(read.waited_us.load(Relaxed));
                gauge.observe(waited.as_secs_f64(), &[]);
            })
            .build();
    }
}

/// Which number of the load a gauge shows.
type Number = fn(&Overload) -> &AtomicU64;

const RUNNING: Number = |overload| &overload.running;
const LIMIT: Number = |overload| &overload.limit;
const PRESSURE: Number = |overload| &overload.pressure;
const CLASSES: [Criticality; 4] = [
    Criticality::Emergency,
    Criticality::CitizenWaiting,
    Criticality::BackOffice,
    Criticality::Bulk,
];
