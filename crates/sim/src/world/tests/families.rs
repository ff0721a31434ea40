//! Every relation computes from both of its ends.

use std::collections::HashSet;

use exchange::CitizenId;

use super::{ordinary, people, world};
use crate::Person;
use crate::person::{ParentageKind, Relation, Relative};
use crate::world::REFERENCE;

fn ids(relatives: &[Relative]) -> Vec<CitizenId> {
    relatives.iter().filter_map(|r| r.personal_id).collect()
}

fn find(relative: &Relative) -> Option<Person> {
    let id = relative.personal_id?;
    let found = world().person(&id).unwrap();
    assert!(
        found.personal_id == id,
        "a relative is named by a number in force"
    );
    assert!(found.name == relative.name && found.birth_date == relative.birth_date);
    assert_eq!(found.sex, relative.sex);
    assert_eq!(found.legacy_ids.first(), relative.legacy_id.as_ref());
    Some(found)
}

#[test]
fn a_childs_parents_count_the_child_among_theirs() {
    let mut seen = 0;
    for person in people(1500) {
        for parent in [&person.father, &person.mother].into_iter().flatten() {
            if let Some(parent) = find(parent) {
                assert!(ids(&parent.children).contains(&person.personal_id));
                seen += 1;
            }
        }
    }
    assert!(seen > 2500, "{seen}");
}

#[test]
fn a_parents_children_name_the_parent() {
    let mut seen = 0;
    for person in people(1500) {
        for child in person.children.iter().filter_map(find) {
            let parents = [&child.father, &child.mother];
            let named = parents
                .into_iter()
                .flatten()
                .any(|parent| parent.personal_id == Some(person.personal_id));
            assert!(named);
            seen += 1;
        }
    }
    assert!(seen > 1000, "{seen}");
}

#[test]
fn the_spouse_of_a_spouse_is_oneself() {
    let mut seen = 0;
    for person in people(1500) {
        let Some(spouse) = person.spouse.as_ref().and_then(find) else {
            continue;
        };
        assert_eq!(spouse.spouse.unwrap().personal_id, Some(person.personal_id));
        assert_ne!(spouse.sex, person.sex);
        assert!(person.death.is_none() && spouse.death.is_none());
        seen += 1;
    }
    assert!(seen > 300, "{seen}");
}

#[test]
fn both_sides_of_a_marriage_hold_the_same_entry() {
    for person in people(800) {
        for marriage in &person.marriages {
            let Some(spouse) = find(&marriage.spouse) else {
                continue;
            };
            let theirs = &spouse.marriages[0];
            assert!(theirs.registration == marriage.registration);
            assert!(theirs.end == marriage.end);
        }
    }
}

#[test]
fn a_household_is_the_same_for_all_its_members() {
    for person in people(800) {
        let home = &person.household;
        let members: Vec<CitizenId> = home
            .members
            .iter()
            .filter_map(|m| m.person.personal_id)
            .collect();
        let here = members.contains(&person.personal_id);
        assert_eq!(
            here,
            person.death.is_none(),
            "the living are in their household"
        );
        if here {
            assert!(home.head.personal_id == members.first().copied());
        }
        for member in home.members.iter().filter_map(|m| find(&m.person)) {
            let theirs = &member.household;
            assert_eq!((&theirs.code, &theirs.book_no), (&home.code, &home.book_no));
            assert!(theirs.members == home.members);
            assert!(member.residence.permanent == person.residence.permanent);
            assert_eq!(member.social.household_code, home.code);
        }
        let heads = home
            .members
            .iter()
            .filter(|m| m.relation == Relation::Head)
            .count();
        assert!(heads == 1 || home.members.is_empty());
    }
}

#[test]
fn family_name_ethnic_group_and_native_place_come_from_the_father() {
    for person in people(500) {
        let Some(father) = person.father.as_ref().and_then(find) else {
            continue;
        };
        assert_eq!(father.name.family, person.name.family);
        assert_eq!(father.ethnicity, person.ethnicity);
        assert!(father.native_place == person.native_place);
    }
}

#[test]
fn lives_run_in_order() {
    for person in people(1500) {
        let parents = [&person.father, &person.mother];
        for parent in parents.into_iter().flatten() {
            let older = person.birth_date.year() - parent.birth_date.year();
            assert!((17..=52).contains(&older), "{older}");
        }
        let born = person.birth_date.year();
        for marriage in &person.marriages {
            assert!(marriage.registration.date <= REFERENCE);
            assert!(marriage.registration.date.year() - born >= 17);
        }
        if let Some(death) = &person.death {
            let last_child = person.children.iter().map(|c| c.birth_date.year()).max();
            assert!(last_child.is_none_or(|year| year <= death.date.year()));
            assert!((born..=2026).contains(&death.date.year()));
        }
    }
}

#[test]
fn siblings_are_different_people_born_apart() {
    for person in people(500) {
        let all = ids(&person.children);
        let distinct: HashSet<&CitizenId> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}

#[test]
fn a_recognition_is_held_by_father_and_child() {
    let mut seen = 0;
    for person in people(3000) {
        for entry in &person.civil.parentage {
            if entry.kind == ParentageKind::ChildOfFather
                && let Some(father) = find(&entry.other)
            {
                let theirs = father
                    .civil
                    .parentage
                    .iter()
                    .find(|other| other.other.personal_id == Some(person.personal_id));
                assert!(theirs.unwrap().registration == entry.registration);
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn old_numbers_lead_to_the_number_in_force_and_back() {
    let world = world();
    let mut seen = 0;
    for id in ordinary(4000) {
        let current = world.person(&id).unwrap();
        if current.personal_id != id {
            let previous: Vec<CitizenId> =
                current.previous_ids.iter().map(|p| p.personal_id).collect();
            assert_eq!(previous, [id]);
            seen += 1;
        }
        for previous in &current.previous_ids {
            let again = world.person(&previous.personal_id).unwrap();
            assert!(again.personal_id == current.personal_id);
            assert_eq!(again.status, previous.status);
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn codes_of_other_registers_find_their_person() {
    let world = world();
    for id in ordinary(2000) {
        let person = world.person(&id).unwrap();
        let current = person.personal_id;
        let found = world.by_insurance_code(&person.social.insurance_code);
        assert!(found == Some(current));
        for code in &person.tax.old_tax_codes {
            assert!(world.by_tax_code(code) == Some(current));
        }
        for number in &person.legacy_ids {
            assert!(world.by_legacy(number).contains(&current));
        }
    }
}

#[test]
fn numbers_that_nobody_holds_find_nobody() {
    let world = world();
    for nobody in ["", "12345678", "1234567890", "abcdefghi", "000000000"] {
        assert!(world.by_legacy(nobody).is_empty(), "{nobody}");
    }
    for nobody in ["", "0100233480", "9999999999", "97000000001"] {
        assert!(world.by_insurance_code(nobody).is_none(), "{nobody}");
        assert!(world.by_tax_code(nobody).is_none(), "{nobody}");
    }
}
