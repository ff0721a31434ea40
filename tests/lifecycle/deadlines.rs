//! The time that a caller gives.

use std::time::Duration;

use api::v1::{LookupCitizenRequest, LookupCitizenResponse};
use exchange::Source;
use prost::Message as _;
use serde_json::Value;
use tests::row::Row;
use tests::{Rest, RestAnswer, Sandbox, Told, Unary, Wire, fault, question, set};
use tokio::time::Instant;
use tonic::Code;
use tonic_types::StatusExt as _;

/// The tax office never answers about this one.
const HANGS: &str = "999099000104";
const CITIZEN: &str = "999099000001";

/// A gateway at which who names no deadline waits 600 ms, and nobody waits longer than 1.6 s; an
/// agency by itself may take 2.5 s.
async fn begin(sandbox: &Sandbox) -> Row {
    let hasty = Row::begin(sandbox, "deadlines", &[Source::Tax], |config| {
        set(config, "edge.limits", "deadline_ms", 600);
        set(config, "edge.limits", "deadline_max_ms", 1_600);
    });
    hasty.await
}

fn asks(id: &str) -> Value {
    question(id, "ONE_STOP_DESK", "tax.status")
}

/// Asks over gRPC, with this in `grpc-timeout`.
async fn call(grpc: &Unary, timeout: Option<&str>, question: &Value) -> Told {
    let headers: Vec<_> = timeout.map(|it| ("grpc-timeout", it)).into_iter().collect();
    let message: LookupCitizenRequest = serde_json::from_value(question.clone()).unwrap();
    let told = grpc.call("CitizenService/LookupCitizen", &headers, &message);
    told.await.unwrap()
}

/// How often the tax office was asked.
async fn asked(sandbox: &Sandbox) -> u64 {
    let control = sandbox.text(&format!("/agencies/{}/control", Source::Tax.name()));
    let journal = Rest::plain(control).get("/journal").await.unwrap().json();
    journal["total"].as_u64().unwrap()
}

/// Between the deadline and what a busy machine adds, and before the next longer deadline.
fn within(took: Duration, deadline_ms: u64, next_ms: u64) -> bool {
    let reserve = Duration::from_millis(60);
    let (least, most) = (Duration::from_millis(deadline_ms), next_ms);
    (least.saturating_sub(reserve)..Duration::from_millis(most)).contains(&took)
}

/// Row L04: over gRPC a deadline of 1 ms is `DEADLINE_EXCEEDED` and no agency is asked; without one
/// the default holds, one that is too long is cut to the longest, and a malformed one is refused.
#[tokio::test]
async fn a_deadline_over_grpc_is_kept_clamped_or_refused() {
    let sandbox = Sandbox::start();
    let row = begin(&sandbox).await;
    let grpc = Unary::open(&Wire::at(&sandbox, "commune", row.gateway.port())).await;
    let before = asked(&sandbox).await;
    for timeout in ["1m", "0S", "1n"] {
        // Nothing is done in less time than a record takes, and so there is none.
        let told = call(&grpc, Some(timeout), &asks(CITIZEN)).await;
        assert_eq!(told.status.code(), Code::DeadlineExceeded, "{timeout}");
        assert_eq!(fault(&told.status), "DEADLINE_EXCEEDED", "{timeout}");
    }
    for timeout in [
        "-1S",
        "",
        "1",
        "S",
        "1s",
        "123456789S",
        "1.5S",
        "0x1S",
        "1S,1S",
    ] {
        // Of what nobody can read there is no record.
        let told = call(&grpc, Some(timeout), &asks(CITIZEN)).await;
        assert_eq!(told.status.code(), Code::InvalidArgument, "{timeout}");
        assert_eq!(fault(&told.status), "INVALID_ARGUMENT", "{timeout}");
        let wrong = told.status.get_details_bad_request().unwrap();
        assert_eq!(wrong.field_violations[0].field, "grpc-timeout", "{timeout}");
    }
    assert_eq!(asked(&sandbox).await, before, "an agency was asked");
    for (timeout, deadline, next) in [(None, 600, 1_500), (Some("99999999H"), 1_600, 2_500)] {
        let (question, begun) = (asks(HANGS), Instant::now());
        let told = call(&grpc, timeout, &question).await;
        let took = begun.elapsed();
        row.caller.was_admitted(&question);
        // The second if the machine was busy for longer than what is kept back for the record.
        let ends = [Code::Unavailable, Code::DeadlineExceeded];
        assert!(ends.contains(&told.status.code()), "{timeout:?} {told:?}");
        fault(&told.status);
        assert!(within(took, deadline, next), "{timeout:?} took {took:?}");
    }
    let question = asks(CITIZEN);
    let told = call(&grpc, Some("1500m"), &question).await;
    assert_eq!(told.status.code(), Code::Ok, "{told:?}");
    let answer = LookupCitizenResponse::decode(told.message).unwrap();
    assert!(answer.receipt.is_some());
    let request = &question["context"]["requestId"];
    let answer = serde_json::to_value(&answer).unwrap();
    row.caller.got(request, CITIZEN, &answer);
    row.ends().await;
}

/// Row L04: over REST a preference to wait is kept and cut to the longest; one that is malformed is
/// ignored, as RFC 7240 asks for; no time at all is `DEADLINE_EXCEEDED`, and no agency is asked.
#[tokio::test]
async fn a_preference_to_wait_is_kept_clamped_or_ignored() {
    let sandbox = Sandbox::start();
    let row = begin(&sandbox).await;
    let before = asked(&sandbox).await;
    // Of no time at all there is no record.
    let none = row.gateway.caller(&sandbox, "commune");
    let body = asks(CITIZEN).to_string();
    let none = none.post("/v1/citizens:lookup", body, &[("prefer", "wait=0")]);
    let none = none.await.unwrap();
    assert_eq!(none.status, 504, "{none:?}");
    let problem = none.json();
    assert_eq!(problem["reason"], "DEADLINE_EXCEEDED");
    assert_eq!(problem["domain"], "lienthong");
    assert!(problem["requestId"].is_string(), "{problem}");
    assert_eq!(asked(&sandbox).await, before, "an agency was asked");
    for (prefer, deadline, next) in [
        (None, 600, 900),
        (Some("wait=-1"), 600, 900),
        (Some("wait=soon"), 600, 900),
        (Some("respond-async, wait=1"), 1_000, 1_500),
        (Some("wait=99999999999999999999"), 1_600, 2_500),
    ] {
        let (answer, took) = ask(&row, HANGS, prefer).await;
        // The second if the machine was busy for longer than what is kept back for the record.
        assert!([503, 504].contains(&answer.status), "{prefer:?} {answer:?}");
        assert!(within(took, deadline, next), "{prefer:?} took {took:?}");
    }
    row.ends().await;
}

/// Asks, and how long that took.
async fn ask(row: &Row, id: &str, prefer: Option<&str>) -> (RestAnswer, Duration) {
    let headers: Vec<_> = prefer.map(|it| ("prefer", it)).into_iter().collect();
    let (question, begun) = (asks(id), Instant::now());
    let answer = row.caller.put_with(&question, &headers).await;
    (answer, begun.elapsed())
}
