//! Quotas under a clock that the test moves.

use std::time::Duration;

use exchange::{Caller, Fault, Reason};

use super::fixture::{POLICY, Room, caller, desk, request, under};

fn spend_all(room: &Room, caller: &Caller) {
    while room.admission.quota(caller).unwrap().remaining > 0 {
        drop(room.admission.admit(caller, &request("plain")));
    }
}

#[test]
fn a_spent_quota_says_which_and_when_to_come_again() {
    let room = Room::new(POLICY);
    spend_all(&room, &desk());
    room.pass(Duration::from_millis(400));
    let refusal = room
        .admission
        .admit(&desk(), &request("plain"))
        .unwrap_err();
    let state = refusal.quota().unwrap();
    assert_eq!((state.limit, state.remaining), (3, 0));
    let fault = Fault::from(refusal);
    assert_eq!(fault.reason, Reason::QuotaExceeded);
    assert_eq!(fault.retry_after, Some(Duration::from_millis(600)));
    let quota = fault.quota.clone().unwrap();
    assert_eq!(quota.policy, "caller");
    assert_eq!(quota.description, "60 requests per minute, 3 at once");
}

#[test]
fn a_quota_fills_with_time() {
    let room = Room::new(POLICY);
    spend_all(&room, &desk());
    room.pass(Duration::from_millis(999));
    assert!(room.admission.admit(&desk(), &request("plain")).is_err());
    room.pass(Duration::from_millis(1));
    assert!(room.admission.admit(&desk(), &request("plain")).is_ok());
    assert!(room.admission.admit(&desk(), &request("plain")).is_err());
}

#[test]
fn a_permit_and_a_look_show_the_same_quota() {
    let room = Room::new(POLICY);
    let full = room.admission.quota(&desk()).unwrap();
    assert_eq!((full.limit, full.remaining), (3, 3));
    assert_eq!(full.window, Duration::from_secs(3));
    assert_eq!(full.reset_after, Duration::ZERO);
    for pause in [0, 250, 700, 1_500] {
        room.pass(Duration::from_millis(pause));
        let permit = room.admission.admit(&desk(), &request("plain")).unwrap();
        assert_eq!(Some(permit.quota()), room.admission.quota(&desk()).as_ref());
    }
    // Four seconds' worth was spent in 2.45 s: two requests are not back yet.
    assert_eq!(room.admission.quota(&desk()).unwrap().remaining, 1);
}

#[test]
fn looking_spends_nothing() {
    let room = Room::new(POLICY);
    for _ in 0..100 {
        assert_eq!(room.admission.quota(&desk()).unwrap().remaining, 3);
    }
}

#[test]
fn probing_costs_and_a_spent_quota_hides_the_policy() {
    let room = Room::new(POLICY);
    for _ in 0..3 {
        let refusal = room
            .admission
            .admit(&desk(), &under("B-1", request("plain")));
        assert_eq!(
            refusal.unwrap_err().fault().reason,
            Reason::AgreementUnknown
        );
    }
    for probe in [under("B-1", request("plain")), request("strict")] {
        let refusal = room.admission.admit(&desk(), &probe).unwrap_err();
        assert_eq!(refusal.fault().reason, Reason::QuotaExceeded);
    }
}

#[test]
fn what_nobody_can_judge_is_charged_to_its_caller() {
    let room = Room::new(POLICY);
    for left in [2, 1, 0] {
        let quota = room.admission.charge(&desk()).unwrap().unwrap();
        assert_eq!((quota.policy, quota.remaining), ("caller", left));
    }
    let refusal = room.admission.charge(&desk()).unwrap_err();
    assert_eq!(refusal.fault().reason, Reason::QuotaExceeded);
    assert_eq!(refusal.quota().unwrap().remaining, 0);
    let stranger = caller("X99", "nobody");
    assert!(room.admission.charge(&stranger).unwrap().is_none());
}

#[test]
fn callers_spend_only_their_own_quota() {
    let room = Room::new(POLICY);
    let (claims, registry) = (caller("G12", "claims"), caller("G12", "registry"));
    spend_all(&room, &claims);
    assert_eq!(room.admission.quota(&registry).unwrap().remaining, 3);
    assert_eq!(room.admission.quota(&desk()).unwrap().remaining, 3);
}

#[test]
fn a_limit_of_its_own_comes_before_the_default() {
    let room = Room::new(POLICY);
    let busy = room.admission.quota(&caller("G12", "busy")).unwrap();
    assert_eq!(busy.limit, 5);
    assert_eq!(busy.window, Duration::from_millis(500));
    let other = room.admission.quota(&caller("G12", "claims")).unwrap();
    assert_eq!(other.limit, 3);
}

#[test]
fn the_limit_of_an_agency_is_for_its_systems_without_one() {
    let of_agency = "
[[quota.caller]]
agency = \"G12\"
requests_per_minute = 1
burst = 1
";
    let room = Room::new(&[POLICY, of_agency].concat());
    let limit = |system| room.admission.quota(&caller("G12", system)).unwrap().limit;
    assert_eq!((limit("claims"), limit("busy")), (1, 5));
}

#[test]
fn strangers_have_no_quota() {
    let room = Room::new(POLICY);
    for stranger in [caller("G99", "x"), caller("H55", "archive")] {
        drop(room.admission.admit(&stranger, &request("plain")));
        assert_eq!(room.admission.quota(&stranger), None);
    }
}
