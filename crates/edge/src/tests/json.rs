//! Bodies that are no JSON of the contract: everything that is wrong with them, in one answer.

use serde_json::{Value, json};

use super::client::post;
use super::*;

/// Posts a body that is refused, and returns what is listed: field, reason, description.
async fn listed(client: &Client, body: impl Into<String>) -> Vec<(String, String, String)> {
    let body = body.into();
    let answer = client.send(post("/v1/citizens:lookup", body.clone())).await;
    assert_eq!(answer.status, 400, "{body}");
    let problem = answer.json();
    assert_eq!(problem["reason"], "INVALID_JSON", "{problem}");
    let text = |violation: &Value, key: &str| violation[key].as_str().unwrap().to_owned();
    let violations = problem["violations"].as_array().unwrap().iter();
    violations
        .map(|v| (text(v, "field"), text(v, "reason"), text(v, "description")))
        .collect()
}

/// The fields that are listed, with their reasons where those are not `INVALID_JSON`.
async fn fields(client: &Client, body: impl Into<String>) -> Vec<String> {
    let all = listed(client, body).await.into_iter();
    all.map(|(field, reason, _)| match &*reason {
        "INVALID_JSON" => field,
        _ => format!("{field} {reason}"),
    })
    .collect()
}

#[tokio::test]
async fn every_unknown_field_is_named_with_what_else_is_wrong() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let body = json!({
        "colour": "red",
        "context": {"requestId": "1", "purposeCode": "NONE", "why": {"so": 1}},
        "subject": {"personalId": "12", "hints": {"birthDate": {"year": "x", "era": 1}}, "nick": 1},
        "readMask": "*",
        "dryRun": "yes",
        "999099000001": 1,
        "requiredSources": ["SOURCE_TAX", "SOURCE_MOON", 7, true],
    });
    assert_eq!(
        fields(&client, body.to_string()).await,
        [
            "?",
            "colour",
            "context.why",
            "subject.hints.birthDate.era",
            "subject.nick",
            "dryRun",
            "requiredSources[1]",
            "requiredSources[2]",
            "requiredSources[3]",
            "subject.hints.birthDate.year",
            "readMask[0] READ_MASK_WILDCARD",
            "subject.personalId INVALID_SUBJECT_ID",
            "context.requestId INVALID_ARGUMENT",
            "context.purposeCode PURPOSE_UNKNOWN",
        ]
    );
    assert_eq!(world.tax.asked(), 0);
    let recorded = world.recorded().await;
    assert!(!recorded.contains("DENIED") && !recorded.contains("ACCESS"));
}

#[tokio::test]
async fn what_cannot_be_read_is_not_said_to_be_missing() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let cases = [
        ("/context", json!(7), &["context"][..]),
        ("/context/requestId", json!(7), &["context.requestId"]),
        ("/context/purposeCode", json!([]), &["context.purposeCode"]),
        ("/subject", json!("x"), &["subject"]),
        ("/subject/personalId", json!({}), &["subject.personalId"]),
        ("/readMask", json!(["tax.status"]), &["readMask"]),
    ];
    for (pointer, value, expected) in cases {
        let mut body = question(KNOWN);
        *body.pointer_mut(pointer).unwrap() = value;
        assert_eq!(fields(&client, body.to_string()).await, expected, "{body}");
    }
    // A name that is misspelt is both unknown and missing.
    let body = question(KNOWN)
        .to_string()
        .replace("\"personalId\"", "\"personalID\"");
    let both = ["subject.personalID", "subject INVALID_SUBJECT_ID"];
    assert_eq!(fields(&client, body).await, both);
}

#[tokio::test]
async fn a_repeated_key_is_named_even_after_a_null() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let good = question(KNOWN).to_string();
    let cases = [
        ("\"dryRun\":true,\"dryRun\":false", &["dryRun"][..]),
        ("\"dryRun\":true,\"dry_run\":false", &["dry_run"]),
        ("\"x\":{\"y\":1,\"y\":2}", &["x.y", "x"]),
        ("\"context\":null", &["context"]),
        ("\"subject\":null", &["subject"]),
    ];
    for (more, expected) in cases {
        let body = good.replacen('{', &format!("{{{more},"), 1);
        assert_eq!(fields(&client, &*body).await, expected, "{body}");
    }
    let null = good.replace("{\"personalId\"", "{\"personalId\":null,\"personalId\"");
    assert_eq!(fields(&client, null).await, ["subject.personalId"]);
    let once = good.replace("{\"personalId\"", "{\"hints\":null,\"personalId\"");
    let answer = client.send(post("/v1/citizens:lookup", once)).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn limits_and_numbers_have_words_of_their_own() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let good = question(KNOWN).to_string();
    let with = |more: &str| good.replacen('{', &format!("{{{more},"), 1);
    let year = |number: &str| {
        let hints = format!("{{\"hints\":{{\"birthDate\":{{\"year\":{number}}}}},\"personalId\"");
        good.replace("{\"personalId\"", &hints)
    };
    let place = "subject.hints.birthDate.year";
    let deep = format!("\"x\":{}1{}", "[".repeat(40), "]".repeat(40));
    let many: Vec<String> = (0..300).map(|n| format!("\"x{n}\":1")).collect();
    let whole = "is no whole number that the contract takes";
    let syntax = "is no number as JSON writes them";
    let cases = [
        (with(&deep), "x", "is nested deeper than 32 levels"),
        (
            with(&many.join(",")),
            "body",
            "has more keys or elements than any message of the contract",
        ),
        (year("1e400"), place, "is a number out of range"),
        (year("NaN"), place, syntax),
        (year("-Infinity"), place, syntax),
        (year("01"), place, syntax),
        (year("+1"), place, syntax),
        (year("-0"), place, whole),
        (year("1.5"), place, whole),
        (year("9999999999"), place, whole),
        (
            good.replace("\"TAX_CHECK\"", "7"),
            "context.purposeCode",
            "has not the type that the contract gives it: a string",
        ),
        (
            with("\"requiredSources\":[\"X\"]"),
            "requiredSources[0]",
            "is none of the values that the contract has: one of SOURCE_UNSPECIFIED, SOURCE_POPULATION,",
        ),
        (
            good[..good.len() - 1].to_owned(),
            "body",
            "the body ends too early",
        ),
    ];
    for (body, field, description) in cases {
        let all = listed(&client, &*body).await;
        let (at, _, what) = &all[0];
        assert_eq!(at, field, "{body}: {all:?}");
        assert!(what.starts_with(description), "{body}: {all:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_of_the_field_and_never_of_its_value() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let good = question(KNOWN).to_string();
    let subject = |more: &str| good.replace("{\"personalId\"", &format!("{{{more},\"personalId\""));
    let cases = [
        (
            subject("\"legacyId\":\"012345689\""),
            "stands beside a field that excludes it",
        ),
        (
            subject("\"legacyId\":[\"x, expected 7\"]"),
            "has not the type that the contract gives it: a string",
        ),
        (
            subject("\"hints\":\"x, expected 7\""),
            "has not the type that the contract gives it: an object",
        ),
        (
            good.replacen('{', "{\"dryRun\":\"x, expected 7\",", 1),
            "has not the type that the contract gives it: a boolean",
        ),
    ];
    for (body, description) in cases {
        let all = listed(&client, &*body).await;
        assert_eq!(all.len(), 1, "{all:?}");
        assert!(all[0].2.starts_with(description), "{all:?}");
        assert!(!all[0].2.contains('7'), "{all:?}");
    }
    let body = json!({
        "context": question(KNOWN)["context"],
        "subject": {"personalId": KNOWN},
        "periodStart": "z",
    });
    let portal = Client::of(&world, "portal");
    let answer = portal.post("/v1/dataSubjects/accesses:list", &body).await;
    let wrong = &answer.json()["violations"][0];
    assert_eq!(wrong["field"], "periodStart");
    assert_eq!(
        wrong["description"],
        "is no time in RFC 3339, such as 2026-01-31T08:00:00Z"
    );
    let mut body = question(KNOWN);
    body["subject"]["hints"] = json!({"birthDate": {"year": 1999, "month": 13, "day": 44}});
    let answer = client.post("/v1/citizens:lookup", &body).await;
    let all: Vec<_> = answer.json()["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["description"].clone())
        .collect();
    assert_eq!(
        all,
        [
            "the month lies outside 1 to 12",
            "the month has no such day"
        ]
    );
}

#[tokio::test]
async fn a_refusal_carries_the_request_id_that_could_be_read() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let body = question(KNOWN).to_string().replacen('{', "{\"x\":1,", 1);
    let answer = client.send(post("/v1/citizens:lookup", body)).await;
    assert_eq!(answer.json()["requestId"], REQUEST_ID);
}

#[tokio::test]
async fn a_stream_names_fields_from_the_body_down() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let mut lookup = question(KNOWN);
    lookup["colour"] = json!("red");
    lookup["readMask"] = json!("*");
    let body = json!({"lookup": lookup, "more": 1});
    let answer = client.post("/v1/citizens:stream", &body).await;
    let problem = answer.json();
    let fields: Vec<_> = problem["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| &v["field"])
        .collect();
    assert_eq!(fields, ["lookup.colour", "more", "lookup.readMask[0]"]);
}
