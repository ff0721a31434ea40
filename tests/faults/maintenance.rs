//! Maintenance, announced in the configuration or by the agency: nobody asks it meanwhile, and all
//! are told at once when to come again.

use std::time::Duration;

use api::v1::LookupCitizenRequest;
use exchange::{Clock as _, Source, SystemClock};
use jiff::Timestamp;
use jiff::tz::{TimeZone, offset};
use serde_json::json;
use tests::row::Row;
use tests::{Beside, Sandbox, Unary, Wire, fault, question, set};
use tokio::time::{Instant, sleep};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::agencies::{asked, journal, knob};
use crate::scene::{guard, only_fails, state, status};

/// A value of the metrics of a gateway.
async fn metric(gateway: &Beside, name: &str, source: Source) -> f64 {
    let text = gateway.operator().get("/metrics").await.unwrap().text;
    let series = format!("{name}{{source=\"{source}\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&series));
    line.unwrap_or_else(|| panic!("no {series}: {text}"))
        .parse()
        .unwrap()
}

/// Row U16: within a window of the configuration a source is not asked; the answer says so at once, with
/// the time to come again, and so does a call that needs that source alone.
#[tokio::test(flavor = "multi_thread")]
async fn in_an_announced_window_nobody_is_asked() {
    let sandbox = Sandbox::start();
    let vietnam = TimeZone::fixed(offset(7));
    let now = SystemClock.now().to_zoned(vietnam);
    let at = |hours: i64| {
        let time = &now + jiff::SignedDuration::from_hours(hours);
        time.strftime("%Y-%m-%dT%H:%M").to_string()
    };
    let source = Source::Population;
    let row = Row::begin(&sandbox, "window", &[source], |config| {
        let windows = toml::Value::Array(vec![format!("{}/{}", at(-1), at(1)).into()]);
        set(config, "agency.population", "maintenance", windows);
    })
    .await;
    let begun = Instant::now();
    let answer = row.caller.ask("999099001005", 4).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = answer.json();
    assert_eq!(state(&answer, source), "UNAVAILABLE");
    assert_eq!(status(&answer, source)["reason"], "MAINTENANCE");
    let again = status(&answer, source)["retryAfter"].as_str().unwrap();
    let again: f64 = again.trim_end_matches('s').parse().unwrap();
    assert!((1_800.0..=3_600.0).contains(&again), "{again}");
    only_fails(&answer, source);
    assert_eq!(asked(&sandbox, source, "999099001005").await, 0);
    assert!(
        metric(
            &row.gateway,
            "gateway_source_maintenance_end_timestamp_seconds",
            source
        )
        .await
            > 1e9
    );
    assert_eq!(
        metric(
            &row.gateway,
            "gateway_source_maintenance_end_timestamp_seconds",
            Source::Tax
        )
        .await,
        0.0
    );
    is_shown(&row.gateway, source).await;
    // A call that needs it alone fails, and says when to come again.
    let alone = question("999099001005", "ONE_STOP_DESK", "population.name");
    let failed = row.caller.put(&alone, 4).await;
    assert_eq!(failed.status, 503, "{}", failed.text);
    assert_eq!(failed.json()["reason"], "MAINTENANCE");
    let again: u64 = failed.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    // Somewhat later than asked for: not all who are told so come at once.
    assert!((1_800..=4_600).contains(&again), "{again}");
    is_told_over_grpc(&sandbox, &row.gateway).await;
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "nobody waits for it"
    );
    // That of the call over gRPC.
    row.ends_with(1..=1).await;
}

/// Operators see the end of the window as the next probe.
async fn is_shown(gateway: &Beside, source: Source) {
    let seen = guard(gateway, source).await;
    let next: Timestamp = seen["nextProbe"].as_str().unwrap().parse().unwrap();
    let left = next.duration_since(SystemClock.now()).as_secs();
    assert!((1_790..=3_600).contains(&left), "{seen}");
    assert_eq!(seen["maintenanceUntil"], seen["nextProbe"], "{seen}");
}

/// A call over gRPC that needs the population register alone fails, with `RetryInfo`.
async fn is_told_over_grpc(sandbox: &Sandbox, gateway: &Beside) {
    let port = gateway.url.rsplit(':').next().unwrap().parse().unwrap();
    let grpc = Unary::open(&Wire::at(sandbox, "commune", port)).await;
    let alone = question("999099001005", "ONE_STOP_DESK", "population.name");
    let message: LookupCitizenRequest = serde_json::from_value(alone).unwrap();
    let told = grpc.call("CitizenService/LookupCitizen", &[], &message);
    let refused = told.await.unwrap().status;
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    assert_eq!(fault(&refused), "MAINTENANCE", "{refused:?}");
    let again = refused.get_details_retry_info().unwrap().retry_delay;
    let again = again.unwrap().as_secs();
    assert!((1_800..=4_600).contains(&again), "{refused:?}");
}

/// Row U16: an agency that says of two persons that it is under maintenance is not asked until the end it
/// names, and is asked again then.
#[tokio::test(flavor = "multi_thread")]
async fn maintenance_that_an_agency_tells_of_is_heeded_until_its_end() {
    let sandbox = Sandbox::start();
    for source in Source::ALL {
        let node = format!("told-{}", source as u8);
        let row = Row::begin(&sandbox, &node, &[source], |_| ()).await;
        let knobs = json!({"faults": [{"fault": "maintenance"}], "again": {"seconds": 4}});
        knob(&sandbox, source, &knobs).await;
        for id in ["999099001006", "999099001005"] {
            let answer = row.caller.ask(id, 4).await.json();
            assert_eq!(
                status(&answer, source)["reason"],
                "MAINTENANCE",
                "{source}: {answer}"
            );
        }
        let seen = guard(&row.gateway, source).await;
        assert!(seen["maintenanceUntil"].is_string(), "{source}: {seen}");
        assert_eq!(seen["maintenanceUntil"], seen["nextProbe"], "{seen}");
        knob(&sandbox, source, &json!({})).await;
        let before = journal(&sandbox, source).await.len();
        let answer = row.caller.ask("999099001006", 4).await.json();
        assert_eq!(
            status(&answer, source)["reason"],
            "MAINTENANCE",
            "{source}: {answer}"
        );
        assert_eq!(
            status(&answer, source)["attempts"],
            json!(null),
            "{source}: {answer}"
        );
        only_fails(&answer, source);
        let again = status(&answer, source)["retryAfter"].as_str().unwrap();
        let again: f64 = again.trim_end_matches('s').parse().unwrap();
        assert!((0.5..=4.0).contains(&again), "{source}: {again}");
        assert_eq!(
            journal(&sandbox, source).await.len(),
            before,
            "{source} was asked"
        );
        let begun = Instant::now();
        loop {
            let answer = row.caller.ask("999099001006", 4).await.json();
            if state(&answer, source) == "OK" {
                break;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "{source}: {answer}"
            );
            sleep(Duration::from_millis(200)).await;
        }
        for told in ["Maintenance: a source says so", "answers again"] {
            row.gateway.logs(told);
        }
        row.ends().await;
    }
}

/// Row U16: what an agency says of one record alone, again and again, is not said of itself: whoever else is asked
/// about is answered.
#[tokio::test(flavor = "multi_thread")]
async fn one_record_under_maintenance_closes_no_register() {
    let sandbox = Sandbox::start();
    let row = Row::begin(&sandbox, "one", &[], |_| ()).await;
    let source = Source::Population;
    let knobs = json!({
        "faults": [{"fault": "maintenance", "subject": "999099001006"}],
        "again": {"seconds": 3600},
    });
    knob(&sandbox, source, &knobs).await;
    for _ in 0..4 {
        let answer = row.caller.ask("999099001006", 4).await.json();
        assert_eq!(status(&answer, source)["reason"], "MAINTENANCE", "{answer}");
        assert_eq!(status(&answer, source)["attempts"], json!(1), "{answer}");
    }
    let answer = row.caller.ask("999099001005", 4).await.json();
    assert_eq!(state(&answer, source), "OK", "{answer}");
    row.ends().await;
}
