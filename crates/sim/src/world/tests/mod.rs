//! Properties of the world as a whole.

mod families;
mod personas;
mod rates;

use exchange::CitizenId;

use super::{World, mix};
use crate::Person;

fn id(text: &str) -> CitizenId {
    CitizenId::from_agency(text).unwrap()
}

fn world() -> World {
    World::new(20_260_101)
}

/// Ordinary ids of people born from 1930 to 2025, spread evenly.
fn ordinary(count: u64) -> impl Iterator<Item = CitizenId> {
    (0..count).map(|turn| {
        let year = 1930 + mix(turn) % 96;
        let century = (year - 1900) / 100 * 2 + mix(turn + 1) % 2;
        let serial = 1000 + mix(turn ^ 77) % 999_000;
        id(&format!("999{century}{:02}{serial:06}", year % 100))
    })
}

fn people(count: u64) -> impl Iterator<Item = Person> {
    let world = world();
    ordinary(count).map(move |id| world.person(&id).unwrap())
}

#[test]
fn the_same_seed_gives_the_same_people_and_another_gives_others() {
    let (one, same, other) = (World::new(1), World::new(1), World::new(2));
    let mut differ = 0;
    for id in ordinary(200) {
        let person = one.person(&id);
        assert!(person == same.person(&id));
        let elsewhere = other.person(&id);
        differ += u32::from(person.map(|p| p.name) != elsewhere.map(|p| p.name));
    }
    assert!(differ > 180, "{differ}");
}

#[test]
fn only_the_prefix_999_and_the_born_exist() {
    let world = world();
    for nobody in ["001099001000", "079185000001", "998099001000"] {
        assert!(world.person(&id(nobody)).is_none(), "{nobody}");
    }
    // Born in 2027, 2099 and 2399.
    for unborn in ["999227001000", "999299001000", "999999001000"] {
        assert!(world.person(&id(unborn)).is_none(), "{unborn}");
    }
    assert!(world.person(&id("999226001000")).is_some());
}

#[test]
fn the_debug_form_of_a_person_shows_nothing() {
    let person = world().person(&id("999099000001")).unwrap();
    let shown = format!("{person:?} {:?} {:?}", person.name, person.father);
    assert!(!shown.chars().any(|c| c.is_ascii_digit()), "{shown}");
    assert!(!shown.contains(&*person.name.family), "{shown}");
}

#[test]
fn names_are_in_their_normal_form() {
    for person in people(500) {
        let full = person.name.full();
        assert_eq!(exchange::normalise(&full).unwrap(), full);
        assert_eq!(person.name.full_upper().chars().next(), full.chars().next());
    }
}

/// In release a person costs about 20 µs; this bound is for a debug build on a busy machine.
#[test]
fn a_person_is_computed_quickly() {
    let world = world();
    let ids: Vec<CitizenId> = ordinary(2000).collect();
    let start = tokio::time::Instant::now();
    let found = ids.iter().filter_map(|id| world.person(id)).count();
    let each = start.elapsed() / 2000;
    assert_eq!(found, 2000);
    assert!(each.as_micros() < 2000, "{each:?}");
}
