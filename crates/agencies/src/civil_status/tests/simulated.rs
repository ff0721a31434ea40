//! The adapter against the simulated register, over real sockets.

use std::time::Duration;

use exchange::{Field, FieldSet, PartialDate, SourceState, name_key};
use tokio::time::Instant;

use super::rig::{Simulated, about, record};

#[tokio::test]
async fn a_complete_person_is_answered_completely() {
    let register = Simulated::start().await;
    let asker = about("999099000001");
    let answer = asker.ask(&*register.agency).await.unwrap();
    assert!(answer.as_of.is_some() && answer.upstream_request_id.is_some());
    assert_eq!((answer.attempts, answer.in_force.is_some()), (1, false));
    let alive = [Field::CivilStatusDeath, Field::CivilStatusDeathCause];
    let expected = asker.fields.minus(&FieldSet::from_iter(alive));
    assert_eq!(answer.record.present(), expected);
    let record = record(answer);
    let marriage = record.marriages.first().unwrap();
    assert!(marriage.spouse.is_some() && marriage.spouse_birth_date.is_some());
    assert!(marriage.entry.is_some() && marriage.state != 0);
    assert_eq!(register.operations(), ["login", "traCuu"]);
}

#[tokio::test]
async fn only_what_is_asked_is_asked_and_answered() {
    let register = Simulated::start().await;
    let fields = [Field::CivilStatusName, Field::CivilStatusDeath];
    let asker = about("999099000002").only(&fields);
    let answer = asker.ask(&*register.agency).await.unwrap();
    assert_eq!(answer.record.present(), FieldSet::from_iter(fields));
    let asked = register.handle.journal().entries().pop().unwrap().fields;
    let expected = ["personal_id", "name", "death"].map(|name| format!("civil_status.{name}"));
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn the_cause_of_death_comes_when_it_is_asked_for() {
    let register = Simulated::start().await;
    let asker = about("999099000002").only(&[Field::CivilStatusDeathCause]);
    let record = record(asker.ask(&*register.agency).await.unwrap());
    assert!(!record.death_cause.is_empty() && record.death.is_none());
    assert!(record.personal_id.is_empty());
}

#[tokio::test]
async fn a_dossier_that_is_not_ready_is_polled_for() {
    let register = Simulated::start().await;
    for (number, looks) in [("999099000003", 1), ("999099000007", 2)] {
        register.handle.journal().clear();
        let answer = about(number).ask(&*register.agency).await.unwrap();
        assert_eq!(answer.attempts, 1);
        let operations = register.operations();
        let polls = operations.iter().filter(|name| *name == "traTrangThaiHoSo");
        assert_eq!(polls.count(), looks, "{number}");
        assert_eq!(operations.last().unwrap(), "ketQuaDangKyHS");
    }
}

#[tokio::test]
async fn every_fault_has_its_state() {
    let register = Simulated::start().await;
    let agency = &*register.agency;
    let table = [
        ("999099000013", SourceState::NotFound, "", None),
        (
            "999099000103",
            SourceState::Timeout,
            "DOSSIER_UNDER_WAY",
            Some(5),
        ),
        (
            "999099000113",
            SourceState::Unavailable,
            "SERVER_ERROR",
            None,
        ),
        ("999099000123", SourceState::Unavailable, "RESET", None),
        (
            "999099000133",
            SourceState::InvalidAnswer,
            "MALFORMED",
            None,
        ),
        (
            "999099000143",
            SourceState::InvalidAnswer,
            "WRONG_SUBJECT",
            None,
        ),
        ("999099000163", SourceState::Timeout, "", None),
        ("999099000173", SourceState::RateLimited, "", Some(3)),
        (
            "999099000183",
            SourceState::Unavailable,
            "MAINTENANCE",
            Some(30),
        ),
    ];
    about("999099000001").ask(agency).await.unwrap();
    for (number, state, reason, after_s) in table {
        let miss = about(number).within_ms(400).ask(agency).await.unwrap_err();
        assert_eq!((miss.state, miss.reason), (state, reason), "{number}");
        assert_eq!(
            miss.retry_after,
            after_s.map(Duration::from_secs),
            "{number}"
        );
        assert_eq!(miss.attempts, 1, "{number}");
        assert!(!miss.detail.contains("999"), "{number}");
    }
}

#[tokio::test]
async fn every_fault_has_its_state_with_or_without_a_poll() {
    let register = Simulated::start().await;
    let agency = &*register.agency;
    let table = [
        ("not_found", SourceState::NotFound),
        ("hang", SourceState::Timeout),
        ("server_error", SourceState::Unavailable),
        ("reset_mid_body", SourceState::Unavailable),
        ("garbage", SourceState::InvalidAnswer),
        ("wrong_person", SourceState::InvalidAnswer),
        ("slow", SourceState::Timeout),
        ("rate_limited", SourceState::RateLimited),
        ("maintenance", SourceState::Unavailable),
    ];
    about("999099000001").ask(agency).await.unwrap();
    for (fault, state) in table {
        register.set(&format!(r#"{{"faults": [{{"fault": "{fault}"}}]}}"#));
        for number in ["999099000001", "999099000003"] {
            let miss = about(number).within_ms(300).ask(agency).await.unwrap_err();
            assert_eq!(miss.state, state, "{fault} {number}");
        }
    }
}

#[tokio::test]
async fn a_session_that_is_over_is_renewed_once_and_nobody_notices() {
    let register = Simulated::start().await;
    // Born in an even year: 401. In an odd year: number 100 inside a 200.
    for number in ["999098000153", "999099000153"] {
        register.handle.journal().clear();
        let answer = about(number).ask(&*register.agency).await.unwrap();
        assert_eq!(answer.attempts, 2);
        let operations = register.operations();
        let enquiries = operations.iter().filter(|name| *name == "traCuu");
        assert_eq!(enquiries.count(), 2);
        assert_eq!(operations.last().unwrap(), "traCuu");
    }
}

#[tokio::test]
async fn many_questions_at_once_log_in_once() {
    let register = Simulated::start().await;
    let questions = (0..20).map(|n| {
        let agency = register.agency.clone();
        tokio::spawn(async move { about(&format!("9990850010{n:02}")).ask(&*agency).await })
    });
    for question in questions.collect::<Vec<_>>() {
        question.await.unwrap().unwrap();
    }
    let operations = register.operations();
    let logins = operations.iter().filter(|name| *name == "login");
    assert_eq!(logins.count(), 1);
}

#[tokio::test]
async fn nothing_outlives_the_deadline() {
    let register = Simulated::start().await;
    about("999099000001").ask(&*register.agency).await.unwrap();
    register.set(r#"{"faults": [{"fault": "hang"}]}"#);
    for number in ["999099000001", "999099000003"] {
        let started = Instant::now();
        let asker = about(number).within_ms(150);
        asker.ask(&*register.agency).await.unwrap_err();
        assert!(started.elapsed() < Duration::from_millis(600), "{number}");
    }
}

#[tokio::test]
async fn a_superseded_number_finds_the_record_under_the_number_in_force() {
    let register = Simulated::start().await;
    let asker = about("999099000004");
    let current = register.site.world.current_id(&asker.subject).unwrap();
    assert_ne!(current, asker.subject);
    let answer = asker.ask(&*register.agency).await.unwrap();
    assert!(answer.in_force.is_some());
    assert_eq!(record(answer).personal_id, current.reveal());
    let answer = about(current.reveal()).ask(&*register.agency).await;
    assert!(answer.unwrap().in_force.is_none());
}

#[tokio::test]
async fn nobody_is_not_found() {
    let register = Simulated::start().await;
    for number in ["001099000001", "999399000001"] {
        let miss = about(number).ask(&*register.agency).await.unwrap_err();
        assert_eq!(miss.state, SourceState::NotFound, "{number}");
    }
}

#[tokio::test]
async fn the_second_factor_is_sent_and_must_fit() {
    let register = Simulated::start().await;
    let agency = &*register.agency;
    let known = record(about("999099000001").ask(agency).await.unwrap());
    let name = known.name.unwrap().full;
    let born = known.birth_date.unwrap();
    let year = PartialDate::new(born.year, 0, 0).unwrap();
    let mut asker = about("999099000001");
    asker.hints.full_name = Some(name_key(&name));
    asker.hints.birth_date = Some(year);
    assert!(asker.ask(agency).await.is_ok());
    asker.hints.full_name = Some("Somebody Else".into());
    let miss = asker.ask(agency).await.unwrap_err();
    assert_eq!(miss.state, SourceState::NotFound);
    asker.hints.full_name = None;
    asker.hints.birth_date = PartialDate::new(born.year + 1, 0, 0).ok();
    let miss = asker.ask(agency).await.unwrap_err();
    assert_eq!(miss.state, SourceState::NotFound);
}

#[tokio::test]
async fn traces_go_along() {
    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let register = Simulated::start().await;
    let mut asker = about("999099000003");
    asker.traceparent = Some(PARENT);
    asker.ask(&*register.agency).await.unwrap();
    let entries = register.handle.journal().entries();
    let about_the_subject = entries.iter().filter(|asked| asked.subject.is_some());
    assert!(about_the_subject.clone().count() > 2);
    for asked in about_the_subject {
        assert_eq!(asked.traceparent.as_deref(), Some(PARENT));
    }
}

#[tokio::test]
async fn a_wrong_secret_is_refused_and_no_question_is_asked() {
    let register = Simulated::start().await;
    std::fs::write(register.site.file("wrong"), "wrong").unwrap();
    let mut stanza = (super::super::ENTRY.simulator.provision)(&register.site).unwrap();
    stanza.insert("secret_file".into(), register.site.stanza_path("wrong"));
    let url = format!("https://{}", register.handle.address());
    let (agency, _) = super::rig::connect(&url, stanza, &register.site.root);
    let miss = about("999099000001").ask(&*agency).await.unwrap_err();
    assert_eq!((miss.reason, miss.attempts), ("LOGIN_REFUSED", 0));
    assert_eq!(register.operations(), ["login"]);
}

#[tokio::test]
async fn decomposed_names_come_out_composed() {
    use unicode_normalization::is_nfc;
    let register = Simulated::start().await;
    let record = record(about("999099000008").ask(&*register.agency).await.unwrap());
    let name = record.name.unwrap().full;
    assert!(!name.is_ascii() && is_nfc(&name));
    assert!(is_nfc(&record.birth_certificate.unwrap().office));
}

#[tokio::test]
async fn a_year_is_all_that_an_old_book_may_know() {
    let register = Simulated::start().await;
    let record = record(about("999099000007").ask(&*register.agency).await.unwrap());
    let born = record.birth_date.unwrap();
    assert_eq!((born.year, born.month, born.day), (1999, 0, 0));
}

#[tokio::test]
async fn ordinary_people_are_all_answered() {
    let register = Simulated::start().await;
    let mut found = 0;
    for n in 0..40 {
        match about(&format!("99906001{n:04}"))
            .ask(&*register.agency)
            .await
        {
            Ok(_) => found += 1,
            Err(miss) => assert_eq!(miss.state, SourceState::NotFound),
        }
    }
    assert!(found > 30, "{found}");
}
