//! Each way of misbehaving, and what becomes of it.

use std::time::Duration;

use exchange::{Field, FieldSet, SourceState};
use futures_util::future::join_all;
use sim::FaultKind;
use tokio::time::Instant;

use super::rig::{Rig, SOON, everything};
use super::suite::SOMEBODY;

/// Waits until something holds; panics if it does not soon.
pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + SOON;
    while !holds().await {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn every_fault_that_is_said_has_its_state_and_reason() {
    let (unavailable, invalid) = (SourceState::Unavailable, SourceState::InvalidAnswer);
    let cases = [
        (FaultKind::NotFound, SourceState::NotFound, "", None),
        (FaultKind::ServerError, unavailable, "SERVER_ERROR", None),
        (FaultKind::ResetMidBody, unavailable, "RESET", None),
        (FaultKind::Garbage, invalid, "GARBAGE", None),
        (FaultKind::WrongPerson, invalid, "WRONG_SUBJECT", None),
        (
            FaultKind::RateLimited,
            SourceState::RateLimited,
            "",
            Some(3),
        ),
        (FaultKind::Maintenance, unavailable, "MAINTENANCE", Some(30)),
    ];
    let rig = Rig::simulated().await;
    for (fault, state, reason, retry_after_s) in cases {
        rig.break_with(fault, Some(1));
        let miss = rig.ask(SOMEBODY, everything()).await.unwrap_err();
        assert_eq!((miss.state, miss.reason), (state, reason), "{fault:?}");
        let after = retry_after_s.map(Duration::from_secs);
        assert_eq!((miss.retry_after, miss.attempts), (after, 1), "{fault:?}");
        assert!(!miss.detail.contains("999099"), "{fault:?}");
        rig.ask(SOMEBODY, everything()).await.unwrap();
    }
}

#[tokio::test]
async fn a_session_that_ended_is_renewed() {
    let rig = Rig::simulated().await;
    rig.ask(SOMEBODY, everything()).await.unwrap();
    rig.break_with(FaultKind::SessionExpired, None);
    let answer = rig.ask(SOMEBODY, everything()).await.unwrap();
    assert_eq!(answer.attempts, 2);
}

#[tokio::test]
async fn many_callers_whose_sessions_ended_ask_twice_each() {
    let rig = Rig::simulated_with("pool_size = 20").await;
    rig.break_with(FaultKind::SessionExpired, None);
    let ids: Vec<String> = (0..20).map(|n| format!("999099002{n:03}")).collect();
    let fields = FieldSet::from_iter([Field::SocialSecuritySex]);
    for answer in join_all(ids.iter().map(|id| rig.ask(id, fields))).await {
        let attempts = match answer {
            Ok(answer) => answer.attempts,
            Err(miss) if miss.state == SourceState::NotFound => miss.attempts,
            Err(miss) => panic!("{miss}"),
        };
        assert_eq!(attempts, 2);
    }
    assert_eq!(rig.count("person_v1"), 40);
}

#[tokio::test]
async fn a_hung_statement_is_a_timeout_and_is_stopped() {
    let rig = Rig::simulated_with("pool_size = 1").await;
    rig.break_with(FaultKind::Hang, Some(1));
    let begun = Instant::now();
    let asking = rig.ask_within(Duration::from_millis(200), SOMEBODY, everything());
    let miss = asking.await.unwrap_err();
    assert_eq!((miss.state, miss.attempts), (SourceState::Timeout, 1));
    assert!(begun.elapsed() < Duration::from_secs(1));
    until("a request to stop arrives", async || {
        rig.count("cancel") == 1
    })
    .await;
    rig.ask(SOMEBODY, everything()).await.unwrap();
}

#[tokio::test]
async fn a_caller_who_leaves_stops_the_statement() {
    let rig = Rig::simulated().await;
    rig.break_with(FaultKind::Hang, Some(1));
    let asking = rig.ask(SOMEBODY, everything());
    let left = tokio::time::timeout(Duration::from_millis(100), asking).await;
    assert!(left.is_err());
    until("a request to stop arrives", async || {
        rig.count("cancel") == 1
    })
    .await;
}

#[tokio::test]
async fn the_server_stops_a_statement_after_its_own_limit() {
    let rig = Rig::simulated_with("statement_timeout_ms = 100").await;
    rig.break_with(FaultKind::Hang, Some(1));
    let miss = rig.ask(SOMEBODY, everything()).await.unwrap_err();
    assert_eq!(miss.state, SourceState::Timeout);
    assert_eq!(miss.detail, "SQLSTATE 57014");
    assert_eq!(rig.count("cancel"), 0);
}

#[tokio::test]
async fn a_slow_answer_is_an_answer_if_there_is_time() {
    let rig = Rig::simulated_with("timeout_ms = 5000").await;
    let slow = "999099000165";
    let begun = Instant::now();
    rig.ask(slow, everything()).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(2));
    let rushed = rig.ask_within(Duration::from_millis(300), slow, everything());
    assert_eq!(rushed.await.unwrap_err().state, SourceState::Timeout);
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let mut rig = Rig::simulated().await;
    rig.ask(SOMEBODY, everything()).await.unwrap();
    rig.simulator.take().unwrap().stop().await;
    let miss = rig.ask(SOMEBODY, everything()).await.unwrap_err();
    assert_eq!(miss.state, SourceState::Unavailable, "{miss}");
    let miss = rig.ask(SOMEBODY, everything()).await.unwrap_err();
    assert_eq!((miss.reason, miss.attempts), ("CONNECT", 0));
}

#[tokio::test]
async fn a_refused_login_is_said_as_such() {
    let rig = Rig::simulated().await;
    let address = rig.simulator().address();
    for (database, user) in [("bhxh", "gateway"), ("bhxh", "x"), ("other", "gateway")] {
        let stanza = format!(
            "url = 'postgres://{address}/{database}'\nuser = '{user}'\n\
             password_file = 'password'"
        );
        let stranger = Rig::of(&stanza, "wrong");
        let miss = stranger.ask(SOMEBODY, everything()).await.unwrap_err();
        let said = (miss.reason, miss.attempts);
        assert_eq!(said, ("LOGIN_REFUSED", 0), "{database} {user}");
        assert!(!miss.to_string().contains("wrong"));
    }
}

#[tokio::test]
async fn a_standby_is_asked_when_the_first_host_is_gone() {
    let up = Rig::simulated().await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (closed, standby) = (gone.local_addr().unwrap(), up.simulator().address());
    drop(gone);
    let stanza = format!(
        "url = 'postgres://{closed}/bhxh'\nuser = 'gateway'\npassword_file = 'password'\n\
         standby = ['{standby}']"
    );
    let rig = Rig::of(&stanza, &up.password());
    rig.ask(SOMEBODY, everything()).await.unwrap();
}

/// Row U02: the first host accepts, and says nothing.
#[tokio::test]
async fn a_standby_is_asked_when_the_first_host_hangs() {
    let up = Rig::simulated().await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (hung, standby) = (silent.local_addr().unwrap(), up.simulator().address());
    let stanza = format!(
        "url = 'postgres://{hung}/bhxh'\nuser = 'gateway'\npassword_file = 'password'\n\
         standby = ['{standby}']\ntimeout_ms = 3000"
    );
    let rig = Rig::of(&stanza, &up.password());
    let time = Duration::from_secs(3);
    let answer = rig.ask_within(time, SOMEBODY, everything()).await;
    assert_eq!(answer.unwrap().attempts, 1);
}

#[tokio::test]
async fn who_finds_all_connections_in_use_is_sent_away_and_no_failure_of_the_source() {
    let rig = Rig::simulated_with("pool_size = 1").await;
    rig.break_with(FaultKind::Hang, Some(1));
    let others = rig.ask(SOMEBODY, everything());
    let asking = async {
        until("somebody is asked about", async || {
            rig.count("person_v1") == 1
        })
        .await;
        rig.ask(SOMEBODY, everything()).await.unwrap_err()
    };
    let miss = tokio::select! {
        answer = others => panic!("{answer:?}"),
        miss = asking => miss,
    };
    let said = (miss.state, miss.reason, miss.attempts);
    assert_eq!(said, (SourceState::Skipped, "OVERLOADED", 0));
    assert!(miss.retry_after.is_some());
}
