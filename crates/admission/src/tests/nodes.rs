//! Whom one node suspends the others refuse, and let go when it is lifted anywhere.

use exchange::{Identifier, IdentifierKind, OfficerId, Reason, Request};

use super::fixture::{POLICY, Room, caller, desk, request};
use crate::{Found, Suspension, Thresholds};

const KEY: [u8; 32] = [7; 32];

/// A node whose third miss suspends.
fn node(key: &[u8; 32]) -> Room {
    let room = Room::new(&POLICY.replace("burst = 3", "burst = 10000")).with(Thresholds {
        misses_step_down: 3,
        misses: 3,
        ..Thresholds::DEFAULT
    });
    room.admission.name_suspensions(key);
    room
}

fn about(officer: &str, serial: u32) -> Request {
    let mut request = request("plain");
    request.context.officer = Some(OfficerId::parse(officer).unwrap());
    let number = format!("999099{serial:06}");
    let parsed = Identifier::parse(IdentifierKind::Personal, &number, 2026);
    request.subject.identifier = parsed.unwrap();
    request
}

fn misses(room: &Room, officer: &str, count: u32) {
    for n in 0..count {
        let asked = about(officer, n * 7);
        let (officer, person) = (asked.context.officer.as_ref(), &asked.subject.identifier);
        room.admission
            .answered(&desk(), officer, person, Found::Nobody);
    }
}

fn is_suspended(room: &Room, officer: &str) -> bool {
    let refusal = room.admission.admit(&desk(), &about(officer, 999));
    refusal.is_err_and(|it| it.fault().reason == Reason::EnumerationSuspected)
}

fn ids(all: &[Suspension]) -> Vec<String> {
    all.iter().map(|it| it.id.to_string()).collect()
}

#[test]
fn whom_one_node_suspends_another_refuses_and_nobody_else() {
    let (one, other) = (node(&KEY), node(&KEY));
    misses(&one, "CB-1", 3);
    let found = one.admission.suspensions_here();
    assert_eq!(found.len(), 1);
    assert_eq!(other.admission.heed_suspensions(found.clone()), found);
    assert_eq!(
        other.admission.heed_suspensions(found.clone()),
        [],
        "known by now"
    );
    assert!(is_suspended(&one, "CB-1") && is_suspended(&other, "CB-1"));
    assert!(!is_suspended(&other, "CB-2"));
    assert_eq!(ids(&other.admission.suspensions()), ids(&found));
    assert!(other.admission.suspensions_here().is_empty());
    // The node that found it hears of it as its own.
    assert_eq!(one.admission.heed_suspensions(found.clone()), []);
    assert_eq!(ids(&one.admission.suspensions()), ids(&found));
}

#[test]
fn who_is_lifted_on_one_node_is_let_go_on_all_with_nothing_counted() {
    let (one, other) = (node(&KEY), node(&KEY));
    misses(&one, "CB-1", 3);
    let found = one.admission.suspensions_here();
    for node in [&one, &other] {
        node.admission.heed_suspensions(found.clone());
    }
    assert!(other.admission.lift_suspension(found[0].id).is_some());
    assert!(!is_suspended(&other, "CB-1"));
    assert!(is_suspended(&one, "CB-1"), "it has not looked yet");
    one.admission.heed_suspensions(Vec::new());
    assert!(!is_suspended(&one, "CB-1"));
    misses(&one, "CB-1", 2);
    assert!(!is_suspended(&one, "CB-1"), "counted anew");
}

#[test]
fn one_that_is_not_stored_yet_stays_while_others_come_and_go() {
    let node = node(&KEY);
    misses(&node, "CB-1", 3);
    let own = node.admission.suspensions_here();
    node.admission.heed_suspensions(Vec::new());
    assert!(is_suspended(&node, "CB-1"));
    assert_eq!(ids(&node.admission.suspensions_here()), ids(&own));
}

#[test]
fn names_are_the_same_under_one_key_alone() {
    let suspended = |key: &[u8; 32], officer: &str| {
        let room = node(key);
        misses(&room, officer, 3);
        ids(&room.admission.suspensions()).remove(0)
    };
    assert_eq!(suspended(&KEY, "CB-1"), suspended(&KEY, "CB-1"));
    assert_ne!(suspended(&KEY, "CB-1"), suspended(&KEY, "CB-2"));
    assert_ne!(suspended(&KEY, "CB-1"), suspended(&[8; 32], "CB-1"));
    // Another agency's officer of the same name is another.
    let room = node(&KEY);
    misses(&room, "CB-1", 3);
    let found = room.admission.suspensions_here();
    let other = node(&KEY);
    other.admission.heed_suspensions(found);
    let asked = about("CB-1", 999);
    let theirs = other.admission.admit(&caller("G12", "busy"), &asked);
    assert!(!theirs.is_err_and(|it| it.fault().reason == Reason::EnumerationSuspected));
}
