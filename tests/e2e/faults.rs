//! Faults: each source its own state, the others' answers in time, and a call that fails only if
//! nobody answers.

use std::time::Duration;

use exchange::Source;
use serde_json::{Value, json};
use tests::{Rest, Sandbox, everything, question};
use tokio::time::Instant;

/// The states that a fault may lead to, by its number in the persona `99909900010S`, `…11S` and on.
const FAULTS: [(u32, &[&str]); 8] = [
    (0, &["TIMEOUT"]),
    (1, &["UNAVAILABLE"]),
    (2, &["UNAVAILABLE", "INVALID_ANSWER"]),
    (3, &["INVALID_ANSWER"]),
    (4, &["INVALID_ANSWER"]),
    (5, &["OK"]),
    (7, &["RATE_LIMITED"]),
    (8, &["UNAVAILABLE"]),
];

fn state(answer: &Value, source: Source) -> &str {
    let name = format!("SOURCE_{}", source.name().to_uppercase());
    let statuses = answer["sources"].as_array().unwrap();
    let status = statuses
        .iter()
        .find(|status| status["source"] == name)
        .unwrap();
    status["state"]
        .as_str()
        .unwrap()
        .trim_start_matches("SOURCE_STATE_")
}

#[tokio::test]
async fn each_fault_of_each_source_costs_its_own_part_of_the_answer_and_nothing_else() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "commune");
    let mask = everything();
    for (fault, expected) in FAULTS {
        for source in Source::ALL {
            // So that the circuit to none opens: four of five answer.
            let known = question("999099000001", "ONE_STOP_DESK", &mask).to_string();
            let known = rest.post("/v1/citizens:lookup", known, &[]).await;
            assert_eq!(known.unwrap().status, 200);
            let id = format!("9990990001{fault}{}", source as u8);
            let body = question(&id, "ONE_STOP_DESK", &mask).to_string();
            let begun = Instant::now();
            let answer = rest
                .post("/v1/citizens:lookup", body, &[("prefer", "wait=2")])
                .await;
            let answer = answer.unwrap();
            assert!(begun.elapsed() < Duration::from_millis(2_500), "{id}");
            assert_eq!(answer.status, 200, "{id}: {}", answer.text);
            let answer_json = answer.json();
            for other in Source::ALL {
                let found = state(&answer_json, other);
                if other == source {
                    assert!(expected.contains(&found), "{id}: {source} is {found}");
                } else {
                    assert_eq!(found, "OK", "{id}: {other}");
                }
            }
            let partial = expected != ["OK"];
            let header = answer.headers.get("gateway-completeness");
            assert_eq!(
                header.is_some_and(|value| value == "partial"),
                partial,
                "{id}"
            );
        }
    }
}

#[tokio::test]
async fn a_slow_source_is_waited_for_if_there_is_time() {
    let sandbox = Sandbox::start();
    let ran = sandbox.lookup(&["999099000163", "--json"]);
    assert_eq!(state(&ran.json(), Source::CivilStatus), "OK", "{ran:?}");
    let ran = sandbox.lookup(&["999099000163", "--wait", "1", "--json"]);
    assert_eq!(
        (ran.code, state(&ran.json(), Source::CivilStatus)),
        (3, "TIMEOUT")
    );
}

#[tokio::test]
async fn unknown_to_one_is_a_state_and_unknown_to_all_is_not_found() {
    let sandbox = Sandbox::start();
    let ran = sandbox.lookup(&["999099000014", "--json"]);
    assert_eq!(
        (ran.code, state(&ran.json(), Source::Tax)),
        (0, "NOT_FOUND")
    );
    let ran = sandbox.lookup(&["001099123456", "--json"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert_eq!(ran.json()["reason"], "PERSON_NOT_FOUND");
}

/// Row U11: if nobody answers, the call fails, says of every source why, and is recorded.
#[tokio::test]
async fn if_nobody_answers_the_call_fails_and_says_for_every_source_why() {
    let sandbox = Sandbox::start();
    for source in Source::ALL {
        let control = sandbox
            .text(&format!("/agencies/{source}/control"))
            .to_owned();
        let knobs = json!({"faults": [{"fault": "server_error"}]});
        assert_eq!(
            Rest::plain(&control).put("/knobs", &knobs).await.status,
            200
        );
    }
    let ran = sandbox.lookup(&["999099000001", "--json"]);
    assert_eq!(ran.code, 6, "{ran:?}");
    let problem = ran.json();
    assert_eq!(problem["reason"], "ALL_SOURCES_UNAVAILABLE");
    for source in Source::ALL {
        assert_eq!(
            problem["metadata"][source.name()],
            "UNAVAILABLE",
            "{problem}"
        );
    }
    assert!(
        problem["metadata"]["seq"].is_string(),
        "the failure is recorded: {problem}"
    );
}

/// Row U12: a required source that does not answer fails the call, any other leaves a partial answer.
#[tokio::test]
async fn a_required_source_that_does_not_answer_fails_the_call() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "commune");
    let mut body = question(
        "999099000114",
        "ONE_STOP_DESK",
        "population.name,tax.status",
    );
    body["requiredSources"] = json!(["SOURCE_TAX"]);
    let answer = rest
        .post("/v1/citizens:lookup", body.to_string(), &[])
        .await
        .unwrap();
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert_eq!(answer.json()["reason"], "REQUIRED_SOURCE_UNAVAILABLE");
    assert!(answer.headers.contains_key("retry-after"));
    body["requiredSources"] = json!(["SOURCE_POPULATION"]);
    body["context"]["requestId"] = json!(exchange::RequestId::fresh().to_string());
    let answer = rest
        .post("/v1/citizens:lookup", body.to_string(), &[])
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text);
}
