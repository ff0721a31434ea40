//! What an operator stops is refused at once, on every node and over restarts, and is on record.

use std::time::Duration;

use api::v1::citizen_service_client::CitizenServiceClient;
use api::v1::stream_citizen_response::Event;
use api::v1::{
    CallContext, LookupCitizenRequest, StreamCitizenRequest, StreamCitizenResponse, SubjectRef,
    subject_ref,
};
use serde_json::{Value, json};
use tests::{Rest, RestAnswer, Sandbox, channel, leaves, run};
use tokio::time::Instant;
use tonic::{Code, Status, Streaming};

pub(crate) const STOP: &str = "/admin/switches:stop";
pub(crate) const RESUME: &str = "/admin/switches:resume";
const CITIZEN: &str = "999099000001";
/// Whose health record hangs.
const HANGS: &str = "999099000102";
const OPERATOR: &str = "van-hanh-07";
const WHY: &str = "Khóa của hệ thống bị lộ";

/// Gives an instruction as an operator.
pub(crate) async fn throw(operations: &Rest, path: &str, switch: &str) -> RestAnswer {
    let body = json!({"switch": switch, "operator": OPERATOR, "reason": WHY}).to_string();
    operations.post(path, body, &[]).await.unwrap()
}

pub(crate) async fn thrown(operations: &Rest, path: &str, switch: &str) -> Value {
    let answer = throw(operations, path, switch).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Which switches a node has stopped.
pub(crate) async fn stopped(operations: &Rest) -> Vec<String> {
    let listed = operations.get("/admin/switches").await.unwrap().json();
    let listed = listed["stopped"].as_array().unwrap().iter();
    let name = |it: &Value| it["switch"].as_str().unwrap().to_owned();
    listed.map(name).collect()
}

async fn look_up(caller: &Rest) -> RestAnswer {
    caller.lookup(CITIZEN, "ONE_STOP_DESK", "tax.status").await
}

/// Why a lookup is refused; none if it is answered.
pub(crate) async fn refusal(caller: &Rest) -> Option<String> {
    let answer = look_up(caller).await;
    match answer.status {
        200 => None,
        _ => Some(answer.json()["reason"].as_str().unwrap().to_owned()),
    }
}

/// A stream that waits for the health record.
async fn stream(sandbox: &Sandbox) -> (String, Streaming<StreamCitizenResponse>) {
    let mut grpc = CitizenServiceClient::new(channel(sandbox, "commune").await);
    let id = exchange::RequestId::fresh().to_string();
    let lookup = LookupCitizenRequest {
        context: Some(CallContext {
            request_id: id.clone(),
            purpose_code: "ONE_STOP_DESK".into(),
            ..Default::default()
        }),
        subject: Some(SubjectRef {
            id: Some(subject_ref::Id::PersonalId(HANGS.into())),
            hints: None,
        }),
        read_mask: Some(["tax.status", "health.blood_group"].into_iter().collect()),
        ..Default::default()
    };
    let lookup = Some(lookup);
    let mut request = tonic::Request::new(StreamCitizenRequest { lookup });
    request.set_timeout(Duration::from_secs(15));
    let stream = grpc.stream_citizen(request).await.unwrap().into_inner();
    (id, stream)
}

/// Reads a stream to its end: how many sources have answered, and the status.
async fn end(stream: &mut Streaming<StreamCitizenResponse>) -> (usize, Option<Status>) {
    let mut results = 0;
    loop {
        match stream.message().await {
            Ok(Some(event)) => match event.event {
                Some(Event::Result(_)) => results += 1,
                _ => return (results, None),
            },
            Ok(None) => return (results, None),
            Err(status) => return (results, Some(status)),
        }
    }
}

/// The records about a request, as type, decision and reason.
fn told(records: &[Value], id: &str) -> Vec<[String; 3]> {
    let own = records.iter().filter(|record| record["rid"] == id);
    let word = |record: &Value, key: &str| record[key].as_str().unwrap_or("-").to_owned();
    own.map(|record| ["t", "dec", "why"].map(|key| word(record, key)))
        .collect()
}

/// Row T10: a stream of an agency that is stopped ends within five seconds with `PERMISSION_DENIED`
/// and `AGENCY_SUSPENDED`, and a `DENIED` record says so.
#[tokio::test]
async fn a_stream_ends_when_its_agency_is_stopped() {
    let sandbox = Sandbox::start();
    let operations = Rest::plain(sandbox.text("/operations"));
    let (id, mut stream) = stream(&sandbox).await;
    let first = stream.message().await.unwrap().unwrap().event;
    assert!(matches!(first, Some(Event::Result(_))), "{first:?}");
    let begun = Instant::now();
    let done = thrown(&operations, STOP, "agency:H55").await;
    assert_eq!(
        (&done["changed"], &done["stored"]),
        (&json!(true), &json!(true))
    );
    let (further, status) = end(&mut stream).await;
    let took = begun.elapsed();
    let status = status.expect("the stream goes on");
    assert_eq!(further, 0, "something left after the stop");
    assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
    let details = String::from_utf8_lossy(status.details());
    assert!(details.contains("AGENCY_SUSPENDED"), "{status:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    let commune = Rest::new(&sandbox, "commune");
    assert_eq!(refusal(&commune).await.unwrap(), "AGENCY_SUSPENDED");

    let stopped = sandbox.interrupt();
    let records = leaves(&stopped.dir().join("log"));
    let tax = ["ACCESS", "ALLOW", "-"];
    let cut = ["ACCESS", "ABANDONED", "-"];
    let denied = ["DENIED", "DENY", "AGENCY_SUSPENDED"];
    assert_eq!(told(&records, &id), [tax, cut, denied], "{records:?}");
}

/// A lookup that was admitted before its agency was stopped brings nothing home.
#[tokio::test]
async fn an_answer_on_its_way_does_not_leave_when_its_agency_is_stopped() {
    let sandbox = Sandbox::start();
    let operations = Rest::plain(sandbox.text("/operations"));
    let commune = Rest::new(&sandbox, "commune");
    // Its health record comes after two seconds.
    let asked = async {
        commune
            .lookup(
                "999099000162",
                "ONE_STOP_DESK",
                "health.bloodGroup,tax.status",
            )
            .await
    };
    let stop = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        thrown(&operations, STOP, "system:H55/one-stop-desk").await
    };
    let (answer, _) = tokio::join!(asked, stop);
    assert_eq!(answer.status, 403, "{}", answer.text);
    assert_eq!(answer.json()["reason"], "SYSTEM_SUSPENDED");
    assert!(!answer.text.contains("citizen\""), "{}", answer.text);
}

#[tokio::test]
async fn everything_of_a_caller_is_refused_while_it_is_stopped_and_nobody_else() {
    let sandbox = Sandbox::start();
    let operations = Rest::plain(sandbox.text("/operations"));
    let (commune, tax) = (Rest::new(&sandbox, "commune"), Rest::new(&sandbox, "tax"));
    for (switch, reason) in [
        ("agency:H55", "AGENCY_SUSPENDED"),
        ("system:H55/one-stop-desk", "SYSTEM_SUSPENDED"),
        ("purpose:ONE_STOP_DESK", "PURPOSE_SUSPENDED"),
    ] {
        thrown(&operations, STOP, switch).await;
        let answer = look_up(&commune).await;
        assert_eq!(answer.status, 403, "{switch}");
        assert_eq!(answer.json()["reason"], reason);
        let catalogue = commune.get("/v1/grants").await.unwrap();
        let is_caller = !switch.starts_with("purpose");
        assert_eq!(
            catalogue.status,
            if is_caller { 403 } else { 200 },
            "{switch}"
        );
        let other = tax.lookup(CITIZEN, "TAXPAYER_REGISTRATION", "tax.status");
        assert_eq!(other.await.status, 200, "{switch}");
        let done = thrown(&operations, RESUME, switch).await;
        assert_eq!(done["changed"], true);
        assert_eq!(refusal(&commune).await, None);
    }
}

#[tokio::test]
async fn a_source_that_is_stopped_has_its_reason_beside_the_others() {
    let sandbox = Sandbox::start();
    let operations = Rest::plain(sandbox.text("/operations"));
    let commune = Rest::new(&sandbox, "commune");
    thrown(&operations, STOP, "source:tax").await;
    let both = "tax.status,population.sex";
    let answer = commune.lookup(CITIZEN, "ONE_STOP_DESK", both).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = answer.json();
    assert_eq!(answer["completeness"], "COMPLETENESS_PARTIAL");
    let sources = answer["sources"].as_array().unwrap();
    let tax = sources
        .iter()
        .find(|it| it["source"] == "SOURCE_TAX")
        .unwrap();
    assert_eq!(tax["state"], "SOURCE_STATE_SKIPPED");
    assert_eq!(tax["reason"], "SOURCE_SUSPENDED");
    assert!(answer["citizen"]["tax"].is_null() && !answer["citizen"]["population"].is_null());
    let alone = look_up(&commune).await;
    assert_eq!(alone.status, 503, "{}", alone.text);
    assert_eq!(alone.json()["reason"], "SOURCE_SUSPENDED");
    thrown(&operations, RESUME, "source:tax").await;
    assert_eq!(refusal(&commune).await, None);
}

#[tokio::test]
async fn who_stopped_what_is_on_record_and_holds_over_a_restart() {
    let sandbox = Sandbox::start();
    let operations = Rest::plain(sandbox.text("/operations"));
    let first = thrown(&operations, STOP, "agency:H55").await;
    let again = thrown(&operations, STOP, "agency:H55").await;
    assert_eq!(again, json!({"changed": false, "stored": true}));
    let listed = operations.get("/admin/switches").await.unwrap().json();
    let one = &listed["stopped"][0];
    assert_eq!(
        (&one["operator"], &one["reason"]),
        (&json!(OPERATOR), &json!(WHY))
    );
    let metrics = operations.get("/metrics").await.unwrap().text;
    let line = "gateway_switches_stopped{kind=\"agency\"} 1";
    assert!(metrics.contains(line), "{metrics}");

    let mut logged = sandbox.logged();
    assert!(
        logged.contains("an operator has stopped something"),
        "{logged}"
    );
    let sandbox = sandbox.kill().restart();
    let operations = Rest::plain(sandbox.text("/operations"));
    assert_eq!(stopped(&operations).await, ["agency:H55"]);
    let commune = Rest::new(&sandbox, "commune");
    assert_eq!(refusal(&commune).await.unwrap(), "AGENCY_SUSPENDED");
    thrown(&operations, RESUME, "agency:H55").await;
    let sandbox = sandbox.interrupt().restart();
    assert_eq!(refusal(&Rest::new(&sandbox, "commune")).await, None);

    let ended = sandbox.interrupt();
    let records = leaves(&ended.dir().join("log"));
    let admin: Vec<_> = records.iter().filter(|it| it["t"] == "ADMIN").collect();
    let acts: Vec<_> = admin.iter().map(|it| [&it["act"], &it["on"]]).collect();
    let on = json!("agency:H55");
    assert_eq!(acts, [[&json!("STOP"), &on], [&json!("RESUME"), &on]]);
    assert_eq!(records[first["seq"].as_u64().unwrap() as usize], *admin[0]);
    for record in admin {
        assert!(
            record["off"].as_str().unwrap().starts_with("c:"),
            "{record}"
        );
        assert!(
            record["txt"].as_str().unwrap().starts_with("c:"),
            "{record}"
        );
    }
    logged += &ended.logged();
    for hidden in [OPERATOR, WHY] {
        let records = format!("{records:?}");
        assert!(!logged.contains(hidden) && !records.contains(hidden));
    }
}

#[tokio::test]
async fn an_instruction_that_says_too_little_or_names_nobody_changes_nothing() {
    let sandbox = Sandbox::start();
    let operations = Rest::plain(sandbox.text("/operations"));
    for (body, problem) in [
        (
            json!({"switch": "agency:H55", "operator": OPERATOR}),
            "missing field `reason`",
        ),
        (
            json!({"switch": "H55", "operator": "", "reason": " "}),
            "switch: is to be agency:CODE",
        ),
        (
            json!({"switch": "agency:X99", "operator": OPERATOR, "reason": WHY}),
            "no agreement names this agency",
        ),
        (
            json!({"switch": "system:H55/desk", "operator": OPERATOR, "reason": WHY}),
            "no agreement names this system",
        ),
        (
            json!({"switch": "purpose:TEA", "operator": OPERATOR, "reason": WHY}),
            "no agreement names this purpose",
        ),
        (
            json!({"switch": "agency:H55", "operator": OPERATOR, "reason": WHY, "until": 1}),
            "unknown field `until`",
        ),
    ] {
        let answer = operations.post(STOP, body.to_string(), &[]).await.unwrap();
        assert_eq!(answer.status, 400, "{answer:?}");
        let violations = answer.json()["violations"].to_string();
        assert!(violations.contains(problem), "{problem}: {violations}");
    }
    let twice =
        r#"{"switch": "agency:H55", "switch": "agency:H55", "operator": "a", "reason": "b"}"#;
    let twice = operations.post(STOP, twice, &[]).await.unwrap();
    assert_eq!(twice.status, 400, "{twice:?}");
    assert_eq!(operations.get(STOP).await.unwrap().status, 405);
    let unknown = thrown(&operations, RESUME, "agency:H55").await;
    assert_eq!(unknown["changed"], false);
    assert!(stopped(&operations).await.is_empty());
    let ended = sandbox.interrupt();
    let records = leaves(&ended.dir().join("log"));
    assert!(records.iter().all(|it| it["t"] != "ADMIN"), "{records:?}");
}

#[tokio::test]
async fn switches_are_thrown_from_the_command_line() {
    let sandbox = Sandbox::start();
    let at = ["--operations", sandbox.text("/operations")];
    let by = ["--operator", OPERATOR, "--reason", WHY];
    let done = run(&[&["switch", "stop", "source:health"][..], &by, &at].concat());
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.starts_with("stopped"), "{done:?}");
    let listed = run(&[&["switch", "list"][..], &at].concat());
    assert!(
        listed.out.starts_with("source:health  since "),
        "{listed:?}"
    );
    let done = run(&[&["switch", "resume", "source:health"][..], &by, &at].concat());
    assert!(done.out.starts_with("resumed"), "{done:?}");
    let listed = run(&[&["switch", "list"][..], &at].concat());
    assert_eq!(listed.out, "nothing is stopped\n");
    let wrong = run(&[&["switch", "stop", "agency:X99"][..], &by, &at].concat());
    assert!(
        wrong.code == 5 && wrong.err.contains("no agreement"),
        "{wrong:?}"
    );
}
