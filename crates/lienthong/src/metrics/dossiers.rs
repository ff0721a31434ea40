//! What agencies have not ended yet.
//!
//! The register knows; the meter reads it when it is asked. A source of which nothing was ever left has no
//! series.

use std::collections::BTreeMap;
use std::sync::Arc;

use adapter::dossier::{Register, State};
use opentelemetry::KeyValue;

use super::{Metrics, counter, gauge};

impl Metrics {
    /// Shows this register.
    pub(crate) fn dossiers(&self, register: &Arc<Register>) {
        let all = Arc::clone(register);
        let what = "Dossiers that questions have left at a source, by how far they are.";
        gauge(&self.meter, "source.dossiers", "", what, move |gauge| {
            let mut counts = BTreeMap::new();
            for dossier in all.all() {
                let states = counts.entry(dossier.source.name());
                let states: &mut [u64; State::ALL.len()] = states.or_default();
                let place = State::ALL.iter().position(|it| *it == dossier.state);
                if let Some(count) = place.and_then(|place| states.get_mut(place)) {
                    *count += 1;
                }
            }
            for (source, states) in counts {
                for (state, count) in State::ALL.into_iter().zip(states) {
                    let labels = [source_of(source), KeyValue::new("state", state.name())];
                    gauge.observe(count, &labels);
                }
            }
        });
        let all = Arc::clone(register);
        let name = "source.dossiers.oldest.timestamp";
        let what = "When the earliest dossier was opened that a source has not ended, in seconds of Unix time.";
        gauge(&self.meter, name, "s", what, move |gauge| {
            let mut oldest = BTreeMap::new();
            for dossier in all.all() {
                if dossier.state.is_under_way() || dossier.state == State::Hung {
                    let opened = u64::try_from(dossier.opened.as_second()).unwrap_or(0);
                    let least = oldest.entry(dossier.source.name()).or_insert(opened);
                    *least = opened.min(*least);
                }
            }
            for (source, opened) in oldest {
                gauge.observe(opened, &[source_of(source)]);
            }
        });
        let away = Arc::clone(register);
        let what = "Dossiers that were left under way and not kept for want of room.";
        counter(&self.meter, "source.dossiers.lost", what, move |counted| {
            counted.observe(away.turned_away(), &[]);
        });
    }
}

fn source_of(name: &'static str) -> KeyValue {
    KeyValue::new("source", name)
}
