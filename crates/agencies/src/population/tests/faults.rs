//! The adapter against its own simulator, misbehaving.

use adapter::Blame;
use exchange::SourceState;
use futures_util::future::join_all;

use super::*;

const COMPLETE: &str = "999099000001";

#[tokio::test]
async fn every_fault_has_its_state() {
    let expected = [
        (FaultKind::NotFound, SourceState::NotFound, ""),
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
    let pair = Pair::start().await;
    for (fault, state, reason) in expected {
        pair.knob(fault);
        let miss = pair.ask(COMPLETE, Ask::default()).await.unwrap_err();
        assert_eq!(
            (miss.state, miss.reason, miss.attempts),
            (state, reason, 1),
            "{fault:?}"
        );
        let waits = matches!(fault, FaultKind::RateLimited | FaultKind::Maintenance);
        assert_eq!(miss.retry_after.is_some(), waits, "{fault:?}");
        assert!(!miss.detail.contains("999"), "{fault:?}");
    }
}

#[tokio::test]
async fn late_answers_are_timeouts() {
    let pair = Pair::start().await;
    // The session is opened beforehand: it has a deadline of its own.
    pair.ask(COMPLETE, Ask::default()).await.unwrap();
    for fault in [FaultKind::Hang, FaultKind::Slow] {
        pair.knob(fault);
        let within = Duration::from_millis(200);
        let begun = Instant::now();
        let ask = Ask {
            within,
            ..Ask::default()
        };
        let miss = pair.ask(COMPLETE, ask).await.unwrap_err();
        assert_eq!(
            (miss.state, miss.attempts),
            (SourceState::Timeout, 1),
            "{fault:?}"
        );
        assert!(begun.elapsed() < Duration::from_secs(1), "{fault:?}");
    }
}

#[tokio::test]
async fn an_expired_session_is_renewed_by_one_login() {
    let pair = Pair::start().await;
    pair.ask(COMPLETE, Ask::default()).await.unwrap();
    pair.handle.journal().clear();
    pair.knob(FaultKind::SessionExpired);
    let subjects: Vec<String> = (0..20)
        .map(|n| format!("99909900{:04}", 2000 + n))
        .collect();
    let asked = subjects
        .iter()
        .map(|subject| pair.ask(subject, Ask::default()));
    for answer in join_all(asked).await {
        let answer = answer.unwrap();
        assert_eq!(answer.attempts, 2, "two questions; the login is none");
    }
    let logins = pair.operations().into_iter().filter(|it| it == "DangNhap");
    assert_eq!(logins.count(), 1);
    assert_eq!(pair.handle.journal().total(), 41);
}

#[tokio::test]
async fn a_wrong_signature_is_not_let_in() {
    let pair = Pair::start_with(|stanza, root| {
        std::fs::write(root.join("other"), "a secret that the agency does not know").unwrap();
        stanza.insert("secret_file".into(), "other".into());
    })
    .await;
    let miss = pair.ask(COMPLETE, Ask::default()).await.unwrap_err();
    let expected = (SourceState::Unavailable, "CREDENTIALS_REFUSED", 0);
    assert_eq!((miss.state, miss.reason, miss.attempts), expected);
    assert!(pair.operations().is_empty());
}

#[tokio::test]
async fn procedures_and_officers_without_the_right_are_refused() {
    let pair = Pair::start().await;
    let refused = [
        (Some("CHUA-CAP-PHEP"), None, "PROCEDURE_NOT_LICENSED"),
        (None, Some("KHONG-QUYEN"), "OFFICER_NOT_AUTHORISED"),
    ];
    for (procedure, officer, reason) in refused {
        let ask = Ask {
            procedure,
            officer,
            ..Ask::default()
        };
        let miss = pair.ask(COMPLETE, ask).await.unwrap_err();
        assert_eq!(
            (miss.state, miss.reason, miss.blame),
            (SourceState::Unavailable, reason, Blame::Question)
        );
    }
}

#[tokio::test]
async fn a_closed_record_is_withheld() {
    let pair = Pair::start().await;
    let miss = pair.ask("999099000006", Ask::default()).await.unwrap_err();
    assert_eq!((miss.state, miss.reason), (SourceState::Withheld, ""));
}

#[tokio::test]
async fn an_agency_that_is_not_there_is_unavailable() {
    let pair = Pair::start_with(|stanza, _| {
        stanza.insert("url".into(), "http://127.0.0.1:1/dancuquocgia".into());
    })
    .await;
    let miss = pair.ask(COMPLETE, Ask::default()).await.unwrap_err();
    assert_eq!(
        (miss.state, miss.reason),
        (SourceState::Unavailable, "CONNECT")
    );
}
