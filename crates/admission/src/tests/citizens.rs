//! Whoever asks about too many different citizens is held back, whether these exist or not.

use std::num::NonZeroU32;

use exchange::{Caller, Identifier, IdentifierKind, OfficerId, Reason, Request};

use super::fixture::{POLICY, Room, caller, desk, request};
use crate::{Citizens, Found, Level, Step, Thresholds};

fn budget(per_hour: u32, per_day: u32) -> Citizens {
    let number = |it| NonZeroU32::new(it).unwrap();
    Citizens {
        per_hour: number(per_hour),
        per_day: number(per_day),
    }
}

fn room(change: impl FnOnce(&mut Thresholds)) -> Room {
    let mut thresholds = Thresholds::DEFAULT;
    change(&mut thresholds);
    Room::new(&POLICY.replace("burst = 3", "burst = 100000")).with(thresholds)
}

/// A question about the n-th citizen, each with a prefix of their own and no neighbour.
fn about(officer: &str, n: u32) -> Request {
    let mut request = request("plain");
    request.context.officer = Some(OfficerId::parse(officer).unwrap());
    let number = format!("9990{:02}{:06}", n % 100, n * 7);
    let parsed = Identifier::parse(IdentifierKind::Personal, &number, 2026);
    request.subject.identifier = parsed.unwrap();
    request
}

fn answered(room: &Room, caller: &Caller, request: &Request) -> Option<(Level, Step)> {
    let (officer, about) = (
        request.context.officer.as_ref(),
        &request.subject.identifier,
    );
    let suspicion = room
        .admission
        .answered(caller, officer, about, Found::Person);
    suspicion.map(|it| (it.level, it.step))
}

fn reason(room: &Room, request: &Request) -> Option<Reason> {
    let refusal = room.admission.admit(&desk(), request).err()?;
    Some(refusal.fault().reason)
}

#[test]
fn an_officer_beyond_the_hours_budget_is_slowed_down_and_at_twice_it_suspended() {
    let room = room(|all| all.officer = budget(10, 100));
    // The same citizen again is none more.
    let mut steps = Vec::new();
    for n in 0..21 {
        for _ in 0..3 {
            steps.extend(answered(&room, &desk(), &about("CB-1", n)).map(|it| (n, it)));
        }
    }
    let officer = |step| (Level::Officer, step);
    assert_eq!(
        steps,
        [
            (10, officer(Step::SteppedDown)),
            (20, officer(Step::Suspended))
        ]
    );
    let suspended = Some(Reason::EnumerationSuspected);
    assert_eq!(reason(&room, &about("CB-1", 0)), suspended);
    assert_eq!(reason(&room, &about("CB-2", 0)), None);
    let id = room.admission.suspensions()[0].id;
    assert!(room.admission.lift_suspension(id).is_some());
    assert_eq!(
        answered(&room, &desk(), &about("CB-1", 90)),
        None,
        "counted anew"
    );
}

#[test]
fn an_hour_begins_anew_and_a_day_at_midnight_in_vietnam() {
    let room = room(|all| all.officer = budget(10, 30));
    let ask = |from: u32, to: u32| -> Vec<_> {
        let all = (from..to).filter_map(|n| answered(&room, &desk(), &about("CB-1", n)));
        all.collect()
    };
    let slowed = [(Level::Officer, Step::SteppedDown)];
    for (hour, from) in [(20, 0), (21, 10), (22, 20)] {
        room.clock.set(&format!("2026-06-15T{hour}:59:00+07:00"));
        assert_eq!(ask(from, from + 10), [], "{hour}");
    }
    assert_eq!(ask(20, 30), [], "the same ten");
    room.clock.set("2026-06-15T23:30:00+07:00");
    assert_eq!(ask(30, 31), slowed, "more than thirty on one day");
    room.pass(std::time::Duration::from_secs(600));
    room.clock.set("2026-06-16T00:00:00+07:00");
    assert_eq!(ask(40, 50), []);
    assert_eq!(ask(50, 51), slowed, "more than ten in one hour");
}

#[test]
fn officers_of_a_system_and_systems_of_an_agency_are_counted_together() {
    let room = room(|all| {
        all.system = budget(300, 1_000);
        all.agency = budget(400, 1_000);
    });
    let mut steps = Vec::new();
    for n in 0..600 {
        let asked = about(&format!("CB-{}", n % 40), n);
        let system = if n < 400 { "desk" } else { "archive" };
        let step = answered(&room, &caller("H55", system), &asked);
        steps.extend(step.map(|step| (n, step)));
    }
    // Beyond 256 they are counted within some 3 %.
    let [(first, system), (second, agency)] = steps[..] else {
        panic!("{steps:?}");
    };
    assert_eq!(system, (Level::System, Step::SteppedDown));
    assert_eq!(agency, (Level::Agency, Step::SteppedDown));
    assert!(
        (270..330).contains(&first) && (360..440).contains(&second),
        "{steps:?}"
    );
}

#[test]
fn an_officer_who_is_slowed_down_does_not_hide_a_system_that_is_to_be_suspended() {
    let room = room(|all| {
        all.officer = budget(10, 100);
        all.system = budget(8, 100);
    });
    let steps = (0..17).filter_map(|n| answered(&room, &desk(), &about("CB-1", n)));
    let last = steps.last();
    assert_eq!(last, Some((Level::System, Step::Suspended)));
}

#[test]
fn claims_count_as_questions_do() {
    let room = room(|all| all.officer = budget(3, 100));
    let ask = |n| {
        let asked = about("CB-1", n);
        let (officer, about) = (asked.context.officer.as_ref(), &asked.subject.identifier);
        room.admission.asked(&desk(), officer, about)
    };
    assert_eq!((0..3).find_map(ask), None);
    assert_eq!(ask(3).unwrap().step, Step::SteppedDown);
}

#[test]
fn other_numbers_of_misses_sequences_shares_and_mismatches_count() {
    let asked = |n| about("CB-1", n);
    let missed = |room: &Room, n| {
        let (asked, officer) = (asked(n), OfficerId::parse("CB-1").unwrap());
        let about = &asked.subject.identifier;
        let step = room
            .admission
            .answered(&desk(), Some(&officer), about, Found::Nobody);
        step.map(|it| it.step)
    };
    let strict = room(|all| (all.misses_step_down, all.misses) = (2, 4));
    let steps: Vec<_> = (0..4).map(|n| missed(&strict, n)).collect();
    assert_eq!(
        steps,
        [None, Some(Step::SteppedDown), None, Some(Step::Suspended)]
    );

    let slow = room(|all| {
        all.misses_step_down = 1;
        all.step_down_ms = NonZeroU32::new(5_000).unwrap();
        all.window_s = NonZeroU32::new(60).unwrap();
    });
    assert_eq!(missed(&slow, 0), Some(Step::SteppedDown));
    assert_eq!(reason(&slow, &asked(1)), None);
    let refusal = slow.admission.admit(&desk(), &asked(1)).unwrap_err();
    let quota = refusal.fault().quota.as_ref().unwrap();
    assert_eq!(
        (quota.window.as_secs(), &*quota.description),
        (5, "1 request in 5000 ms")
    );
    slow.pass(std::time::Duration::from_secs(61));
    assert_eq!(reason(&slow, &asked(1)), None);
    assert_eq!(reason(&slow, &asked(1)), None);

    let locked = room(|all| {
        all.mismatches = 2;
        all.mismatch_window_s = NonZeroU32::new(30).unwrap();
    });
    let (request, officer) = (asked(0), OfficerId::parse("CB-1").unwrap());
    let person = &request.subject.identifier;
    let is_open = || {
        locked
            .admission
            .open_to(&desk(), Some(&officer), person)
            .is_ok()
    };
    locked.admission.no_match(&desk(), Some(&officer), person);
    assert!(is_open());
    locked.admission.no_match(&desk(), Some(&officer), person);
    assert!(!is_open());
    locked.pass(std::time::Duration::from_secs(30));
    assert!(is_open());
}
