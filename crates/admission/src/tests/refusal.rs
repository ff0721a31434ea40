//! Each refusal, their order, and what they do not give away.

use exchange::{
    Caller, CitizenId, Fault, Field, Identifier, ProcedureCode, Reason, Request, Source, SourceSet,
    Subject, Violation,
};

use super::fixture::{POLICY, Room, caller, complete, desk, request, under};

fn refused(caller: &Caller, request: &Request) -> Fault {
    let room = Room::new(POLICY);
    room.admission.admit(caller, request).unwrap_err().into()
}

fn fields(violations: &[Violation]) -> Vec<(&str, Reason)> {
    let each = violations.iter();
    each.map(|v| (v.field.as_str(), v.reason)).collect()
}

/// All that leaves the gateway.
fn outside(fault: &Fault) -> impl PartialEq + std::fmt::Debug {
    (
        fault.reason,
        fault.violations.clone(),
        fault.metadata.clone(),
        fault.quota.clone(),
    )
}

#[test]
fn a_system_that_no_agreement_is_open_to_is_unknown() {
    let fault = refused(&caller("H55", "archive"), &request("plain"));
    assert_eq!(fault.reason, Reason::CallerUnknown);
}

#[test]
fn an_agency_without_agreement_is_not_allowed_the_purpose() {
    let fault = refused(&caller("G99", "anything"), &request("plain"));
    assert_eq!(fault.reason, Reason::PurposeNotAllowed);
    assert_eq!(fault.metadata, [("purpose", "plain".to_owned())]);
}

#[test]
fn a_purpose_outside_the_catalogue_is_unknown() {
    let fault = refused(&desk(), &request("curiosity"));
    assert_eq!(
        fields(&fault.violations),
        [("context.purpose_code", Reason::PurposeUnknown)]
    );
    assert_eq!(fault.reason, Reason::PurposeUnknown);
}

#[test]
fn a_required_source_of_which_all_is_withheld_is_refused() {
    let mut asked = request("plain");
    asked.mask = [Field::TaxStatus, Field::HealthName].into_iter().collect();
    asked.required = SourceSet::EMPTY.with(Source::Tax);
    let room = Room::new(POLICY);
    assert!(room.admission.admit(&desk(), &asked).is_ok());
    asked.required = asked.required.with(Source::Health);
    let fault: Fault = room.admission.admit(&desk(), &asked).unwrap_err().into();
    assert_eq!(
        fields(&fault.violations),
        [("required_sources", Reason::InvalidArgument)]
    );
}

#[test]
fn a_purpose_that_no_agreement_has_is_not_allowed() {
    let only_plain = caller("G18", "clinic");
    assert_eq!(
        refused(&only_plain, &request("strict")).reason,
        Reason::PurposeNotAllowed
    );
}

#[test]
fn one_of_several_agreements_must_be_named() {
    let fault = refused(&caller("G12", "claims"), &request("plain"));
    assert_eq!(
        fields(&fault.violations),
        [("context.agreement_id", Reason::AgreementRequired)]
    );
    assert_eq!(fault.reason, Reason::AgreementRequired);
}

#[test]
fn the_agreement_of_another_reads_like_one_that_does_not_exist() {
    let of_another = refused(&desk(), &under("B-1", request("plain")));
    let of_nobody = refused(&desk(), &under("Z-9", request("plain")));
    assert_eq!(of_another.reason, Reason::AgreementUnknown);
    assert_eq!(outside(&of_another), outside(&of_nobody));
}

#[test]
fn an_agreement_of_the_caller_for_other_purposes_is_said_to_be_that() {
    let fault = refused(&desk(), &under("A-2", request("plain")));
    assert_eq!(fault.reason, Reason::PurposeNotAllowed);
    assert_eq!(
        fields(&fault.violations),
        [("context.agreement_id", Reason::PurposeNotAllowed)]
    );
}

#[test]
fn an_agreement_that_is_open_to_other_systems_of_the_agency_is_none_of_the_callers() {
    let archive = caller("H55", "archive");
    let of_desk = "systems = [\"desk\"]\npurposes = [\"strict\"]";
    assert!(POLICY.contains(of_desk));
    let room = Room::new(&POLICY.replace(of_desk, &of_desk.replace("desk", "archive")));
    let refused = |id: &str| {
        let asked = under(id, request("plain"));
        Fault::from(room.admission.admit(&archive, &asked).unwrap_err())
    };
    let (of_desk, of_nobody) = (refused("A-1"), refused("Z-9"));
    assert_eq!(of_desk.reason, Reason::AgreementUnknown);
    assert_eq!(outside(&of_desk), outside(&of_nobody));
    assert_eq!(refused("A-2").reason, Reason::PurposeNotAllowed);
}

#[test]
fn an_agreement_that_is_over_is_named_in_the_refusal() {
    let fault = refused(&caller("G18", "clinic"), &request("plain"));
    assert_eq!(fault.reason, Reason::AgreementExpired);
    assert_eq!(
        fault.metadata,
        [
            ("purpose", "plain".to_owned()),
            ("agreementId", "C-1".to_owned())
        ]
    );
}

#[test]
fn a_procedure_outside_the_agreement_is_not_allowed() {
    let mut other = complete();
    other.context.procedure = ProcedureCode::parse("1.000001").ok();
    other.context.officer = None;
    assert_eq!(refused(&desk(), &other).reason, Reason::PurposeNotAllowed);
}

#[test]
fn everything_that_is_missing_is_listed_at_once() {
    let fault = refused(&desk(), &request("strict"));
    assert_eq!(
        fields(&fault.violations),
        [
            ("context.procedure_code", Reason::DossierRequired),
            ("context.dossier_no", Reason::DossierRequired),
            ("context.officer_id", Reason::OfficerRequired),
            ("subject.hints.full_name", Reason::SecondFactorRequired),
            ("subject.hints.birth_date", Reason::SecondFactorRequired),
        ]
    );
    assert_eq!(fault.reason, Reason::DossierRequired);
}

#[test]
fn each_missing_part_alone_gives_its_own_reason() {
    let mut without_dossier = complete();
    without_dossier.context.dossier = None;
    let mut without_officer = complete();
    without_officer.context.officer = None;
    let mut without_birth_date = complete();
    without_birth_date.subject.hints.birth_date = None;
    let cases = [
        (
            without_dossier,
            "context.dossier_no",
            Reason::DossierRequired,
        ),
        (
            without_officer,
            "context.officer_id",
            Reason::OfficerRequired,
        ),
        (
            without_birth_date,
            "subject.hints.birth_date",
            Reason::SecondFactorRequired,
        ),
    ];
    for (request, field, reason) in cases {
        let fault = refused(&desk(), &request);
        assert_eq!(fields(&fault.violations), [(field, reason)]);
        assert_eq!(fault.reason, reason);
    }
}

#[test]
fn checks_come_in_their_order() {
    let stranger = caller("H55", "archive");
    assert_eq!(
        refused(&stranger, &request("curiosity")).reason,
        Reason::CallerUnknown,
        "the caller before the purpose"
    );
    let nobody = caller("G99", "anything");
    assert_eq!(
        refused(&nobody, &request("curiosity")).reason,
        Reason::PurposeUnknown,
        "the purpose before the agreement"
    );
    let room = Room::new(POLICY);
    room.clock.set("2027-01-01T00:00:00+07:00");
    let mut other = request("strict");
    other.context.procedure = ProcedureCode::parse("1.000001").ok();
    let refusal = room.admission.admit(&desk(), &other).unwrap_err();
    assert_eq!(
        refusal.fault().reason,
        Reason::AgreementExpired,
        "the validity before the procedure"
    );
    assert_eq!(
        refused(&desk(), &other).reason,
        Reason::PurposeNotAllowed,
        "the procedure before what is missing"
    );
}

#[test]
fn who_the_subject_is_changes_nothing() {
    let about = |id: &str| {
        let plain = request("strict");
        Request {
            subject: Subject {
                identifier: Identifier::Personal(CitizenId::parse(id, 2026).unwrap()),
                ..plain.subject
            },
            ..plain
        }
    };
    let known = refused(&desk(), &about("999099000001"));
    let absent = refused(&desk(), &about("999099999999"));
    assert_eq!(outside(&known), outside(&absent));
}

#[test]
fn a_refusal_shows_nothing_personal() {
    let room = Room::new(POLICY);
    let mut without_dossier = complete();
    without_dossier.context.dossier = None;
    let refusal = room.admission.admit(&desk(), &without_dossier).unwrap_err();
    let text = format!("{refusal:?}");
    for personal in ["999099000001", "NGUYỄN", "1999", "CB-1"] {
        assert!(!text.contains(personal), "{text}");
    }
    assert_eq!(*refusal.policy_digest(), room.admission.policy_digest());
}
