//! What an exchange leaves in the log, and when it is refused.

use std::sync::LazyLock;
use std::sync::mpsc;
use std::time::Duration;

use exchange::Reason;

use super::*;
use crate::Commitment;

static REQUEST: LazyLock<Request> = LazyLock::new(request);

#[tokio::test]
async fn an_exchange_leaves_a_leaf_with_every_source_and_no_personal_value() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    let open = desk.open(&evidence);
    let salt = *open.record_salt(Source::Tax);
    let sources = [
        tax(),
        SourceOutcome {
            source: Source::Health,
            state: SourceState::Timeout,
            released: FieldSet::EMPTY,
            masked: FieldSet::EMPTY,
            as_of: None,
            record: None,
        },
    ];
    let outcome = Outcome {
        sources: &sources,
        failure: None,
        ..Outcome::default()
    };
    let receipt = evidence.seal(open, &outcome).await.unwrap();
    handle.close().await.unwrap();

    let leaf = &leaves(desk.path())[1];
    let text = leaf.to_string();
    assert_eq!(receipt.seq(), 1);
    assert!(!text.contains(CITIZEN) && !text.contains(OFFICER), "{text}");
    let hiding = |value: &Value| {
        let text = value.as_str().unwrap();
        assert!(text.starts_with("c:") && text.len() == 45, "{text}");
    };
    hiding(&leaf["sub"]);
    hiding(&leaf["off"]);
    let expected = serde_json::json!({
        "v": 1, "t": "ACCESS", "ts": NOW_MS, "node": "gw-1",
        "rid": "0190163d-8694-739b-aea5-966c26f8ad91",
        "caller": {"ag": "G18", "sys": "tax-web", "cert": format!("sha256:{}", "ab".repeat(32))},
        "purpose": "TAX_REG", "agr": "A-113", "sub": leaf["sub"], "off": leaf["off"],
        "crit": "BACK_OFFICE", "pol": format!("sha256:{}", "07".repeat(32)), "vis": "CITIZEN",
        "src": [
            {"s": "TAX", "st": "OK", "f": ["tax.tax_code"], "asof": NOW_MS - 1000,
             "r": Commitment::new(&salt, "r", &[9; 32]).as_str()},
            {"s": "HEALTH", "st": "TIMEOUT"},
        ],
        "dec": "ALLOW",
    });
    assert_eq!(leaf, &expected);
}

#[tokio::test]
async fn the_life_of_a_log_begins_with_start_and_ends_with_stop() {
    let desk = Desk::new();
    for _ in 0..2 {
        let (evidence, handle) = desk.start();
        evidence.config_changed(&POLICY).await.unwrap();
        handle.close().await.unwrap();
    }
    assert_eq!(
        kinds(desk.path()),
        ["START", "CONFIG", "STOP", "START", "CONFIG", "STOP"]
    );
    assert_eq!(leaves(desk.path())[0]["ver"], "0.1.0");
}

#[tokio::test]
async fn a_refusal_is_a_record_even_if_the_request_could_not_be_read() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    evidence.refuse(&desk.refusal(None)).await.unwrap();
    evidence
        .refuse(&desk.refusal(Some(&REQUEST)))
        .await
        .unwrap();
    handle.close().await.unwrap();

    let leaves = leaves(desk.path());
    assert_eq!(kinds(desk.path())[1..3], ["DENIED DENY", "DENIED DENY"]);
    assert_eq!(leaves[1]["why"], "QUOTA_EXCEEDED");
    assert!(leaves[1].get("sub").is_none());
    assert!(leaves[2]["sub"].as_str().unwrap().starts_with("c:"));
}

#[tokio::test]
async fn an_attempt_that_is_dropped_is_recorded_as_abandoned() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    drop(desk.open(&evidence));
    handle.close().await.unwrap();
    assert_eq!(kinds(desk.path()), ["START", "ACCESS ABANDONED", "STOP"]);
}

#[tokio::test]
async fn what_is_open_when_the_log_closes_is_recorded_before_stop() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    let (left, answered) = (desk.open(&evidence), desk.open(&evidence));
    let leave = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let refused = evidence.open(&desk.attempt()).unwrap_err();
        assert_eq!(refused.reason, Reason::Draining);
        let part = evidence.seal_part(&answered, &Outcome::default()).await;
        drop(left);
        let seal = evidence.seal(answered, &Outcome::default()).await;
        assert!(part.unwrap().seq() < seal.unwrap().seq());
    };
    let (closed, ()) = tokio::join!(handle.close(), leave);
    closed.unwrap();
    let kinds = kinds(desk.path());
    assert_eq!(kinds.first().unwrap(), "START");
    assert_eq!(kinds.last().unwrap(), "STOP");
    assert_eq!(kinds.len(), 5, "{kinds:?}");
    assert!(kinds.contains(&"ACCESS ABANDONED".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn a_log_closes_even_if_an_exchange_stays_open() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    let open = desk.open(&evidence);
    handle.close().await.unwrap();
    drop(open);
    desk.start().1.close().await.unwrap();
    let expected = ["START", "STOP", "ACCESS UNKNOWN", "START", "STOP"];
    assert_eq!(kinds(desk.path()), expected);
}

#[tokio::test]
async fn a_stream_records_each_part_before_it_closes() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    let open = desk.open(&evidence);
    let sources = [tax()];
    let part = Outcome {
        sources: &sources,
        failure: None,
        ..Outcome::default()
    };
    let first = evidence.seal_part(&open, &part).await.unwrap();
    let last = evidence.seal(open, &Outcome::default()).await.unwrap();
    handle.close().await.unwrap();

    let leaves = leaves(desk.path());
    assert!(first.seq() < last.seq());
    assert_eq!(leaves[1]["flag"], serde_json::json!(["PART"]));
    assert_eq!(leaves[1]["src"][0]["s"], "TAX");
    assert_eq!(leaves[1]["rid"], leaves[2]["rid"]);
    assert_eq!(leaves[1]["sub"], leaves[2]["sub"]);
    assert!(leaves[2].get("flag").is_none());
}

#[tokio::test]
async fn a_full_queue_refuses_before_anything_is_asked_and_recovers() {
    let mut desk = Desk::new();
    desk.config.places = std::num::NonZeroU32::new(2).unwrap();
    let (evidence, handle) = desk.start();
    let (first, second) = (desk.open(&evidence), desk.open(&evidence));

    let fault = evidence.open(&desk.attempt()).unwrap_err();
    assert_eq!(fault.reason, Reason::AuditBackpressure);
    assert!(fault.retry_after.is_some());
    let fault = evidence.refuse(&desk.refusal(None)).await.unwrap_err();
    assert_eq!(fault.reason, Reason::AuditBackpressure);

    evidence.seal(first, &Outcome::default()).await.unwrap();
    desk.exchange(&evidence).await;
    evidence.seal(second, &Outcome::default()).await.unwrap();
    handle.close().await.unwrap();
}

#[tokio::test]
async fn a_disk_below_its_reserve_takes_no_new_exchange() {
    let mut desk = Desk::new();
    desk.config.reserve_bytes = u64::MAX;
    let (evidence, handle) = desk.start();
    let fault = evidence.open(&desk.attempt()).unwrap_err();
    assert_eq!(fault.reason, Reason::AuditUnavailable);
    handle.close().await.unwrap();
    assert_eq!(kinds(desk.path()), ["START", "STOP"]);
}

#[tokio::test]
async fn a_second_writer_fails_and_the_first_goes_on() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    let second = desk.try_start(Alarm::new(|_| ()));
    assert!(matches!(second, Err(Error::Held(_))), "{second:?}");
    desk.exchange(&evidence).await;
    handle.close().await.unwrap();
    desk.start().1.close().await.unwrap();
}

#[tokio::test]
async fn a_closed_log_answers_nothing() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    let open = desk.open(&evidence);
    handle.close().await.unwrap();
    let refused = evidence.open(&desk.attempt()).unwrap_err();
    let lost = evidence.seal(open, &Outcome::default()).await.unwrap_err();
    assert_eq!(refused.reason, Reason::AuditUnavailable);
    assert_eq!(lost.reason, Reason::AuditUnavailable);
}

#[tokio::test]
async fn a_write_error_raises_the_alarm_and_no_receipt_is_made_any_more() {
    let mut desk = Desk::new();
    desk.config.segment_bytes = 1;
    let (sender, alarm) = mpsc::channel();
    let ring = move |error: &Error| sender.send(error.to_string()).unwrap();
    let (evidence, handle) = desk.try_start(Alarm::new(ring)).unwrap();
    desk.exchange(&evidence).await;
    // Every batch needs a segment of its own, and the file for the next one disappears.
    let wal = desk.path().join("wal");
    while !wal.join(segment::SPARE_FILE).exists() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    std::fs::remove_dir_all(wal).unwrap();
    let open = desk.open(&evidence);
    let fault = evidence.seal(open, &Outcome::default()).await.unwrap_err();
    assert_eq!(fault.reason, Reason::AuditUnavailable);
    assert!(!alarm.recv().unwrap().is_empty());
    assert!(evidence.open(&desk.attempt()).is_err());
    assert!(handle.close().await.is_err());
}

#[tokio::test]
async fn time_never_goes_back_in_the_log() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    for now in [NOW_MS + 5, NOW_MS - 3_600_000, 0, NOW_MS + 6] {
        desk.clock.set(now);
        desk.exchange(&evidence).await;
    }
    drop(handle);
    desk.clock.set(NOW_MS);
    desk.start().1.close().await.unwrap();
    let all = leaves(desk.path());
    let number = |leaf: &Value, key: &str| leaf[key].as_i64().unwrap();
    let times: Vec<i64> = all.iter().map(|it| number(it, "ts") - NOW_MS).collect();
    assert!(times.is_sorted(), "{times:?}");
    let accesses = all.iter().filter(|leaf| leaf["t"] == "ACCESS");
    let accesses: Vec<i64> = accesses.map(|it| number(it, "ts") - NOW_MS).collect();
    assert_eq!(accesses, [5, 5, 5, 6]);
    // Each time the clock was set by hours or years the log says so, and by how much.
    let steps = all.iter().filter(|leaf| leaf["t"] == "CLOCK");
    let steps: Vec<i64> = steps.map(|it| number(it, "step")).collect();
    // No record is older than thirteen digits.
    let first = 1_000_000_000_000;
    let (back, fore) = (first - (NOW_MS - 3_600_000), NOW_MS - first);
    let expected = [-3_600_000, back, fore];
    assert_eq!(steps.len(), expected.len());
    let is_near = |(step, by): (&i64, i64)| step.abs_diff(by) < 1_000;
    assert!(steps.iter().zip(expected).all(is_near), "{steps:?}");
}

#[tokio::test]
async fn the_log_needs_a_runtime_and_the_keys_of_its_origin() {
    let desk = Desk::new();
    let keys = keys::create_if_missing(&desk.config).unwrap();
    let other = Config {
        origin: "audit.gw.example/gw-2/2026h1".to_owned(),
        ..desk.config.clone()
    };
    let deps = Deps {
        keys,
        clock: Arc::clone(&desk.clock) as Arc<dyn Clock>,
        observer: Arc::new(NoObserver),
        witnesses: None,
        version: "0.1.0",
        policy: POLICY,
        on_fatal: Alarm::new(|_| ()),
    };
    let started = Evidence::start(other, deps);
    assert!(matches!(started, Err(Error::Setting { .. })), "{started:?}");
}

/// As many attempts of that urgency as find a place.
fn fill(
    desk: &Desk,
    evidence: &Evidence,
    criticality: Criticality,
) -> (Vec<Open>, exchange::Fault) {
    let mut open = Vec::new();
    loop {
        let attempt = Attempt {
            criticality,
            ..desk.attempt()
        };
        match evidence.open(&attempt) {
            Ok(one) => open.push(one),
            Err(fault) => return (open, fault),
        }
    }
}

#[tokio::test]
async fn work_in_bulk_is_refused_before_the_places_of_others_are_taken() {
    let mut desk = Desk::new();
    desk.config.places = std::num::NonZeroU32::new(8).unwrap();
    let (evidence, handle) = desk.start();
    let (mut bulk, fault) = fill(&desk, &evidence, Criticality::Bulk);
    assert_eq!(bulk.len(), 6);
    assert_eq!(fault.reason, Reason::AuditBackpressure);
    let (others, fault) = fill(&desk, &evidence, Criticality::BackOffice);
    assert_eq!(others.len(), 2);
    assert_eq!(fault.reason, Reason::AuditBackpressure);
    // Two that come to their end make no room for more work in bulk, a third does.
    for more in [0, 0, 1] {
        let done = bulk.pop().unwrap();
        evidence.seal(done, &Outcome::default()).await.unwrap();
        let (open, _) = fill(&desk, &evidence, Criticality::Bulk);
        assert_eq!(open.len(), more);
        bulk.extend(open);
    }
    drop((bulk, others));
    handle.close().await.unwrap();
    desk.verifies();
}
