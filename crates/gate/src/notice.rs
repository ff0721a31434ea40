//! What admission is told of the answers, so that it notices who asks about people at random.
//!
//! Not here: what it makes of that (crate `admission`).

use admission::Found;
use evidence::SourceOutcome;
use exchange::{Request, Source, SourceState};

use crate::{Call, Gate};

impl Gate {
    /// Tells admission whether the person asked about was missed, and tells of a suspicion.
    pub(crate) fn notice(&self, call: &Call, request: &Request, sources: &[SourceOutcome]) {
        let found = found(sources);
        let (caller, officer) = (&call.caller, request.officer.as_ref());
        let about = &request.subject.identifier;
        let admission = &self.deps.admission;
        if let Some(suspicion) = admission.answered(caller, officer, about, found) {
            self.deps.observer.suspected(caller, suspicion);
        }
    }
}

impl Gate {
    /// Tells admission about whom claims were made, and nothing of what came of it.
    pub(crate) fn notice_claims(&self, call: &Call, request: &Request) {
        let (caller, officer) = (&call.caller, request.officer.as_ref());
        let about = &request.subject.identifier;
        if let Some(suspicion) = self.deps.admission.asked(caller, officer, about) {
            self.deps.observer.suspected(caller, suspicion);
        }
    }
}

/// Whether there is such a person: the population database says so. That another register has
/// nothing about somebody is no sign of a guess.
fn found(sources: &[SourceOutcome]) -> Found {
    let is_missed = |outcome: &SourceOutcome| {
        outcome.source == Source::Population && outcome.state == SourceState::NotFound
    };
    match sources.iter().any(is_missed) {
        true => Found::Nobody,
        false => Found::Person,
    }
}

#[cfg(test)]
mod tests {
    use exchange::FieldSet;

    use super::*;

    fn outcome(source: Source, state: SourceState) -> SourceOutcome {
        SourceOutcome {
            source,
            state,
            released: FieldSet::EMPTY,
            masked: FieldSet::EMPTY,
            as_of: None,
            record: None,
        }
    }

    #[test]
    fn the_population_database_decides_and_silence_is_no_miss() {
        use SourceState::{NotFound, Ok, Timeout, Withheld};
        let of = |population, tax| {
            found(&[
                outcome(Source::Tax, tax),
                outcome(Source::Population, population),
            ])
        };
        assert_eq!(of(NotFound, Ok), Found::Nobody);
        assert_eq!(of(Ok, NotFound), Found::Person);
        assert_eq!(of(Timeout, NotFound), Found::Person);
        assert_eq!(of(Withheld, NotFound), Found::Person);
    }
}
