//! What is asked: a thousand ordinary synthetic citizens in rotation, of one source or of all five.

use std::sync::atomic::{AtomicUsize, Ordering};

use api::FieldMask;
use api::v1::{CallContext, LookupCitizenRequest, SubjectRef, subject_ref};
use clap::ValueEnum;
use exchange::{CitizenId, Field, FieldSet, Source};
use sim::World;

/// Which sources are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sources {
    /// Tax alone: every field but the obligations, which are a call of their own.
    One,
    /// All five, every field: six calls, the obligations included.
    Five,
}

/// Questions in rotation.
#[derive(Debug)]
pub(crate) struct Questions {
    ids: Vec<CitizenId>,
    mask: FieldMask,
    next: AtomicUsize,
}

impl Questions {
    /// About citizens whom the agencies asked know, by the number in force, in a world with the
    /// sandbox's seed.
    pub(crate) fn new(sources: Sources) -> Self {
        let fields = match sources {
            Sources::One => {
                FieldSet::of(Source::Tax).minus(&FieldSet::from_iter([Field::TaxObligations]))
            }
            Sources::Five => FieldSet::all(),
        };
        let world = World::new(SEED);
        let candidates = (FIRST_SERIAL..).filter_map(|serial| {
            // Men and women of the last century, born from 1950 to 1999.
            let (sex, year) = (serial % 2, 50 + serial % 50);
            CitizenId::from_agency(&format!("999{sex}{year}{serial:06}"))
        });
        let asked = fields.sources();
        let known = candidates.filter(|id| asked.iter().all(|source| is_plain(&world, id, source)));
        Self {
            ids: known.take(CITIZENS).collect(),
            mask: fields.iter().map(Field::path).collect(),
            next: AtomicUsize::new(0),
        }
    }

    /// The next question.
    pub(crate) fn next(&self) -> LookupCitizenRequest {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % self.ids.len().max(1);
        let id = self
            .ids
            .get(place)
            .map(CitizenId::reveal)
            .unwrap_or_default();
        LookupCitizenRequest {
            context: Some(CallContext {
                request_id: uuid::Uuid::now_v7().to_string(),
                purpose_code: "ONE_STOP_DESK".to_owned(),
                ..Default::default()
            }),
            subject: Some(SubjectRef {
                id: Some(subject_ref::Id::PersonalId(id.to_owned())),
                hints: None,
            }),
            read_mask: Some(self.mask.clone()),
            ..Default::default()
        }
    }

    /// How many questions were handed out.
    pub(crate) fn asked(&self) -> usize {
        self.next.load(Ordering::Relaxed)
    }
}

fn is_plain(world: &World, id: &CitizenId, source: Source) -> bool {
    let person = world.view(id, source);
    person.is_some_and(|person| person.personal_id == *id && person.previous_ids.is_empty())
}

/// The seed of sandboxes.
const SEED: u64 = 1;

/// How many citizens are asked about: their answers to both masks fit what simulators keep.
pub(crate) const CITIZENS: usize = 1000;

/// The first serial without a part to play.
const FIRST_SERIAL: u32 = 1000;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_thousand_different_citizens_are_asked_about_in_rotation() {
        let questions = Questions::new(Sources::One);
        let different: BTreeSet<_> = questions.ids.iter().collect();
        assert_eq!(different.len(), CITIZENS);
        let first = questions.next();
        for _ in 1..CITIZENS {
            let other = questions.next();
            assert!(other.subject != first.subject);
        }
        assert!(questions.next().subject == first.subject);
    }

    #[test]
    fn the_one_source_is_asked_in_one_call_and_the_five_for_everything() {
        let one = Questions::new(Sources::One).mask;
        assert!(one.texts().all(|path| path.starts_with("tax.")));
        assert!(!one.texts().any(|path| path == Field::TaxObligations.path()));
        assert_eq!(
            Questions::new(Sources::Five).mask.paths.len(),
            FieldSet::all().len()
        );
    }
}
