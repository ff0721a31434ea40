//! What a question leaves under way: found again by the same question, looked at, and sent again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use adapter::dossier::{Dossier, LOST, Move, State, UNDER_WAY};
use exchange::{Field, SourceState};
use tokio::time::Instant;

use super::rig::{Asker, Simulated, about};
use super::scripted::{Scripted, json, token};

/// One that is polled for.
const NUMBER: &str = "999099001003";
const HANGS: &str = r#"{"faults": [{"fault": "hang"}]}"#;

fn hasty() -> Asker {
    about(NUMBER).within_ms(300)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

async fn left(register: &Simulated) -> Dossier {
    register.set(HANGS);
    let miss = hasty().ask(&*register.agency).await.unwrap_err();
    assert_eq!((miss.state, miss.reason), (SourceState::Timeout, UNDER_WAY));
    let [dossier] = &register.dossiers.all()[..] else {
        panic!("{:?}", register.dossiers);
    };
    dossier.clone()
}

fn enquiries(register: &Simulated) -> usize {
    let operations = register.operations();
    operations.iter().filter(|it| *it == "traCuu").count()
}

#[tokio::test]
async fn the_same_question_goes_on_with_the_dossier_it_has_left() {
    let register = Simulated::keeping().await;
    let dossier = left(&register).await;
    assert_eq!(dossier.state, State::AwaitingUpstream);
    assert_eq!(
        (dossier.agency.as_str(), dossier.system.as_str()),
        ("G18", "desk")
    );
    // Still the same, and no second dossier.
    hasty().ask(&*register.agency).await.unwrap_err();
    assert_eq!(
        (enquiries(&register), register.dossiers.all().len()),
        (1, 1)
    );
    register.set("{}");
    let answer = hasty().ask(&*register.agency).await.unwrap();
    assert_eq!(answer.upstream_request_id, Some(dossier.code));
    assert_eq!((enquiries(&register), answer.attempts), (1, 1));
    assert!(
        register.dossiers.is_empty(),
        "there is nothing more to come of it"
    );
}

#[tokio::test]
async fn another_question_about_the_same_person_opens_a_dossier_of_its_own() {
    let register = Simulated::keeping().await;
    left(&register).await;
    let other = hasty().only(&[Field::CivilStatusName]);
    other.ask(&*register.agency).await.unwrap_err();
    assert_eq!(
        (enquiries(&register), register.dossiers.all().len()),
        (2, 2)
    );
}

#[tokio::test]
async fn a_question_that_is_dropped_leaves_its_dossier_too() {
    let register = Simulated::keeping().await;
    register.set(HANGS);
    let asker = about(NUMBER);
    let asked = asker.ask(&*register.agency);
    let cut = tokio::time::timeout(Duration::from_millis(500), asked).await;
    assert!(cut.is_err());
    assert_eq!(register.dossiers.all().len(), 1);
}

#[tokio::test]
async fn a_look_says_how_far_it_is_and_fetches_nothing() {
    let register = Simulated::keeping().await;
    let dossier = left(&register).await;
    register.handle.journal().clear();
    let seen = register.agency.look(&dossier, soon()).await.unwrap();
    assert_eq!(seen.state, State::AwaitingUpstream);
    register.set("{}");
    let seen = register.agency.look(&dossier, soon()).await.unwrap();
    assert_eq!(seen.state, State::Completed);
    assert_eq!(register.operations(), ["traTrangThaiHoSo"; 2]);
}

#[tokio::test]
async fn what_is_sent_again_keeps_its_id_and_the_same_question_has_its_result() {
    let register = Simulated::keeping().await;
    let number = left(&register).await.number;
    register.set("{}");
    let due = loop {
        // It is due a second later.
        let due = register
            .dossiers
            .due(exchange::Source::CivilStatus, 1)
            .pop();
        match due {
            Some(due) => break due,
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    register.dossiers.looked(number, Err(LOST));
    let sent = register.dossiers.order(number, Move::Resend).unwrap();
    let enquiry = due.enquiry.unwrap();
    let body: serde_json::Value = serde_json::from_slice(enquiry.reveal()).unwrap();
    assert_eq!(body["maYeuCau"], sent.request.to_string());
    let seen = register.agency.resend(&enquiry, soon()).await.unwrap();
    let code = seen.taken.clone().unwrap().code;
    assert_ne!(code, sent.code, "the simulated register opens another");
    register.dossiers.looked(number, Ok(seen));
    let answer = hasty().ask(&*register.agency).await.unwrap();
    assert_eq!(answer.upstream_request_id, Some(code));
    assert_eq!(enquiries(&register), 2);
}

#[tokio::test]
async fn a_dossier_that_the_register_has_lost_is_opened_anew() {
    let is_lost = Arc::new(AtomicBool::new(false));
    let lost = Arc::clone(&is_lost);
    let register = Scripted::start(move |call| match call.operation.as_str() {
        "token" => token("t"),
        "traTrangThaiHoSo" if lost.load(SeqCst) => json(200, r#"{"maLoi": 201}"#),
        _ => json(200, r#"{"maHoSo": "h", "trangThai": 1}"#),
    });
    let register = register.await;
    let miss = hasty().ask(&*register.agency).await.unwrap_err();
    assert_eq!(miss.reason, UNDER_WAY);
    is_lost.store(true, SeqCst);
    let before = register.calls().len();
    let miss = hasty().ask(&*register.agency).await.unwrap_err();
    assert_eq!(miss.reason, LOST);
    let calls = register.calls();
    let then: Vec<_> = calls[before..]
        .iter()
        .map(|it| it.operation.as_str())
        .collect();
    assert_eq!(then, ["traTrangThaiHoSo", "traCuu", "traTrangThaiHoSo"]);
    assert!(register.dossiers.is_empty(), "what is lost is not kept");
}

#[tokio::test]
async fn what_ends_without_a_result_is_not_left() {
    for state in [0, 2] {
        let said = format!(r#"{{"maHoSo": "h", "trangThai": {state}}}"#);
        let register = Scripted::in_order(vec![json(200, said)]).await;
        hasty().ask(&*register.agency).await.unwrap_err();
        assert!(register.dossiers.is_empty(), "{state}");
    }
    let about_the_person = format!(r#"{{"maHoSo": "HT-{NUMBER}", "trangThai": 1}}"#);
    let register = Scripted::in_order(vec![json(200, about_the_person)]).await;
    hasty().ask(&*register.agency).await.unwrap_err();
    assert!(register.dossiers.is_empty(), "its id is not kept");
}
