//! The record: what it commits to, that a crash loses and doubles nothing, that a touched log shows.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use api::v1::citizen_service_client::CitizenServiceClient;
use base64_simd::URL_SAFE_NO_PAD;
use exchange::Source;
use hmac::{Hmac, KeyInit as _, Mac as _};
use prost::Message as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tests::{Rest, Sandbox, channel, verify};
use tokio::sync::mpsc;

use crate::answers::request;

/// Asks without end until the gateway is gone, and sends on what it holds of each answer.
async fn ask_until_killed(
    rest: Rest,
    worker: usize,
    held: mpsc::UnboundedSender<String>,
    stop: Arc<AtomicBool>,
) {
    let mut serial = 1_000 * (worker + 1);
    while !stop.load(Ordering::Relaxed) {
        serial += 7; // one number after the other is how nobody at work asks
        let body = tests::question(
            &format!("999099{serial:06}"),
            "ONE_STOP_DESK",
            "tax.status,population.name",
        );
        match rest
            .post("/v1/citizens:lookup", body.to_string(), &[])
            .await
        {
            Ok(answer) if answer.status == 200 => {
                let receipt = json!({"receipt": answer.json()["receipt"]});
                held.send(receipt.to_string()).unwrap();
            }
            Ok(answer) => assert!(matches!(answer.status, 404 | 503), "{}", answer.text),
            Err(_) => return, // the gateway is gone
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_receipt_survives_a_kill_under_load_once() {
    let mut sandbox = Sandbox::start();
    let mut receipts: Vec<String> = Vec::new();
    for round in 0..3 {
        let (send, mut held) = mpsc::unbounded_channel();
        let stop = Arc::new(AtomicBool::new(false));
        let workers: Vec<_> = (0..16)
            .map(|worker| {
                let rest = Rest::new(&sandbox, "commune");
                let worker = worker + 16 * round;
                tokio::spawn(ask_until_killed(
                    rest,
                    worker,
                    send.clone(),
                    Arc::clone(&stop),
                ))
            })
            .collect();
        drop(send);
        let goal = receipts.len() + 300;
        while receipts.len() < goal {
            receipts.push(held.recv().await.expect("answers before the kill"));
        }
        let stopped = sandbox.kill();
        stop.store(true, Ordering::Relaxed);
        for worker in workers {
            worker.await.unwrap();
        }
        while let Ok(receipt) = held.try_recv() {
            receipts.push(receipt);
        }
        sandbox = stopped.restart();
    }
    let file = sandbox.dir().join("receipts");
    std::fs::write(&file, receipts.join("\n")).unwrap();
    let verified = sandbox.verify(Some(&file));
    assert_eq!(verified.code, 0, "{verified:?}");
    let all = format!("{} receipts verified, 0 refused", receipts.len());
    assert!(verified.out.contains(&all), "{verified:?}");
    let seqs: std::collections::HashSet<String> = receipts
        .iter()
        .map(|receipt| {
            serde_json::from_str::<serde_json::Value>(receipt).unwrap()["receipt"]["seq"]
                .to_string()
        })
        .collect();
    assert_eq!(seqs.len(), receipts.len(), "two receipts name one record");
}

#[tokio::test]
async fn a_log_that_was_touched_does_not_verify() {
    let sandbox = Sandbox::start();
    let answer = sandbox.lookup(&["999099000001", "--json"]);
    let stopped = sandbox.interrupt();
    assert_eq!(stopped.code, Some(0));
    let log = stopped.dir().join("log");
    assert_eq!(verify(&log, None).code, 0);
    let wal = std::fs::read_dir(log.join("wal"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let segment = wal.filter(|path| path.is_file()).min().unwrap();
    let bytes = std::fs::read(&segment).unwrap();
    let seq = answer.json()["receipt"]["seq"].to_string();
    assert!(!seq.is_empty());
    let place = bytes
        .windows(8)
        .position(|window| window == b"\"ACCESS\"")
        .unwrap();
    let mut touched = bytes;
    touched[place + 1] ^= 1;
    std::fs::write(&segment, touched).unwrap();
    let verified = verify(&log, None);
    assert_eq!(verified.code, 1, "{verified:?}");
}

/// Everything that stands in the segments of a log.
fn written(log: &Path) -> String {
    let segments = std::fs::read_dir(log.join("wal")).unwrap();
    let bytes = segments.map(|segment| std::fs::read(segment.unwrap().path()).unwrap());
    let texts = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    texts.collect()
}

#[tokio::test]
async fn the_record_commits_to_what_the_caller_was_told() {
    let sandbox = Sandbox::start();
    let mut client = CitizenServiceClient::new(channel(&sandbox, "commune").await);
    let answer = client.lookup_citizen(request("999099000001")).await;
    let answer = answer.unwrap().into_inner();
    let view = answer.citizen.unwrap();
    let log = written(&sandbox.path("/log/dir"));
    assert_eq!(answer.sources.len(), Source::ALL.len());
    for status in answer.sources {
        let source = Source::from_number(status.source).unwrap();
        let message = match source {
            Source::Population => view.population.as_ref().map(|it| it.encode_to_vec()),
            Source::Health => view.health.as_ref().map(|it| it.encode_to_vec()),
            Source::CivilStatus => view.civil_status.as_ref().map(|it| it.encode_to_vec()),
            Source::Tax => view.tax.as_ref().map(|it| it.encode_to_vec()),
            Source::SocialSecurity => view.social_security.as_ref().map(|it| it.encode_to_vec()),
        };
        // As the manual has it, with libraries that the gateway does not use.
        let mut commitment = Hmac::<Sha256>::new_from_slice(&status.record_salt).unwrap();
        commitment.update(b"r\0");
        commitment.update(&Sha256::digest(message.unwrap()));
        let tag = commitment.finalize().into_bytes();
        let text = format!("\"r\":\"c:{}\"", URL_SAFE_NO_PAD.encode_to_string(tag));
        assert!(log.contains(&text), "{source:?}");
    }
}
