//! How often the oddities of real registers occur.

use exchange::{Source, name_key};

use super::{ordinary, people, world};
use crate::person::IdStatus;

const COUNT: u64 = 6000;

/// Asserts that `count` of `of` lies within a third of `per_mille`.
fn about(count: usize, of: usize, per_mille: usize) {
    let expected = of * per_mille / 1000;
    let low = expected * 2 / 3;
    let high = expected * 4 / 3 + 1;
    assert!(
        (low..=high).contains(&count),
        "{count} of {of}, expected {expected}"
    );
}

#[test]
fn one_number_in_twenty_was_replaced() {
    let replaced = people(COUNT).filter(|p| p.status != IdStatus::Current);
    about(replaced.count(), COUNT as usize, 50);
}

#[test]
fn three_birth_dates_in_a_hundred_are_partial() {
    let partial = people(COUNT).filter(|p| p.birth_date.day().is_none());
    about(partial.count(), COUNT as usize, 30);
}

#[test]
fn two_adults_in_a_hundred_have_an_old_nine_digit_number() {
    let adults: Vec<_> = people(COUNT)
        .filter(|p| p.birth_date.year() <= 2005)
        .collect();
    let holders = adults.iter().filter(|p| !p.legacy_ids.is_empty());
    about(holders.count(), adults.len(), 20);
}

#[test]
fn some_old_numbers_name_two_people() {
    let world = world();
    let shared = people(40_000).find(|person| {
        let number = person.legacy_ids.first();
        number.is_some_and(|number| world.by_legacy(number).len() == 2)
    });
    assert!(shared.is_some());
}

#[test]
fn a_few_in_a_hundred_of_working_age_are_dead() {
    let dead = people(COUNT)
        .filter(|p| (1955..1990).contains(&p.birth_date.year()))
        .filter(|p| p.death.is_some())
        .count();
    assert!((10..300).contains(&dead), "{dead}");
}

#[test]
fn names_differ_between_tax_and_population_in_spelling_or_truly() {
    let world = world();
    let (mut spelling, mut truly) = (0, 0);
    for id in ordinary(COUNT) {
        let tax = world.view(&id, Source::Tax);
        let population = world.view(&id, Source::Population);
        let (Some(tax), Some(population)) = (tax, population) else {
            continue;
        };
        let (at_tax, at_home) = (tax.name.full(), population.name.full());
        if name_key(&at_tax) != name_key(&at_home) {
            truly += 1;
        } else if at_tax != at_home {
            spelling += 1;
        }
    }
    about(truly, COUNT as usize, 5);
    assert!((60..240).contains(&spelling), "{spelling}");
}

#[test]
fn some_of_the_dead_still_live_at_social_security() {
    let world = world();
    let (mut dead, mut living) = (0, 0);
    for id in ordinary(COUNT) {
        let civil = world.view(&id, Source::CivilStatus);
        let social = world.view(&id, Source::SocialSecurity);
        let (Some(civil), Some(social)) = (civil, social) else {
            continue;
        };
        if civil.death.is_some() {
            dead += 1;
            living += usize::from(social.death.is_none());
        }
    }
    about(living, dead, 300);
}

#[test]
fn nearly_everybody_is_known_to_every_agency() {
    let world = world();
    for source in Source::ALL {
        let unknown = ordinary(2000).filter(|id| world.view(id, source).is_none());
        assert!(unknown.count() < 30);
    }
}

#[test]
fn names_are_of_many_kinds() {
    let names: std::collections::HashSet<String> = people(2000).map(|p| p.name.full()).collect();
    assert!(names.len() > 1200, "{}", names.len());
}
