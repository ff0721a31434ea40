//! What every topic of a person starts from, computed once, and the person put together.

use std::cell::RefCell;

use exchange::{CitizenId, Sex};
use jiff::civil::Date;

use super::being::{Being, Role, Slot};
use super::draw::{Draw, Topic};
use super::household::Home;
use super::kin::persona;
use super::life::{Wedding, age_on, marital_status};
use super::{REFERENCE, World};
use crate::Person;
use crate::person::{Address, IdStatus, MaritalStatus, Relative, Representative};
use crate::person::{BloodGroup, NameForm};

/// The skeleton of a person.
pub(crate) struct Facts<'w> {
    pub(crate) world: &'w World,
    pub(crate) being: Being,
    pub(crate) id: CitizenId,
    pub(crate) root: Being,
    pub(crate) birth: Date,
    pub(crate) death: Option<Date>,
    pub(crate) wedding: Option<Wedding>,
    pub(crate) children: Vec<Being>,
    pub(crate) home: Home,
    pub(crate) address: Address,
    pub(crate) birth_place: Address,
    /// Relatives that were computed already: each stands in several records.
    relatives: RefCell<Vec<(Being, Relative)>>,
}

impl World {
    /// The skeleton of a person; none for those without a number.
    pub(crate) fn facts(&self, being: &Being) -> Option<Facts<'_>> {
        let home = self.home_of(being);
        Some(Facts {
            world: self,
            being: *being,
            id: self.id(being)?,
            root: self.lineage_root(being),
            birth: self.birth(being),
            death: self.death(being),
            wedding: self.wedding(being),
            children: self.children(being),
            address: self.home(&home.owner),
            birth_place: self.birth_place(being),
            home,
            relatives: RefCell::default(),
        })
    }

    /// Somebody of that oldest father, as the records of others name them.
    fn relative(&self, being: &Being, root: &Being) -> Relative {
        Relative {
            personal_id: self.id(being),
            legacy_id: self.legacy_ids(being).into_iter().next(),
            name: self.name(being, root),
            sex: being.sex,
            birth_date: self.birth_date(being),
            ethnicity: self.ethnicity(root),
            nationality: "VN",
        }
    }
}

impl Facts<'_> {
    /// Somebody around this person, as records name them.
    pub(crate) fn relative(&self, being: &Being) -> Relative {
        let mut known = self.relatives.borrow_mut();
        if let Some((_, relative)) = known.iter().find(|(other, _)| other == being) {
            return relative.clone();
        }
        let own =
            *being == self.being || (self.being.sex == Sex::Male && self.children.contains(being));
        let root = if own {
            self.root
        } else {
            self.world.lineage_root(being)
        };
        let relative = self.world.relative(being, &root);
        known.push((*being, relative.clone()));
        relative
    }

    /// A stream of draws about this person.
    pub(crate) fn draw(&self, topic: Topic) -> Draw {
        self.world.draw(topic, self.being.key())
    }

    /// The last day on which something can have happened.
    pub(crate) fn last_day(&self) -> Date {
        self.death.unwrap_or(REFERENCE)
    }

    /// Age on the last day.
    pub(crate) fn age(&self) -> i16 {
        age_on(self.birth, self.last_day())
    }

    /// True for personas, whose records leave nothing to chance.
    pub(crate) const fn is_persona(&self) -> bool {
        matches!(self.being.slot, Slot::Persona { .. })
    }

    /// True for persona 1, who has an item in every list.
    pub(crate) fn is_complete(&self) -> bool {
        self.being.persona() == Some(1)
    }

    /// The day of that birthday.
    pub(crate) fn birthday(&self, age: i16) -> Date {
        jiff::civil::date(self.birth.year() + age, self.birth.month(), 1)
            .saturating_add(jiff::Span::new().days(i64::from(self.birth.day() - 1)))
    }

    /// Puts the person together.
    pub(crate) fn person(&self, status: IdStatus) -> Person {
        let (world, being) = (self.world, &self.being);
        let mut draw = self.draw(Topic::Body);
        let marriages = self.marriages();
        let stands = self
            .wedding
            .as_ref()
            .filter(|wedding| wedding.end.is_none());
        let spouse = stands.map(|wedding| self.relative(&wedding.spouse_of(being)));
        let name = world.name(being, &self.root);
        let given_phone = self.age() >= 12 && self.death.is_none();
        let parents = world.parents(being);
        let parent = |chosen: Option<Being>, sex| match chosen {
            Some(parent) => self.relative(&parent),
            None => self.unknown_parent(sex),
        };
        Person {
            personal_id: self.id,
            status,
            previous_ids: world.previous_ids(being, self.birth),
            legacy_ids: world.legacy_ids(being),
            other_names: self.other_names(&mut draw),
            name_form: match being.persona() {
                Some(8) => NameForm::Nfd,
                _ => NameForm::Nfc,
            },
            sex: being.sex,
            birth_date: world.birth_date(being),
            birth_place: self.birth_place.clone(),
            birth_registration_place: self.birth_place.clone(),
            native_place: world.native_place(&self.root),
            ethnicity: world.ethnicity(&self.root),
            religion: religion(&mut draw),
            nationality: "VN",
            marital_status: self.marital_status(),
            blood_group: blood_group(&mut draw, self.is_persona()),
            residence: self.residence(),
            father: Some(parent(parents.map(|couple| couple.husband), Sex::Male)),
            mother: Some(parent(parents.map(|couple| couple.wife), Sex::Female)),
            spouse,
            children: self
                .children
                .iter()
                .map(|child| self.relative(child))
                .collect(),
            representative: self.representative(),
            household: self.household(),
            card: self.card(),
            phone: given_phone.then(|| self.phone()),
            email: (given_phone && (self.is_persona() || draw.chance(600))).then(|| self.email()),
            death: self.death_record(),
            sealed: being.persona() == Some(6),
            health: self.health(),
            civil: self.civil(),
            tax: self.tax(&name),
            social: self.social(),
            marriages,
            name,
        }
    }

    /// Marital status, as the events say.
    pub(crate) fn marital_status(&self) -> MaritalStatus {
        marital_status(self.wedding.as_ref(), self.death)
    }

    fn other_names(&self, draw: &mut Draw) -> Vec<String> {
        if !self.is_complete() && !draw.chance(20) {
            return Vec::new();
        }
        let name = draw.pick(&["Út", "Tèo", "Bi", "Sóc", "Thiện Tâm", "Diệu Liên"]);
        vec![name.to_owned()]
    }

    /// A parent of whom a book says no more than the name.
    pub(crate) fn unknown_parent(&self, sex: Sex) -> Relative {
        let born = jiff::civil::date(self.birth.year() - 26, 1, 1);
        Relative {
            personal_id: None,
            legacy_id: None,
            name: self.world.unknown_parent_name(&self.being, sex),
            sex,
            birth_date: super::life::year_only(born),
            ethnicity: self.world.ethnicity(&self.root),
            nationality: "VN",
        }
    }

    /// Who acts for a minor: mother or father; the guardian of persona 3.
    pub(crate) fn representative(&self) -> Option<Representative> {
        if self.age() >= 18 || self.death.is_some() {
            return None;
        }
        let acts = |person: &Being, title| {
            (person.is_numbered() && self.world.death(person).is_none()).then(|| Representative {
                person: self.relative(person),
                title,
            })
        };
        if self.being.persona() == Some(3) {
            let guardian = persona::relative(&self.being, 3, Role::Partner);
            return acts(&guardian, "Người giám hộ");
        }
        let parents = self.world.parents(&self.being)?;
        acts(&parents.wife, "Mẹ").or_else(|| acts(&parents.husband, "Cha"))
    }
}

/// A religion of QCVN 109 annex G; most state none.
fn religion(draw: &mut Draw) -> &'static str {
    match draw.below(1000) {
        0..860 => "00",
        860..910 => "01",
        910..970 => "02",
        970..980 => "03",
        980..986 => "05",
        986..996 => "08",
        _ => draw.pick(&["04", "06", "07", "09", "10", "11", "12", "13", "14", "99"]),
    }
}

fn blood_group(draw: &mut Draw, is_persona: bool) -> BloodGroup {
    let known = draw.chance(400);
    let group = match draw.below(1000) {
        0..212 => BloodGroup::A,
        212..520 => BloodGroup::B,
        520..580 => BloodGroup::Ab,
        _ => BloodGroup::O,
    };
    if known || is_persona {
        group
    } else {
        BloodGroup::Unknown
    }
}
