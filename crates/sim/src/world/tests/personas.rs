//! Every persona is what it promises.

use exchange::Source;

use super::{id, world};
use crate::Person;
use crate::person::{IdStatus, MaritalStatus, NameForm};

fn persona(text: &str) -> Person {
    world().person(&id(text)).unwrap()
}

#[test]
fn persona_1_has_an_item_in_every_list_whatever_sex() {
    for text in ["999099000001", "999198000001", "999080000001"] {
        let person = persona(text);
        assert_eq!(person.status, IdStatus::Current);
        let health = &person.health;
        let (civil, tax, social) = (&person.civil, &person.tax, &person.social);
        let lists = [
            person.legacy_ids.len(),
            person.other_names.len(),
            person.marriages.len(),
            person.children.len(),
            person.household.members.len(),
            health.allergies.len(),
            health.conditions.len(),
            health.immunisations.len(),
            health.encounters.len(),
            health.medications.len(),
            health.procedures.len(),
            health.observations.len(),
            health.summaries.len(),
            health.hiv.len(),
            health.tb.len(),
            civil.parentage.len(),
            tax.old_tax_codes.len(),
            tax.dependants.len(),
            tax.obligations.len(),
            social.participation.len(),
            social.benefits.len(),
            social.health_cards.len(),
            social.assistance.len(),
            social.poverty.len(),
        ];
        assert!(!lists.contains(&0), "{text} {lists:?}");
        assert!(civil.marital_certificate.is_some() && social.disability.is_some());
        assert!(person.card.is_some() && person.phone.is_some() && person.email.is_some());
        let residence = &person.residence;
        assert!(residence.temporary.is_some() && residence.temporary_absence.is_some());
        assert!(person.spouse.is_some() && person.death.is_none());
    }
}

#[test]
fn persona_1_is_the_same_at_every_agency() {
    let whole = persona("999099000001");
    for source in Source::ALL {
        assert!(world().view(&id("999099000001"), source).unwrap() == whole);
    }
}

#[test]
fn data_personas_are_what_they_promise() {
    assert!(persona("999099000002").death.is_some());
    let minor = persona("999215000003");
    assert_eq!(minor.representative.unwrap().title, "Người giám hộ");
    assert_eq!(minor.marital_status, MaritalStatus::Single);
    assert!(persona("999099000006").sealed);
    let year_only = persona("999099000007").birth_date;
    assert_eq!((year_only.year(), year_only.month()), (1999, None));
}

#[test]
fn persona_4_is_superseded_by_another_number() {
    let old = id("999099000004");
    let person = persona("999099000004");
    assert_eq!(person.status, IdStatus::Superseded);
    assert_ne!(person.personal_id, old);
    assert!(person.previous_ids[0].personal_id == old);
    let current = world().person(&person.personal_id).unwrap();
    assert_eq!(current.status, IdStatus::Current);
    let at_tax = world().view(&old, Source::Tax).unwrap();
    assert!(at_tax.personal_id == old && at_tax.name == current.name);
}

#[test]
fn the_old_number_of_persona_5_names_two_people() {
    let number = persona("999099000005").legacy_ids.remove(0);
    let found = world().by_legacy(&number);
    assert_eq!(found.len(), 2);
    assert!(found.contains(&id("999099000005")));
    let single = persona("999099000001").legacy_ids.remove(0);
    assert_eq!(world().by_legacy(&single), [id("999099000001")]);
}

#[test]
fn persona_8_travels_decomposed() {
    let person = persona("999099000008");
    assert_eq!(person.name_form, NameForm::Nfd);
    let name = person.name.full();
    assert!(
        ["ơ", "ư", "Đ"]
            .into_iter()
            .all(|letter| name.contains(letter))
    );
    let wire = person.wire_text(&name);
    assert_ne!(wire, name);
    assert_eq!(exchange::normalise(&wire).unwrap(), name);
}

#[test]
fn the_parents_of_persona_20_in_the_birth_register_are_not_those_they_live_with() {
    let asked = id("999099000020");
    let population = world().view(&asked, Source::Population).unwrap();
    let civil = world().view(&asked, Source::CivilStatus).unwrap();
    assert!(civil.civil.adopted && population.name == civil.name);
    let names =
        |person: &Person| [&person.father, &person.mother].map(|it| it.clone().unwrap().name);
    let (raised, born) = (names(&population), names(&civil));
    assert!(raised[0] != born[0] && raised[1] != born[1]);
    assert!(!persona("999099000021").civil.adopted);
}

#[test]
fn the_marriage_of_persona_9_is_unknown_to_population() {
    let asked = id("999099000009");
    let population = world().view(&asked, Source::Population).unwrap();
    let civil = world().view(&asked, Source::CivilStatus).unwrap();
    assert_eq!(population.marital_status, MaritalStatus::Single);
    assert_eq!(civil.marital_status, MaritalStatus::Married);
    assert!(population.spouse.is_none() && civil.spouse.is_some());
}

#[test]
fn every_persona_lives_with_a_consistent_family() {
    let world = world();
    for serial in 0..1000 {
        let person = persona(&format!("999099{serial:06}"));
        for parent in [&person.father, &person.mother].into_iter().flatten() {
            let Some(parent) = parent.personal_id.map(|id| world.person(&id).unwrap()) else {
                continue;
            };
            let children = parent.children.iter().filter_map(|child| child.personal_id);
            assert!(
                children
                    .into_iter()
                    .any(|child| child == person.personal_id),
                "{serial}"
            );
        }
        if let Some(spouse) = person.spouse.and_then(|spouse| spouse.personal_id) {
            let back = world.person(&spouse).unwrap().spouse.unwrap();
            assert!(back.personal_id == Some(person.personal_id), "{serial}");
        }
    }
}
