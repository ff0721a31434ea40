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

/// A mistake: its place as the contract has it, the same in JSON, and the reason.
type Told = (String, String, String);

/// What both doors list, which must be the same, each with its own name of the place.
async fn told(client: &Client, body: &Value) -> Vec<Told> {
    let answer = client.post("/v1/citizens:lookup", body).await;
    assert_eq!(answer.status, 400, "{body}");
    let problem = answer.json();
    let over_rest = listed(&problem);
    let message: api::v1::LookupCitizenRequest = serde_json::from_value(body.clone()).unwrap();
    let mut citizen = client.citizen().await;
    let status = citizen.lookup_citizen(message).await.unwrap_err();
    let details = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(over_rest.len(), details.len(), "{body}");
    let both = details.into_iter().zip(over_rest);
    both.map(|(over_grpc, (field, reason))| {
        assert_eq!(over_grpc.reason, reason, "{body}");
        (over_grpc.field, field.to_owned(), reason.to_owned())
    })
    .collect()
}

fn mistakes(expected: &[[&str; 3]]) -> Vec<Told> {
    let each = expected.iter().map(|it| it.map(str::to_owned));
    each.map(|[field, in_json, reason]| (field, in_json, reason))
        .collect()
}

const PURPOSE: [&str; 3] = [
    "context.purpose_code",
    "context.purposeCode",
    "PURPOSE_UNKNOWN",
];
const MASK: [&str; 3] = ["read_mask", "readMask", "READ_MASK_REQUIRED"];

#[tokio::test]
async fn an_unknown_purpose_is_listed_beside_every_mistake_of_form() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let id = [
        "subject.personal_id",
        "subject.personalId",
        "INVALID_SUBJECT_ID",
    ];
    let path = |place, in_json, reason| [place, in_json, reason];
    let wildcard = path("read_mask.paths[0]", "readMask[0]", "READ_MASK_WILDCARD");
    let unknown = |place, in_json| path(place, in_json, "UNKNOWN_FIELD_PATH");
    let cases = [
        (wrong(|b| b["subject"]["personalId"] = json!("12")), id),
        (wrong(|b| b["readMask"] = json!("")), MASK),
        (wrong(|b| b["readMask"] = json!("*")), wildcard),
        (
            wrong(|b| b["readMask"] = json!("tax.nope")),
            unknown("read_mask.paths[0]", "readMask[0]"),
        ),
        (
            wrong(|b| b["context"]["requestId"] = json!("1")),
            [
                "context.request_id",
                "context.requestId",
                "INVALID_ARGUMENT",
            ],
        ),
    ];
    for (body, mistake) in cases {
        let got = told(&client, &body).await;
        assert_eq!(got, mistakes(&[mistake, PURPOSE]), "{body}");
    }
    let body = wrong(|b| {
        b["readMask"] = json!("*,tax.nope");
        b["subject"]["personalId"] = json!("12");
    });
    let all = [
        wildcard,
        unknown("read_mask.paths[1]", "readMask[1]"),
        id,
        PURPOSE,
    ];
    assert_eq!(told(&client, &body).await, mistakes(&all));
    assert_eq!(world.tax.asked(), 0);
    let recorded = world.recorded().await;
    assert!(!recorded.contains("DENIED") && !recorded.contains("ACCESS"));
}

#[tokio::test]
async fn a_stream_lists_the_same_one_level_down() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let purpose = ("lookup.context.purposeCode", "PURPOSE_UNKNOWN");
    let both = [("lookup.readMask", "READ_MASK_REQUIRED"), purpose];
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
    let synthetic = ["subject.personal_id", "subject.personalId", "SYNTHETIC_ID"];
    let got = told(&client, &wrong(|_| ())).await;
    assert_eq!(got, mistakes(&[synthetic, PURPOSE]));
    let mut body = question(KNOWN);
    body["readMask"] = json!("");
    assert_eq!(told(&client, &body).await, mistakes(&[MASK, synthetic]));
}
