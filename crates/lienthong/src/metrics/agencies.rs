//! Counts per calling agency, made when an agency is first seen and found without a lock held long.
//!
//! *Invariant:* at most [`MOST`] agencies have counts of their own; all others share one.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use exchange::{AgencyCode, Source, SourceState};
use opentelemetry::Value;

use super::OTHER;

/// How many agencies have a label of their own.
pub(super) const MOST: usize = 200;

/// Every agency that has called.
#[derive(Debug)]
pub(super) struct Agencies {
    known: RwLock<HashMap<AgencyCode, Arc<Agency>>>,
    others: Arc<Agency>,
}

/// What is counted of one agency's calls.
pub(super) struct Agency {
    /// The value of the label; cloned by reference count.
    pub(super) label: Value,
    answers: [[AtomicU64; STATES.len()]; Source::ALL.len()],
    completeness: [AtomicU64; COMPLETENESS.len()],
    canary_hits: AtomicU64,
    broken_glass: AtomicU64,
}

impl Agencies {
    /// The counts of an agency.
    pub(super) fn of(&self, code: &AgencyCode) -> Arc<Agency> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(agency) = known.get(code) {
            return Arc::clone(agency);
        }
        if known.len() >= MOST {
            return Arc::clone(&self.others);
        }
        drop(known);
        self.meet(code)
    }

    fn meet(&self, code: &AgencyCode) -> Arc<Agency> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST && !known.contains_key(code) {
            return Arc::clone(&self.others);
        }
        let label = Arc::<str>::from(code.as_str()).into();
        let agency = known
            .entry(code.clone())
            .or_insert_with(|| Arc::new(Agency::new(label)));
        Arc::clone(agency)
    }

    /// Every agency with counts of its own, and the one that stands for all others.
    pub(super) fn all(&self) -> Vec<Arc<Agency>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let others = std::iter::once(&self.others);
        known.values().chain(others).map(Arc::clone).collect()
    }
}

impl Default for Agencies {
    fn default() -> Self {
        Self {
            known: RwLock::default(),
            others: Arc::new(Agency::new(OTHER.into())),
        }
    }
}

impl Agency {
    fn new(label: Value) -> Self {
        Self {
            label,
            answers: Default::default(),
            completeness: Default::default(),
            canary_hits: AtomicU64::default(),
            broken_glass: AtomicU64::default(),
        }
    }

    /// Counts the state of one source.
    pub(super) fn answered(&self, source: Source, state: SourceState) {
        let states = self.answers.get(source as usize - 1);
        if let Some(count) = states.and_then(|states| states.get(state as usize - 1)) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// Counts an answer as whole or not.
    pub(super) fn complete(&self, completeness: &str) {
        let known = COMPLETENESS.iter().position(|name| *name == completeness);
        let place = known.unwrap_or(COMPLETENESS.len() - 1);
        if let Some(count) = self.completeness.get(place) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// Counts a question about a canary.
    pub(super) fn hit_canary(&self) {
        self.canary_hits.fetch_add(1, Relaxed);
    }

    /// How many questions were about canaries.
    pub(super) fn canary_hits(&self) -> u64 {
        self.canary_hits.load(Relaxed)
    }

    /// Counts an emergency.
    pub(super) fn broke_glass(&self) {
        self.broken_glass.fetch_add(1, Relaxed);
    }

    /// How many questions were emergencies.
    pub(super) fn broken_glass(&self) -> u64 {
        self.broken_glass.load(Relaxed)
    }

    /// What was counted of sources: only what is not zero.
    pub(super) fn answers(&self) -> impl Iterator<Item = (Source, SourceState, u64)> {
        Source::ALL
            .into_iter()
            .zip(&self.answers)
            .flat_map(|(source, states)| {
                let states = STATES.into_iter().zip(states);
                states.map(move |(state, count)| (source, state, count.load(Relaxed)))
            })
            .filter(|(.., count)| *count > 0)
    }

    /// What was counted of whole answers: only what is not zero.
    pub(super) fn completeness(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.completeness.iter().map(|count| count.load(Relaxed));
        COMPLETENESS
            .into_iter()
            .zip(counts)
            .filter(|(_, count)| *count > 0)
    }
}

impl fmt::Debug for Agency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Agency").field(&self.label.as_str()).finish()
    }
}

/// Every state, in the order of its number.
pub(super) const STATES: [SourceState; 10] = [
    SourceState::Ok,
    SourceState::NotFound,
    SourceState::Ambiguous,
    SourceState::Withheld,
    SourceState::Timeout,
    SourceState::Unavailable,
    SourceState::CircuitOpen,
    SourceState::RateLimited,
    SourceState::InvalidAnswer,
    SourceState::Skipped,
];
const COMPLETENESS: [&str; 3] = ["COMPLETE", "PARTIAL", OTHER];
