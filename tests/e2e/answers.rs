//! Answers: complete, the same through both doors, minimised, and resolved from old numbers.

use api::v1::citizen_service_client::CitizenServiceClient;
use api::v1::{
    CallContext, LookupCitizenRequest, LookupCitizenResponse, StreamCitizenRequest, SubjectRef,
    subject_ref,
};
use exchange::Source;
use serde_json::{Value, json};
use tests::{Rest, Sandbox, channel, everything, question};

const COMPLETE: &str = "999099000001";

/// What may differ between two answers to one question.
fn timeless(mut answer: Value) -> Value {
    let object = answer.as_object_mut().unwrap();
    for key in ["receipt", "requestId"] {
        object.remove(key);
    }
    for found in object
        .get_mut("discrepancies")
        .into_iter()
        .filter_map(Value::as_array_mut)
        .flatten()
    {
        found.as_object_mut().unwrap().remove("detectedAt");
    }
    for status in object["sources"].as_array_mut().unwrap() {
        let status = status.as_object_mut().unwrap();
        for key in [
            "latency",
            "asOf",
            "recordSalt",
            "upstreamRequestId",
            "attempts",
        ] {
            status.remove(key);
        }
    }
    answer
}

fn states(answer: &Value) -> Vec<(String, String)> {
    let text = |status: &Value, key: &str| status[key].as_str().unwrap_or_default().to_owned();
    let statuses = answer["sources"].as_array().unwrap().iter();
    statuses
        .map(|status| (text(status, "source"), text(status, "state")))
        .collect()
}

#[tokio::test]
async fn one_lookup_returns_all_five_sources_with_a_receipt_that_verifies() {
    let sandbox = Sandbox::start();
    let ran = sandbox.lookup(&[COMPLETE, "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let answer = ran.json();
    let states = states(&answer);
    assert_eq!(states.len(), 5);
    assert!(
        states.iter().all(|(_, state)| state == "SOURCE_STATE_OK"),
        "{states:?}"
    );
    for source in [
        "population",
        "health",
        "civilStatus",
        "tax",
        "socialSecurity",
    ] {
        let fields = answer["citizen"][source]
            .as_object()
            .map_or(0, serde_json::Map::len);
        assert!(fields >= 8, "{source} has {fields} fields");
    }
    let file = sandbox.dir().join("answer.json");
    std::fs::write(&file, &ran.out).unwrap();
    let verified = sandbox.verify(Some(&file));
    assert_eq!(verified.code, 0, "{verified:?}");
    assert!(
        verified.out.contains("1 receipts verified, 0 refused"),
        "{verified:?}"
    );

    let rest = Rest::new(&sandbox, "commune");
    let other = rest.lookup(COMPLETE, "ONE_STOP_DESK", &everything()).await;
    assert_eq!(other.status, 200, "{}", other.text);
    assert_eq!(timeless(other.json()), timeless(answer));
}

#[tokio::test]
async fn both_doors_answer_alike() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "commune");
    let mut grpc = CitizenServiceClient::new(channel(&sandbox, "commune").await);
    for serial in [1, 2, 3, 4, 7, 8, 9, 1000, 1001, 1002, 4711, 123_456] {
        let id = format!("999099{serial:06}");
        let by_rest = rest.lookup(&id, "ONE_STOP_DESK", &everything()).await;
        assert_eq!(by_rest.status, 200, "{id}: {}", by_rest.text);
        let by_grpc = grpc
            .lookup_citizen(request(&id))
            .await
            .unwrap()
            .into_inner();
        let by_grpc = serde_json::to_value(&by_grpc).unwrap();
        assert_eq!(timeless(by_rest.json()), timeless(by_grpc), "{id}");
        let read: LookupCitizenResponse = serde_json::from_str(&by_rest.text).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), by_rest.json(), "{id}");
    }
}

/// Every field of one citizen.
pub(crate) fn request(id: &str) -> LookupCitizenRequest {
    LookupCitizenRequest {
        context: Some(CallContext {
            request_id: exchange::RequestId::fresh().to_string(),
            purpose_code: "ONE_STOP_DESK".into(),
            ..Default::default()
        }),
        subject: Some(SubjectRef {
            id: Some(subject_ref::Id::PersonalId(id.into())),
            hints: None,
        }),
        read_mask: Some(exchange::FIELDS.iter().map(|info| info.path).collect()),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_stream_sends_each_source_with_a_receipt_and_then_a_summary() {
    let sandbox = Sandbox::start();
    let mut grpc = CitizenServiceClient::new(channel(&sandbox, "commune").await);
    let lookup = Some(request(COMPLETE));
    let stream = grpc.stream_citizen(StreamCitizenRequest { lookup }).await;
    let mut stream = stream.unwrap().into_inner();
    let mut receipts = Vec::new();
    let mut summary = None;
    while let Some(event) = stream.message().await.unwrap() {
        let event = serde_json::to_value(&event).unwrap();
        assert!(summary.is_none(), "something follows the summary");
        if let Some(result) = event.get("result") {
            receipts.push(json!({"receipt": result["receipt"]}).to_string());
        } else {
            summary = event.get("summary").cloned();
        }
    }
    let summary = summary.expect("a summary");
    assert_eq!(receipts.len(), 5);
    assert_eq!(states(&summary).len(), 5);
    assert!(summary.get("citizen").is_none());
    receipts.push(summary.to_string());
    let file = sandbox.dir().join("receipts");
    std::fs::write(&file, receipts.join("\n")).unwrap();
    let verified = sandbox.verify(Some(&file));
    assert!(
        verified.out.contains("6 receipts verified, 0 refused"),
        "{verified:?}"
    );
}

#[tokio::test]
async fn a_stream_over_rest_is_server_sent_events() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "commune");
    let lookup = question(COMPLETE, "ONE_STOP_DESK", "population.name,tax.status");
    let body = json!({"lookup": lookup}).to_string();
    let answer = rest.post("/v1/citizens:stream", body, &[]).await.unwrap();
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    assert_eq!(
        answer.text.matches("event: result").count(),
        2,
        "{}",
        answer.text
    );
    assert_eq!(
        answer.text.matches("event: summary").count(),
        1,
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn what_the_agreement_lacks_is_neither_asked_nor_returned_but_listed() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "tax");
    let mask = "population.name,population.religion,health.allergies,tax.status";
    let answer = rest
        .lookup(COMPLETE, "TAXPAYER_REGISTRATION", mask)
        .await
        .json();
    assert_eq!(
        answer["withheldPaths"],
        json!(["population.religion", "health.allergies"])
    );
    assert!(answer["citizen"]["population"].get("religion").is_none());
    assert!(answer["citizen"].get("health").is_none());
    let health = (
        "SOURCE_HEALTH".to_owned(),
        "SOURCE_STATE_WITHHELD".to_owned(),
    );
    assert!(states(&answer).contains(&health));

    let asked = journal(&sandbox, Source::Population).await;
    let last = asked.last().unwrap()["fields"].to_string();
    assert!(
        last.contains("population.name") && !last.contains("religion"),
        "{last}"
    );
    let health = journal(&sandbox, Source::Health).await;
    let agency_asked = |entry: &Value| entry["fields"].to_string().contains("allergies");
    let since = health.iter().filter(|entry| agency_asked(entry)).count();
    assert_eq!(
        since, 1,
        "only the sandbox's own first lookup asked for allergies"
    );
}

/// What an agency was asked, the oldest first.
pub(crate) async fn journal(sandbox: &Sandbox, source: Source) -> Vec<Value> {
    let control = sandbox
        .text(&format!("/agencies/{source}/control"))
        .to_owned();
    let journal = Rest::plain(&control).get("/journal").await.unwrap().json();
    journal["entries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn personas_show_what_they_stand_for() {
    let sandbox = Sandbox::start();
    let ask = |id: &str| sandbox.lookup(&[id, "--json"]).json();
    let superseded = ask("999099000004");
    assert_ne!(
        superseded["citizen"]["population"]["personalId"],
        "999099000004"
    );
    assert!(
        superseded["quality"]
            .to_string()
            .contains("QUALITY_KIND_ID_SUPERSEDED")
    );
    let married = ask("999099000009");
    assert!(
        married["discrepancies"]
            .to_string()
            .contains("population.marital_status")
    );
    assert!(ask(COMPLETE).get("discrepancies").is_none());
    let dead = ask("999099000002");
    assert!(dead["citizen"]["civilStatus"].get("death").is_some());
    let minor = ask("999215000003");
    assert!(
        minor["citizen"]["population"]
            .get("representative")
            .is_some()
    );
}

#[tokio::test]
async fn old_numbers_lead_to_their_person_or_say_that_they_are_ambiguous() {
    let sandbox = Sandbox::start();
    let whole = sandbox.lookup(&[COMPLETE, "--json"]).json();
    let person = &whole["citizen"];
    let legacy = person["population"]["legacyIds"][0].as_str().unwrap();
    let tax = person["tax"]["oldTaxCodes"][0].as_str().unwrap();
    for (kind, number) in [("legacy", legacy), ("tax", tax)] {
        let ran = sandbox.lookup(&[
            number,
            "--kind",
            kind,
            "--fields",
            "population.personal_id",
            "--json",
        ]);
        assert_eq!(ran.code, 0, "{kind}: {ran:?}");
        assert_eq!(
            ran.json()["citizen"]["population"]["personalId"],
            COMPLETE,
            "{kind}"
        );
    }
    let shared = sandbox.lookup(&["999099000005", "--json"]).json();
    let numbers = shared["citizen"]["population"]["legacyIds"]
        .as_array()
        .unwrap()
        .clone();
    let ambiguous = numbers.iter().any(|number| {
        let ran = sandbox.lookup(&[number.as_str().unwrap(), "--json"]);
        ran.code == 5 && ran.json()["reason"] == "SUBJECT_AMBIGUOUS"
    });
    assert!(ambiguous, "{numbers:?}");

    let rest = Rest::new(&sandbox, "commune");
    let mut body = question(COMPLETE, "ONE_STOP_DESK", "");
    body.as_object_mut().unwrap().remove("readMask");
    body["subject"] = json!({"legacyId": legacy});
    let answer = rest
        .post("/v1/citizens:resolve", body.to_string(), &[])
        .await
        .unwrap()
        .json();
    assert_eq!(answer["outcome"], "RESOLVE_OUTCOME_CURRENT", "{answer}");
    assert_eq!(answer["currentPersonalId"], COMPLETE);
    assert!(answer["receipt"]["seq"].is_string());
}

#[tokio::test]
async fn a_second_factor_is_compared_before_a_number_is_resolved() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "commune");
    let whole = sandbox.lookup(&[COMPLETE, "--json"]).json();
    let (person, insured) = (
        &whole["citizen"]["population"],
        &whole["citizen"]["socialSecurity"],
    );
    let (name, date) = (&person["name"]["full"], &person["birthDate"]);
    let numbers = [
        json!({"legacyId": person["legacyIds"][0]}),
        json!({"insuranceCode": insured["insuranceCode"]}),
    ];
    let cases = [
        (
            json!({"fullName": name, "birthDate": date}),
            "RESOLVE_OUTCOME_CURRENT",
        ),
        (
            json!({"fullName": "Nguyễn Thị Không", "birthDate": date}),
            "RESOLVE_OUTCOME_NOT_FOUND",
        ),
        (
            json!({"fullName": name, "birthDate": {"year": date["year"]}}),
            "RESOLVE_OUTCOME_NOT_FOUND",
        ),
    ];
    for number in &numbers {
        for (hints, outcome) in &cases {
            let mut body = question(COMPLETE, "ONE_STOP_DESK", "");
            body.as_object_mut().unwrap().remove("readMask");
            body["subject"] = number.clone();
            body["subject"]["hints"] = hints.clone();
            let answer = rest.post("/v1/citizens:resolve", body.to_string(), &[]);
            let answer = answer.await.unwrap().json();
            assert_eq!(answer["outcome"], *outcome, "{number} {hints}: {answer}");
            let told = answer
                .get("currentPersonalId")
                .is_some_and(|id| id == COMPLETE);
            assert_eq!(told, *outcome == "RESOLVE_OUTCOME_CURRENT", "{answer}");
        }
    }
}

#[tokio::test]
async fn the_catalogue_shows_fields_purposes_own_grants_and_quota() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "claims");
    let fields = rest.get("/v1/fields").await.unwrap().json();
    assert_eq!(
        fields["fields"].as_array().unwrap().len(),
        exchange::FIELDS.len()
    );
    let purposes = rest.get("/v1/purposes").await.unwrap().text;
    assert!(purposes.contains("ONE_STOP_DESK") && purposes.contains("legalBasis"));
    let grants = rest.get("/v1/grants").await.unwrap().json();
    assert_eq!(grants["grants"].as_array().unwrap().len(), 1, "{grants}");
    assert_eq!(grants["grants"][0]["secondFactorRequired"], true);
    let quota = rest.get("/v1/quota").await.unwrap().json();
    assert_eq!(quota["quotas"][0]["limit"], "120", "{quota}");
}

/// A mask that grants neither name nor birth date of any source.
const NAMELESS: &str =
    "population.sex,health.bloodGroup,civilStatus.sex,tax.status,socialSecurity.sex";

#[tokio::test]
async fn a_second_factor_opens_every_source_or_none() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "commune");
    let whole = sandbox.lookup(&[COMPLETE, "--json"]).json();
    let person = &whole["citizen"]["population"];
    let (name, date) = (&person["name"]["full"], &person["birthDate"]);
    let mut other = date.clone();
    other["year"] = json!(date["year"].as_i64().unwrap() - 1);
    let cases = [
        (json!({"fullName": name, "birthDate": date}), 200),
        (
            json!({"fullName": "Nguyễn Thị Không", "birthDate": date}),
            404,
        ),
        (json!({"fullName": name, "birthDate": other}), 404),
        (json!({"birthDate": other}), 404),
    ];
    for (hints, status) in cases {
        let mut body = question(COMPLETE, "ONE_STOP_DESK", NAMELESS);
        body["subject"]["hints"] = hints.clone();
        let answer = rest.post("/v1/citizens:lookup", body.to_string(), &[]);
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, status, "{hints}: {}", answer.text);
        if status == 200 {
            let answer = answer.json();
            assert!(
                states(&answer)
                    .iter()
                    .all(|(_, state)| state == "SOURCE_STATE_OK"),
                "{answer}"
            );
            let citizen = answer["citizen"].as_object().unwrap();
            let told = citizen
                .values()
                .flat_map(|part| part.as_object().unwrap().keys());
            assert!(
                told.into_iter()
                    .all(|key| key != "name" && key != "birthDate" && key != "taxpayerName")
            );
            assert_eq!(citizen.len(), 5);
        } else {
            assert_eq!(
                answer.json()["reason"],
                "PERSON_NOT_FOUND",
                "{}",
                answer.text
            );
        }
    }
}
