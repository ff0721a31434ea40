//! Who asks about people who do not exist is held back, and let go by an operator.

use std::time::Duration;

use exchange::{Caller, Identifier, IdentifierKind, OfficerId, Reason, Request};

use super::fixture::{POLICY, Room, caller, desk, request};
use crate::{Found, Level, Step, Suspicion};

fn room() -> Room {
    Room::new(&POLICY.replace("burst = 3", "burst = 10000"))
}

/// A question by an officer about the n-th person of one prefix, or each of a prefix of their own.
fn about(officer: Option<&str>, prefix: u32, serial: u32) -> Request {
    let mut request = request("plain");
    request.context.officer = officer.map(|it| OfficerId::parse(it).unwrap());
    let number = format!("999{}{:02}{serial:06}", prefix / 100 % 2, prefix % 100);
    let parsed = Identifier::parse(IdentifierKind::Personal, &number, 2026);
    request.subject.identifier = parsed.unwrap();
    request
}

fn told(room: &Room, caller: &Caller, request: &Request, found: Found) -> Option<Suspicion> {
    let officer = request.context.officer.as_ref();
    let about = &request.subject.identifier;
    room.admission.answered(caller, officer, about, found)
}

fn missed(room: &Room, caller: &Caller, request: &Request) -> Option<(Level, Step)> {
    let suspicion = told(room, caller, request, Found::Nobody)?;
    Some((suspicion.level, suspicion.step))
}

fn reason(room: &Room, caller: &Caller, request: &Request) -> Option<Reason> {
    let refusal = room.admission.admit(caller, request).err()?;
    Some(refusal.fault().reason)
}

#[test]
fn an_officer_who_guesses_is_slowed_down_and_then_suspended_and_nobody_else_is() {
    let room = room();
    let steps = (0..50).filter_map(|n| missed(&room, &desk(), &about(Some("CB-1"), n, n * 7)));
    let found = [
        (Level::Officer, Step::SteppedDown),
        (Level::Officer, Step::Suspended),
    ];
    assert_eq!(steps.collect::<Vec<_>>(), found);
    let asked = about(Some("CB-1"), 99, 1);
    assert_eq!(
        reason(&room, &desk(), &asked),
        Some(Reason::EnumerationSuspected)
    );
    // From wherever in the agency; but not the colleague beside them.
    let other_system = Some(Reason::CallerUnknown);
    assert_eq!(
        reason(&room, &caller("H55", "archive"), &asked),
        other_system
    );
    assert_eq!(reason(&room, &desk(), &about(Some("CB-2"), 99, 1)), None);
}

#[test]
fn an_officer_who_is_slowed_down_slows_down_nobody_else() {
    // Nobody else has asked anything: all that the system has missed is theirs.
    let (guesses, in_a_row) = ((0..49).map(|n| (n, n * 7)), (0..60).map(|n| (1, n)));
    for (numbers, found) in [
        (guesses.collect::<Vec<_>>(), Found::Nobody),
        (in_a_row.collect(), Found::Person),
    ] {
        let room = room();
        let asked = numbers.into_iter().filter_map(|(prefix, serial)| {
            let asked = about(Some("CB-1"), prefix, serial);
            let suspicion = told(&room, &desk(), &asked, found)?;
            Some((suspicion.level, suspicion.step))
        });
        let found = asked.collect::<Vec<_>>();
        assert_eq!(found, [(Level::Officer, Step::SteppedDown)]);
        for n in 0..20 {
            let asked = about(Some("CB-2"), 60 + n, n * 7);
            assert_eq!(reason(&room, &desk(), &asked), None, "{n}");
            assert_eq!(told(&room, &desk(), &asked, Found::Person), None, "{n}");
        }
    }
}

#[test]
fn one_question_a_second_is_answered_after_a_step_down_until_ten_minutes_of_peace() {
    let room = room();
    for n in 0..25 {
        missed(&room, &desk(), &about(Some("CB-1"), n, n * 7));
    }
    let asked = about(Some("CB-1"), 99, 1);
    assert_eq!(reason(&room, &desk(), &asked), None);
    let refusal = room.admission.admit(&desk(), &asked).unwrap_err();
    let quota = refusal.fault().quota.as_ref().unwrap();
    assert_eq!((quota.policy, quota.limit), ("step-down", 1));
    assert_eq!(refusal.fault().retry_after, Some(Duration::from_secs(1)));
    room.pass(Duration::from_secs(1));
    assert_eq!(reason(&room, &desk(), &asked), None);
    room.pass(Duration::from_secs(600));
    assert_eq!(reason(&room, &desk(), &asked), None);
    assert_eq!(reason(&room, &desk(), &asked), None);
}

#[test]
fn many_officers_of_one_system_are_found_as_the_system() {
    let room = room();
    let mut steps = Vec::new();
    for n in 0..50 {
        let officer = format!("CB-{}", n % 20);
        steps.extend(missed(&room, &desk(), &about(Some(&officer), n, n * 7)));
    }
    assert_eq!(steps.last(), Some(&(Level::System, Step::Suspended)));
    let asked = about(Some("CB-99"), 99, 1);
    assert_eq!(
        reason(&room, &desk(), &asked),
        Some(Reason::EnumerationSuspected)
    );
}

#[test]
fn many_systems_are_found_as_the_agency_and_as_the_prefix_they_try() {
    for (prefixes, level) in [(50, Level::Agency), (1, Level::Prefix)] {
        let room = room();
        let mut steps = Vec::new();
        for n in 0..50 {
            let (officer, system) = (format!("CB-{}", n % 20), format!("s{}", n % 5));
            let asked = about(Some(&officer), n % prefixes, n * 7);
            steps.extend(missed(&room, &caller("G12", &system), &asked));
        }
        assert_eq!(
            steps,
            [(level, Step::SteppedDown), (level, Step::Suspended)]
        );
        let fresh = caller("G12", "s9");
        let same = reason(&room, &fresh, &about(None, 0, 999_999));
        assert_eq!(same, Some(Reason::EnumerationSuspected));
        let elsewhere = reason(&room, &fresh, &about(None, 77, 1));
        let is_held = elsewhere == Some(Reason::EnumerationSuspected);
        assert_eq!(is_held, level == Level::Agency);
    }
}

#[test]
fn made_up_officers_do_not_hide_their_system() {
    let room = room();
    let mut steps = Vec::new();
    for n in 0..150 {
        let officer = format!("CB-{}", n / 50);
        steps.extend(missed(&room, &desk(), &about(Some(&officer), n, n * 7)));
    }
    assert!(
        steps.contains(&(Level::System, Step::Suspended)),
        "{steps:?}"
    );
}

#[test]
fn a_desk_at_work_is_never_held_back() {
    let room = room();
    for n in 0..5_000 {
        let asked = about(Some(&format!("CB-{}", n % 40)), n % 60, n * 7);
        let found = match n % 25 {
            0 => Found::Nobody,
            _ => Found::Person,
        };
        assert_eq!(told(&room, &desk(), &asked, found), None, "{n}");
        room.pass(Duration::from_secs(1));
    }
}

#[test]
fn an_operator_lifts_a_suspension_once() {
    let room = room();
    for n in 0..50 {
        missed(&room, &desk(), &about(None, n, n * 7));
    }
    let all = room.admission.suspensions();
    let [suspension] = &all[..] else {
        panic!("{all:?}");
    };
    assert_eq!(suspension.level, Level::System);
    assert_eq!(suspension.agency.as_str(), "H55");
    let asked = about(None, 99, 1);
    assert_eq!(
        reason(&room, &desk(), &asked),
        Some(Reason::EnumerationSuspected)
    );
    let id = crate::SuspensionId::parse(&suspension.id.to_string()).unwrap();
    assert_eq!(
        room.admission.lift_suspension(id).as_ref(),
        Some(suspension)
    );
    assert_eq!(room.admission.lift_suspension(id), None);
    assert_eq!(reason(&room, &desk(), &asked), None);
    assert_eq!(missed(&room, &desk(), &about(None, 98, 1)), None);
}

#[test]
fn a_suspension_is_the_same_for_who_exists_and_who_does_not() {
    // The decision is made before anybody is asked: the same bytes for every number.
    let room = room();
    for n in 0..50 {
        missed(&room, &desk(), &about(None, n, n * 7));
    }
    let texts = (0..20).map(|n| {
        let refusal = room
            .admission
            .admit(&desk(), &about(None, n, n * 3))
            .unwrap_err();
        format!(
            "{:?} {:?}",
            refusal.fault().metadata,
            refusal.fault().detail
        )
    });
    let mut texts: Vec<String> = texts.collect();
    texts.dedup();
    assert_eq!(texts.len(), 1);
}
