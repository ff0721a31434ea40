//! Verdicts that are remembered, seen from the agencies that are not asked.

use exchange::{RequestId, Source};
use serde_json::{Value, json};
use tests::vitals::Metrics;
use tests::{Beside, Rest, RestAnswer, Sandbox, records_of, set, verify};

use crate::agencies::asked;

/// How often the population database and the tax register were asked about somebody.
async fn questions(sandbox: &Sandbox, id: &str) -> [usize; 2] {
    let population = asked(sandbox, Source::Population, id).await;
    [population, asked(sandbox, Source::Tax, id).await]
}

fn claims(id: &str, claims: &[&str]) -> Value {
    let claim = |name: &&str| match *name {
        "alive" => json!({"claimId": "alive", "isAlive": {}}),
        status => json!({"claimId": status, "status": {"status": "STATUS_KIND_TAX_REGISTERED"}}),
    };
    let claims: Vec<Value> = claims.iter().map(claim).collect();
    json!({
        "context": {
            "requestId": RequestId::fresh().to_string(),
            "purposeCode": "ONE_STOP_DESK",
            "officerId": "CB-1",
        },
        "subject": {"personalId": id},
        "claims": claims,
    })
}

async fn ask(caller: &Rest, question: &Value) -> RestAnswer {
    let path = "/v1/citizens:verify";
    let answer = caller.post(path, question.to_string(), &[]).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["verdict"], "VERDICT_MATCH", "{}", answer.text);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_claims_are_put_once_and_whether_somebody_lives_each_time() {
    let sandbox = Sandbox::start();
    let gateway = Beside::start(&sandbox, "gw-2", |config| {
        // Nothing is forgotten while the machine is busy with others.
        set(config, "gateway", "verdicts_kept_s", 900);
    });
    let (caller, metrics) = (
        gateway.caller(&sandbox, "commune"),
        Metrics::at(&gateway.operations),
    );
    let log = sandbox.dir().join("log-gw-2");
    let id = "999099002200";
    let mut answers = Vec::new();
    for turn in 0..3 {
        let question = claims(id, &["taxed"]);
        let answer = ask(&caller, &question).await;
        let (told, rid) = (
            answer.json(),
            question["context"]["requestId"].as_str().unwrap(),
        );
        let records = records_of(&log, rid);
        let source = &records[0].1["src"][0];
        assert_eq!(
            (records.len(), &source["s"], &source["st"]),
            (1, &json!("TAX"), &json!("OK"))
        );
        let is_kept = turn > 0;
        assert_eq!(told["asOf"].is_string(), is_kept, "{told}");
        if let Some(text) = told["asOf"].as_str() {
            let as_of: jiff::Timestamp = text.parse().unwrap();
            assert_eq!(source["asof"], as_of.as_millisecond(), "{told} {source}");
        } else {
            assert!(source["asof"].is_null());
        }
        answers.push(answer.text);
    }
    assert_eq!(questions(&sandbox, id).await, [0, 1]);
    let remembered = "gateway_remembered_verdicts_total";
    assert_eq!(metrics.count(remembered, "source=\"tax\"").await, 2);
    assert_eq!(metrics.count(remembered, "").await, 2);
    let file = sandbox.dir().join("answers");
    std::fs::write(&file, answers.join("\n")).unwrap();
    let verified = verify(&log, Some(&file));
    assert!(
        verified.out.contains("3 receipts verified, 0 refused"),
        "{verified:?}"
    );

    for turn in 1..=2 {
        for (all, seen) in [
            (&["alive"][..], 2 * turn - 1),
            (&["alive", "taxed"][..], 2 * turn),
        ] {
            let told = ask(&caller, &claims(id, all)).await.json();
            assert!(told["asOf"].is_null(), "{told}");
            assert_eq!(questions(&sandbox, id).await[0], seen);
        }
    }
    assert_eq!(questions(&sandbox, id).await, [4, 3]);
    assert_eq!(metrics.count(remembered, "").await, 2);
}
