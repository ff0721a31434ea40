//! The calls that need a duty, at both doors.

use api::v1;
use api::v1::audit_service_client::AuditServiceClient;
use api::v1::data_subject_service_client::DataSubjectServiceClient;
use evidence::note::LogProof;
use evidence::verify::Extra;
use exchange::{Opened, Opening};
use serde_json::{Value, json};
use tonic_types::StatusExt as _;

use super::*;

/// Asks about somebody, and puts the record where it can be found, with the reason that was given.
pub(crate) async fn found(world: &World, reason: &str) -> u64 {
    let client = Client::of(world, "desk");
    let answer = client.post("/v1/citizens:lookup", &question(KNOWN)).await;
    let seq = answer.json()["receipt"]["seq"].clone();
    let proof = client
        .post("/v1/audit/proofs:inclusion", &json!({"seq": seq}))
        .await;
    let proof = LogProof::parse(proof.json()["tlogProof"].as_str().unwrap()).unwrap();
    world.archive.put(Opened {
        origin: "log.lienthong.example/test".into(),
        seq: proof.index,
        ts_ms: 1_771_234_567_890 + proof.index,
        leaf: Extra::of(&proof).unwrap().leaf.into_bytes(),
        openings: vec![opening("txt", reason), opening("off", "CB-17")],
        entries: Vec::new(),
    });
    proof.index
}

fn opening(field: &str, value: &str) -> Opening {
    Opening {
        field: field.to_owned(),
        salt: [7; 32],
        value: value.as_bytes().to_vec(),
    }
}

fn context(purpose: &str) -> Value {
    json!({"requestId": REQUEST_ID, "purposeCode": purpose, "officerId": "CB-17"})
}

fn search() -> Value {
    json!({"context": context("INSPECTION"), "subject": {"personalId": KNOWN}})
}

fn listing() -> Value {
    json!({"context": context("SELF_ACCESS"), "subject": {"personalId": KNOWN}})
}

/// The same as a message.
fn message<T: serde::de::DeserializeOwned>(body: &Value) -> T {
    serde_json::from_value(body.clone()).unwrap()
}

const SEARCH: &str = "/v1/audit/records:search";
const ERASE: &str = "/v1/audit/subjects:erase";
const LIST: &str = "/v1/dataSubjects/accesses:list";

#[tokio::test]
async fn a_search_gives_the_same_records_at_both_doors() {
    let world = World::new().await;
    let seq = found(&world, "Đăng ký").await;
    let client = Client::of(&world, "auditor");
    let rest = client.post(SEARCH, &search()).await;
    assert_eq!(rest.status, 200, "{rest:?}");
    assert_eq!(rest.header("ratelimit"), "\"caller\";r=999;t=1");
    let mut audit = AuditServiceClient::new(client.channel().await);
    let grpc = audit.search_records(message::<v1::SearchRecordsRequest>(&search()));
    let grpc = grpc.await.unwrap().into_inner();
    assert_eq!(message::<v1::SearchRecordsResponse>(&rest.json()), grpc);
    assert!(grpc.index_complete_to_checkpoint && grpc.next_page_token.is_empty());
    let [record] = grpc.records.as_slice() else {
        panic!("{} records", grpc.records.len());
    };
    assert_eq!(record.seq, seq);
    let leaf: Value = serde_json::from_slice(&record.leaf).unwrap();
    assert_eq!(leaf["t"], "ACCESS");
    assert_eq!(record.openings[0].value, "Đăng ký".as_bytes());
    let told = "auditor INSPECTION A-2";
    assert_eq!(world.archive.told(), [told, told]);
}

#[tokio::test]
async fn pages_follow_one_another_to_the_end() {
    let world = World::new().await;
    let mut seqs = Vec::new();
    for _ in 0..3 {
        seqs.insert(0, found(&world, "").await);
    }
    let client = Client::of(&world, "auditor");
    let mut body = search();
    body["pageSize"] = json!(2);
    let mut read = Vec::new();
    loop {
        let page = client.post(SEARCH, &body).await.json();
        let records = page["records"].as_array().unwrap();
        read.extend(records.iter().map(|it| it["seq"].as_str().unwrap().parse()));
        let Some(token) = page["nextPageToken"].as_str() else {
            break;
        };
        body["pageToken"] = json!(token);
    }
    assert_eq!(read, seqs.into_iter().map(Ok).collect::<Vec<_>>());
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_search_is_listed_at_once() {
    let world = World::new().await;
    let client = Client::of(&world, "auditor");
    let body = json!({
        "context": {"requestId": "1", "purposeCode": "NONE"},
        "callerAgency": "a/b",
        "requestId": "2",
        "startTime": "2026-01-02T00:00:00Z",
        "endTime": "2026-01-01T00:00:00Z",
        "pageSize": -1,
        "pageToken": "AQ",
    });
    let answer = client.post(SEARCH, &body).await;
    assert_eq!(answer.status, 400);
    let problem = answer.json();
    let listed = problem["violations"].as_array().unwrap().iter();
    let listed: Vec<_> = listed
        .map(|it| {
            (
                it["field"].as_str().unwrap(),
                it["reason"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("context.requestId", "INVALID_ARGUMENT"),
        ("endTime", "INVALID_ARGUMENT"),
        ("callerAgency", "INVALID_ARGUMENT"),
        ("requestId", "INVALID_ARGUMENT"),
        ("pageSize", "INVALID_ARGUMENT"),
        ("pageToken", "PAGE_TOKEN_INVALID"),
        ("context.purposeCode", "PURPOSE_UNKNOWN"),
    ];
    assert_eq!(listed, expected);
    let without = json!({"context": context("INSPECTION")});
    let answer = client.post(SEARCH, &without).await;
    assert_eq!(answer.json()["violations"][0]["field"], "subject");
    let about_nobody = json!({"context": context("SELF_ACCESS")});
    let answer = Client::of(&world, "portal").post(LIST, &about_nobody).await;
    assert_eq!(answer.json()["reason"], "INVALID_SUBJECT_ID");
    assert!(world.archive.told().is_empty());
}

#[tokio::test]
async fn a_citizen_is_told_who_asked_and_why_with_a_proof() {
    let world = World::new().await;
    found(&world, "").await;
    let seq = found(&world, "Đăng ký thường trú").await;
    let client = Client::of(&world, "portal");
    let rest = client.post(LIST, &listing()).await;
    assert_eq!(rest.status, 200, "{rest:?}");
    let mut portal = DataSubjectServiceClient::new(client.channel().await);
    let grpc = portal.list_my_accesses(message::<v1::ListMyAccessesRequest>(&listing()));
    let grpc = grpc.await.unwrap().into_inner();
    let rest: v1::ListMyAccessesResponse = message(&rest.json());
    assert_eq!(rest.accesses.len(), grpc.accesses.len());
    assert_eq!((grpc.total_size, grpc.accesses.len()), (2, 2));
    assert!(grpc.available_from.is_some());
    let access = &grpc.accesses[0];
    assert_eq!(access.action, "Kiểm tra thuế: Đăng ký thường trú");
    assert_eq!(access.receiver_code, "H55");
    assert_eq!(access.receiver_name, "Tỉnh Thái Nguyên");
    assert_eq!(access.receiver_system, "desk");
    assert_eq!(access.sources, [v1::Source::Tax as i32]);
    let released = ["tax.personal_id", "tax.tax_code", "tax.status"];
    assert_eq!(access.field_groups, released);
    let proof = LogProof::parse(&access.tlog_proof).unwrap();
    assert_eq!((proof.index, access.seq), (seq, seq));
}

#[tokio::test]
async fn a_proof_opens_no_more_than_is_the_citizens_and_is_of_the_right_log() {
    let world = World::new().await;
    let seq = found(&world, "Đăng ký").await;
    let elsewhere = Opened {
        origin: "log.lienthong.example/other".into(),
        seq,
        ts_ms: 1_771_234_600_000,
        leaf: b"{}".to_vec(),
        openings: Vec::new(),
        entries: Vec::new(),
    };
    world.archive.put(elsewhere);
    let answer = Client::of(&world, "portal").post(LIST, &listing()).await;
    let accesses = answer.json()["accesses"].clone();
    assert!(accesses[0]["tlogProof"].is_null(), "{accesses}");
    let proof = LogProof::parse(accesses[1]["tlogProof"].as_str().unwrap()).unwrap();
    let carried: Value = serde_json::from_slice(&proof.extra.unwrap()).unwrap();
    let opened = carried["openings"].as_array().unwrap().iter();
    let opened: Vec<_> = opened.map(|it| it["field"].as_str().unwrap()).collect();
    assert_eq!(opened, ["txt"]);
}

#[tokio::test]
async fn what_is_erased_is_counted() {
    let world = World::new().await;
    found(&world, "Đăng ký").await;
    let client = Client::of(&world, "auditor");
    let first = client.post(ERASE, &search()).await;
    assert_eq!(first.status, 200, "{first:?}");
    let done = |count: Value| {
        let mut done = json!({"state": "ERASURE_STATE_DONE"});
        if !count.is_null() {
            done["openingsDestroyed"] = count;
        }
        done
    };
    assert_eq!(first.json(), done(json!("1")));
    let again = client.post(ERASE, &search()).await;
    assert_eq!(again.json(), done(Value::Null));
    let left = client.post(SEARCH, &search()).await.json();
    assert!(left["records"][0]["openings"].is_null());
}

#[tokio::test]
async fn a_duty_that_is_not_granted_is_refused_alike_and_recorded() {
    let world = World::new().await;
    let auditor = Client::of(&world, "auditor");
    let mut body = listing();
    body["context"] = context("INSPECTION");
    let answer = auditor.post(LIST, &body).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.json()["reason"], "DUTY_NOT_GRANTED");
    assert_eq!(answer.json()["metadata"]["duty"], "LIST_ACCESSES");
    let mut portal = DataSubjectServiceClient::new(auditor.channel().await);
    let status = portal.list_my_accesses(message::<v1::ListMyAccessesRequest>(&body));
    let status = status.await.unwrap_err();
    let reason = status.get_details_error_info().unwrap().reason;
    assert_eq!(reason, "DUTY_NOT_GRANTED");
    let mut desk = search();
    desk["context"] = context("TAX_CHECK");
    let answer = Client::of(&world, "desk").post(SEARCH, &desk).await;
    assert_eq!(answer.json()["reason"], "DUTY_NOT_GRANTED");
    let mut nameless = search();
    nameless["context"]["officerId"] = json!("");
    let answer = auditor.post(SEARCH, &nameless).await;
    assert_eq!(answer.json()["reason"], "OFFICER_REQUIRED");
    assert!(world.archive.told().is_empty());
    let recorded = world.recorded().await;
    let refused = recorded.matches("\"why\":\"DUTY_NOT_GRANTED\"").count();
    assert_eq!(refused, 3);
    assert!(!recorded.contains(KNOWN) && !recorded.contains("CB-17"));
}
