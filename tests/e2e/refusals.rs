//! Refusals: bad input gets its documented error with every violation, and nothing else happens.

use exchange::Source;
use serde_json::{Value, json};
use tests::{Rest, Sandbox, question};

use crate::answers::journal;

const GOOD: &str = "999099000001";

fn good() -> Value {
    question(GOOD, "ONE_STOP_DESK", "tax.status")
}

fn with(change: impl FnOnce(&mut Value)) -> String {
    let mut body = good();
    change(&mut body);
    body.to_string()
}

#[tokio::test]
async fn bad_input_gets_its_documented_error_and_nothing_else_happens() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "commune");
    let asked = journal(&sandbox, Source::Tax).await.len();
    let records = sandbox.verify(None).out;
    let unknown = |body: &mut Value| body["colour"] = json!("red");
    let cases: [(&str, u16, String); 12] = [
        (
            "INVALID_SUBJECT_ID",
            400,
            with(|b| b["subject"] = json!({"personalId": "12x"})),
        ),
        (
            "INVALID_SUBJECT_ID",
            400,
            with(|b| b["subject"] = json!({"personalId": "００１０９９０００００１"})),
        ),
        (
            "READ_MASK_REQUIRED",
            400,
            with(|b| b["readMask"] = json!("")),
        ),
        (
            "READ_MASK_WILDCARD",
            400,
            with(|b| b["readMask"] = json!("*")),
        ),
        (
            "UNKNOWN_FIELD_PATH",
            400,
            with(|b| b["readMask"] = json!("tax.moon")),
        ),
        (
            "PURPOSE_UNKNOWN",
            400,
            with(|b| b["context"]["purposeCode"] = json!("NOT_A_PURPOSE")),
        ),
        (
            "PURPOSE_NOT_ALLOWED",
            403,
            with(|b| b["context"]["purposeCode"] = json!("BENEFIT_CLAIM")),
        ),
        (
            "INVALID_ARGUMENT",
            400,
            with(|b| b["context"]["requestId"] = json!("1")),
        ),
        ("INVALID_JSON", 400, with(unknown)),
        ("INVALID_JSON", 400, "{\"context\":".to_owned()),
        (
            "INVALID_JSON",
            400,
            with(|_| ()).replacen('{', "{\"dryRun\":true,\"dryRun\":false,", 1),
        ),
        (
            "PAYLOAD_TOO_LARGE",
            413,
            with(|b| b["context"]["reasonText"] = json!("x".repeat(70_000))),
        ),
    ];
    for (reason, status, body) in cases {
        let answer = rest.post("/v1/citizens:lookup", body, &[]).await.unwrap();
        let problem = answer.json();
        assert_eq!(
            (answer.status, problem["reason"].as_str()),
            (status, Some(reason)),
            "{problem}"
        );
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert!(problem["messages"]["vi"].is_string() && problem["messages"]["en"].is_string());
        assert!(
            !answer.text.contains("12x"),
            "a refusal repeats what it was sent"
        );
    }
    assert_eq!(
        journal(&sandbox, Source::Tax).await.len(),
        asked,
        "an agency was asked"
    );
    // Of all these, only the purpose that no agreement covers is a decision, and recorded.
    let after = sandbox.verify(None).out;
    let count = |text: &str, kind: &str| {
        let line = text.lines().find(|line| line.trim().starts_with(kind));
        line.and_then(|line| line.split_whitespace().last()?.parse().ok())
            .unwrap_or(0_u64)
    };
    assert_eq!(
        count(&after, "ACCESS"),
        count(&records, "ACCESS"),
        "{after}"
    );
    assert_eq!(
        count(&after, "DENIED"),
        count(&records, "DENIED") + 1,
        "{after}"
    );
}

#[tokio::test]
async fn every_violation_is_listed_at_once() {
    let sandbox = Sandbox::start();
    let body = json!({
        "context": {"requestId": "x", "criticality": "CRITICALITY_BULK"},
        "subject": {"personalId": "1234567890123x"},
        "readMask": "*,tax.moon",
    });
    let rest = Rest::new(&sandbox, "commune");
    let answer = rest
        .post("/v1/citizens:lookup", body.to_string(), &[])
        .await
        .unwrap();
    let problem = answer.json();
    let violations = problem["violations"].as_array().unwrap();
    let fields: Vec<&str> = violations
        .iter()
        .map(|v| v["field"].as_str().unwrap())
        .collect();
    assert_eq!(
        fields,
        [
            "readMask[0]",
            "readMask[1]",
            "subject.personalId",
            "subject.personalId",
            "context.requestId",
            "context.purposeCode",
        ],
        "{problem}"
    );
}

/// Row E11: a number in a path or a query, however it is spelt, is refused, and the log has the route alone.
#[tokio::test]
async fn a_personal_id_in_a_url_is_refused_and_never_logged() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "commune");
    let (asked, recorded) = (
        journal(&sandbox, Source::Tax).await.len(),
        sandbox.verify(None).out,
    );
    for path in [
        "/v1/citizens/999099000001",
        "/v1/fields?id=999-099-000-001",
        "/v1/999099%3000001",
    ] {
        let answer = rest.get(path).await.unwrap();
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        assert_eq!(answer.json()["reason"], "PII_IN_URL", "{path}");
    }
    // Nor is a good question answered behind such an address.
    let path = format!("/v1/citizens:lookup?about={GOOD}");
    let answer = rest.post(&path, good().to_string(), &[]).await.unwrap();
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert_eq!(answer.json()["reason"], "PII_IN_URL");
    let now = journal(&sandbox, Source::Tax).await.len();
    assert_eq!(now, asked, "an agency was asked");
    for kind in ["ACCESS", "DENIED"] {
        let count = |verified: &str| {
            let line = verified.lines().find(|line| line.trim().starts_with(kind));
            line.map(str::to_owned)
        };
        let now = sandbox.verify(None).out;
        assert_eq!(count(&now), count(&recorded), "it was recorded");
    }
    assert!(!sandbox.logged().contains("999099"), "an id is in the log");
}

#[tokio::test]
async fn without_a_certificate_there_is_no_handshake() {
    let sandbox = Sandbox::start();
    let miss = Rest::with(&sandbox, None)
        .get("/v1/fields")
        .await
        .unwrap_err();
    assert_eq!(miss.state, exchange::SourceState::Unavailable, "{miss}");
}

#[tokio::test]
async fn headers_that_claim_an_identity_are_refused_and_recorded() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "commune");
    let before = sandbox.verify(None).out.contains("DENIED");
    let claim = [("x-agency-id", "G12")];
    let body = good().to_string();
    let answer = rest
        .post("/v1/citizens:lookup", body, &claim)
        .await
        .unwrap();
    assert_eq!(answer.status, 403, "{}", answer.text);
    assert_eq!(answer.json()["reason"], "IDENTITY_MISMATCH");
    assert!(!before && sandbox.verify(None).out.contains("DENIED"));
}

#[tokio::test]
async fn agreements_that_want_more_say_all_they_want() {
    let sandbox = Sandbox::start();
    let ran = sandbox.lookup(&[
        GOOD,
        "--as",
        "claims",
        "--fields",
        "population.name",
        "--json",
    ]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let problem = ran.json();
    let violations = problem["violations"].to_string();
    for field in ["dossierNo", "officerId", "fullName", "birthDate"] {
        assert!(violations.contains(field), "{field} is not in {problem}");
    }
    let whole = sandbox.lookup(&[GOOD, "--json"]).json();
    let name = whole["citizen"]["population"]["name"]["full"]
        .as_str()
        .unwrap();
    let date = &whole["citizen"]["population"]["birthDate"];
    let date = format!(
        "{}-{:02}-{:02}",
        date["year"],
        date["month"].as_u64().unwrap(),
        date["day"].as_u64().unwrap()
    );
    let ran = sandbox.lookup(&[
        GOOD,
        "--as",
        "claims",
        "--fields",
        "population.name",
        "--dossier",
        "H-1",
        "--officer",
        "CB-1",
        "--name",
        name,
        "--birth-date",
        &date,
        "--json",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[tokio::test]
async fn a_spent_quota_says_when_to_come_again() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "tax");
    let mut body = question(GOOD, "TAXPAYER_REGISTRATION", "tax.status");
    body["dryRun"] = json!(true);
    for _ in 0..200 {
        body["context"]["requestId"] = json!(exchange::RequestId::fresh().to_string());
        let answer = rest
            .post("/v1/citizens:lookup", body.to_string(), &[])
            .await
            .unwrap();
        assert!(
            answer.headers.contains_key("ratelimit"),
            "{:?}",
            answer.headers
        );
        if answer.status == 429 {
            assert_eq!(answer.json()["reason"], "QUOTA_EXCEEDED");
            assert!(answer.headers.contains_key("retry-after"));
            return;
        }
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    panic!("a quota of 120 was not spent by 200 calls");
}
