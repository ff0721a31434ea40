//! What a malformed call costs its caller: one of the quota, as any other.

use http::{Method, Request};
use http_body_util::Full;
use serde_json::json;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::client::{post, request};
use super::grpc::message;
use super::*;

const LOOKUP: &str = "/v1/citizens:lookup";

/// A question with one thing changed.
fn with(pointer: &str, value: &str) -> Request<Full<bytes::Bytes>> {
    let mut body = question(KNOWN);
    *body.pointer_mut(pointer).unwrap() = json!(value);
    post(LOOKUP, body.to_string())
}

/// One call of each kind that nobody can judge, and its status.
fn malformed() -> Vec<(u16, Request<Full<bytes::Bytes>>)> {
    let good = question(KNOWN).to_string();
    let page = json!({
        "context": {"requestId": REQUEST_ID, "purposeCode": "INSPECTION", "officerId": "CB-17"},
        "subject": {"personalId": KNOWN},
        "pageToken": "A".repeat(82),
    });
    vec![
        (400, post(LOOKUP, "{")),
        (400, with("/subject/personalId", "12")),
        (400, with("/readMask", "tax.nope")),
        (400, with("/context/purposeCode", "NONE")),
        (400, post("/v1/audit/records:search", page.to_string())),
        (
            400,
            post("/v2/findUsage", json!({"userCode": "12"}).to_string()),
        ),
        (
            400,
            request(Method::GET, "/v1/fields?id=999099000001", "").finish(),
        ),
        (404, request(Method::GET, "/v1/nothing", "").finish()),
        (405, request(Method::GET, LOOKUP, "").finish()),
        (413, post(LOOKUP, "x".repeat(100_000))),
        (415, request(Method::POST, LOOKUP, good).finish()),
    ]
}

#[tokio::test]
async fn every_malformed_call_spends_one_of_the_callers_quota() {
    for (status, asked) in malformed() {
        let world = World::new().await;
        let client = Client::of(&world, "poor");
        let what = format!("{asked:?}");
        let answer = client.send(asked).await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert_eq!(answer.header("ratelimit"), SPENT, "{what}");
        let mut good = question(KNOWN);
        good["context"]["requestId"] = json!(exchange::RequestId::fresh().to_string());
        let good = client.post(LOOKUP, &good).await;
        assert_eq!(good.status, 429, "{what}");
        assert_eq!(world.tax.asked(), 0);
    }
}

#[tokio::test]
async fn who_sends_nothing_but_malformed_calls_is_told_to_come_again() {
    let world = World::new().await;
    let client = Client::of(&world, "poor");
    client.send(post(LOOKUP, "{")).await;
    for (_, asked) in malformed() {
        let answer = client.send(asked).await;
        let problem = answer.json();
        assert_eq!(answer.status, 429, "{problem}");
        assert_eq!(problem["reason"], "QUOTA_EXCEEDED");
        assert_eq!(problem["quota"]["policy"], "caller");
        assert!(problem["violations"].is_null(), "{problem}");
        let after: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=75).contains(&after), "{after}");
        assert!(answer.header("ratelimit").starts_with("\"caller\";r=0;t="));
    }
    let mut citizen = client.citizen().await;
    let status = citizen.lookup_citizen(message("12x")).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let quota = status.get_details_quota_failure().unwrap();
    assert_eq!(quota.violations[0].subject, "caller");
    assert!(status.get_details_retry_info().is_some());
    let recorded = world.recorded().await;
    assert!(
        !recorded.contains("DENIED"),
        "nothing was decided: {recorded}"
    );
}

#[tokio::test]
async fn bad_input_that_admission_has_judged_is_spent_once() {
    let world = World::new().await;
    let client = Client::of(&world, "poor");
    let mut withheld = question(KNOWN);
    withheld["readMask"] = json!("tax.status,population.name");
    withheld["requiredSources"] = json!(["SOURCE_POPULATION"]);
    let answer = client.post(LOOKUP, &withheld).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.json()["violations"][0]["field"], "requiredSources");
    assert_eq!(answer.header("ratelimit"), SPENT);
}

#[tokio::test]
async fn a_malformed_call_over_grpc_costs_the_same() {
    let world = World::new().await;
    let client = Client::of(&world, "poor");
    let mut citizen = client.citizen().await;
    let status = citizen.lookup_citizen(message("12x")).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.metadata().get("ratelimit").unwrap(), SPENT);
    let status = citizen.lookup_citizen(message(KNOWN)).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn a_caller_whom_no_agreement_names_has_no_quota_to_spend() {
    let world = World::new().await;
    let client = Client::of(&world, "stranger");
    for _ in 0..3 {
        let answer = client.send(post(LOOKUP, "{")).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.header("ratelimit"), "");
    }
}

const SPENT: &str = "\"caller\";r=0;t=60";
