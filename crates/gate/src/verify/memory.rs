//! Verdicts that are remembered for a while, so that who asks the same again is told without the
//! agencies.
//!
//! Whether a verification is remembered depends on what is asked and on whether every source answered,
//! and never on what they said: who is not confirmed is remembered like who is nobody. Not here: for how
//! long (configuration), who may ask, what is counted and recorded, which all happen as of any other.
//!
//! *Invariants:* no record is kept, and no verdict that rests on whether somebody lives; nothing is kept
//! longer than 15 minutes, nor beyond a fixed number. What is kept is found only by who asks the same
//! again: by an HMAC, under which the number of the person is hidden too.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use admission::Permit;
use exchange::{
    CitizenId, Closed, Criticality, Field, FieldSet, Predicate, Source, Verdict, Verification,
};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Findings, Said};
use crate::ask::Asking;
use crate::relatives;

/// The longest for which a verdict may be remembered.
pub const VERDICTS_KEPT_MOST: Duration = Duration::from_secs(15 * 60);

/// For how long one is remembered if nothing else is set: for the second click, not for the next day.
pub const VERDICTS_KEPT: Duration = Duration::from_secs(60);

/// The verdicts that are remembered.
pub(crate) struct Verdicts {
    kept: Duration,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    /// How often everything was forgotten.
    forgotten: u64,
    entries: HashMap<[u8; 16], Entry>,
    /// In the order in which they are forgotten; one that was told anew stands there again.
    order: VecDeque<([u8; 16], Instant)>,
}

/// One verification.
struct Entry {
    until: Instant,
    as_of: Timestamp,
    /// How often switches had changed.
    switched: u64,
    granted: FieldSet,
    verdict: Verdict,
    each: Box<[Verdict]>,
    said: Box<[Said]>,
    person: Option<Hidden>,
    closed: Option<Closed>,
}

/// A number that only who asks the same can read.
#[derive(Clone, Copy)]
struct Hidden([u8; 12]);

/// Where a verification is remembered, if it may be.
#[derive(Clone, Copy)]
pub(super) struct Place {
    key: [u8; 16],
    pad: [u8; 12],
    /// When it was asked, for the one that is told of later.
    as_of: Timestamp,
    switched: u64,
    forgotten: u64,
}

impl Verdicts {
    /// Remembers verdicts for that long, and never longer than 15 minutes.
    pub(crate) fn new(kept: Duration) -> Self {
        Self {
            kept: kept.min(VERDICTS_KEPT_MOST),
            told: Mutex::default(),
        }
    }

    /// Forgets everything, also what is being asked at the moment.
    pub(crate) fn forget(&self) {
        let mut told = self.told();
        told.forgotten += 1;
        told.entries.clear();
        told.order.clear();
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.forget(Instant::now());
        told
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.told().entries.len()
    }
}

impl Told {
    /// Forgets what is old, and the oldest of what is too much.
    fn forget(&mut self, now: Instant) {
        while let Some((key, until)) = self.order.front() {
            if *until > now && self.order.len() <= MOST {
                return;
            }
            // One that was told anew stands further behind.
            if self.entries.get(key).is_some_and(|it| it.until == *until) {
                self.entries.remove(key);
            }
            self.order.pop_front();
        }
    }
}

impl Asking<'_> {
    /// Where a verification is remembered; none if it must be asked whatever was said before.
    pub(super) fn place(self, asked: &Verification) -> Option<Place> {
        let (gate, permit) = (self.gate, self.permit);
        if gate.verdicts.kept.is_zero() || !may_be_remembered(permit, asked) {
            return None;
        }
        let tag = gate
            .tags
            .claims(self.tag?, asked, gate.deps.clock.today())?;
        let (key, rest) = tag.bytes().split_first_chunk::<16>()?;
        Some(Place {
            key: *key,
            pad: *rest.first_chunk()?,
            as_of: gate.deps.clock.now(),
            switched: gate.deps.switches.changes(),
            forgotten: gate.verdicts.told().forgotten,
        })
    }

    /// What is remembered of a verification. Of who is closed is told as ever.
    pub(super) fn recall(self, place: &Place) -> Option<Findings> {
        let (findings, closed) = self.gate.verdicts.told().findings(place, self.permit)?;
        // Somebody may have been closed since, or opened.
        if findings.person.and_then(|id| self.closed(&id)) != closed {
            return None;
        }
        let observer = &self.gate.deps.observer;
        for said in &findings.said {
            observer.remembered(said.source);
            if let Some(why) = said.closed {
                observer.closed(&self.call.caller, &self.request.id, said.source, why);
            }
        }
        Some(findings)
    }

    /// Remembers what every source has answered.
    pub(super) fn remember(self, place: &Place, findings: &Findings) {
        if !findings.said.iter().all(Said::is_answer) {
            return;
        }
        let verdicts = &self.gate.verdicts;
        let entry = Entry {
            until: Instant::now() + verdicts.kept,
            as_of: place.as_of,
            switched: place.switched,
            granted: *self.permit.granted(),
            verdict: findings.verdict,
            each: findings.each.as_slice().into(),
            said: findings.said.iter().map(Said::again).collect(),
            person: findings.person.map(|id| Hidden::new(&id, &place.pad)),
            closed: findings.person.and_then(|id| self.why_closed(&id)),
        };
        let mut told = verdicts.told();
        if told.forgotten == place.forgotten {
            told.order.push_back((place.key, entry.until));
            told.entries.insert(place.key, entry);
            told.forget(Instant::now());
        }
    }
}

impl Told {
    fn findings(&self, place: &Place, permit: &Permit) -> Option<(Findings, Option<Closed>)> {
        let entry = self.entries.get(&place.key)?;
        if entry.switched != place.switched || entry.granted != *permit.granted() {
            return None;
        }
        let person = match &entry.person {
            Some(hidden) => Some(hidden.shown(&place.pad)?),
            None => None,
        };
        let findings = Findings {
            verdict: entry.verdict,
            each: entry.each.to_vec(),
            said: entry.said.to_vec(),
            person,
            as_of: Some(entry.as_of),
        };
        Some((findings, entry.closed))
    }
}

impl Hidden {
    fn new(id: &CitizenId, pad: &[u8; 12]) -> Self {
        let mut hidden = *pad;
        for (byte, digit) in hidden.iter_mut().zip(id.reveal().bytes()) {
            *byte ^= digit;
        }
        Self(hidden)
    }

    fn shown(self, pad: &[u8; 12]) -> Option<CitizenId> {
        let mut digits = self.0;
        for (byte, pad) in digits.iter_mut().zip(pad) {
            *byte ^= pad;
        }
        CitizenId::from_agency(std::str::from_utf8(&digits).ok()?)
    }
}

impl fmt::Debug for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = &self.kept;
        f.debug_struct("Verdicts")
            .field("kept", kept)
            .finish_non_exhaustive()
    }
}

/// True if what is asked may be remembered, whatever comes of it. Beside somebody unconscious nobody is
/// told what was so before; and what the record says beyond the verdict is found out anew.
fn may_be_remembered(permit: &Permit, asked: &Verification) -> bool {
    let mut sources = permit.granted().sources().iter();
    let finds_relatives = permit.flags_relatives()
        && !relatives::needed(Source::Population, &asked.request).is_empty();
    !finds_relatives
        && permit.criticality() != Criticality::Emergency
        && sources.all(|source| permit.limited(source).is_none())
        && !asked.claims.iter().any(|claim| is_vital(&claim.predicate))
}

/// True for a claim that rests on whether somebody lives: a death, and a marriage, which ends by one.
const fn is_vital(predicate: &Predicate) -> bool {
    matches!(
        predicate.field(),
        Field::PopulationDeath
            | Field::PopulationMaritalStatus
            | Field::PopulationSpouse
            | Field::CivilStatusDeath
            | Field::CivilStatusDeathCause
            | Field::CivilStatusMaritalStatus
            | Field::CivilStatusMarriages
    )
}

/// Some 400 bytes each: 13 MB.
const MOST: usize = 32_768;
