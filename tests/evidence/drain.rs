//! A supervisor that ends a gateway under load: what was accepted is answered, and all of it is under
//! the last checkpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use tests::{Rest, Sandbox, question, verify};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// Civil status takes its time to answer about this one.
const SLOW: &str = "999099000163";

async fn ask(rest: &Rest, id: &str, mask: &str) -> Option<Value> {
    let body = question(id, "ONE_STOP_DESK", mask).to_string();
    // What is sent into the end of a connection is not accepted: the records tell whether that is so.
    let answer = rest.post("/v1/citizens:lookup", body, &[]).await.ok()?;
    match answer.status {
        200 => Some(answer.json()),
        // Refused before anything was recorded.
        503 if answer.json()["reason"] == "DRAINING" => None,
        _ => panic!("{answer:?}"),
    }
}

/// Looks now and then until it is so.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(20), "not in time");
        sleep(Duration::from_millis(10)).await;
    }
}

/// True if civil status was asked about somebody and has not answered yet, or has.
async fn is_asked(sandbox: &Sandbox, id: &str) -> bool {
    let control = Rest::plain(sandbox.text("/agencies/civil_status/control"));
    control.get("/journal").await.unwrap().text.contains(id)
}

async fn readiness(operations: &Rest) -> Option<u16> {
    operations.get("/readyz").await.ok().map(|it| it.status)
}

/// Row L06: under load health says that it ends, what was accepted is answered, all of it is under the
/// last checkpoint, and the process ends well.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_ended_under_load_fails_nothing_that_it_accepted() {
    let sandbox = Sandbox::start();
    let operations = Rest::plain(sandbox.text("/operations"));
    assert_eq!(readiness(&operations).await, Some(200));
    let (mut load, answered) = (JoinSet::new(), Arc::new(AtomicU32::new(0)));
    for number in 0..16 {
        // Each on a connection of its own.
        let (rest, answered) = (Rest::new(&sandbox, "commune"), Arc::clone(&answered));
        load.spawn(async move {
            let (id, mut answers) = (format!("9990990048{:02}", number % 8), Vec::new());
            while let Some(answer) = ask(&rest, &id, "tax.status").await {
                answers.push(answer);
                answered.fetch_add(1, Ordering::Relaxed);
            }
            answers
        });
    }
    until(async || answered.load(Ordering::Relaxed) > 200).await;
    let slow = Rest::new(&sandbox, "commune");
    let slow = tokio::spawn(async move { ask(&slow, SLOW, "civilStatus.maritalStatus").await });
    until(async || is_asked(&sandbox, SLOW).await).await;
    assert!(!slow.is_finished(), "it is not slow");

    sandbox.terminate();
    let mut seen = Vec::new();
    while !slow.is_finished() {
        seen.push(readiness(&operations).await);
        sleep(Duration::from_millis(10)).await;
    }
    assert!(seen.contains(&Some(503)), "{seen:?}");
    let slow = slow
        .await
        .unwrap()
        .expect("what was in progress is answered");
    assert!(slow["receipt"]["seq"].is_string(), "{slow}");
    let mut receipts = vec![slow.to_string()];
    while let Some(answers) = load.join_next().await {
        let answers = answers.unwrap();
        receipts.extend(answers.iter().map(ToString::to_string));
    }
    let stopped = sandbox.ended();
    assert_eq!(stopped.code, Some(0), "{}", stopped.logged());

    let file = stopped.dir().join("receipts");
    std::fs::write(&file, receipts.join("\n")).unwrap();
    let verified = verify(&stopped.dir().join("log"), Some(&file));
    let says = format!("{} receipts verified, 0 refused", receipts.len());
    assert!(verified.out.contains(&says), "{verified:?}");
    // Every access that is on record reached whoever asked: but for the lookup of the sandbox itself.
    let log = stopped.dir().join("log");
    let accesses = accesses(&log);
    assert!(receipts.len() > 100, "{}", receipts.len());
    assert_eq!(accesses, vec!["ALLOW"; receipts.len() + 1]);
    assert!(
        !verified.out.contains("under no checkpoint"),
        "{verified:?}"
    );
}

/// How each access ended.
fn accesses(log: &std::path::Path) -> Vec<String> {
    let mut all = Vec::new();
    let mut files = evidence::verify::Directory(log.to_owned());
    let keys = evidence::keys::PublicKeys::read(log).unwrap();
    let trust = evidence::verify::Trust {
        keys: keys.log,
        older: Vec::new(),
    };
    let report = evidence::verify::public(&mut files, &trust, |_| ()).unwrap();
    let size = report.checkpoint.checkpoint().size;
    for index in 0..size.div_ceil(256) {
        let (whole, width) = (format!("{index:03}"), size - index * 256);
        let entries = log.join("tile/entries");
        let bundle = std::fs::read(entries.join(&whole));
        let bundle = bundle.or_else(|_| std::fs::read(entries.join(format!("{whole}.p/{width}"))));
        let bundle = bundle.unwrap();
        let mut rest = bundle.as_slice();
        while let [high, low, more @ ..] = rest {
            let (leaf, more) = more.split_at(usize::from(u16::from_be_bytes([*high, *low])));
            let leaf: Value = serde_json::from_slice(leaf).unwrap();
            if leaf["t"] == "ACCESS" {
                all.push(leaf["dec"].as_str().unwrap().to_owned());
            }
            rest = more;
        }
    }
    all
}
