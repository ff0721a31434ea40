//! How the sources are, for operators: circuits, calls under way, limits.
//!
//! Not here: what opens a circuit (crate `adapter`).

use std::sync::Arc;
use std::time::Duration;

use adapter::guard::{Address, Circuit, Guard};
use edge::{EndpointHealth, SourceHealth};
use exchange::Clock;
use jiff::Timestamp;

/// The guards of the sources that are asked.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) guards: Arc<[Arc<Guard>]>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Sources {
    /// How each source is.
    pub(crate) fn list(&self) -> Vec<SourceHealth> {
        let now = self.clock.now();
        self.guards.iter().map(|guard| shown(guard, now)).collect()
    }
}

fn shown(guard: &Guard, now: Timestamp) -> SourceHealth {
    let (view, counts) = (guard.view(), guard.counts());
    let (window_calls, window_failures) = view.window;
    let maintenance_until = guard.maintenance();
    SourceHealth {
        source: view.source.name(),
        circuit: view.circuit.name(),
        next_probe: next_probe(view.circuit, now).max(maintenance_until),
        maintenance_until,
        failures_in_a_row: view.failures_in_a_row,
        window_calls,
        window_failures,
        in_flight: view.in_flight,
        limit: view.limit,
        max_calls: view.max_calls,
        typical_ms: ms(view.typical),
        recent_ms: ms(view.recent),
        retries: counts.retries,
        opened: counts.opened,
        probes: counts.probes,
        endpoints: guard.addresses().map(|it| endpoint(&it, now)).collect(),
    }
}

fn endpoint(address: &Address<'_>, now: Timestamp) -> EndpointHealth {
    EndpointHealth {
        endpoint: address.name.to_owned(),
        state: state(address.circuit),
        next_probe: next_probe(address.circuit, now),
        in_flight: address.in_flight,
        calls: address.calls,
        failed: address.failed,
        ejected: address.ejected,
    }
}

/// What an address is to the calls of the source.
pub(crate) const fn state(circuit: Circuit) -> &'static str {
    match circuit {
        Circuit::Closed => "used",
        Circuit::Open { .. } => "aside",
        Circuit::Probing => "tried",
    }
}

fn next_probe(circuit: Circuit, now: Timestamp) -> Option<Timestamp> {
    match circuit {
        Circuit::Open { probe_in } => now.checked_add(probe_in).ok(),
        Circuit::Closed | Circuit::Probing => None,
    }
}

/// Milliseconds, to a tenth.
fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e4).round() / 10.0
}
