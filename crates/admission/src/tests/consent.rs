//! Consents: what they cover, how they are kept, and what a refusal for want of one gives away.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use exchange::{
    CitizenId, ConsentId, Fault, Field, FieldSet, Identifier, PurposeCode, Reason, Request, Source,
    Subject,
};
use tempfile::TempDir;

use super::fixture::{NOON, POLICY, StoppedClock, caller, desk, request};
use crate::{Admission, Consent, ConsentError, Consents, Permit, Policy};

fn id(text: &str) -> ConsentId {
    ConsentId::parse(text).unwrap()
}

fn person(digits: &str) -> Identifier {
    Identifier::Personal(CitizenId::parse(digits, 2026).unwrap())
}

/// The person of the requests lets the desk's agency have their tax status in the first half of 2026.
fn consent() -> Consent {
    Consent {
        id: id("C-1"),
        subjects: vec![person("999099000001")],
        agency: desk().agency().clone(),
        purposes: vec![PurposeCode::parse("plain").unwrap()],
        fields: [Field::TaxStatus].into_iter().collect(),
        valid_from: "2026-01-01T00:00:00+07:00".parse().unwrap(),
        valid_to: "2026-07-01T00:00:00+07:00".parse().unwrap(),
    }
}

/// A question that names a consent.
fn naming(consent: &str) -> Request {
    let mut request = request("plain");
    request.context.consent = Some(id(consent));
    request
}

struct Desk {
    admission: Admission,
    consents: Arc<Consents>,
    clock: Arc<StoppedClock>,
    dir: TempDir,
}

/// The desk under an agreement that needs a consent.
fn room() -> Desk {
    under("consent_required = true\n")
}

/// The desk under an agreement of these terms, with a consent registered.
fn under(terms: &str) -> Desk {
    let dir = tempfile::tempdir().unwrap();
    let consents = Arc::new(Consents::open(&dir.path().join("consents")).unwrap());
    consents.register(&consent()).unwrap();
    let fields = "fields = [\"tax\"]\n";
    let text = POLICY
        .replacen(fields, &format!("{fields}{terms}"), 1)
        .replace("burst = 3", "burst = 100");
    let policy = Policy::parse(text.as_bytes()).unwrap();
    let clock = StoppedClock::at(NOON);
    let admission = Admission::new(policy, Arc::clone(&clock) as _);
    Desk {
        admission: admission.with_consents(Arc::clone(&consents)),
        consents,
        clock,
        dir,
    }
}

impl Desk {
    fn ask(&self, request: &Request) -> Result<Permit, Fault> {
        self.admission.admit(&desk(), request).map_err(Fault::from)
    }
}

#[test]
fn a_consent_grants_what_it_covers_of_the_agreement_and_no_more() {
    let permit = room().ask(&naming("C-1")).unwrap();
    let status: FieldSet = [Field::TaxStatus].into_iter().collect();
    let rest = FieldSet::of(Source::Tax).minus(&status);
    assert_eq!(*permit.granted(), status);
    assert_eq!(*permit.withheld(), rest);
    assert_eq!(*permit.unconsented(), rest);
    let wide = Request {
        mask: FieldSet::all(),
        ..naming("C-1")
    };
    let permit = room().ask(&wide).unwrap();
    assert_eq!(
        *permit.unconsented(),
        rest,
        "the rest is not in the agreement"
    );
}

#[test]
fn without_a_consent_its_id_is_asked_for() {
    let fault = room().ask(&request("plain")).unwrap_err();
    assert_eq!(fault.reason, Reason::ConsentRequired);
    assert_eq!(fault.violations[0].field, "context.consent_id");
}

/// Nothing tells which of them it is.
#[test]
fn a_consent_that_does_not_cover_the_question_is_refused_like_one_that_does_not_exist() {
    let outside = |fault: &Fault| {
        (
            fault.reason,
            fault.metadata.clone(),
            fault.violations.clone(),
        )
    };
    let desk = room();
    let unknown = desk.ask(&naming("C-2")).unwrap_err();
    assert_eq!(unknown.reason, Reason::ConsentInvalid);
    let mut other_person = naming("C-1");
    other_person.subject = Subject {
        identifier: person("999099000002"),
        ..other_person.subject
    };
    let of_other = desk.ask(&other_person).unwrap_err();
    assert_eq!(outside(&of_other), outside(&unknown));
    desk.clock.set("2026-07-01T00:00:00+07:00");
    let over = desk.ask(&naming("C-1")).unwrap_err();
    assert_eq!(outside(&over), outside(&unknown));
    desk.clock.set(NOON);
    desk.consents.withdraw(&id("C-1")).unwrap();
    let withdrawn = desk.ask(&naming("C-1")).unwrap_err();
    assert_eq!(withdrawn.reason, Reason::ConsentInvalid);
    for (agency, purpose) in [("G12", "plain"), ("H55", "strict")] {
        let other = Consent {
            id: id(&format!("{agency}-{purpose}")),
            agency: caller(agency, "x").agency().clone(),
            purposes: vec![PurposeCode::parse(purpose).unwrap()],
            ..consent()
        };
        desk.consents.register(&other).unwrap();
        let elsewhere = desk
            .ask(&naming(&format!("{agency}-{purpose}")))
            .unwrap_err();
        assert_eq!(outside(&elsewhere), outside(&unknown));
    }
}

#[test]
fn a_consent_that_nobody_needs_must_hold_and_limits_nothing() {
    let desk = under("");
    let all = desk.ask(&request("plain")).unwrap();
    let named = desk.ask(&naming("C-1")).unwrap();
    assert_eq!(named.granted(), all.granted());
    let unknown = desk.ask(&naming("C-2")).unwrap_err();
    assert_eq!(unknown.reason, Reason::ConsentInvalid);
    desk.consents.withdraw(&id("C-1")).unwrap();
    let withdrawn = desk.ask(&naming("C-1")).unwrap_err();
    assert_eq!(withdrawn.reason, Reason::ConsentInvalid);
}

#[test]
fn without_a_registry_no_consent_holds() {
    let none = Consents::none();
    assert!(matches!(none.register(&consent()), Err(ConsentError::None)));
    let desk = room();
    let without = desk.admission.with_consents(Arc::new(none));
    let refused = without
        .admit(&super::fixture::desk(), &naming("C-1"))
        .unwrap_err();
    assert_eq!(refused.fault().reason, Reason::ConsentInvalid);
}

#[test]
fn an_id_is_registered_once_and_withdrawn_for_ever() {
    let desk = room();
    let again = desk.consents.register(&consent());
    assert!(matches!(again, Err(ConsentError::Known)));
    assert!(matches!(
        desk.consents.withdraw(&id("C-9")),
        Err(ConsentError::Unknown)
    ));
    assert!(desk.consents.holds(&id("C-1")));
    desk.consents.withdraw(&id("C-1")).unwrap();
    assert!(!desk.consents.holds(&id("C-1")));
    assert!(matches!(
        desk.consents.withdraw(&id("C-1")),
        Err(ConsentError::Unknown)
    ));
    let again = desk.consents.register(&consent());
    assert!(matches!(again, Err(ConsentError::Known)));
}

fn file(dir: &TempDir) -> std::path::PathBuf {
    dir.path().join("consents")
}

#[test]
fn the_registry_outlives_its_process_and_names_nobody() {
    let desk = room();
    let second = Consent {
        id: id("C-2"),
        ..consent()
    };
    desk.consents.register(&second).unwrap();
    desk.consents.withdraw(&id("C-2")).unwrap();
    let text = fs::read_to_string(file(&desk.dir)).unwrap();
    for hidden in ["999099000001", "C-1", "C-2"] {
        assert!(!text.contains(hidden), "{text}");
    }
    let reopened = Consents::open(&file(&desk.dir)).unwrap();
    assert!(reopened.holds(&id("C-1")) && !reopened.holds(&id("C-2")));
    let admission = desk.admission.with_consents(Arc::new(reopened));
    assert!(
        admission
            .admit(&super::fixture::desk(), &naming("C-1"))
            .is_ok()
    );
}

#[test]
fn a_line_that_was_not_finished_is_cut_off_and_a_wrong_one_refused() {
    let desk = room();
    let path = file(&desk.dir);
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{good}- 00")).unwrap();
    let reopened = Consents::open(&path).unwrap();
    reopened.withdraw(&id("C-1")).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), good.lines().count() + 1, "{text}");
    fs::write(&path, format!("{good}- 00\n")).unwrap();
    let wrong = Consents::open(&path).unwrap_err();
    assert!(
        matches!(wrong, ConsentError::Line { line: 3, .. }),
        "{wrong}"
    );
    fs::write(&path, "something else\n").unwrap();
    assert!(matches!(
        Consents::open(&path),
        Err(ConsentError::Line { line: 1, .. })
    ));
    let key = Path::new(&path).with_extension("key");
    fs::write(&key, [7; 31]).unwrap();
    assert!(matches!(Consents::open(&path), Err(ConsentError::Key(_))));
}
