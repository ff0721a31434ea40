//! Questions that an agency refuses for something of their own, and what they leave for others.

use exchange::Source;
use serde_json::json;
use tests::{Beside, Sandbox, apart, question};

use crate::scene::{closes, guard, is_told};

/// An officer whom the simulated population database does not know.
const UNKNOWN: &str = "KHONG-QUYEN";

/// An agency that refuses the officer of one desk is well: whoever else asks is answered, and the
/// circuit stays closed.
#[tokio::test(flavor = "multi_thread")]
async fn one_desk_s_refused_officer_costs_no_other_caller_an_answer() {
    let sandbox = Sandbox::start();
    let gateway = Beside::start(&sandbox, "gw-2", |_| ());
    let source = Source::Population;
    let desk = gateway.caller(&sandbox, "commune");
    let mut refused = apart(question("999099000001", "ONE_STOP_DESK", "population.name"));
    refused["context"]["officerId"] = json!(UNKNOWN);
    // Three times as many as failures open a circuit.
    for _ in 0..21 {
        refused["context"]["requestId"] = json!(exchange::RequestId::fresh().to_string());
        let answer = desk
            .post("/v1/citizens:lookup", refused.to_string(), &[])
            .await
            .unwrap();
        let answer = answer.json();
        assert_eq!(answer["metadata"]["population"], "UNAVAILABLE", "{answer}");
        is_told(&answer);
    }
    let seen = guard(&gateway, source).await;
    assert_eq!(
        (&seen["circuit"], &seen["opened"]),
        (&json!("closed"), &json!(0)),
        "{seen}"
    );

    let other = gateway.caller(&sandbox, "tax");
    let asked = question("999099000001", "TAXPAYER_REGISTRATION", "population.name").to_string();
    let answer = other.post("/v1/citizens:lookup", asked, &[]).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text);
    closes(&gateway, &["999099000001", UNKNOWN], 21 + 1).await;
}
