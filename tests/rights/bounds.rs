//! The bounds of an agreement: purpose, validity, hours, and officers who ask about themselves.

use exchange::{Clock, SystemClock};
use serde_json::{Value, json};
use tests::{Agreements, Rest, Sandbox, leaves, question};

const ID: &str = "999099000001";
const DESK: &str = "agreements/A-101.toml";

/// A sandbox whose desk comes to have these keys in its agreement.
async fn with(keys: &[(&str, toml::Value)]) -> Sandbox {
    let mut made = None;
    let sandbox = Sandbox::start_prepared("", |place| {
        let agreements = Agreements::write(place);
        assert_eq!(agreements.sign().code, 0);
        agreements.configure(place);
        made = Some(agreements);
    });
    let agreements = made.unwrap();
    for (key, value) in keys {
        agreements.set(DESK, key, value.clone());
    }
    assert_eq!(agreements.sign().code, 0);
    let operations = Rest::plain(sandbox.text("/operations"));
    let reloaded = operations
        .post("/admin/config:reload", "{}", &[])
        .await
        .unwrap();
    assert_eq!(reloaded.status, 200, "{reloaded:?}");
    sandbox
}

/// The answer to a question for a purpose by an officer, and its record if there is one.
async fn asked(sandbox: Sandbox, purpose: &str, officer: &str) -> (Value, Option<Value>) {
    let commune = Rest::new(&sandbox, "commune");
    let mut body = question(ID, purpose, "tax.status");
    body["context"]["officerId"] = json!(officer);
    let request = body["context"]["requestId"].clone();
    let answer = commune
        .post("/v1/citizens:lookup", body.to_string(), &[])
        .await
        .unwrap();
    let absent = commune.lookup("999099999998", purpose, "tax.status").await;
    let (answer, absent) = (answer.json(), absent.json());
    if answer["reason"].is_string() && officer != ID {
        assert_eq!(
            answer["detail"], absent["detail"],
            "it tells whether there is such a person"
        );
    }
    let log = sandbox.path("/log/dir");
    let stopped = sandbox.interrupt();
    let record = leaves(&log).into_iter().find(|it| it["rid"] == request);
    let logged = stopped.logged();
    assert!(!logged.contains(ID), "the log names a person");
    (answer, record)
}

/// Every minute of the week but those of a day that is not today.
fn never_now() -> Vec<String> {
    let clock: &dyn Clock = &SystemClock;
    let days = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    // Two days on: a test that begins before midnight may end behind it.
    let other = clock.today().weekday().to_monday_zero_offset() + 2;
    vec![format!(
        "{} 00:00-24:00",
        days[usize::try_from(other).unwrap() % 7]
    )]
}

/// Row E06: a purpose that is missing or in no catalogue is bad input and no decision; one that the
/// agreement does not have, and an agreement that is over, are refused with a record.
#[tokio::test]
async fn a_purpose_must_be_given_agreed_and_in_force() {
    for (purpose, reason) in [("", "INVALID_ARGUMENT"), ("CURIOSITY", "PURPOSE_UNKNOWN")] {
        let (answer, record) = asked(with(&[]).await, purpose, "CB-1").await;
        assert_eq!(
            (&answer["reason"], &answer["status"]),
            (&json!(reason), &json!(400))
        );
        assert!(
            answer["violations"]
                .to_string()
                .contains("context.purposeCode"),
            "{answer}"
        );
        assert_eq!(record, None);
    }
    let over: toml::Value = "2026-01-02"
        .parse::<toml::value::Datetime>()
        .unwrap()
        .into();
    for (sandbox, purpose, reason) in [
        (with(&[]).await, "BENEFIT_CLAIM", "PURPOSE_NOT_ALLOWED"),
        (
            with(&[("valid_to", over)]).await,
            "ONE_STOP_DESK",
            "AGREEMENT_EXPIRED",
        ),
    ] {
        let (answer, record) = asked(sandbox, purpose, "CB-1").await;
        assert_eq!(
            (&answer["reason"], &answer["status"]),
            (&json!(reason), &json!(403))
        );
        let record = record.unwrap();
        assert_eq!(record["t"], "DENIED");
        assert_eq!(
            (&record["dec"], &record["why"]),
            (&json!("DENY"), &json!(reason))
        );
    }
}

/// Row E06: outside its hours an agreement refuses, or answers with a flag in the record.
#[tokio::test]
async fn outside_its_hours_an_agreement_refuses_or_flags() {
    let hours = ("hours", never_now().into());
    let (answer, record) = asked(
        with(std::slice::from_ref(&hours)).await,
        "ONE_STOP_DESK",
        "CB-1",
    )
    .await;
    assert_eq!(
        (&answer["reason"], &answer["status"]),
        (&json!("OUT_OF_HOURS"), &json!(403))
    );
    assert_eq!(record.unwrap()["why"], "OUT_OF_HOURS");

    let flag = ("outside_hours", "FLAG".into());
    let (answer, record) = asked(with(&[hours, flag]).await, "ONE_STOP_DESK", "CB-1").await;
    assert_eq!(answer["completeness"], "COMPLETENESS_COMPLETE", "{answer}");
    let record = record.unwrap();
    assert_eq!(
        (&record["t"], &record["flag"]),
        (&json!("ACCESS"), &json!(["OUT_OF_HOURS"]))
    );
}

/// Row E06: an officer who asks about themselves is answered with a flag in the record, or refused, as
/// the agreement says.
#[tokio::test]
async fn an_officer_who_asks_about_themselves_is_flagged_or_refused() {
    let (answer, record) = asked(with(&[]).await, "ONE_STOP_DESK", ID).await;
    assert_eq!(answer["completeness"], "COMPLETENESS_COMPLETE", "{answer}");
    assert_eq!(record.unwrap()["flag"], json!(["OWN_RECORD"]));

    let refuse = ("own_record", "REFUSE".into());
    let (answer, record) = asked(with(&[refuse]).await, "ONE_STOP_DESK", ID).await;
    assert_eq!(
        (&answer["reason"], &answer["status"]),
        (&json!("OWN_RECORD"), &json!(403))
    );
    assert_eq!(record.unwrap()["why"], "OWN_RECORD");
}

/// Row E06: an officer who asks about their child is answered with a flag in the record where the
/// agreement has relatives looked for; what shows it does not leave.
#[tokio::test]
async fn an_officer_who_asks_about_a_relative_is_flagged() {
    let sandbox = with(&[("flag_relatives", true.into())]).await;
    let commune = Rest::new(&sandbox, "commune");
    let parents = commune.lookup(ID, "ONE_STOP_DESK", "population.father");
    let parents = parents.await.json();
    let father = &parents["citizen"]["population"]["father"]["personalId"];
    let father = father.as_str().unwrap().to_owned();
    let mut requests = Vec::new();
    for officer in [&*father, "999099004711", "CB-1"] {
        let mut body = question(ID, "ONE_STOP_DESK", "population.sex");
        body["context"]["officerId"] = json!(officer);
        requests.push(body["context"]["requestId"].clone());
        let path = "/v1/citizens:lookup";
        let answer = commune.post(path, body.to_string(), &[]).await.unwrap();
        let answer = answer.json();
        assert!(
            answer["citizen"]["population"]["sex"].is_string(),
            "{answer}"
        );
        assert_eq!(
            answer["citizen"]["population"].get("father"),
            None,
            "{answer}"
        );
    }
    let log = sandbox.path("/log/dir");
    let stopped = sandbox.interrupt();
    let records = leaves(&log);
    let flags = requests.iter().map(|request| {
        let record = records.iter().find(|it| it["rid"] == *request).unwrap();
        record.get("flag").cloned()
    });
    let flags: Vec<_> = flags.collect();
    assert_eq!(flags, [Some(json!(["OWN_RELATIVE"])), None, None]);
    assert!(!stopped.logged().contains(&father));
}
