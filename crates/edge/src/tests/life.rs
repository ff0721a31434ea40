//! From the opening of the doors to their closing; and the two plain listeners.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use api::v1::StreamCitizenRequest;
use http::Method;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::client::{post, request};
use super::grpc::message;
use super::world::short;
use super::*;
use crate::{Record, Running};

async fn get(address: SocketAddr, path: &str) -> Answer {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut send, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let asked = http::Request::get(path).header("host", "localhost");
    let asked = asked.body(Full::<bytes::Bytes>::default()).unwrap();
    Answer::read(send.send_request(asked).await.unwrap()).await
}

#[tokio::test]
async fn a_drain_lets_calls_finish_and_takes_no_new_ones() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let mut grpc = client.citizen().await;
    let running = tokio::spawn(async move { grpc.lookup_citizen(message(WAITS)).await });
    let mut http1 = client.http1().await;
    let mut asked = question(WAITS);
    asked["context"]["requestId"] = exchange::RequestId::fresh().to_string().into();
    // Not the same question: that would be put to the agency once.
    asked["context"]["dossierNo"] = "2".into();
    let asked = post("/v1/citizens:lookup", asked.to_string());
    let rest = tokio::spawn(async move { http1.send_request(asked).await });
    while world.tax.asked() < 2 {
        world.tax.reached.notified().await;
    }
    let address = world.running.address();
    let drain = tokio::spawn(world.running.drain(Duration::from_secs(30)));
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!drain.is_finished());
    world.tax.release.notify_one();
    world.tax.release.notify_one();
    while !running.is_finished() || !rest.is_finished() {
        world.tax.release.notify_waiters();
        tokio::task::yield_now().await;
    }
    assert!(running.await.unwrap().is_ok());
    assert_eq!(rest.await.unwrap().unwrap().status(), 200);
    drain.await.unwrap();
}

#[tokio::test]
async fn while_it_leaves_a_gateway_takes_calls_and_says_that_it_goes() {
    let world = World::with(|config| config.limits.leave_ms = 60_000).await;
    let client = Client::of(&world, "desk");
    let fields = || {
        let asked = request(Method::GET, "/v1/fields", "");
        asked.header("host", "localhost").finish()
    };
    let mut open = client.http1().await;
    let before = Answer::read(open.send_request(fields()).await.unwrap()).await;
    assert_eq!(before.header("connection"), "");
    let mut used = client.http2().await;
    assert_eq!(used.send_request(fields()).await.unwrap().status(), 200);
    let readiness = world.running.readiness().clone();
    let leaving = tokio::spawn(world.running.drain(Duration::from_secs(30)));
    while readiness.is_ready() {
        tokio::task::yield_now().await;
    }
    let after = Answer::read(open.send_request(fields()).await.unwrap()).await;
    assert_eq!(
        (after.status.as_u16(), after.header("connection")),
        (200, "close")
    );
    // One that was used is told to go, and a new one is taken.
    while used.ready().await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.send(fields()).await.status, 200);
    assert!(!leaving.is_finished());
    leaving.abort();
}

#[tokio::test]
async fn a_drain_cuts_what_does_not_finish() {
    let world = World::new().await;
    let mut client = Client::of(&world, "desk").citizen().await;
    let running = tokio::spawn(async move { client.lookup_citizen(message(WAITS)).await });
    world.tax.reached.notified().await;
    world.running.drain(Duration::from_millis(20)).await;
    assert!(running.await.unwrap().is_err());
    assert_eq!(world.seen.calls()[0].1, "CANCELLED");
}

/// Row L06: by default calls in progress have thirty seconds, and are cut then.
#[tokio::test]
async fn a_drain_waits_for_half_a_minute_and_no_longer() {
    let world = World::with(|config| {
        config.limits.body_ms = 60_000;
        (config.limits.deadline_ms, config.limits.deadline_max_ms) = (60_000, 60_000);
    })
    .await;
    let mut stream = Client::of(&world, "desk")
        .connect(b"http/1.1")
        .await
        .unwrap();
    // A call whose body does not come: nothing but the drain ends it so soon.
    let head = "POST /v1/citizens:lookup HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\
                content-type: application/json\r\ncontent-length: 9\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut goes_on = [0; 25];
    stream.read_exact(&mut goes_on).await.unwrap();
    assert_eq!(&goes_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    tokio::time::pause();
    let begun = Instant::now();
    world.running.drain(Running::GRACE).await;
    assert_eq!(begun.elapsed().as_secs(), 30);
    assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0, "it is not cut");
}

#[tokio::test]
async fn a_stream_that_a_drain_cuts_is_recorded_before_the_log_closes() {
    let world = World::new().await;
    let mut client = Client::of(&world, "desk").citizen().await;
    let lookup = Some(message(HANGS));
    let asked = StreamCitizenRequest { lookup };
    let response = client.stream_citizen(asked).await.unwrap();
    world.tax.reached.notified().await;
    let recorded = world.recorded_within(Duration::from_millis(20)).await;
    drop(response);
    let abandoned = recorded.find(r#""dec":"ABANDONED""#).unwrap();
    assert!(abandoned < recorded.find(r#""t":"STOP""#).unwrap());
}

#[tokio::test]
async fn a_caller_that_leaves_ends_its_call() {
    let world = World::new().await;
    let mut client = Client::of(&world, "desk").citizen().await;
    let running = tokio::spawn(async move { client.lookup_citizen(message(WAITS)).await });
    world.tax.reached.notified().await;
    running.abort();
    world.seen.wait_for(1).await;
    assert_eq!(world.seen.calls()[0].1, "CANCELLED");
}

#[tokio::test]
async fn a_panic_is_the_end_of_one_call_alone() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let mut open = client.http2().await;
    let asked = || post("/v1/citizens:lookup", question(KNOWN).to_string());
    let mut by_code = question(KNOWN);
    by_code["subject"] = serde_json::json!({"taxCode": "0100233488"});
    by_code["context"]["requestId"] = "0190163d-8694-739b-aea5-966c26f8ad92".into();
    world.tax.panics.store(true, Ordering::Relaxed);
    let by_code = post("/v1/citizens:lookup", by_code.to_string());
    let answer = Answer::read(open.send_request(by_code).await.unwrap()).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json()["reason"], "INTERNAL");
    world.tax.panics.store(false, Ordering::Relaxed);
    assert_eq!(open.send_request(asked()).await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_so_is_an_old_one() {
    for old in [true, false] {
        let world = World::with(|config| {
            let limits = &mut config.limits;
            *(if old {
                &mut limits.age_ms
            } else {
                &mut limits.idle_ms
            }) = 100;
        })
        .await;
        let client = Client::of(&world, "desk");
        let mut open = client.http2().await;
        let asked = request(Method::GET, "/v1/fields", "").finish();
        assert_eq!(open.send_request(asked).await.unwrap().status(), 200);
        while open.ready().await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_head_or_a_body_that_trickles_is_cut() {
    let world = World::with(|config| short(&mut config.limits)).await;
    let client = Client::of(&world, "desk");
    let mut head = client.connect(b"http/1.1").await.unwrap();
    head.write_all(b"GET /v1/fields HTTP/1.1\r\nhost: ")
        .await
        .unwrap();
    let mut answer = Vec::new();
    drop(head.read_to_end(&mut answer).await); // cut, perhaps without a word
    assert!(!answer.starts_with(b"HTTP/1.1 2"));
    let mut body = client.connect(b"http/1.1").await.unwrap();
    let start = "POST /v1/citizens:lookup HTTP/1.1\r\nhost: localhost\r\n\
        content-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    body.write_all(start.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    drop(body.read_to_end(&mut answer).await);
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    assert!(answer.contains("DEADLINE_EXCEEDED"), "{answer}");
    assert_eq!(world.tax.asked(), 0);
}

#[tokio::test]
async fn operations_tell_health_and_metrics() {
    let world = World::new().await;
    let address = world.running.operations_address();
    assert_eq!(get(address, "/livez").await.status, 200);
    assert_eq!(get(address, "/readyz").await.body, "ready\n");
    let metrics = get(address, "/metrics").await;
    assert_eq!(metrics.body, "calls 7\n");
    assert!(
        metrics
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    world.running.readiness().record(Record::Unwritable);
    let answer = get(address, "/readyz?verbose").await;
    assert_eq!(answer.status, 503);
    let lines = "[-]record failed\n[+]certificates ok\n[+]accepting ok\nnot ready\n";
    assert_eq!(answer.body, lines);
    assert_eq!(get(address, "/openapi.json").await.status, 404);
}

#[tokio::test]
async fn the_contract_is_published() {
    let world = World::new().await;
    let address = world.running.public_address();
    let openapi = get(address, "/openapi.json").await;
    assert_eq!(openapi.header("content-type"), "application/json");
    assert_eq!(openapi.body, api::OPENAPI);
    let descriptors = get(address, "/descriptors.binpb").await;
    assert_eq!(descriptors.body, api::DESCRIPTORS);
    assert_eq!(get(address, "/metrics").await.status, 404);
}
