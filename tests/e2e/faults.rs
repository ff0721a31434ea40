//! Faults: each source its own state, the others' answers in time, and a call that fails only if
//! nobody answers.

use std::time::Duration;

use exchange::Source;
use serde_json::Value;
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
