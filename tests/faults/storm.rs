//! A circuit before callers that try again and again, and before agencies that come and go: what reaches
//! the agency. Not here: what reaches it without one (`amplification`).

use std::time::Duration;

use exchange::Source;
use serde_json::Value;
use tests::row::{Caller, Row};
use tests::{Sandbox, apart, field_of, question};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

use crate::proxy::{Mode, Proxy};
use crate::scene::{configuration, guard};

/// A question to a source alone.
fn about(source: Source) -> Value {
    apart(question(CITIZEN, "ONE_STOP_DESK", field_of(source)))
}

/// Asks it; true if it answers.
pub(crate) async fn asks(caller: &Caller, source: Source) -> bool {
    caller.put(&about(source), 2).await.status == 200
}

/// Row L03: with the circuit as it is, a storm hardly reaches an agency that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_hardly_reaches_an_agency_that_is_gone() {
    let (sandbox, source) = (Sandbox::start(), Source::Health);
    let line = Proxy::before(&configuration(&sandbox), source).await;
    let row = Row::begin(&sandbox, "gone", &[source], |config| {
        line.lead(config, source);
    })
    .await;
    line.mode(Mode::Reset);
    let before = line.questions();
    for _ in 0..100 {
        assert!(!asks(&row.caller, source).await);
    }
    let asked = line.questions() - before;
    let seen = guard(&row.gateway, source).await;
    println!("100 questions, {asked} calls: {seen}");
    assert!(asked <= 7 + 10 + 10, "{asked} calls");
    row.ends().await;
}

/// Row U10: an agency that is up for a second and down for a second is tried by one call at a time, and ever more
/// seldom: neither waves of calls nor retries beyond the budget reach it.
#[tokio::test(flavor = "multi_thread")]
async fn an_agency_that_comes_and_goes_is_left_alone() {
    let sandbox = Sandbox::start();
    let line = Proxy::before(&configuration(&sandbox), Source::Health).await;
    let begun = Instant::now();
    let row = Row::begin(&sandbox, "flaps", &[Source::Health], |config| {
        line.lead(config, Source::Health);
    })
    .await;
    let lasts = if std::env::var_os("LIENTHONG_TEST_FULL").is_some() {
        Duration::from_secs(600)
    } else {
        Duration::from_secs(12)
    };
    let (asking, (stop, mut stopped)) = (row.caller.clone(), oneshot::channel());
    let load = tokio::spawn(async move {
        let mut calls = JoinSet::new();
        let mut beat = interval(Duration::from_millis(25));
        while stopped.try_recv().is_err() {
            beat.tick().await;
            let caller = asking.clone();
            calls.spawn(async move { caller.put(&about(Source::Health), 2).await });
        }
        calls.join_all().await.len()
    });
    let (started, before) = (Instant::now(), line.questions());
    while started.elapsed() < lasts {
        for mode in [Mode::Pass, Mode::Reset] {
            line.mode(mode);
            sleep(Duration::from_secs(1)).await;
        }
    }
    stop.send(()).ok();
    let arrived = load.await.unwrap();
    let seen = guard(&row.gateway, Source::Health).await;
    let (asked, seconds) = (line.questions() - before, begun.elapsed().as_secs_f64());
    let number = |key: &str| seen[key].as_u64().unwrap();
    println!(
        "{arrived} questions, {asked} calls, {} of them spoilt: {seen}",
        line.spoilt()
    );
    assert!(number("opened") >= 2, "{seen}");
    assert!((1..=number("opened")).contains(&number("probes")), "{seen}");
    // 1 + 2 + 4 + 8 s and so on: each time it is left alone for longer.
    let opened =
        (started.elapsed().as_secs_f64() + 1.0).log2().ceil() + 3.0 + lasts.as_secs_f64() / 60.0;
    assert!(number("opened") as f64 <= opened, "{seen}");
    let budget = (arrived as f64).mul_add(0.1, 3.0 * seconds);
    assert!(number("retries") as f64 <= budget, "{seen}");
    // Seven in a row, each asked once again, and those that were under way with them: each time it opens.
    let waves = 20 * number("opened");
    assert!(
        line.spoilt() as u64 <= waves,
        "{} spoilt calls: {seen}",
        line.spoilt()
    );
    row.ends().await;
}

/// Civil status keeps a dossier about this one, which is polled.
const CITIZEN: &str = "999099001243";
