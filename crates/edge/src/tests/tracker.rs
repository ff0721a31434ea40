//! A data tracker at the agencies' listener, and at that of the operators.

use std::net::SocketAddr;

use exchange::{Clock as _, SystemClock};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::client::request;
use super::duties::found;
use super::*;

const FIND: &str = "/v2/findUsage";

/// Asks as X-Road does, in the name of the citizen.
async fn find(client: &Client, body: &Value) -> Answer {
    let asked = request(Method::POST, FIND, body.to_string())
        .header("content-type", "application/json")
        .header("x-road-userid", "VN999099000001");
    client.send(asked.finish()).await
}

/// Gets a page of the operators.
async fn get(address: SocketAddr, path: &str) -> Answer {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut send, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let asked = Request::get(path)
        .header("host", "localhost")
        .header("x-road-userid", "VN999099000001")
        .body(Full::<bytes::Bytes>::default());
    Answer::read(send.send_request(asked.unwrap()).await.unwrap()).await
}

#[tokio::test]
async fn usages_have_the_shape_of_the_data_tracker() {
    let world = World::new().await;
    found(&world, "").await;
    let seq = found(&world, "Đăng ký").await;
    let client = Client::of(&world, "portal");
    let answer = find(&client, &json!({"userCode": KNOWN, "limit": 1})).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.header("ratelimit"), "\"caller\";r=999;t=1");
    let newest = jiff::Timestamp::from_millisecond(1_771_234_567_890 + i64::try_from(seq).unwrap());
    let newest = newest.unwrap();
    assert_eq!(
        answer.json(),
        json!({
            "totalUsages": 2,
            "usages": [{
                "logtime": format!("{newest:.3}"),
                "action": "Kiểm tra thuế: Đăng ký",
                "receiverCode": "H55",
                "receiverName": "Tỉnh Thái Nguyên",
                "receiverSystem": "desk",
            }],
        })
    );
    let older = json!({"userCode": format!("VN{KNOWN}"), "offset": 1});
    let older = find(&client, &older).await.json();
    assert_eq!(older["usages"].as_array().unwrap().len(), 1);
    assert_eq!(older["usages"][0]["action"], "Kiểm tra thuế");
    assert_eq!(world.archive.told(), ["portal SELF_ACCESS A-3"; 2]);
    let methods = world.seen.calls();
    assert!(
        methods.contains(&("tracker.v2/findUsage", "OK")),
        "{methods:?}"
    );
}

#[tokio::test]
async fn pages_go_on_by_offset_until_the_total_has_come() {
    let world = World::new().await;
    for _ in 0..5 {
        found(&world, "").await;
    }
    let client = Client::of(&world, "portal");
    let mut came = Vec::new();
    loop {
        let body = json!({"userCode": KNOWN, "limit": 2, "offset": came.len()});
        let page = find(&client, &body).await.json();
        assert_eq!(page["totalUsages"], 5, "whatever the page: {page}");
        let usages = page["usages"].as_array().unwrap();
        came.extend(usages.iter().map(|it| it["logtime"].to_string()));
        if came.len() >= 5 {
            break;
        }
        assert_eq!(usages.len(), 2, "{page}");
    }
    let newest_first = came.is_sorted_by(|one, next| one > next);
    assert!(newest_first && came.len() == 5, "{came:?}");
    let beyond = json!({"userCode": KNOWN, "offset": 9001});
    let beyond = find(&client, &beyond).await.json();
    let wrong = &beyond["violations"][0];
    assert_eq!(wrong["field"], "offset");
    let what = wrong["description"].as_str().unwrap();
    assert!(what.contains("with a periodEnd"), "{what}");
}

#[tokio::test]
async fn a_number_in_a_url_is_refused_where_agencies_call() {
    let world = World::new().await;
    let client = Client::of(&world, "portal");
    let path = format!("{FIND}?userCode={KNOWN}");
    let answer = client.send(request(Method::GET, &path, "").finish()).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["reason"], "PII_IN_URL");
    let answer = client.send(request(Method::GET, FIND, "").finish()).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), "POST");
    assert!(world.archive.told().is_empty());
}

#[tokio::test]
async fn everything_that_is_wrong_is_listed_without_its_value() {
    let world = World::new().await;
    let client = Client::of(&world, "portal");
    let body = json!({
        "userCode": "12x",
        "periodStart": "2026-01-02T00:00:00Z",
        "periodEnd": "2026-01-01T00:00:00Z",
        "limit": 0,
    });
    let answer = client.post(FIND, &body).await;
    assert_eq!(answer.status, 400);
    let problem = answer.json();
    let listed = problem["violations"].as_array().unwrap().iter();
    let mut fields: Vec<_> = listed.map(|it| it["field"].as_str().unwrap()).collect();
    fields.dedup();
    assert_eq!(fields, ["userCode", "X-Road-UserId", "limit", "periodEnd"]);
    assert!(!problem.to_string().contains("12x"));
    let answer = find(&client, &json!({"userCode": KNOWN, "colour": 1})).await;
    assert_eq!(answer.json()["reason"], "INVALID_JSON");
}

#[tokio::test]
async fn who_has_no_duty_is_refused_and_recorded() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let answer = find(&client, &json!({"userCode": KNOWN})).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.json()["reason"], "DUTY_NOT_GRANTED");
    let recorded = world.recorded().await;
    assert_eq!(recorded.matches("\"why\":\"DUTY_NOT_GRANTED\"").count(), 1);
}

#[tokio::test]
async fn the_period_begins_with_the_log_and_the_heart_beats_until_the_drain() {
    let world = World::new().await;
    found(&world, "").await;
    let client = Client::of(&world, "portal");
    let get = |path| client.send(request(Method::GET, path, "").finish());
    let period = get("/v2/usagePeriod").await.json();
    let begins: jiff::Timestamp = period["periodStart"].as_str().unwrap().parse().unwrap();
    assert!(begins <= SystemClock.now());
    let beats = json!({"status": "OK", "message": "ready"});
    assert_eq!(get("/v2/heartbeat").await.json(), beats);
    world.running.readiness().draining();
    assert_eq!(get("/v2/heartbeat").await.json()["status"], "FAIL");
}

#[tokio::test]
async fn operators_may_let_a_tracker_ask_with_a_query() {
    let off = World::new().await;
    let path = format!("{FIND}?userCode={KNOWN}&limit=1&offset=0");
    for path in [&*path, "/v2/heartbeat", "/v2/usagePeriod"] {
        let answer = get(off.running.operations_address(), path).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let names = "agency = 'H55'\nsystem = 'portal'";
    let on = World::with(|config| config.find_usage = toml::from_str(names).ok()).await;
    found(&on, "").await;
    let address = on.running.operations_address();
    let answer = get(address, &path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["totalUsages"], 1);
    assert_eq!(get(address, "/v2/heartbeat").await.json()["status"], "OK");
    for wrong in ["", "?userCode=1", "?userCode=999099000001&limit=many"] {
        let answer = get(address, &format!("{FIND}{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    let many = get(address, &format!("{FIND}?userCode={KNOWN}&limit=many")).await;
    let what = many.json()["violations"][0]["description"].clone();
    assert!(
        what.as_str().unwrap().contains("of the wrong type"),
        "{what}"
    );
    assert_eq!(on.archive.told(), ["portal SELF_ACCESS A-3"]);
}
