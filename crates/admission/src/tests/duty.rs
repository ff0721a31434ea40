//! Duties: who may do what with the record; and what a citizen sees of an agreement.

use exchange::{CallContext, Fault, Reason};

use super::fixture::{POLICY, Room, caller, complete, desk, request};
use crate::{Duty, Policy, Visibility, Warrant};

/// An inspector of `G03` with two duties for `strict`, and nothing to ask for.
const INSPECTOR: &str = r#"
[[agreement]]
id = "D-1"
agency = "G03"
purposes = ["strict"]
duties = ["SEARCH_RECORDS", "ERASE_SUBJECT", "SEARCH_RECORDS"]
valid_from = 2026-01-01
valid_to = 2026-12-31
"#;

fn room() -> Room {
    Room::new(&[POLICY, INSPECTOR].concat())
}

fn refused(room: &Room, duty: Duty) -> Fault {
    let context = complete().context;
    let inspector = caller("G03", "auditor");
    let refusal = room.admission.admit_duty(&inspector, &context, duty);
    refusal.unwrap_err().into()
}

#[test]
fn a_duty_that_is_granted_is_admitted_without_a_second_factor() {
    let room = room();
    let inspector = caller("G03", "auditor");
    let context = complete().context;
    let warrant = room
        .admission
        .admit_duty(&inspector, &context, Duty::SearchRecords)
        .unwrap();
    assert_eq!(&**warrant.agreement(), "D-1");
    assert_eq!(warrant.duty(), Duty::SearchRecords);
    assert_eq!(*warrant.policy_digest(), room.admission.policy_digest());
    assert_eq!(warrant.quota().remaining, 2, "a call spends the quota");
}

#[test]
fn a_duty_that_is_not_granted_is_refused_by_its_own_reason() {
    let room = room();
    let fault = refused(&room, Duty::ListAccesses);
    assert_eq!(fault.reason, Reason::DutyNotGranted);
    assert_eq!(
        fault.metadata,
        [
            ("purpose", "strict".to_owned()),
            ("agreementId", "D-1".to_owned()),
            ("duty", "LIST_ACCESSES".to_owned()),
        ]
    );
    let refusal = room
        .admission
        .admit_duty(&desk(), &complete().context, Duty::SearchRecords);
    let fault = Fault::from(refusal.unwrap_err());
    assert_eq!(fault.reason, Reason::DutyNotGranted, "fields are no duty");
}

fn admit(room: &Room, context: &CallContext) -> Result<Warrant, Reason> {
    let inspector = caller("G03", "auditor");
    let admitted = room
        .admission
        .admit_duty(&inspector, context, Duty::SearchRecords);
    admitted.map_err(|refusal| refusal.fault().reason)
}

#[test]
fn a_duty_is_checked_like_a_question() {
    let mut without_officer = complete().context;
    without_officer.officer = None;
    let cases = [
        (without_officer, Reason::OfficerRequired),
        (request("plain").context, Reason::PurposeNotAllowed),
        (request("curiosity").context, Reason::PurposeUnknown),
    ];
    for (context, reason) in cases {
        assert_eq!(admit(&room(), &context).unwrap_err(), reason);
    }
    let late = room();
    late.clock.set("2027-01-01T00:00:00+07:00");
    let over = admit(&late, &complete().context).unwrap_err();
    assert_eq!(over, Reason::AgreementExpired);
    let spent = room();
    for _ in 0..3 {
        let _admitted = admit(&spent, &complete().context).unwrap();
    }
    let none_left = admit(&spent, &complete().context).unwrap_err();
    assert_eq!(none_left, Reason::QuotaExceeded);
}

#[test]
fn an_agreement_for_duties_grants_no_field_and_shows_its_duties() {
    let room = room();
    let inspector = caller("G03", "auditor");
    let permit = room.admission.admit(&inspector, &complete()).unwrap();
    assert!(permit.granted().is_empty());
    let grants = room.admission.grants(&inspector);
    assert_eq!(grants[0].duties, [Duty::SearchRecords, Duty::EraseSubject]);
    let purpose = |duty| room.admission.purpose_of(&inspector, duty);
    assert_eq!(purpose(Duty::EraseSubject).unwrap().as_str(), "strict");
    assert_eq!(purpose(Duty::ListAccesses), None);
}

/// The problems of the inspector's agreement with one more line, or without one.
fn problems(agreement: &str) -> Vec<String> {
    match Policy::parse([POLICY, agreement].concat().as_bytes()) {
        Err(crate::Error::Invalid(problems)) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_agreement_grants_fields_or_duties() {
    let without = INSPECTOR.replace("duties", "# duties");
    assert_eq!(problems(&without), ["agreement[5].fields: is missing"]);
    let wrong = INSPECTOR.replace("\"ERASE_SUBJECT\"", "\"ERASE\"");
    assert_eq!(
        problems(&wrong),
        ["agreement[5].duties[1]: must be SEARCH_RECORDS, LIST_ACCESSES or ERASE_SUBJECT"]
    );
    let empty = INSPECTOR.replace("purposes", "fields = []\npurposes");
    assert!(Policy::parse([POLICY, &empty].concat().as_bytes()).is_ok());
}

#[test]
fn a_visibility_says_what_it_needs_and_nothing_else() {
    let with = |lines: &str| [INSPECTOR, lines].concat();
    let cases = [
        (
            "visibility = \"HIDDEN\"",
            "visibility: must be CITIZEN, DELAYED or SEALED",
        ),
        ("visibility = \"DELAYED\"", "delay_days: is missing"),
        ("visibility = \"SEALED\"", "legal_basis: is missing"),
        ("delay_days = 3", "delay_days: does not fit the visibility"),
        (
            "visibility = \"DELAYED\"\ndelay_days = 0",
            "delay_days: must be a whole number from 1 to 3653",
        ),
    ];
    for (lines, problem) in cases {
        let problem = format!("agreement[5].{problem}");
        assert_eq!(problems(&with(lines)), [problem], "{lines}");
    }
}

#[test]
fn a_permit_says_from_when_on_the_citizen_sees_it() {
    let seen = |lines: &str| {
        let policy = POLICY.replacen(
            "fields = [\"tax\"]",
            &format!("fields = [\"tax\"]\n{lines}"),
            1,
        );
        let permit = Room::new(&policy)
            .admission
            .admit(&desk(), &request("plain"));
        permit.unwrap().visibility()
    };
    assert_eq!(seen(""), Visibility::Citizen);
    assert_eq!(
        seen("visibility = \"DELAYED\"\ndelay_days = 30"),
        Visibility::Delayed { days: 30 }
    );
    assert_eq!(
        seen("visibility = \"SEALED\"\nlegal_basis = \"Luật 02/2021/QH15\""),
        Visibility::Sealed
    );
}

#[test]
fn a_policy_may_name_agencies_each_once() {
    let name = "[[agency]]\ncode = \"H55\"\nname_vi = \"Xã\"\nname_en = \"Commune\"\n";
    let room = Room::new(&[POLICY, name].concat());
    let named = room.admission.agency_name(desk().agency()).unwrap();
    assert_eq!(named.name_vi, "Xã");
    assert_eq!(
        room.admission.agency_name(caller("G99", "x").agency()),
        None
    );
    assert_eq!(
        problems(&[name, name].concat()),
        ["agency[1].code: \"H55\" stands twice"]
    );
}
