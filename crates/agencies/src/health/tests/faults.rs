//! How the adapter tells the ways of failing apart, over real sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use adapter::Miss;
use axum::Router;
use axum::routing::post;
use exchange::{Source, SourceState};
use futures_util::future::join_all;
use http::StatusCode;
use sim::{FaultKind, Knob, KnobSettings, Stage, StageConfig};

use super::COMPLETE;
use super::town::{Town, all, ask, connect};
use crate::Problem;
use crate::health::sim::SIMULATOR;
use crate::health::wire::{SEARCH_PATH, TOKEN_PATH};

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(20);

fn knob(town: &Town, fault: FaultKind) {
    let knob = Knob {
        fault,
        subject: None,
        probability: 1.0,
        count: None,
    };
    let faults = vec![knob];
    let settings = KnobSettings {
        faults,
        ..Default::default()
    };
    town.handle.knobs().set(&settings).unwrap();
}

async fn miss(town: &Town, fault: FaultKind) -> Miss {
    knob(town, fault);
    town.ask_within(COMPLETE, all(), SHORT).await.unwrap_err()
}

#[tokio::test]
async fn every_fault_has_its_state() {
    let town = Town::new().await;
    // The first question logs in; later ones have their time for themselves.
    town.ask(COMPLETE, all()).await.unwrap();
    let cases = [
        (FaultKind::NotFound, SourceState::NotFound, ""),
        (FaultKind::Hang, SourceState::Timeout, ""),
        (FaultKind::Slow, SourceState::Timeout, ""),
        (
            FaultKind::ServerError,
            SourceState::Unavailable,
            "SERVER_ERROR",
        ),
        (FaultKind::ResetMidBody, SourceState::Unavailable, "RESET"),
        (FaultKind::Garbage, SourceState::InvalidAnswer, "MALFORMED"),
        (
            FaultKind::WrongPerson,
            SourceState::InvalidAnswer,
            "WRONG_SUBJECT",
        ),
        (FaultKind::RateLimited, SourceState::RateLimited, ""),
        (
            FaultKind::Maintenance,
            SourceState::Unavailable,
            "MAINTENANCE",
        ),
    ];
    for (fault, state, reason) in cases {
        let miss = miss(&town, fault).await;
        assert_eq!((miss.state, miss.reason), (state, reason), "{fault:?}");
        assert_eq!(miss.attempts, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn the_ministry_says_when_to_come_again() {
    let town = Town::new().await;
    let limited = miss(&town, FaultKind::RateLimited).await;
    assert_eq!(limited.retry_after, Some(Duration::from_secs(3)));
    let closed = miss(&town, FaultKind::Maintenance).await;
    assert_eq!(closed.retry_after, Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn a_slow_answer_in_time_is_an_answer() {
    let town = Town::new().await;
    knob(&town, FaultKind::Slow);
    town.ask(COMPLETE, all()).await.unwrap();
}

#[tokio::test]
async fn personas_fail_as_they_promise() {
    let town = Town::new().await;
    for (subject, state) in [
        ("999099000012", SourceState::NotFound),
        ("999099000112", SourceState::Unavailable),
        ("999099000142", SourceState::InvalidAnswer),
    ] {
        let miss = town.ask(subject, all()).await.unwrap_err();
        assert_eq!(miss.state, state, "{subject}");
    }
}

#[tokio::test]
async fn a_session_that_expires_in_mid_flight_is_renewed_once() {
    let town = Town::new().await;
    let answer = town.ask("999099000152", all()).await.unwrap();
    assert_eq!((answer.attempts, town.logins()), (2, 2));
}

/// Row U05: by a status, and by words in a success.
#[tokio::test]
async fn the_end_of_a_session_is_heard_in_both_its_forms() {
    for subject in ["999099000152", "999098000152"] {
        let town = Town::new().await;
        let answer = town.ask(subject, all()).await.unwrap();
        assert_eq!((answer.attempts, town.logins()), (2, 2), "{subject}");
    }
}

#[tokio::test]
async fn twenty_callers_renew_one_session() {
    let town = Town::new().await;
    town.ask(COMPLETE, all()).await.unwrap();
    // Past the life of the token by the ministry's clock, not by ours.
    town.clock.advance(3_600);
    let calls = (0..20).map(|_| town.ask(COMPLETE, all()));
    for answer in join_all(calls).await {
        assert_eq!(answer.unwrap().attempts, 2);
    }
    assert_eq!(town.logins(), 2);
}

#[tokio::test]
async fn a_client_that_is_not_known_gets_no_token() {
    let town = Town::new().await;
    let other = Town::new().await;
    let mut stanza = town.stanza.clone();
    stanza.insert("url".into(), other.stanza["url"].clone());
    let agency = connect(&stanza, &town.site).unwrap();
    let miss = ask(&*agency, COMPLETE, all(), SHORT).await.unwrap_err();
    assert_eq!(miss.reason, "LOGIN_REFUSED");
    assert_eq!((miss.attempts, other.logins()), (0, 1));
}

/// What the adapter makes of a ministry with these two doors.
async fn facing(token: &'static str, search: StatusCode) -> (Miss, usize) {
    let town = Town::new().await;
    let searches = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&searches);
    let router = Router::new()
        .route(TOKEN_PATH, post(move || async move { token }))
        .route(
            SEARCH_PATH,
            post(move || async move {
                count.fetch_add(1, Ordering::SeqCst);
                search
            }),
        );
    let config = StageConfig::loopback(Source::Health);
    let stage = Stage::bind(&config).await.unwrap();
    let mut stanza = town.stanza.clone();
    stanza.insert("url".into(), (SIMULATOR.url)(stage.address()).into());
    let _serving = stage.serve(router);
    let agency = connect(&stanza, &town.site).unwrap();
    let miss = ask(&*agency, COMPLETE, all(), LONG).await.unwrap_err();
    (miss, searches.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_token_that_is_never_taken_is_renewed_once() {
    let token = r#"{"access_token":"a","token_type":"bearer","expires_in":9999999999999}"#;
    let (miss, searches) = facing(token, StatusCode::UNAUTHORIZED).await;
    assert_eq!(
        (miss.reason, miss.attempts, searches),
        ("SESSION_REFUSED", 2, 2)
    );
}

#[tokio::test]
async fn a_token_answer_without_a_bearer_token_is_invalid() {
    for answer in [
        "<html>đăng nhập</html>",
        r#"{"access_token":"","token_type":"Bearer"}"#,
        r#"{"access_token":"a","token_type":"mac"}"#,
        r#"{"access_token":"a\nb","token_type":"Bearer"}"#,
    ] {
        let (miss, searches) = facing(answer, StatusCode::OK).await;
        assert_eq!((miss.reason, searches), ("LOGIN_ANSWER", 0), "{answer}");
    }
}

#[tokio::test]
async fn a_key_that_is_not_known_is_refused_by_either_side() {
    let town = Town::new().await;
    let reason = async |stanza: &toml::Table| {
        let agency = connect(stanza, &town.site).unwrap();
        let miss = ask(&*agency, COMPLETE, all(), LONG).await;
        let miss = miss.unwrap_err();
        (miss.state, miss.reason)
    };
    let key = |name: &str| town.site.stanza_path(name);
    let mut ours = town.stanza.clone();
    ours.insert("signing_key_file".into(), key("ministry-signing.key"));
    let refused = (SourceState::Unavailable, "SIGNATURE_REFUSED");
    assert_eq!(reason(&ours).await, refused);
    let mut theirs = town.stanza.clone();
    theirs.insert("agency_key_file".into(), key("gateway-signing.pub"));
    let invalid = (SourceState::InvalidAnswer, "SIGNATURE");
    assert_eq!(reason(&theirs).await, invalid);
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_refused() {
    let town = Town::new().await;
    let mut site = town.site.clone();
    site.clock = Arc::new(exchange::SystemClock);
    let agency = connect(&town.stanza, &site).unwrap();
    let miss = ask(&*agency, COMPLETE, all(), LONG).await;
    assert_eq!(miss.unwrap_err().reason, "REQUEST_REFUSED");
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_stanza_is_said_at_once() {
    let town = Town::new().await;
    let mut stanza = town.stanza.clone();
    stanza.insert("url".into(), "http://health.example".into());
    stanza.insert("sender_id".into(), "12".into());
    stanza.insert("client_secret_file".into(), "nowhere".into());
    stanza.insert(
        "agency_key_file".into(),
        town.site.stanza_path("client-secret"),
    );
    stanza.insert(
        "signing_key_file".into(),
        town.site.stanza_path("client-secret"),
    );
    let problems = connect(&stanza, &town.site).unwrap_err();
    let keys: Vec<_> = problems
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    assert_eq!(
        keys,
        [
            "url",
            "sender_id",
            "client_secret_file",
            "signing_key_file",
            "agency_key_file"
        ]
    );
}

#[tokio::test]
async fn an_unknown_key_of_a_stanza_is_refused() {
    let town = Town::new().await;
    let mut stanza = town.stanza.clone();
    stanza.insert("insecure".into(), true.into());
    let problems: Vec<Problem> = connect(&stanza, &town.site).unwrap_err();
    assert!(problems[0].what.contains("insecure"), "{problems:?}");
}

#[tokio::test]
async fn secrets_show_nowhere_and_are_made_once() {
    let town = Town::new().await;
    let read = |name: &str| std::fs::read_to_string(town.site.file(name)).unwrap();
    let (secret, key) = (read("client-secret"), read("gateway-signing.key"));
    assert!(!format!("{:?}", town.agency).contains(&secret));
    (SIMULATOR.provision)(&town.site).unwrap();
    assert_eq!(
        (read("client-secret"), read("gateway-signing.key")),
        (secret, key)
    );
}
