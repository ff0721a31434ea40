//! Faults that are switched at run time, for one simulator, and their merging with personas.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use exchange::{CitizenId, Source};
use serde::{Deserialize, Serialize};

use crate::{Again, FaultKind, Persona};

/// One fault to inject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knob {
    /// What to do.
    pub fault: FaultKind,
    /// For whom: twelve digits; for everybody if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How often, 0 to 1.
    #[serde(default = "always")]
    pub probability: f64,
    /// How many more times; without end if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// How long a simulator takes to answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Latency {
    /// As fast as it can.
    #[default]
    None,
    /// Always the same.
    Fixed {
        /// Milliseconds.
        ms: u64,
    },
    /// Anything between two bounds, evenly.
    Uniform {
        /// Milliseconds, the least.
        min_ms: u64,
        /// Milliseconds, the most.
        max_ms: u64,
    },
    /// Mostly short, sometimes long: an exponential distribution, cut at twenty times its mean.
    Exponential {
        /// Milliseconds, the mean.
        mean_ms: u64,
    },
}

/// All knobs of one simulator, as `PUT /knobs` takes and `GET /knobs` shows them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnobSettings {
    /// Faults; the first that applies wins, and wins over a persona's.
    #[serde(default)]
    pub faults: Vec<Knob>,
    /// Latency of every answer.
    #[serde(default)]
    pub latency: Latency,
    /// Latency of the answers about some persons, by their twelve digits, in its place.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub latency_of: BTreeMap<String, Latency>,
    /// When to come again, of who is refused for the rate or for maintenance.
    #[serde(default)]
    pub again: Again,
    /// Where the series of numbers begins anew that decide what is probable; it goes on if left
    /// out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// The knobs of one simulator.
#[derive(Debug)]
pub struct Knobs {
    source: Source,
    active: ArcSwap<Active>,
    dice: AtomicU64,
    /// What the wire has no words for.
    unspeakable: OnceLock<&'static [FaultKind]>,
    expired: Mutex<VecDeque<CitizenId>>,
}

/// Settings in force, with what is left of each count.
#[derive(Debug, Default)]
struct Active {
    faults: Vec<ActiveKnob>,
    latency: Latency,
    latency_of: HashMap<CitizenId, Latency>,
    again: Again,
}

#[derive(Debug)]
struct ActiveKnob {
    fault: FaultKind,
    subject: Option<CitizenId>,
    probability: f64,
    left: Option<AtomicU64>,
}

impl Knobs {
    /// Knobs at rest, for the simulator of that source.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self {
            source,
            active: ArcSwap::default(),
            dice: AtomicU64::new(0),
            unspeakable: OnceLock::new(),
            expired: Mutex::new(VecDeque::new()),
        }
    }

    /// Says what the wire has no words for: knobs that ask for it are refused.
    pub fn withhold(&self, faults: &'static [FaultKind]) {
        self.unspeakable.get_or_init(|| faults);
    }

    /// True if the wire can misbehave so.
    #[must_use]
    pub fn offers(&self, fault: FaultKind) -> bool {
        self.unspeakable
            .get()
            .is_none_or(|faults| !faults.contains(&fault))
    }

    /// Begins the series of numbers that decide what is probable anew: the same questions in the
    /// same order meet the same faults.
    pub fn seed(&self, seed: u64) {
        self.dice.store(seed, Ordering::Relaxed);
    }

    /// Puts other settings in force, as a whole.
    ///
    /// # Errors
    /// What is wrong with them; the settings in force stay.
    pub fn set(&self, settings: &KnobSettings) -> Result<(), String> {
        if let Some(knob) = settings.faults.iter().find(|knob| !self.offers(knob.fault)) {
            let (fault, source) = (knob.fault.name(), self.source);
            return Err(format!("fault: the wire of {source} cannot say {fault}"));
        }
        let faults = settings.faults.iter().map(ActiveKnob::new);
        let own = settings.latency_of.iter();
        let own = own.map(|(id, latency)| Ok::<_, String>((person(id)?, *latency)));
        let active = Active {
            faults: faults.collect::<Result<_, _>>()?,
            latency: settings.latency,
            latency_of: own.collect::<Result<_, _>>()?,
            again: settings.again,
        };
        self.active.store(active.into());
        if let Some(seed) = settings.seed {
            self.seed(seed);
        }
        Ok(())
    }

    /// The settings in force, with what is left of each count.
    #[must_use]
    pub fn settings(&self) -> KnobSettings {
        let active = self.active.load();
        KnobSettings {
            faults: active.faults.iter().map(ActiveKnob::settings).collect(),
            latency: active.latency,
            latency_of: active.latency_of.iter().map(spelt).collect(),
            again: active.again,
            seed: None,
        }
    }

    /// When to come again, of who is refused.
    #[must_use]
    pub fn again(&self) -> Again {
        self.active.load().again
    }

    /// True if a connection that was just opened is to be reset.
    #[must_use]
    pub fn resets_connection(&self) -> bool {
        let active = self.active.load();
        let mut resets = active.faults.iter();
        resets.any(|knob| knob.fault == FaultKind::ResetOnAccept && self.falls(knob))
    }

    /// How to misbehave on this question, if at all: knobs first, then the persona.
    ///
    /// The ends of sessions alternate per subject: [`FaultKind::ends_session`].
    #[must_use]
    pub fn decide(&self, subject: &CitizenId) -> Option<FaultKind> {
        let active = self.active.load();
        let switched = active
            .faults
            .iter()
            .find(|knob| self.applies(knob, subject));
        let fault = match switched {
            Some(knob) => knob.fault,
            None => Persona::of(subject)?.fault(self.source)?,
        };
        (!fault.ends_session() || self.expires(subject)).then_some(fault)
    }

    /// True while a fault is wanted of questions about a subject, by a knob or else by the persona. None
    /// of the times of the knob is taken.
    #[must_use]
    pub fn still(&self, fault: FaultKind, subject: &CitizenId) -> bool {
        let active = self.active.load();
        let mut own = active
            .faults
            .iter()
            .filter(|knob| knob.subject.is_none_or(|only| only == *subject) && knob.is_left())
            .peekable();
        if own.peek().is_some() {
            return own.any(|knob| knob.fault == fault);
        }
        let persona = Persona::of(subject).and_then(|persona| persona.fault(self.source));
        persona == Some(fault)
    }

    /// How long to wait before answering; about whom, if that is known.
    #[must_use]
    pub fn delay(&self, subject: Option<&CitizenId>) -> Option<Duration> {
        let active = self.active.load();
        let own = subject.and_then(|subject| active.latency_of.get(subject));
        let ms = match own.copied().unwrap_or(active.latency) {
            Latency::None => return None,
            Latency::Fixed { ms } => ms as f64,
            Latency::Uniform { min_ms, max_ms } => {
                let span = max_ms.saturating_sub(min_ms) as f64;
                self.roll().mul_add(span, min_ms as f64)
            }
            Latency::Exponential { mean_ms } => {
                mean_ms as f64 * (-(1.0 - self.roll()).ln()).min(20.0)
            }
        };
        Some(Duration::from_secs_f64(ms / 1000.0))
    }

    /// Waits as long as [`Knobs::delay`] says.
    pub async fn pause(&self, subject: Option<&CitizenId>) {
        if let Some(delay) = self.delay(subject) {
            tokio::time::sleep(delay).await;
        }
    }

    fn applies(&self, knob: &ActiveKnob, subject: &CitizenId) -> bool {
        knob.fault != FaultKind::ResetOnAccept
            && knob.subject.is_none_or(|only| only == *subject)
            && self.falls(knob)
    }

    /// True as often as a knob says.
    fn falls(&self, knob: &ActiveKnob) -> bool {
        (knob.probability >= 1.0 || self.roll() < knob.probability) && knob.take()
    }

    /// True on every other question about a subject.
    fn expires(&self, subject: &CitizenId) -> bool {
        let Ok(mut expired) = self.expired.lock() else {
            return false;
        };
        if let Some(place) = expired.iter().position(|id| id == subject) {
            expired.remove(place);
            return false;
        }
        if expired.len() >= REMEMBERED {
            expired.pop_front();
        }
        expired.push_back(*subject);
        true
    }

    /// The next of a fixed series of numbers between 0 and 1.
    fn roll(&self) -> f64 {
        let turn = self.dice.fetch_add(1, Ordering::Relaxed);
        (crate::world::mix(turn) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

impl ActiveKnob {
    fn new(knob: &Knob) -> Result<Self, String> {
        let subject = match &knob.subject {
            None => None,
            Some(text) => Some(person(text)?),
        };
        if subject.is_some() && knob.fault == FaultKind::ResetOnAccept {
            return Err("subject: not known when a connection is opened".into());
        }
        if !(0.0..=1.0).contains(&knob.probability) {
            return Err("probability: not between 0 and 1".into());
        }
        Ok(Self {
            fault: knob.fault,
            subject,
            probability: knob.probability,
            left: knob.count.map(AtomicU64::new),
        })
    }

    fn settings(&self) -> Knob {
        Knob {
            fault: self.fault,
            subject: self.subject.map(|id| id.reveal().into()),
            probability: self.probability,
            count: self.left.as_ref().map(|left| left.load(Ordering::Relaxed)),
        }
    }

    /// True if any of its times is left.
    fn is_left(&self) -> bool {
        let left = self.left.as_ref();
        left.is_none_or(|left| left.load(Ordering::Relaxed) > 0)
    }

    /// Takes one of the times that are left.
    fn take(&self) -> bool {
        self.left.as_ref().is_none_or(|left| {
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                .is_ok()
        })
    }
}

/// Whom a knob is about.
fn person(text: &str) -> Result<CitizenId, &'static str> {
    CitizenId::from_agency(text).ok_or("subject: not a personal number")
}

fn spelt((subject, latency): (&CitizenId, &Latency)) -> (String, Latency) {
    (subject.reveal().into(), *latency)
}

const fn always() -> f64 {
    1.0
}

/// Subjects whose session has expired and was not yet renewed; far more than one test asks for.
const REMEMBERED: usize = 1024;
