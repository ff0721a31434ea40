//! What a permit says.

use exchange::{Criticality, Field, FieldSet, Request, Source};

use super::fixture::{POLICY, Room, caller, complete, desk, request, under};
use crate::resolution_mask;

#[test]
fn a_permit_names_agreement_purpose_and_policy() {
    let room = Room::new(POLICY);
    let permit = room.admission.admit(&desk(), &complete()).unwrap();
    assert_eq!(&**permit.agreement(), "A-2");
    assert_eq!(permit.purpose().code.as_str(), "strict");
    assert_eq!(*permit.policy_digest(), room.admission.policy_digest());
}

#[test]
fn the_mask_is_split_at_the_agreement() {
    let room = Room::new(POLICY);
    let everything = Request {
        mask: FieldSet::all(),
        ..request("plain")
    };
    let permit = room.admission.admit(&desk(), &everything).unwrap();
    let tax = FieldSet::of(Source::Tax);
    assert_eq!(*permit.granted(), tax);
    assert_eq!(*permit.withheld(), FieldSet::all().minus(&tax));
}

#[test]
fn a_mask_wholly_withheld_is_admitted_with_nothing_granted() {
    let room = Room::new(POLICY);
    let tax = under("B-1", request("plain"));
    let permit = room
        .admission
        .admit(&caller("G12", "claims"), &tax)
        .unwrap();
    assert!(permit.granted().is_empty());
    assert_eq!(*permit.withheld(), tax.mask);
}

#[test]
fn criticality_is_capped_and_never_raised() {
    let room = Room::new(POLICY);
    let asked = |criticality| {
        room.pass(std::time::Duration::from_mins(1));
        let mut request = request("plain");
        request.context.criticality = criticality;
        let permit = room.admission.admit(&desk(), &request).unwrap();
        permit.criticality()
    };
    assert_eq!(asked(Criticality::Emergency), Criticality::BackOffice);
    assert_eq!(asked(Criticality::CitizenWaiting), Criticality::BackOffice);
    assert_eq!(asked(Criticality::BackOffice), Criticality::BackOffice);
    assert_eq!(asked(Criticality::Bulk), Criticality::Bulk);
}

#[test]
fn an_agreement_grants_no_emergency_by_silence() {
    let room = Room::new(POLICY);
    let mut request = complete();
    request.context.criticality = Criticality::Emergency;
    let permit = room.admission.admit(&desk(), &request).unwrap();
    assert_eq!(permit.criticality(), Criticality::CitizenWaiting);
}

#[test]
fn an_agreement_without_systems_is_open_to_every_system_of_the_agency() {
    let room = Room::new(POLICY);
    for system in ["claims", "registry"] {
        let permit = room
            .admission
            .admit(&caller("G12", system), &under("B-2", request("plain")))
            .unwrap();
        assert_eq!(&**permit.agreement(), "B-2", "{system}");
    }
}

#[test]
fn an_agreement_of_one_system_does_not_concern_another() {
    let of_another_system = POLICY.replace(
        "agency = \"G12\"\npurposes = [\"plain\"]",
        "agency = \"G12\"\nsystems = [\"claims\"]\npurposes = [\"plain\"]",
    );
    assert_ne!(of_another_system, POLICY);
    let room = Room::new(&of_another_system);
    let registry = room
        .admission
        .admit(&caller("G12", "registry"), &request("plain"));
    assert_eq!(&**registry.unwrap().agreement(), "B-2");
    let named = under("B-1", request("plain"));
    assert!(
        room.admission
            .admit(&caller("G12", "registry"), &named)
            .is_err()
    );
    assert!(
        room.admission
            .admit(&caller("G12", "claims"), &named)
            .is_ok()
    );
    assert_eq!(room.admission.grants(&caller("G12", "registry")).len(), 2);
}

#[test]
fn a_purpose_that_stands_twice_in_an_agreement_is_one() {
    let twice = POLICY.replacen(
        "purposes = [\"plain\"]",
        "purposes = [\"plain\", \"plain\"]",
        1,
    );
    let room = Room::new(&twice);
    assert!(room.admission.admit(&desk(), &request("plain")).is_ok());
    assert_eq!(room.admission.grants(&desk()).len(), 2);
}

#[test]
fn resolution_needs_the_grant_of_the_personal_id() {
    let room = Room::new(POLICY);
    let resolve = Request {
        mask: resolution_mask(),
        ..request("plain")
    };
    let claims = caller("G12", "claims");
    let with = room
        .admission
        .admit(&claims, &under("B-2", resolve.clone()));
    let without = room.admission.admit(&claims, &under("B-1", resolve));
    let is_in_catalogue = Field::from_path("population.personal_id").is_some();
    assert_eq!(with.unwrap().may_resolve(), is_in_catalogue);
    assert!(!without.unwrap().may_resolve());
}
