//! An emergency: what it overrides, what it asks for, and what it never gets.

use std::time::Duration;

use exchange::{Closed, Criticality, FieldSet, OfficerId, Reason, ReasonText, Request, Source};

use super::fixture::{POLICY, Room, caller, complete, desk, request, under};

/// The policy, in which A-2 lets its caller break the glass.
fn room() -> Room {
    let ordinary = "fields = [\"tax\", \"population\"]\n";
    let glass = "break_glass = [\"health\", \"tax.status\"]\nhours = [\"MON 08:00-09:00\"]\n";
    let glass = format!("{ordinary}{glass}");
    assert!(POLICY.contains(ordinary));
    Room::new(&POLICY.replace(ordinary, &glass))
}

/// An emergency with an officer and a reason, and nothing else that A-2 asks for.
fn emergency() -> Request {
    let mut request = request("strict");
    request.context.criticality = Criticality::Emergency;
    request.context.officer = Some(OfficerId::parse("CB-1").unwrap());
    request.context.reason = Some(ReasonText::parse("cấp cứu").unwrap());
    request.mask = [Source::Tax, Source::Health, Source::Population]
        .into_iter()
        .fold(FieldSet::EMPTY, |all, source| all.or(&FieldSet::of(source)));
    request
}

#[test]
fn an_emergency_is_granted_what_was_agreed_for_it_and_nothing_else() {
    let room = room();
    let permit = room.admission.admit(&desk(), &emergency()).unwrap();
    assert_eq!(permit.criticality(), Criticality::Emergency);
    let status = exchange::Field::from_path("tax.status").unwrap();
    let glass = FieldSet::of(Source::Health).or(&[status].into_iter().collect());
    assert_eq!(*permit.granted(), glass);
    assert!(permit.withheld().sources().contains(Source::Population));
    let postponed = FieldSet::of(Source::Tax).or(&FieldSet::of(Source::Population));
    assert_eq!(*permit.not_in_emergency(), postponed.minus(&glass));
    // It is noon, and nobody may ask but in an emergency.
    assert!(permit.flags().has(exchange::Flag::OutOfHours));
}

#[test]
fn the_most_urgent_class_is_the_one_of_the_agreement_that_allows_most() {
    let most_urgent = |room: &Room, who| room.admission.most_urgent(&who);
    let ordinary = Room::new(POLICY);
    assert_eq!(most_urgent(&ordinary, desk()), Criticality::CitizenWaiting);
    assert_eq!(most_urgent(&room(), desk()), Criticality::Emergency);
    let stranger = caller("X99", "nobody");
    assert_eq!(most_urgent(&room(), stranger), Criticality::Bulk);
}

#[test]
fn the_same_question_without_the_emergency_lacks_what_the_agreement_asks_for() {
    let mut ordinary = emergency();
    ordinary.context.criticality = Criticality::CitizenWaiting;
    let refusal = room().admission.admit(&desk(), &ordinary).unwrap_err();
    assert_eq!(refusal.fault().violations.len(), 4, "{refusal:?}");
    let mut whole = complete();
    whole.context.reason = ordinary.context.reason;
    let refusal = room().admission.admit(&desk(), &whole).unwrap_err();
    assert_eq!(refusal.fault().reason, Reason::OutOfHours);
}

#[test]
fn officer_and_reason_are_asked_for_at_once() {
    let mut silent = emergency();
    (silent.context.officer, silent.context.reason) = (None, None);
    let refusal = room().admission.admit(&desk(), &silent).unwrap_err();
    let violations = refusal.fault().violations.iter();
    let fields: Vec<_> = violations
        .map(|it| (it.field.as_str(), it.reason))
        .collect();
    let both = [
        ("context.officer_id", Reason::OfficerRequired),
        ("context.reason_text", Reason::InvalidArgument),
    ];
    assert_eq!(fields, both);
}

#[test]
fn an_emergency_overrides_neither_validity_nor_purpose_nor_quota() {
    let room = room();
    let refused = |request: &Request| {
        let refusal = room.admission.admit(&desk(), request).unwrap_err();
        refusal.fault().reason
    };
    let mut other = emergency();
    other.context.purpose = exchange::PurposeCode::parse("plain").unwrap();
    assert_eq!(refused(&under("A-2", other)), Reason::PurposeNotAllowed);
    room.clock.set("2027-01-01T00:00:00+07:00");
    assert_eq!(refused(&emergency()), Reason::AgreementExpired);
    room.clock.set(super::fixture::NOON);
    room.pass(Duration::from_secs(60));
    for _ in 0..3 {
        assert!(room.admission.admit(&desk(), &emergency()).is_ok());
    }
    assert_eq!(refused(&emergency()), Reason::QuotaExceeded);
}

#[test]
fn an_emergency_opens_minors_and_the_protected_and_not_whose_child_somebody_was_born() {
    let opened = |permit: &crate::Permit| Closed::OPENED.map(|closed| permit.opens(closed));
    let permit = room().admission.admit(&desk(), &emergency()).unwrap();
    assert_eq!(opened(&permit), [true, true, false]);
    let plain = |policy: &str| {
        let room = Room::new(policy);
        opened(&room.admission.admit(&desk(), &request("plain")).unwrap())
    };
    assert_eq!(plain(POLICY), [false; 3]);
    let named = POLICY.replace("id = \"A-1\"", "id = \"A-1\"\nalso_about = [\"ADOPTED\"]");
    assert_eq!(plain(&named), [false, false, true]);
    let wrong = POLICY.replace("id = \"A-1\"", "id = \"A-1\"\nalso_about = [\"SEALED\"]");
    let problem = crate::Policy::parse(wrong.as_bytes())
        .unwrap_err()
        .to_string();
    assert!(
        problem.contains("must be MINORS, PROTECTED or ADOPTED"),
        "{problem}"
    );
}

#[test]
fn glass_that_holds_nothing_is_no_glass() {
    let policy = POLICY.replace("id = \"A-1\"", "id = \"A-1\"\nbreak_glass = []");
    let problems = crate::Policy::parse(policy.as_bytes())
        .unwrap_err()
        .to_string();
    assert!(
        problems.contains("break_glass: must not be empty"),
        "{problems}"
    );
}
