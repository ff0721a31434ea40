//! Floods of refusals: what of them is in the log.

use exchange::Reason;

use super::*;
use crate::fold::WINDOW;

/// How many refusals of a window are records of their own.
const ALONE: u64 = 10;

/// As many refusals of a caller as that; how many were records of their own.
async fn flood(evidence: &Evidence, refusal: &Refusal<'_>, count: u64) -> u64 {
    let mut alone = 0;
    for _ in 0..count {
        let receipt = evidence.refuse(refusal).await.unwrap();
        alone += u64::from(receipt.is_some());
    }
    alone
}

/// Leaps over the end of the windows that are open.
async fn windows_end() {
    tokio::time::pause();
    tokio::time::sleep(WINDOW * 2).await;
    tokio::time::resume();
}

fn of_type(desk: &Desk, t: &str) -> Vec<Value> {
    let mut all = leaves(desk.path());
    all.retain(|leaf| leaf["t"] == t);
    all
}

#[tokio::test]
async fn a_flood_leaves_a_few_records_and_the_number_of_the_rest() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    let request = Box::leak(Box::new(desk.request.clone()));
    let refusal = desk.refusal(Some(request));
    assert_eq!(flood(&evidence, &refusal, 500).await, ALONE);
    desk.clock.set(NOW_MS + 700);
    assert_eq!(flood(&evidence, &refusal, 500).await, 0);
    windows_end().await;
    desk.exchange(&evidence).await;
    handle.close().await.unwrap();

    assert_eq!(of_type(&desk, "DENIED").len() as u64, ALONE);
    let all = leaves(desk.path());
    let place = all.iter().position(|leaf| leaf["t"] == "DENIED_SUMMARY");
    let exchange = all.iter().position(|leaf| leaf["t"] == "ACCESS");
    assert!(place < exchange, "the end of the window records it");
    let expected = serde_json::json!([{
        "v": 1, "t": "DENIED_SUMMARY", "ts": NOW_MS + 700, "node": "gw-1",
        "caller": {"ag": "G18", "sys": "tax-web"}, "why": "QUOTA_EXCEEDED",
        "n": 1_000 - ALONE, "from": NOW_MS, "to": NOW_MS + 700, "dec": "DENY",
    }]);
    assert_eq!(Value::from(of_type(&desk, "DENIED_SUMMARY")), expected);
    desk.verifies();
}

#[tokio::test]
async fn callers_and_reasons_are_counted_apart() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    let first = desk.refusal(None);
    let other = Caller::new(
        AgencyCode::parse("H55").unwrap(),
        SystemId::parse("tax-web").unwrap(),
        &"cd".repeat(32),
    );
    let second = Refusal {
        caller: &other,
        ..first
    };
    let third = Refusal {
        reason: Reason::PurposeNotAllowed,
        ..first
    };
    for (refusal, count) in [(first, 11), (second, 12), (third, 13)] {
        assert_eq!(flood(&evidence, &refusal, count).await, ALONE);
    }
    handle.close().await.unwrap();
    let mut found: Vec<_> = of_type(&desk, "DENIED_SUMMARY")
        .iter()
        .map(|leaf| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let n = leaf["n"].as_u64().unwrap();
            (n, text(&leaf["caller"]["ag"]), text(&leaf["why"]))
        })
        .collect();
    found.sort();
    let row = |n, agency: &str, reason: Reason| (n, agency.to_owned(), reason.name().to_owned());
    let expected = [
        row(1, "G18", Reason::QuotaExceeded),
        row(2, "H55", Reason::QuotaExceeded),
        row(3, "G18", Reason::PurposeNotAllowed),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_is_counted_at_the_end_is_recorded_before_stop() {
    let mut desk = Desk::new();
    desk.config.places = std::num::NonZeroU32::new(1).unwrap();
    let (evidence, handle) = desk.start();
    flood(&evidence, &desk.refusal(None), 15).await;
    // Every place is taken, and given back only while the log closes.
    let open = desk.open(&evidence);
    let closing = tokio::spawn(handle.close());
    tokio::task::yield_now().await;
    evidence.seal(open, &Outcome::default()).await.unwrap();
    closing.await.unwrap().unwrap();
    let kinds = kinds(desk.path());
    let end = &kinds[kinds.len() - 3..];
    assert_eq!(end, ["DENIED_SUMMARY DENY", "ACCESS ALLOW", "STOP"]);
    assert_eq!(of_type(&desk, "DENIED_SUMMARY")[0]["n"], 5);
    desk.verifies();
}

#[tokio::test]
async fn a_crash_loses_the_count_of_the_open_window_alone() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    flood(&evidence, &desk.refusal(None), 12).await;
    windows_end().await;
    flood(&evidence, &desk.refusal(None), 17).await;
    drop(handle); // as a crash
    drop(evidence);
    let (evidence, handle) = desk.start();
    flood(&evidence, &desk.refusal(None), 14).await;
    handle.close().await.unwrap();
    assert_eq!(of_type(&desk, "DENIED").len() as u64, 3 * ALONE);
    let summaries = of_type(&desk, "DENIED_SUMMARY");
    let counts: Vec<&Value> = summaries.iter().map(|leaf| &leaf["n"]).collect();
    assert_eq!(counts, [2, 4]);
    desk.verifies();
}

#[tokio::test]
async fn a_count_waits_while_the_record_is_full() {
    let mut desk = Desk::new();
    desk.config.places = std::num::NonZeroU32::new(2).unwrap();
    let (evidence, handle) = desk.start();
    flood(&evidence, &desk.refusal(None), 12).await;
    let (open, other) = (desk.open(&evidence), desk.open(&evidence));
    windows_end().await;
    assert!(
        evidence
            .refuse(&desk.refusal(None))
            .await
            .unwrap()
            .is_none()
    );
    for open in [open, other] {
        evidence.seal(open, &Outcome::default()).await.unwrap();
    }
    windows_end().await;
    desk.exchange(&evidence).await;
    handle.close().await.unwrap();
    let kinds = kinds(desk.path());
    let end = &kinds[kinds.len() - 5..];
    let expected = [
        "ACCESS ALLOW",
        "ACCESS ALLOW",
        "DENIED_SUMMARY DENY",
        "ACCESS ALLOW",
        "STOP",
    ];
    assert_eq!(end, expected);
    assert_eq!(of_type(&desk, "DENIED_SUMMARY")[0]["n"], 3);
}
