//! What the catalogue shows a caller.

use exchange::{FieldSet, Source};

use super::fixture::{POLICY, Room, caller, desk};

#[test]
fn purposes_stand_in_the_order_of_the_policy() {
    let room = Room::new(POLICY);
    let purposes = room.admission.purposes();
    let codes: Vec<&str> = purposes.iter().map(|p| p.code.as_str()).collect();
    assert_eq!(codes, ["plain", "strict"]);
    assert!(purposes[1].dossier_required && purposes[1].procedure_required);
    assert_eq!(purposes[1].title_vi, "Chặt chẽ");
}

#[test]
fn grants_are_the_callers_own_one_per_agreement_and_purpose() {
    let room = Room::new(POLICY);
    let list = |agency, system| -> Vec<(String, String)> {
        let grants = room.admission.grants(&caller(agency, system));
        grants
            .iter()
            .map(|g| ((*g.agreement).to_owned(), g.purpose.to_string()))
            .collect()
    };
    let pairs = |all: &[(&str, &str)]| -> Vec<(String, String)> {
        all.iter()
            .map(|(a, p)| ((*a).to_owned(), (*p).to_owned()))
            .collect()
    };
    assert_eq!(
        list("H55", "desk"),
        pairs(&[("A-1", "plain"), ("A-2", "strict")])
    );
    assert_eq!(
        list("G12", "claims"),
        pairs(&[("B-1", "plain"), ("B-2", "plain"), ("B-2", "strict")])
    );
    assert_eq!(list("H55", "archive"), []);
    assert_eq!(list("G99", "anything"), []);
}

#[test]
fn a_grant_says_fields_second_factor_and_end() {
    let room = Room::new(POLICY);
    let grants = room.admission.grants(&desk());
    assert_eq!(grants[0].fields, FieldSet::of(Source::Tax));
    assert!(!grants[0].second_factor && grants[1].second_factor);
    assert_eq!(
        grants[0].valid_to,
        "2027-01-01T00:00:00+07:00".parse().unwrap()
    );
}

#[test]
fn what_is_over_is_no_grant() {
    let room = Room::new(POLICY);
    assert_eq!(room.admission.grants(&caller("G18", "clinic")), []);
    room.clock.set("2025-06-15T12:00:00+07:00");
    assert_eq!(room.admission.grants(&caller("G18", "clinic")).len(), 1);
    assert_eq!(room.admission.grants(&desk()), []);
}
