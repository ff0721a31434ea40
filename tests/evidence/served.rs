//! The log as a running gateway serves it.

use std::time::Duration;

use serde_json::json;
use tests::{Rest, Sandbox, question, run};
use tokio::time::{Instant, sleep};

use crate::logs::{check, size_of};

/// A record is under a checkpoint within a second, and plain GETs are enough to check everything.
#[tokio::test]
async fn the_go_toolchain_reads_the_log_over_http() {
    let sandbox = Sandbox::start();
    let log = &sandbox.description["log"];
    let (url, vkey) = (log["url"].as_str().unwrap(), log["vkey"].as_str().unwrap());
    let rest = Rest::new(&sandbox, "commune");
    let mut receipts = Vec::new();
    // Not one number after the other, as nobody at work asks.
    for serial in (1_000..3_100).step_by(7) {
        let body = question(&format!("999099{serial:06}"), "ONE_STOP_DESK", "tax.status");
        let answer = rest.post("/v1/citizens:lookup", body.to_string(), &[]);
        let answer = answer.await.unwrap();
        assert!(matches!(answer.status, 200 | 404), "{}", answer.text);
        if answer.status == 404 || serial % 50 > 0 {
            continue;
        }
        let began = Instant::now();
        receipts.push(json!({"receipt": answer.json()["receipt"]}).to_string());
        let seq = answer.json()["receipt"]["seq"].as_str().unwrap().to_owned();
        let seq: u64 = seq.parse().unwrap();
        while size_of(&sandbox.dir().join("log")) <= seq {
            assert!(
                began.elapsed() < Duration::from_secs(1),
                "{seq} is not public"
            );
            sleep(Duration::from_millis(10)).await;
        }
    }
    if let Some(said) = check(url, &[vkey.to_owned()], &[]) {
        assert!(said.unwrap().contains(" keys 1 "));
    }
    let ran = run(&["audit", "verify", url, "--vkey", vkey]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("signed by 1 keys"), "{ran:?}");
    let file = sandbox.dir().join("receipts");
    std::fs::write(&file, receipts.join("\n")).unwrap();
    let (file, of_receipts) = (file.to_str().unwrap(), sandbox.text("/log/receipt_vkey"));
    let with = ["audit", "verify", url, "--vkey", vkey, "--receipt", file];
    let ran = run(&with);
    assert!(ran.code == 2 && ran.err.contains("--vkey"), "{ran:?}");
    let ran = run(&[&with[..], &["--vkey", of_receipts]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let all = format!("{} receipts verified, 0 refused", receipts.len());
    assert!(!receipts.is_empty() && ran.out.contains(&all), "{ran:?}");
    let ran = run(&["audit", "verify", url]);
    assert!(ran.code == 2 && ran.err.contains("--vkey"), "{ran:?}");
}
