//! What the simulated register knows: citizens of the world, rendered and kept.

use std::sync::Arc;

use bytes::Bytes;
use exchange::{CitizenId, FieldSet, PartialDate, Source, name_key};
use sim::{Person, Prepared, World};

use super::form::Enquiry;
use super::render;

/// The books of the register.
pub(super) struct Records {
    world: Arc<World>,
    results: Prepared<(CitizenId, FieldSet)>,
    known_as: Prepared<CitizenId>,
}

impl Records {
    /// The books about that world, with room for so many rendered answers.
    pub(super) fn new(world: Arc<World>, prepared: usize) -> Self {
        Self {
            world,
            results: Prepared::new(prepared),
            known_as: Prepared::new(prepared),
        }
    }

    /// True if somebody has that number, and the name and birth date that the caller gave.
    pub(super) fn holds(&self, enquiry: &Enquiry) -> bool {
        let subject = &enquiry.subject;
        let known = self.known_as.get_or_render(*subject, || {
            let person = self.person(subject);
            person.map_or_else(Bytes::new, |person| known_as(&person))
        });
        let Some((birth_date, name)) = str::from_utf8(&known)
            .ok()
            .and_then(|known| known.split_once('\n'))
        else {
            return false;
        };
        let born = PartialDate::parse(birth_date);
        let same_name = enquiry.name.as_ref().is_none_or(|given| given == name);
        let same_birth = enquiry
            .birth_date
            .is_none_or(|given| born.is_some_and(|born| born.agrees_with(&given)));
        same_name && same_birth
    }

    /// The element `ketQua` about somebody, as text.
    pub(super) fn result(&self, id: &CitizenId, fields: &FieldSet) -> Bytes {
        self.results.get_or_render((*id, *fields), || {
            let person = self.person(id);
            person.map_or_else(Bytes::new, |person| {
                render::result(&person, fields).to_string().into()
            })
        })
    }

    /// Somebody who is not the person of that number.
    pub(super) fn somebody_else(&self, subject: &CitizenId) -> CitizenId {
        let own = self.person(subject).map(|person| person.personal_id);
        let others = OTHERS
            .iter()
            .filter_map(|other| CitizenId::from_agency(other));
        others
            .filter(|other| own != Some(*other) && other != subject)
            .find(|other| self.person(other).is_some())
            .unwrap_or(*subject)
    }

    /// The register has moved its records to the number in force, and finds them by old ones too.
    fn person(&self, id: &CitizenId) -> Option<Person> {
        let mut person = self.world.view(id, Source::CivilStatus)?;
        if let Some(current) = self.world.current_id(id) {
            person.personal_id = current;
        }
        Some(person)
    }
}

/// Birth date and name, by which the holder of a number is told apart from others.
fn known_as(person: &Person) -> Bytes {
    let name = name_key(&person.name.full());
    format!("{}\n{name}", person.birth_date.reveal()).into()
}

/// Two ordinary citizens: one of them is always somebody else.
const OTHERS: [&str; 2] = ["999080001000", "999181001001"];
