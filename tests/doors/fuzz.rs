//! Bytes that are nearly right, by the thousand, for everything that reads what others have written.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use prost::Message as _;
use serde_json::{Value, json};
use tests::mutator::Mutator;
use tests::readers::readers;
use tests::vitals::resident;
use tests::{Rest, Sandbox, channel, everything, question};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::body::Body;
use tower::Service as _;

/// How long each reader is tried; `LIENTHONG_TEST_FULL` tries it for minutes.
fn time() -> Duration {
    match std::env::var_os("LIENTHONG_TEST_FULL") {
        Some(_) => Duration::from_secs(300),
        None => Duration::from_secs(4),
    }
}

fn lookup() -> Value {
    let mut body = question("999099000001", "ONE_STOP_DESK", &everything());
    body["subject"]["hints"] = json!({"fullName": "Nguyễn Văn An", "birthDate": {"year": 1999}});
    body["context"]["officerId"] = json!("CB-1");
    body["requiredSources"] = json!(["SOURCE_TAX"]);
    body["dryRun"] = json!(true);
    body
}

fn search() -> Value {
    json!({
        "context": {
            "requestId": "0190163d-8694-739b-aea5-966c26f8ad91",
            "purposeCode": "INSPECTION",
        },
        "callerAgency": "H55",
        "startTime": "2026-01-01T00:00:00Z",
        "pageSize": 10,
        "pageToken":
            "An7WugmpqXWwtZeSDMNhPHci997pqmnOK-Nms4DO8FcTxzwnGJq5Igc0T34wBPycydG-arrAWx-2KNGV1w",
    })
}

/// Rows P01, P04: whatever a body of JSON or protobuf has become, it is answered or refused: no
/// failure of ours, no panic, and memory stays as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_nearly_right_are_answered_or_refused() {
    let sandbox = Arc::new(Sandbox::start());
    let before = resident(&sandbox);
    let mut trying = JoinSet::new();
    for begin in 1..=4 {
        trying.spawn(bodies(Arc::clone(&sandbox), begin));
        trying.spawn(messages(Arc::clone(&sandbox), begin));
    }
    let tried: usize = trying.join_all().await.into_iter().sum();
    assert!(tried > 200, "{tried} are too few");
    assert!(!sandbox.logged().contains("panicked"), "a reader panicked");
    let grown = resident(&sandbox).saturating_sub(before);
    assert!(
        grown < 32 << 10,
        "it has grown by {grown} KiB in {tried} bodies"
    );
}

/// Sends bodies of JSON to the methods that read most; how many.
async fn bodies(sandbox: Arc<Sandbox>, begin: u64) -> usize {
    let rest = Rest::new(&sandbox, "auditor");
    let seeds = [lookup(), search()].map(|seed| seed.to_string().into_bytes());
    let (begun, mut tried) = (Instant::now(), 0);
    for body in Mutator::new(seeds.to_vec(), begin) {
        for path in ["/v1/citizens:lookup", "/v1/audit/records:search"] {
            let answer = rest.post(path, body.clone(), &[]).await.unwrap();
            let text = String::from_utf8_lossy(&body);
            let is_ours = answer.status >= 500 && answer.status != 504;
            assert!(!is_ours, "{answer:?} for {text}");
            tried += 1;
        }
        if begun.elapsed() > time() {
            break;
        }
    }
    tried
}

/// Sends messages of protobuf to a lookup; how many.
async fn messages(sandbox: Arc<Sandbox>, begin: u64) -> usize {
    let message: api::v1::LookupCitizenRequest = serde_json::from_value(lookup()).unwrap();
    let mut channel = channel(&sandbox, "auditor").await;
    let path = "http://localhost/lienthong.v1.CitizenService/LookupCitizen";
    let (begun, mut tried) = (Instant::now(), 0);
    for message in Mutator::new(vec![message.encode_to_vec()], begin) {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        let framed = [&[0], &length[..], &message].concat();
        let request = http::Request::post(path).header("content-type", "application/grpc");
        let request = request.body(Body::new(Full::from(framed))).unwrap();
        std::future::poll_fn(|cx| channel.poll_ready(cx))
            .await
            .unwrap();
        let response = channel.call(request).await.unwrap();
        let status = response.headers().get("grpc-status");
        let status = status.map(|it| it.to_str().unwrap());
        assert!(
            !matches!(status, Some("2" | "13")),
            "{status:?} for {message:?}"
        );
        tried += 1;
        if begun.elapsed() > time() {
            break;
        }
    }
    tried
}

/// Whatever the bytes of others have become, each reader of them ends: no panic, and no more memory than a
/// few times what it reads.
#[test]
fn bytes_that_are_nearly_right_end_every_reader() {
    for reader in readers() {
        let seeds = reader.seeds();
        for seed in &seeds {
            (reader.read)(seed);
        }
        let (before, begun, mut tried) = (peak(), Instant::now(), 0);
        for bytes in Mutator::new(seeds, 3) {
            (reader.read)(&bytes);
            tried += 1;
            if begun.elapsed() > time() / 4 {
                break;
            }
        }
        let grown = peak().saturating_sub(before);
        println!("{}: {tried} tried, {grown} KiB more at most", reader.name);
        assert!(tried > 50, "{}: {tried} are too few", reader.name);
        assert!(grown < 48 << 10, "{} took {grown} KiB", reader.name);
    }
}

/// The most memory that this process ever had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.unwrap().split_whitespace().nth(1).unwrap();
    number.parse().unwrap()
}
