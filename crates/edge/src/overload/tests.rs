//! Who finds room.

use std::sync::{Arc, Mutex};

use exchange::{Criticality, Reason};

use super::{CLASSES, Overload, Place, Pressure};
use crate::{Limits, Observer, Shed};

#[derive(Debug, Default)]
struct Seen(Mutex<Vec<(Criticality, Shed)>>);

impl Observer for Seen {
    fn shed(&self, class: Criticality, why: Shed) {
        self.0.lock().unwrap().push((class, why));
    }
}

fn overload(calls: usize) -> (Arc<Overload>, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let limits = Limits {
        calls: calls.try_into().unwrap(),
        ..Limits::default()
    };
    (Overload::new(&limits, Arc::clone(&seen) as _), seen)
}

/// As many calls of a class as there is room for.
fn fill(overload: &Arc<Overload>, class: Criticality) -> Vec<Place> {
    std::iter::from_fn(|| overload.enter(|| class).ok()).collect()
}

#[test]
fn the_least_urgent_is_shed_first_and_an_emergency_finds_its_reserve() {
    let (overload, seen) = overload(100);
    let bulk = fill(&overload, Criticality::Bulk);
    let back_office = fill(&overload, Criticality::BackOffice);
    let waiting = fill(&overload, Criticality::CitizenWaiting);
    let emergency = fill(&overload, Criticality::Emergency);
    let counts = [bulk, back_office, waiting, emergency].map(|them| them.len());
    assert_eq!(counts, [70, 18, 7, 5]);
    let shed = seen.0.lock().unwrap();
    let order: Vec<_> = CLASSES.iter().rev().map(|it| (*it, Shed::Calls)).collect();
    assert_eq!(*shed, order);
}

#[test]
fn a_place_that_is_given_back_is_there_for_the_next() {
    let (overload, _) = overload(10);
    let mut places = fill(&overload, Criticality::Bulk);
    let (class, fault) = overload.enter(|| Criticality::Bulk).unwrap_err();
    assert_eq!(class, Criticality::Bulk);
    assert_eq!(fault.reason, Reason::Overloaded);
    assert!(fault.retry_after.is_some());
    places.pop();
    assert!(overload.enter(|| Criticality::Bulk).is_ok());
}

#[test]
fn how_urgent_a_call_is_is_looked_at_only_where_room_is_short() {
    let (overload, _) = overload(10);
    let unasked = || -> Criticality { panic!("asked") };
    let places: Vec<_> = (0..7).map(|_| overload.enter(unasked).unwrap()).collect();
    assert!(overload.enter(|| Criticality::BackOffice).is_ok());
    assert_eq!(places.len(), 7);
}

#[test]
fn short_memory_sheds_what_nobody_waits_for_and_then_all_but_emergencies() {
    let (overload, seen) = overload(100);
    let finds = |class| overload.enter(|| class).is_ok();
    overload.divide(100, Pressure::Shed);
    assert_eq!(CLASSES.map(finds), [true, true, false, false]);
    assert!(!overload.is_out_of_memory());
    overload.divide(100, Pressure::Refuse);
    assert_eq!(CLASSES.map(finds), [true, false, false, false]);
    assert_eq!(fill(&overload, Criticality::Emergency).len(), 5);
    assert!(overload.is_out_of_memory());
    assert!(seen.0.lock().unwrap().iter().all(|it| it.1 == Shed::Memory));
    overload.divide(100, Pressure::None);
    assert_eq!(CLASSES.map(finds), [true; 4]);
}

#[test]
fn one_call_at_a_time_is_any_call() {
    let (overload, _) = overload(1);
    for class in CLASSES {
        let place = overload.enter(|| class).unwrap();
        assert!(overload.enter(|| class).is_err());
        drop(place);
    }
}
