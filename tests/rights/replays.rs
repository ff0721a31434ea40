//! What a repeated request id means.

use std::time::Duration;

use exchange::RequestId;
use serde_json::{Value, json};
use tests::{Rest, Sandbox, records_of};

pub(crate) fn question(request: &str, id: &str) -> Value {
    json!({
        "context": {"requestId": request, "purposeCode": "ONE_STOP_DESK"},
        "subject": {"personalId": id},
        "readMask": "tax.status",
    })
}

pub(crate) async fn ask(rest: &Rest, question: &Value) -> (u16, Value) {
    let path = "/v1/citizens:lookup";
    let answer = rest.post(path, question.to_string(), &[]).await.unwrap();
    if answer.status == 409 {
        assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    }
    (answer.status, answer.json())
}

/// Row P12: a question that is over is asked again with a new record that says `replay_of`; one that
/// runs is refused with 409, another one under its id with 422; another caller's id is independent, and
/// after its time an id is fresh.
#[tokio::test]
async fn a_request_id_stands_for_one_question() {
    let sandbox = Sandbox::start();
    let commune = Rest::new(&sandbox, "commune");
    let request = RequestId::fresh().to_string();
    let asked = question(&request, "999099000001");
    let (status, first) = ask(&commune, &asked).await;
    assert_eq!(status, 200);
    let (status, again) = ask(&commune, &asked).await;
    assert_eq!(status, 200);
    assert_ne!(
        first["receipt"]["seq"], again["receipt"]["seq"],
        "a new record"
    );
    let records = records_of(&sandbox.path("/log/dir"), &request);
    let replays: Vec<_> = records.iter().map(|(_, it)| &it["replay_of"]).collect();
    let place = format!(
        "{} {}",
        first["receipt"]["logOrigin"].as_str().unwrap(),
        first["receipt"]["seq"].as_str().unwrap()
    );
    assert_eq!(replays, [&Value::Null, &json!(place)]);

    let (status, refused) = ask(&commune, &question(&request, "999099000002")).await;
    assert_eq!(
        (status, &refused["reason"]),
        (422, &json!("REQUEST_ID_REUSED"))
    );
    let resolve = json!({"context": asked["context"], "subject": asked["subject"]});
    let resolve = commune.post("/v1/citizens:resolve", resolve.to_string(), &[]);
    assert_eq!(
        resolve.await.unwrap().status,
        422,
        "another method is another question"
    );

    let tax = Rest::new(&sandbox, "tax");
    let mut other = question(&request, "999099000002");
    other["context"]["purposeCode"] = json!("TAXPAYER_REGISTRATION");
    let (status, _) = ask(&tax, &other).await;
    assert_eq!(status, 200, "another caller is independent");
    let records = records_of(&sandbox.path("/log/dir"), &request);
    assert_eq!(
        records.len(),
        3,
        "what is refused is asked of nobody: {records:?}"
    );
}

/// Row P12: a question that runs is refused with 409 and the time to come again.
#[tokio::test]
async fn a_question_that_runs_is_not_asked_twice() {
    let sandbox = Sandbox::start();
    let commune = Rest::new(&sandbox, "commune");
    // The tax register takes two seconds.
    let asked = question(&RequestId::fresh().to_string(), "999099000164");
    let (one, other) = tokio::join!(ask(&commune, &asked), ask(&commune, &asked));
    let mut both = [one, other];
    both.sort_by_key(|(status, _)| *status);
    let [(answered, _), (refused, told)] = both;
    assert_eq!((answered, refused), (200, 409));
    assert_eq!(told["reason"], "REQUEST_IN_PROGRESS");
    assert_eq!(ask(&commune, &asked).await.0, 200, "it is over");
}

/// Row P12: after its time an id is fresh. The unit test of the table has the 24 hours.
#[tokio::test]
async fn after_its_time_an_id_is_fresh() {
    let sandbox = Sandbox::start_prepared("", |dir| {
        let file = dir.join("lienthong.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, format!("{text}[edge.limits]\nrequest_id_ms = 300\n")).unwrap();
    });
    let commune = Rest::new(&sandbox, "commune");
    let request = RequestId::fresh().to_string();
    assert_eq!(
        ask(&commune, &question(&request, "999099000001")).await.0,
        200
    );
    let other = question(&request, "999099000002");
    let answer = loop {
        let answer = ask(&commune, &other).await;
        if answer.0 != 422 {
            break answer;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(answer.0, 200, "{answer:?}");
    let records = records_of(&sandbox.path("/log/dir"), &request);
    assert!(records.iter().all(|(_, it)| it["replay_of"].is_null()));
}
