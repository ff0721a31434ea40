//! Page tokens: whose they are, what they are for, and how long they are good, at both doors.

use std::time::Duration;

use api::v1;
use api::v1::audit_service_client::AuditServiceClient;
use api::v1::data_subject_service_client::DataSubjectServiceClient;
use base64_simd::URL_SAFE_NO_PAD;
use exchange::RequestId;
use serde_json::{Value, json};
use tests::vitals::records;
use tests::{Rest, Sandbox, channel};
use tonic::Status;
use tonic_types::StatusExt as _;

const SEARCH: &str = "/v1/audit/records:search";
const LIST: &str = "/v1/dataSubjects/accesses:list";
const SOMEBODY: &str = "999099004711";

fn asked(purpose: &str) -> Value {
    json!({
        "context": {
            "requestId": RequestId::fresh().to_string(),
            "purposeCode": purpose,
            "officerId": "CB-0417",
        },
        "subject": {"personalId": SOMEBODY},
        "pageSize": 2,
    })
}

/// The same search with other values in some places.
fn with(search: &Value, others: &Value) -> Value {
    let mut search = search.clone();
    search["context"]["requestId"] = json!(RequestId::fresh().to_string());
    for (key, value) in others.as_object().unwrap() {
        search[key] = value.clone();
    }
    search
}

async fn first_page(rest: &Rest, path: &str, asked: &Value) -> String {
    let page = rest.post(path, asked.to_string(), &[]).await.unwrap();
    assert_eq!(page.status, 200, "{page:?}");
    page.json()["nextPageToken"].as_str().unwrap().to_owned()
}

/// Asks about somebody five times, so that there are three pages of two.
async fn asked_about(sandbox: &Sandbox) {
    let commune = Rest::new(sandbox, "commune");
    for _ in 0..5 {
        let answer = commune.lookup(SOMEBODY, "ONE_STOP_DESK", "tax.status");
        assert_eq!(answer.await.status, 200);
    }
}

/// What the REST door says of a token: the whole problem, but for what names this one call.
async fn refused(rest: &Rest, path: &str, asked: &Value) -> Value {
    let answer = rest.post(path, asked.to_string(), &[]).await.unwrap();
    let mut problem = answer.json();
    assert_eq!(answer.status, 400, "{asked}: {problem}");
    assert_eq!(problem["reason"], "PAGE_TOKEN_INVALID", "{problem}");
    assert_eq!(problem["violations"][0]["field"], "pageToken");
    let own = problem["requestId"].take();
    assert_eq!(own, asked["context"]["requestId"], "{problem}");
    problem["instance"].take();
    problem["traceId"].take();
    problem
}

/// The same of the gRPC door.
fn is_refused(status: &Status, asked: &Value) {
    assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status:?}");
    let info = status.get_details_error_info().unwrap();
    let (reason, domain) = (info.reason, info.domain);
    assert_eq!((&*reason, domain.is_empty()), ("PAGE_TOKEN_INVALID", false));
    let request = status.get_details_request_info().unwrap().request_id;
    assert_eq!(json!(request), asked["context"]["requestId"]);
    let wrong = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!((wrong.len(), &*wrong[0].field), (1, "page_token"));
}

/// A token with one bit of it changed.
fn changed(token: &str, at: usize) -> String {
    let mut bytes = URL_SAFE_NO_PAD.decode_to_vec(token).unwrap();
    bytes[at] ^= 1;
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// What a message has become of a body.
fn message<T: serde::de::DeserializeOwned>(body: &Value) -> T {
    serde_json::from_value(body.clone()).unwrap()
}

/// Row P08: a token of another caller, of another query, of the other kind of list, or one that was
/// changed, cut or lengthened is `INVALID_ARGUMENT` at both doors, in the same words whatever is wrong
/// with it; nothing is looked up, and there is no record. A negative page size is refused too. The token
/// itself goes on to lead to its page, also after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_token_is_its_callers_and_its_querys_alone() {
    let sandbox = Sandbox::start();
    asked_about(&sandbox).await;
    let (auditor, portal) = (
        Rest::new(&sandbox, "auditor"),
        Rest::new(&sandbox, "portal"),
    );
    let search = asked("INSPECTION");
    let token = first_page(&auditor, SEARCH, &search).await;
    let listing = asked("SELF_ACCESS");
    let of_list = first_page(&portal, LIST, &listing).await;
    let disclosed = records(&sandbox, "DISCLOSURE") + records(&sandbox, "DENIED");

    let on = |token: &str| with(&search, &json!({"pageToken": token}));
    let mut wrong = vec![
        on(&of_list),
        on(&token[..token.len() - 1]),
        on(&format!("{token}AAAA")),
        on("AQAAAAAAAAABAAAAAAAAAAEAAAAAAAAAAQ"),
    ];
    wrong.extend([0, 1, 12, 13, 30, 44, 45, 60].map(|at| on(&changed(&token, at))));
    let filters = [
        json!({"subject": {"personalId": "999099004712"}}),
        json!({"subject": {"legacyId": "012345678"}}),
        json!({"callerAgency": "H55"}),
        json!({"officerId": "CB-0417"}),
        json!({"startTime": "2026-01-01T00:00:00Z"}),
        json!({"endTime": "2099-01-01T00:00:00Z"}),
    ];
    wrong.extend(filters.map(|filter| with(&on(&token), &filter)));
    let mut told = Vec::new();
    let mut audit = AuditServiceClient::new(channel(&sandbox, "auditor").await);
    for asked in &wrong {
        told.push(refused(&auditor, SEARCH, asked).await);
        let status = audit.search_records(message::<v1::SearchRecordsRequest>(asked));
        is_refused(&status.await.unwrap_err(), asked);
    }
    for name in ["commune", "portal"] {
        let asked = on(&token);
        told.push(refused(&Rest::new(&sandbox, name), SEARCH, &asked).await);
        let mut audit = AuditServiceClient::new(channel(&sandbox, name).await);
        let status = audit.search_records(message::<v1::SearchRecordsRequest>(&asked));
        is_refused(&status.await.unwrap_err(), &asked);
    }
    for token in [&token, &changed(&of_list, 40)] {
        let asked = with(&listing, &json!({"pageToken": token}));
        told.push(refused(&portal, LIST, &asked).await);
        let mut portal = DataSubjectServiceClient::new(channel(&sandbox, "portal").await);
        let status = portal.list_my_accesses(message::<v1::ListMyAccessesRequest>(&asked));
        is_refused(&status.await.unwrap_err(), &asked);
    }
    told.dedup();
    assert_eq!(told.len(), 1, "one can be told from another: {told:?}");
    let sizes = with(&on(&token), &json!({"pageSize": -1}));
    let size = auditor.post(SEARCH, sizes.to_string(), &[]).await.unwrap();
    assert_eq!(size.status, 400, "{size:?}");
    assert_eq!(size.json()["violations"][0]["field"], "pageSize");
    let now = records(&sandbox, "DISCLOSURE") + records(&sandbox, "DENIED");
    assert_eq!(now, disclosed, "something was looked up or recorded");

    // A page of another length may follow.
    let next = with(&on(&token), &json!({"pageSize": 3}));
    let next = auditor.post(SEARCH, next.to_string(), &[]).await.unwrap();
    assert_eq!(next.status, 200, "{next:?}");
    assert_eq!(next.json()["records"].as_array().unwrap().len(), 3);
    let mut auditor = AuditServiceClient::new(channel(&sandbox, "auditor").await);
    let search = || message::<v1::SearchRecordsRequest>(&on(&token));
    let next = auditor.search_records(search()).await;
    assert_eq!(next.unwrap().into_inner().records.len(), 2);
    let sandbox = sandbox.interrupt().restart();
    let mut auditor = AuditServiceClient::new(channel(&sandbox, "auditor").await);
    let next = auditor.search_records(search()).await;
    assert_eq!(next.unwrap().into_inner().records.len(), 2);
}

/// Row P08: a token that is too old is refused like any other wrong one. The unit test of the seal has
/// the day.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_token_grows_too_old() {
    let sandbox = Sandbox::start_configured("page_token_s = 2");
    asked_about(&sandbox).await;
    let portal = Rest::new(&sandbox, "portal");
    let listing = asked("SELF_ACCESS");
    let token = first_page(&portal, LIST, &listing).await;
    let on = || with(&listing, &json!({"pageToken": token}));
    let fresh = portal.post(LIST, on().to_string(), &[]).await.unwrap();
    assert_eq!(fresh.status, 200, "{fresh:?}");
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let old = refused(&portal, LIST, &on()).await;
    let changed = with(&listing, &json!({"pageToken": changed(&token, 20)}));
    assert_eq!(old, refused(&portal, LIST, &changed).await);
}

/// Row P08: each of several nodes takes the tokens of the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_token_of_one_node_is_good_on_the_other() {
    let Some((_server, sandbox, second)) = crate::nodes::two_nodes() else {
        return;
    };
    asked_about(&sandbox).await;
    let search = asked("INSPECTION");
    let here = Rest::new(&sandbox, "auditor");
    let token = first_page(&here, SEARCH, &search).await;
    let on = |token: &str| with(&search, &json!({"pageToken": token}));
    let there = Rest::at(&second.url, &sandbox, "auditor");
    let page = there
        .post(SEARCH, on(&token).to_string(), &[])
        .await
        .unwrap();
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(page.json()["records"].as_array().unwrap().len(), 2);
    let next = page.json()["nextPageToken"].as_str().unwrap().to_owned();
    let page = here.post(SEARCH, on(&next).to_string(), &[]).await.unwrap();
    assert_eq!(page.status, 200, "{page:?}");
    refused(&there, SEARCH, &on(&changed(&next, 33))).await;
}
