//! What is out of the ordinary: other hours, and officers who ask about themselves.

use exchange::{Fault, Flag, FlagSet, OfficerId, Reason, Request};

use super::fixture::{POLICY, Room, desk, request};
use crate::{Error, Policy};

/// The policy with these lines in agreement A-1.
fn with(lines: &str) -> String {
    let fields = "fields = [\"tax\"]\n";
    POLICY.replacen(fields, &format!("{fields}{lines}\n"), 1)
}

/// What is said of a question at that time; the flags of one that is admitted.
fn asked(lines: &str, at: &str, request: &Request) -> Result<FlagSet, Fault> {
    let room = Room::new(&with(lines));
    room.clock.set(at);
    let admitted = room.admission.admit(&desk(), request);
    admitted.map(|permit| permit.flags()).map_err(Fault::from)
}

/// A question of an officer about the number in it.
fn by(officer: &str) -> Request {
    let mut request = request("plain");
    request.context.officer = Some(OfficerId::parse(officer).unwrap());
    request
}

const OFFICE: &str = "hours = [\"MON-FRI 07:30-17:30\", \"SAT 07:30-11:30\"]";
const MONDAY_MORNING: &str = "2026-06-15T07:30:00+07:00";
const MONDAY_NIGHT: &str = "2026-06-15T17:30:00+07:00";
const SATURDAY_AFTERNOON: &str = "2026-06-20T12:00:00+07:00";

#[test]
fn outside_its_hours_an_agreement_refuses_with_its_own_reason() {
    let request = request("plain");
    assert_eq!(
        asked(OFFICE, MONDAY_MORNING, &request).unwrap(),
        FlagSet::NONE
    );
    for late in [MONDAY_NIGHT, SATURDAY_AFTERNOON] {
        let fault = asked(OFFICE, late, &request).unwrap_err();
        assert_eq!(fault.reason, Reason::OutOfHours);
        let named = [
            ("purpose", "plain".to_owned()),
            ("agreementId", "A-1".to_owned()),
        ];
        assert_eq!(fault.metadata, named);
    }
    assert_eq!(asked("", MONDAY_NIGHT, &request).unwrap(), FlagSet::NONE);
}

#[test]
fn an_agreement_may_let_other_hours_pass_with_a_flag() {
    let lines = format!("{OFFICE}\noutside_hours = \"FLAG\"");
    let flags = |at| asked(&lines, at, &request("plain")).unwrap();
    assert_eq!(flags(MONDAY_NIGHT), FlagSet::from_iter([Flag::OutOfHours]));
    assert_eq!(flags(MONDAY_MORNING), FlagSet::NONE);
}

#[test]
fn an_officer_who_asks_about_themselves_is_flagged_or_refused() {
    let (own, other) = (by("999099000001"), by("999099000002"));
    let own_record = FlagSet::from_iter([Flag::OwnRecord]);
    assert_eq!(asked("", MONDAY_MORNING, &own).unwrap(), own_record);
    assert_eq!(asked("", MONDAY_MORNING, &other).unwrap(), FlagSet::NONE);
    let refuse = "own_record = \"REFUSE\"";
    let fault = asked(refuse, MONDAY_MORNING, &own).unwrap_err();
    assert_eq!(fault.reason, Reason::OwnRecord);
    let said = format!("{fault:?} {fault}");
    assert!(!said.contains("999099000001"), "{said}");
    assert!(asked(refuse, MONDAY_MORNING, &other).is_ok());
}

#[test]
fn what_is_wrong_with_hours_is_said_at_its_place() {
    let lines = "hours = [\"MON-FRI 07:30-17:30\", \"NIGHTS\"]\noutside_hours = \"ALLOW\"";
    match Policy::parse(with(lines).as_bytes()) {
        Err(Error::Invalid(problems)) => {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            assert_eq!(
                problems,
                [
                    "agreement[0].hours[1]: must be like MON-FRI 07:30-17:30",
                    "agreement[0].outside_hours: must be REFUSE or FLAG",
                ]
            );
        }
        other => panic!("{other:?}"),
    }
}
