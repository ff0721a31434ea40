//! Agreements are in force for whole days in `Asia/Ho_Chi_Minh`.

use exchange::Reason;

use super::fixture::{POLICY, Room, desk, request, under};

const SUCCESSOR: &str = r#"
[[agreement]]
id = "A-1b"
agency = "H55"
purposes = ["plain"]
fields = ["population"]
valid_from = 2027-01-01
valid_to = 2027-12-31
second_factor = false
"#;

fn outcome(room: &Room, now: &str) -> Result<String, Reason> {
    room.clock.set(now);
    room.pass(std::time::Duration::from_mins(1));
    match room.admission.admit(&desk(), &request("plain")) {
        Ok(permit) => Ok((**permit.agreement()).to_owned()),
        Err(refusal) => Err(refusal.fault().reason),
    }
}

#[test]
fn an_agreement_begins_and_ends_at_midnight_in_vietnam() {
    let room = Room::new(POLICY);
    let cases = [
        (
            "2025-12-31T23:59:59.999999+07:00",
            Err(Reason::AgreementExpired),
        ),
        ("2026-01-01T00:00:00+07:00", Ok("A-1".to_owned())),
        ("2025-12-31T17:00:00Z", Ok("A-1".to_owned())),
        ("2026-12-31T23:59:59.999999+07:00", Ok("A-1".to_owned())),
        ("2027-01-01T00:00:00+07:00", Err(Reason::AgreementExpired)),
        ("2026-12-31T17:00:00Z", Err(Reason::AgreementExpired)),
    ];
    for (now, expected) in cases {
        assert_eq!(outcome(&room, now), expected, "{now}");
    }
}

#[test]
fn a_successor_takes_over_at_midnight_without_being_named() {
    let room = Room::new(&[SUCCESSOR, POLICY].concat());
    let last = "2026-12-31T23:59:59.999999+07:00";
    assert_eq!(outcome(&room, last), Ok("A-1".to_owned()));
    let first = "2027-01-01T00:00:00+07:00";
    assert_eq!(outcome(&room, first), Ok("A-1b".to_owned()));
}

#[test]
fn an_agreement_that_is_over_stays_over_when_named() {
    let room = Room::new(&[SUCCESSOR, POLICY].concat());
    room.clock.set("2027-01-01T00:00:00+07:00");
    let refusal = room
        .admission
        .admit(&desk(), &under("A-1", request("plain")))
        .unwrap_err();
    assert_eq!(refusal.fault().reason, Reason::AgreementExpired);
}

#[test]
fn of_several_that_are_over_the_last_is_named() {
    let room = Room::new(&[SUCCESSOR, POLICY].concat());
    room.clock.set("2028-01-01T00:00:00+07:00");
    let refusal = room.admission.admit(&desk(), &request("plain"));
    let metadata = &refusal.unwrap_err().fault().metadata.clone();
    assert!(metadata.contains(&("agreementId", "A-1b".to_owned())));
}
