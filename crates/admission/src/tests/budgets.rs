//! Quotas of officers and at sources, and the budgets of agencies.

use std::time::Duration;

use exchange::{Caller, FieldSet, OfficerId, Request, Source, SourceSet};

use super::fixture::{POLICY, Room, caller, request, under};

/// Agency `G12` may ask `health` under B-1 and `population` under B-2.
fn room(quotas: &str) -> Room {
    Room::new(&format!(
        "{}{quotas}",
        POLICY.replace("burst = 3", "burst = 100")
    ))
}

fn claims() -> Caller {
    caller("G12", "claims")
}

fn asking(agreement: &str, source: Source) -> Request {
    let mask = FieldSet::of(source);
    Request {
        mask,
        ..under(agreement, request("plain"))
    }
}

fn by(officer: &str, mut request: Request) -> Request {
    request.context.officer = Some(OfficerId::parse(officer).unwrap());
    request
}

/// The reason and the quota of a refusal, or the reasons of the sources left out.
fn asked(room: &Room, caller: &Caller, request: &Request) -> Result<Vec<&'static str>, String> {
    let permit = room.admission.admit(caller, request);
    let permit = permit.map_err(|refusal| {
        let fault = refusal.fault();
        let quota = fault.quota.as_ref().map_or("", |quota| quota.policy);
        format!("{} {quota}", fault.reason.name())
    })?;
    let limited = Source::ALL.into_iter().map(|source| permit.limited(source));
    Ok(limited.flatten().map(|limited| limited.reason).collect())
}

const ONE: &str = "requests_per_minute = 60\nburst = 1\n";

#[test]
fn each_officer_of_an_agency_has_a_quota_whatever_system_they_sit_at() {
    let room = room(&format!("[quota.officer]\n{ONE}"));
    let ask = |system: &str, officer: &str| {
        let request = by(officer, asking("B-1", Source::Health));
        asked(&room, &caller("G12", system), &request)
    };
    assert_eq!(ask("claims", "CB-1"), Ok(vec![]));
    let spent = Err("QUOTA_EXCEEDED officer".to_owned());
    assert_eq!(ask("claims", "CB-1"), spent);
    assert_eq!(ask("registry", "CB-1"), spent);
    assert_eq!(ask("claims", "CB-2"), Ok(vec![]));
    room.pass(Duration::from_secs(1));
    assert_eq!(ask("claims", "CB-1"), Ok(vec![]));
}

#[test]
fn who_is_refused_spends_no_budget_of_an_agency() {
    let room = room(&format!("[[quota.source]]\nsource = \"health\"\n{ONE}"));
    for agreement in ["B-2", "C-1"] {
        drop(
            room.admission
                .admit(&claims(), &asking(agreement, Source::Health)),
        );
    }
    let not_theirs = asking("A-1", Source::Health);
    assert!(asked(&room, &claims(), &not_theirs).is_err());
    let dry = Request {
        dry_run: true,
        ..asking("B-1", Source::Health)
    };
    assert_eq!(asked(&room, &claims(), &dry), Ok(vec![]));
    let real = asking("B-1", Source::Health);
    assert_eq!(asked(&room, &claims(), &real), Ok(vec![]));
    let spent = Err("QUOTA_EXCEEDED source-health".to_owned());
    assert_eq!(asked(&room, &claims(), &real), spent);
}

/// One agreement for both sources; the budget of one is one request.
fn two_sources() -> Room {
    let policy = POLICY.replace("fields = [\"health\"]", "fields = [\"health\", \"tax\"]");
    let policy = policy.replace("burst = 3", "burst = 100");
    Room::new(&format!(
        "{policy}[[quota.source]]\nsource = \"tax\"\n{ONE}\
         [[quota.caller]]\nagency = \"G12\"\nsource = \"health\"\n\
         requests_per_minute = 60\nburst = 2\n"
    ))
}

fn both(required: SourceSet) -> Request {
    Request {
        mask: FieldSet::of(Source::Health).or(&FieldSet::of(Source::Tax)),
        required,
        ..asking("B-1", Source::Health)
    }
}

#[test]
fn a_source_whose_budget_is_spent_is_left_out_and_the_others_are_asked() {
    let room = two_sources();
    let any = both(SourceSet::EMPTY);
    assert_eq!(asked(&room, &claims(), &any), Ok(vec![]));
    assert_eq!(asked(&room, &claims(), &any), Ok(vec!["SOURCE_BUDGET"]));
    // The last source is gone too: nobody is left to be asked.
    let spent = Err("QUOTA_EXCEEDED source-tax".to_owned());
    assert_eq!(asked(&room, &claims(), &any), spent);
    room.pass(Duration::from_secs(1));
    assert_eq!(asked(&room, &claims(), &any), Ok(vec![]));
}

#[test]
fn a_required_source_whose_budget_is_spent_fails_the_call_before_others_are_spent() {
    let room = two_sources();
    let tax = both(SourceSet::EMPTY.with(Source::Tax));
    assert_eq!(asked(&room, &claims(), &tax), Ok(vec![]));
    let spent = Err("QUOTA_EXCEEDED source-tax".to_owned());
    assert_eq!(asked(&room, &claims(), &tax), spent);
}

#[test]
fn a_quota_at_a_source_is_each_callers_own() {
    let room = room(&format!(
        "[[quota.caller]]\nagency = \"G12\"\nsource = \"health\"\n{ONE}"
    ));
    let health = asking("B-1", Source::Health);
    assert_eq!(asked(&room, &claims(), &health), Ok(vec![]));
    let spent = Err("QUOTA_EXCEEDED caller-health".to_owned());
    assert_eq!(asked(&room, &claims(), &health), spent);
    let registry = caller("G12", "registry");
    assert_eq!(asked(&room, &registry, &health), Ok(vec![]));
    let population = asking("B-2", Source::Population);
    assert_eq!(asked(&room, &claims(), &population), Ok(vec![]));
}

#[test]
fn every_quota_that_concerns_a_caller_is_shown_and_no_other() {
    let room = two_sources();
    let budgets = |caller: &Caller| {
        let quotas = room.admission.quotas(caller).into_iter();
        quotas
            .map(|quota| (quota.policy, quota.remaining))
            .collect::<Vec<_>>()
    };
    assert_eq!(asked(&room, &claims(), &both(SourceSet::EMPTY)), Ok(vec![]));
    let own = [("caller", 99), ("caller-health", 1), ("source-tax", 0)];
    assert_eq!(budgets(&claims()), own);
    assert_eq!(budgets(&caller("G18", "any")), [("caller", 100)]);
    assert_eq!(budgets(&caller("G99", "any")), []);
}
