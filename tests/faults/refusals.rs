//! Questions that an agency refuses for something of their own, and what they leave for others.

use exchange::Source;
use serde_json::json;
use tests::row::{KNOWN, Row};
use tests::{Sandbox, apart, question};

use crate::scene::guard;

/// An officer whom the simulated population database does not know.
const UNKNOWN: &str = "KHONG-QUYEN";

/// An agency that refuses the officer of one desk is well: whoever else asks is answered, and the
/// circuit stays closed.
#[tokio::test(flavor = "multi_thread")]
async fn one_desk_s_refused_officer_costs_no_other_caller_an_answer() {
    let sandbox = Sandbox::start();
    let row = Row::begin(&sandbox, "refusals", &[], |_| ()).await;
    let source = Source::Population;
    let mut refused = apart(question(KNOWN, "ONE_STOP_DESK", "population.name"));
    refused["context"]["officerId"] = json!(UNKNOWN);
    // Three times as many as failures open a circuit.
    for _ in 0..21 {
        refused["context"]["requestId"] = json!(exchange::RequestId::fresh().to_string());
        let answer = row.caller.put(&refused, 10).await.json();
        assert_eq!(answer["metadata"]["population"], "UNAVAILABLE", "{answer}");
    }
    let seen = guard(&row.gateway, source).await;
    assert_eq!(
        (&seen["circuit"], &seen["opened"]),
        (&json!("closed"), &json!(0)),
        "{seen}"
    );

    let other = row.other(&sandbox, "tax");
    let asked = question(KNOWN, "TAXPAYER_REGISTRATION", "population.name");
    let answer = other.put(&asked, 10).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(!row.gateway.logged().contains(UNKNOWN));
    row.ends().await;
}
