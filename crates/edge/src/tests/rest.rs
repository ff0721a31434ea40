//! The REST door, over HTTP/1 and HTTP/2.

use http::{Method, StatusCode};
use serde_json::Value;

use super::client::{post, request};
use super::*;

#[tokio::test]
async fn a_lookup_is_answered_over_both_versions_of_http() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let body = question(KNOWN).to_string();
    let mut http1 = client.http1().await;
    for _ in 0..2 {
        let asked = request(Method::POST, "/v1/citizens:lookup", body.clone())
            .header("host", "localhost")
            .header("content-type", "application/json; charset=UTF-8")
            .finish();
        let answer = Answer::read(http1.send_request(asked).await.unwrap()).await;
        assert_eq!(answer.json()["citizen"]["tax"]["taxCode"], KNOWN);
    }
    let answer = client.post("/v1/citizens:lookup", &question(KNOWN)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("gateway-request-id"), REQUEST_ID);
    assert_eq!(answer.header("gateway-completeness"), "");
    assert_eq!(answer.header("ratelimit-policy"), "\"caller\";q=1000;w=10");
    let json = answer.json();
    assert_eq!(json["completeness"], "COMPLETENESS_COMPLETE");
    assert_eq!(json["citizen"]["tax"]["status"], "TAXPAYER_STATUS_ACTIVE");
    assert_eq!(json["requestId"], REQUEST_ID);
    assert!(json["receipt"]["seq"].is_string());
}

#[tokio::test]
async fn a_partial_answer_says_so_in_a_header() {
    let world = World::new().await;
    let mut question = question(KNOWN);
    question["readMask"] = "tax.status,population.sex".into();
    let client = Client::of(&world, "desk");
    let answer = client.post("/v1/citizens:lookup", &question).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("gateway-completeness"), "partial");
    assert_eq!(answer.json()["completeness"], "COMPLETENESS_PARTIAL");
}

#[tokio::test]
async fn a_stream_is_events_of_one_line_each() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let body = serde_json::json!({"lookup": question(KNOWN)});
    let answer = client.post("/v1/citizens:stream", &body).await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let events: Vec<_> = text.split_terminator("\n\n").map(event).collect();
    assert_eq!(events[0].0, "result");
    assert_eq!(events[0].1["result"]["part"]["tax"]["taxCode"], KNOWN);
    assert_eq!(events[1].0, "summary");
    assert!(events[1].1["summary"]["receipt"].is_object());
    assert_eq!(events.len(), 2);
}

#[tokio::test]
async fn a_stream_that_fails_ends_with_the_problem() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let body = serde_json::json!({"lookup": question(ABSENT)});
    let answer = client.post("/v1/citizens:stream", &body).await;
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let mut events = text.split_terminator("\n\n").map(event);
    // No single source says that it knows nobody, if none knows somebody.
    let (name, problem) = events.next().unwrap();
    assert_eq!(name, "error");
    assert!(events.next().is_none());
    assert_eq!(problem["reason"], "PERSON_NOT_FOUND");
    assert_eq!(problem["requestId"], REQUEST_ID);
    world.seen.wait_for(1).await;
    assert_eq!(world.seen.calls()[0].1, "NOT_FOUND");
}

#[tokio::test]
async fn a_number_is_resolved() {
    let world = World::new().await;
    let mut question = question(KNOWN);
    question.as_object_mut().unwrap().remove("readMask");
    let client = Client::of(&world, "desk");
    let answer = client.post("/v1/citizens:resolve", &question).await;
    // The agreement does not grant the personal id.
    assert_eq!(answer.json()["reason"], "PURPOSE_NOT_ALLOWED");
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_catalogue_is_served_by_get() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    for (path, list) in [
        ("/v1/fields", "fields"),
        ("/v1/purposes", "purposes"),
        ("/v1/grants", "grants"),
        ("/v1/quota", "quotas"),
    ] {
        let answer = client.send(request(Method::GET, path, "").finish()).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.json()[list].is_array(), "{path}");
        assert!(!answer.header("ratelimit").is_empty(), "{path}");
    }
}

#[tokio::test]
async fn a_deadline_may_be_a_preference() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let asked = request(
        Method::POST,
        "/v1/citizens:lookup",
        question(KNOWN).to_string(),
    )
    .header("content-type", "application/json")
    .header("prefer", "wait=0")
    .finish();
    let answer = client.send(asked).await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(answer.json()["reason"], "DEADLINE_EXCEEDED");
    assert_eq!(world.tax.asked(), 0);
}

#[tokio::test]
async fn a_spent_quota_says_when_to_come_again() {
    let world = World::new().await;
    let client = Client::of(&world, "poor");
    client.post("/v1/citizens:lookup", &question(KNOWN)).await;
    let answer = client
        .send(post("/v1/citizens:lookup", question(KNOWN).to_string()))
        .await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let problem = answer.json();
    assert_eq!(problem["quota"]["policy"], "caller");
    let after = problem["retryAfterSeconds"].as_u64().unwrap();
    assert!((60..=75).contains(&after), "{after}");
    assert_eq!(answer.header("retry-after"), after.to_string());
    assert_eq!(answer.header("ratelimit"), "\"caller\";r=0;t=60");
}

#[tokio::test]
async fn an_answer_that_is_too_large_does_not_leave() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let answer = client.post("/v1/citizens:lookup", &question(LARGE)).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.json()["reason"], "INTERNAL");
    let mut body = serde_json::json!({"lookup": question(LARGE)});
    body["lookup"]["context"]["requestId"] = exchange::RequestId::fresh().to_string().into();
    let answer = client.post("/v1/citizens:stream", &body).await;
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let events: Vec<_> = text.split_terminator("\n\n").map(event).collect();
    assert_eq!(events.len(), 1, "an error ends a stream");
    assert_eq!(
        (events[0].0, &events[0].1["reason"]),
        ("error", &"INTERNAL".into())
    );
}

pub(crate) fn event(text: &str) -> (&str, Value) {
    let (name, data) = text.split_once('\n').unwrap();
    let name = name.strip_prefix("event: ").unwrap();
    let data = data.strip_prefix("data: ").unwrap();
    (name, serde_json::from_str(data).unwrap())
}
