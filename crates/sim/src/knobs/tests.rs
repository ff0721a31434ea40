//! Knobs, personas and what wins.

use super::*;

fn id(text: &str) -> CitizenId {
    CitizenId::from_agency(text).unwrap()
}

fn knobs(json: &str) -> Knobs {
    let knobs = Knobs::new(Source::Tax);
    knobs.set(&serde_json::from_str(json).unwrap()).unwrap();
    knobs
}

#[test]
fn knobs_at_rest_leave_the_persona_its_fault() {
    let knobs = Knobs::new(Source::Tax);
    assert_eq!(knobs.decide(&id("999099000104")), Some(FaultKind::Hang));
    assert_eq!(knobs.decide(&id("999099000103")), None);
    assert_eq!(knobs.decide(&id("999099001104")), None);
}

#[test]
fn a_knob_wins_over_the_persona_until_its_count_is_spent() {
    let knobs = knobs(r#"{"faults": [{"fault": "garbage", "count": 1}]}"#);
    assert_eq!(knobs.decide(&id("999099000104")), Some(FaultKind::Garbage));
    assert_eq!(knobs.decide(&id("999099000104")), Some(FaultKind::Hang));
    assert_eq!(knobs.settings().faults[0].count, Some(0));
}

#[test]
fn a_knob_for_one_subject_spares_the_others() {
    let knobs = knobs(r#"{"faults": [{"fault": "slow", "subject": "999099001000"}]}"#);
    assert_eq!(knobs.decide(&id("999099001000")), Some(FaultKind::Slow));
    assert_eq!(knobs.decide(&id("999099001001")), None);
}

#[test]
fn an_expired_session_works_on_the_second_question() {
    let knobs = Knobs::new(Source::Tax);
    let persona = id("999099000154");
    let expired = Some(FaultKind::SessionExpired);
    let seen: Vec<_> = (0..4).map(|_| knobs.decide(&persona)).collect();
    assert_eq!(seen, [expired, None, expired, None]);
}

#[test]
fn a_probability_is_kept_over_many_questions() {
    let knobs = knobs(r#"{"faults": [{"fault": "hang", "probability": 0.1}]}"#);
    let hung = (0..10_000)
        .filter(|_| knobs.decide(&id("999099001000")).is_some())
        .count();
    assert!((800..1200).contains(&hung), "{hung}");
}

#[test]
fn wrong_settings_change_nothing() {
    let knobs = knobs(r#"{"latency": {"fixed": {"ms": 5}}}"#);
    for wrong in [
        r#"{"faults": [{"fault": "hang", "probability": 2}]}"#,
        r#"{"faults": [{"fault": "hang", "subject": "x"}]}"#,
        r#"{"latency_of": {"x": {"fixed": {"ms": 7}}}}"#,
    ] {
        assert!(knobs.set(&serde_json::from_str(wrong).unwrap()).is_err());
    }
    assert_eq!(knobs.delay(None), Some(Duration::from_millis(5)));
}

#[test]
fn a_person_may_have_a_latency_of_their_own() {
    let asked = r#"{"latency": {"fixed": {"ms": 5}}, "latency_of": {"999099001000": {"fixed": {"ms": 70}}}}"#;
    let knobs = knobs(asked);
    let delay = |subject| knobs.delay(Some(&id(subject))).unwrap().as_millis();
    assert_eq!(delay("999099001000"), 70);
    assert_eq!(delay("999099001001"), 5);
    let settings: KnobSettings = serde_json::from_str(asked).unwrap();
    assert_eq!(knobs.settings(), settings);
}

#[test]
fn latencies_stay_within_their_bounds() {
    let knobs = knobs(r#"{"latency": {"uniform": {"min_ms": 10, "max_ms": 20}}}"#);
    for _ in 0..1000 {
        let ms = knobs.delay(None).unwrap().as_millis();
        assert!((10..=20).contains(&ms), "{ms}");
    }
}

#[test]
fn whether_a_fault_is_still_wanted_takes_none_of_its_times() {
    let hang = FaultKind::Hang;
    let at_rest = Knobs::new(Source::Tax);
    assert!(at_rest.still(hang, &id("999099000104")), "of the persona");
    assert!(!at_rest.still(hang, &id("999099001104")));
    let knobs = knobs(r#"{"faults": [{"fault": "hang", "count": 1}]}"#);
    assert!(knobs.still(hang, &id("999099001000")));
    assert_eq!(knobs.decide(&id("999099001000")), Some(hang));
    assert!(!knobs.still(hang, &id("999099001000")), "its time is spent");
}
