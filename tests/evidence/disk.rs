//! A disk that stands still, is full, or has become read-only: what callers are told, what is asked of
//! agencies, and how it goes on.

use std::path::Path;
use std::time::Duration;

use tests::{Rest, RestAnswer, Sandbox, apart, loop_until, question, verify};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::strace::{Meddled, must_be_there};

const ID: &str = "999099004715";

async fn ask(rest: &Rest, wait: &str) -> RestAnswer {
    let body = apart(question(ID, "ONE_STOP_DESK", "tax.status")).to_string();
    let headers = [("prefer", wait)];
    let answer = rest.post("/v1/citizens:lookup", body, &headers);
    answer.await.unwrap()
}

fn reason(answer: &RestAnswer) -> String {
    let reason = answer.json()["reason"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if answer.status == 200 {
        return "OK".to_owned();
    }
    reason
}

/// How often the tax department was asked.
async fn asked(sandbox: &Sandbox) -> u64 {
    let operations = Rest::plain(sandbox.text("/operations"));
    let metrics = operations.get("/metrics").await.unwrap().text;
    let counts = metrics.lines().filter(|line| {
        line.starts_with("gateway_source_duration_seconds_count{") && line.contains("\"tax\"")
    });
    counts
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

/// Asks until the answer is that.
async fn ask_until(rest: &Rest, wanted: &str) {
    let begun = Instant::now();
    loop {
        let answer = reason(&ask(rest, "wait=5").await);
        if answer == wanted {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{answer}, not {wanted}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_sync_takes_long_nobody_is_asked_beyond_the_places_and_then_it_goes_on() {
    const PLACES: u64 = 8;
    must_be_there();
    let sandbox = Sandbox::start_configured(&format!("places = {PLACES}"));
    let rest = Rest::new(&sandbox, "commune");
    assert_eq!(reason(&ask(&rest, "wait=5").await), "OK");
    let before = asked(&sandbox).await;

    let stalled = Meddled::with(&sandbox, "fdatasync:delay_enter=6000000:when=1", None);
    let begun = Instant::now();
    let mut first = JoinSet::new();
    for _ in 0..PLACES {
        let rest = rest.clone();
        first.spawn(async move {
            let begun = Instant::now();
            (reason(&ask(&rest, "wait=2").await), begun.elapsed())
        });
    }
    while asked(&sandbox).await < before + PLACES {
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "not all have a place"
        );
        sleep(Duration::from_millis(10)).await;
    }
    for _ in 0..200 {
        let begun = Instant::now();
        let refused = ask(&rest, "wait=5").await;
        assert_eq!(
            (refused.status, reason(&refused).as_str()),
            (503, "AUDIT_BACKPRESSURE")
        );
        assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
    // Those that have a place are answered at their deadline, without their record.
    while let Some(answer) = first.join_next().await {
        let (reason, took) = answer.unwrap();
        assert_eq!(reason, "DEADLINE_EXCEEDED");
        assert!(took < Duration::from_millis(2_500), "{took:?}");
    }
    // Who has left still has a record to be written: the places are not free yet.
    assert_eq!(reason(&ask(&rest, "wait=5").await), "AUDIT_BACKPRESSURE");
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "the stall was too short"
    );
    assert_eq!(
        asked(&sandbox).await,
        before + PLACES,
        "an agency was asked"
    );

    ask_until(&rest, "OK").await;
    assert!(begun.elapsed() >= Duration::from_secs(6));
    assert_eq!(stalled.hits(), 1);
    drop(stalled);
    let stopped = sandbox.interrupt();
    assert_eq!(stopped.code, Some(0));
    let verified = verify(&stopped.dir().join("log"), None);
    assert_eq!(verified.code, 0, "{verified:?}");
}

/// Looks until a balancer is told that.
async fn ready_until(sandbox: &Sandbox, status: u16, says: &str) {
    let operations = Rest::plain(sandbox.text("/operations"));
    let begun = Instant::now();
    loop {
        let page = operations.get("/readyz?verbose").await.unwrap();
        if page.status == status && page.text.contains(says) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{page:?}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// No room for the next segment: by quota, by blocks, by inodes.
#[tokio::test(flavor = "multi_thread")]
async fn without_room_for_another_segment_nothing_is_admitted_until_there_is_again() {
    must_be_there();
    let sandbox = Sandbox::start_configured("segment_bytes = 131072");
    let spare = sandbox.path("/log/dir").join("wal/spare");
    let rest = Rest::new(&sandbox, "commune");
    for full in [
        "fallocate:error=EDQUOT",
        "fallocate:error=ENOSPC",
        "openat:error=ENOSPC",
        "openat:error=EDQUOT",
    ] {
        let meddled = Meddled::with(&sandbox, full, Some(&spare));
        ask_until(&rest, "AUDIT_UNAVAILABLE").await;
        assert!(meddled.hits() > 0, "{full}");
        ready_until(&sandbox, 503, "record failed").await;
        let before = asked(&sandbox).await;
        for _ in 0..20 {
            assert_eq!(
                reason(&ask(&rest, "wait=5").await),
                "AUDIT_UNAVAILABLE",
                "{full}"
            );
        }
        assert_eq!(asked(&sandbox).await, before, "{full}: an agency was asked");
        drop(meddled);
        ask_until(&rest, "OK").await;
        ready_until(&sandbox, 200, "record ok").await;
    }
    // Behind the reserve a STOP still finds room.
    let meddled = Meddled::with(&sandbox, "fallocate:error=ENOSPC", Some(&spare));
    ask_until(&rest, "AUDIT_UNAVAILABLE").await;
    sandbox.terminate();
    let stopped = sandbox.ended();
    drop(meddled);
    assert_eq!(stopped.code, Some(0), "{}", stopped.logged());
    let verified = verify(&stopped.dir().join("log"), None);
    assert_eq!(verified.code, 0, "{verified:?}");
    assert!(verified.out.contains("STOP"), "{verified:?}");
}

fn receipts(dir: &Path, receipts: &[String]) {
    let file = dir.join("receipts");
    std::fs::write(&file, receipts.join("\n")).unwrap();
    let verified = verify(&dir.join("log"), Some(&file));
    let says = format!("{} receipts verified, 0 refused", receipts.len());
    assert!(verified.out.contains(&says), "{verified:?}");
}

/// A disk that was mounted read-only, and one that takes no more at the sync.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_write_ends_the_process_and_loses_no_receipt() {
    must_be_there();
    let mut sandbox = Sandbox::start();
    let mut given = Vec::new();
    for fault in ["pwrite64:error=EROFS", "fdatasync:error=EDQUOT"] {
        let rest = Rest::new(&sandbox, "commune");
        for _ in 0..20 {
            given.push(ask(&rest, "wait=5").await.json().to_string());
        }
        let meddled = Meddled::with(&sandbox, fault, None);
        let body = question(ID, "ONE_STOP_DESK", "tax.status").to_string();
        let answer = rest.post("/v1/citizens:lookup", body, &[]).await;
        assert!(
            answer.as_ref().map_or(true, |it| it.status != 200),
            "{answer:?}"
        );
        let stopped = sandbox.ended();
        drop(meddled);
        assert_ne!(stopped.code, Some(0), "{fault}");
        let said = stopped.logged();
        assert!(said.contains("the record cannot be kept, ending"), "{said}");
        sandbox = stopped.restart();
    }
    let rest = Rest::new(&sandbox, "commune");
    given.push(ask(&rest, "wait=5").await.json().to_string());
    loop_until(Duration::from_secs(20), || {
        (sandbox.verify(None).code == 0).then_some(())
    });
    receipts(&sandbox.dir(), &given);
}
