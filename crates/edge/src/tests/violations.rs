//! Everything that is wrong with a question, in one answer, at both doors.

use gate::Synthetic;
use serde_json::{Value, json};
use tonic_types::StatusExt as _;

use super::world::domain;
use super::*;

/// A question with an unknown purpose, and a mistake of form.
fn wrong(change: impl FnOnce(&mut Value)) -> Value {
    let mut body = question(KNOWN);
    body["context"]["purposeCode"] = json!("NONE");
    change(&mut body);
    body
}

/// What a problem lists.
fn listed(problem: &Value) -> Vec<(&str, &str)> {
    let violations = problem["violations"].as_array().unwrap().iter();
    violations
        .map(|v| (v["field"].as_str().unwrap(), v["reason"].as_str().unwrap()))
        .collect()
}

/// What both doors list, which must be the same.
async fn told(client: &Client, body: &Value) -> Vec<(String, String)> {
    let answer = client.post("/v1/citizens:lookup", body).await;
    assert_eq!(answer.status, 400, "{body}");
    let owned = |(field, reason): (&str, &str)| (field.to_owned(), reason.to_owned());
    let problem = answer.json();
    let over_rest: Vec<_> = listed(&problem).into_iter().map(owned).collect();
    let message: api::v1::LookupCitizenRequest = serde_json::from_value(body.clone()).unwrap();
    let mut citizen = client.citizen().await;
    let status = citizen.lookup_citizen(message).await.unwrap_err();
    let details = status.get_details_bad_request().unwrap().field_violations;
    let over_grpc: Vec<_> = details.into_iter().map(|v| (v.field, v.reason)).collect();
    assert_eq!(over_rest, over_grpc, "{body}");
    over_rest
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let each = expected.iter();
    each.map(|(field, reason)| ((*field).to_owned(), (*reason).to_owned()))
        .collect()
}

const PURPOSE: (&str, &str) = ("context.purpose_code", "PURPOSE_UNKNOWN");

#[tokio::test]
async fn an_unknown_purpose_is_listed_beside_every_mistake_of_form() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let id = ("subject.personal_id", "INVALID_SUBJECT_ID");
    let cases = [
        (wrong(|b| b["subject"]["personalId"] = json!("12")), id),
        (
            wrong(|b| b["readMask"] = json!("")),
            ("read_mask", "READ_MASK_REQUIRED"),
        ),
        (
            wrong(|b| b["readMask"] = json!("*")),
            ("read_mask.paths[0]", "READ_MASK_WILDCARD"),
        ),
        (
            wrong(|b| b["readMask"] = json!("tax.nope")),
            ("read_mask.paths[0]", "UNKNOWN_FIELD_PATH"),
        ),
        (
            wrong(|b| b["context"]["requestId"] = json!("1")),
            ("context.request_id", "INVALID_ARGUMENT"),
        ),
    ];
    for (body, mistake) in cases {
        let got = told(&client, &body).await;
        assert_eq!(got, pairs(&[mistake, PURPOSE]), "{body}");
    }
    let body = wrong(|b| {
        b["readMask"] = json!("*,tax.nope");
        b["subject"]["personalId"] = json!("12");
    });
    let all = [
        ("read_mask.paths[0]", "READ_MASK_WILDCARD"),
        ("read_mask.paths[1]", "UNKNOWN_FIELD_PATH"),
        id,
        PURPOSE,
    ];
    assert_eq!(told(&client, &body).await, pairs(&all));
    let answer = client.post("/v1/citizens:lookup", &body).await;
    let untouched = "\"caller\";r=1000;t=0";
    assert_eq!(answer.header("ratelimit"), untouched, "a quota was spent");
    assert_eq!(world.tax.asked(), 0);
    let recorded = world.recorded().await;
    assert!(!recorded.contains("DENIED") && !recorded.contains("ACCESS"));
}

#[tokio::test]
async fn a_malformed_question_spends_no_quota() {
    let world = World::new().await;
    let client = Client::of(&world, "poor");
    told(&client, &wrong(|b| b["readMask"] = json!("*"))).await;
    let answer = client.post("/v1/citizens:lookup", &question(KNOWN)).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_stream_lists_the_same_one_level_down() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let purpose = ("lookup.context.purpose_code", "PURPOSE_UNKNOWN");
    let both = [("lookup.read_mask", "READ_MASK_REQUIRED"), purpose];
    let cases = [
        (wrong(|b| b["readMask"] = json!("")), &both[..]),
        (wrong(|_| ()), &[purpose]),
    ];
    for (body, expected) in cases {
        let body = json!({"lookup": body});
        let answer = client.post("/v1/citizens:stream", &body).await;
        assert_eq!(listed(&answer.json()), expected, "{body}");
    }
}

#[tokio::test]
async fn a_synthetic_number_outside_a_sandbox_is_listed_with_the_rest() {
    let world = World::of(domain(), Synthetic::Refused, |_| {}).await;
    let client = Client::of(&world, "desk");
    let synthetic = ("subject.personal_id", "SYNTHETIC_ID");
    let got = told(&client, &wrong(|_| ())).await;
    assert_eq!(got, pairs(&[synthetic, PURPOSE]));
    let mut body = question(KNOWN);
    body["readMask"] = json!("");
    let mask = ("read_mask", "READ_MASK_REQUIRED");
    assert_eq!(told(&client, &body).await, pairs(&[mask, synthetic]));
}
