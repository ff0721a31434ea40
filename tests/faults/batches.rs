//! Batch jobs: they wait for an agency by themselves, and lose nothing when the gateway is killed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use exchange::{Clock as _, Source, SystemClock};
use jiff::tz::{TimeZone, offset};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::jobs::{
    JOBS, citizens, count, create, created, job, look, results, state, until, until_within,
};
use tests::row::Row;
use tests::vitals::Metrics;
use tests::{Beside, Node, Rest, RestAnswer, Sandbox, question, set, verify};
use tokio::time::{Instant, sleep};

use crate::agencies::{journal, knob};
use crate::scene::latency;

/// The place of the item that a result belongs to.
fn place(result: &Value) -> usize {
    let row = result["correlationId"].as_str().unwrap();
    row.trim_start_matches("row-").parse().unwrap()
}

/// Every item has one result with everything about its citizen, and a receipt of its own.
fn whole(results: &[Value], citizens: &[String], source: &str) -> Vec<String> {
    let row = |it: &Value| it["correlationId"].as_str().unwrap().to_owned();
    let rows: BTreeSet<_> = results.iter().map(row).collect();
    assert_eq!(
        (rows.len(), results.len()),
        (citizens.len(), citizens.len())
    );
    let mut seqs = BTreeSet::new();
    let receipts = results.iter().map(|result| {
        let lookup = &result["lookup"];
        assert_eq!(
            lookup["citizen"][source]["personalId"],
            citizens[place(result)],
            "{result}"
        );
        assert_eq!(lookup["completeness"], "COMPLETENESS_COMPLETE");
        assert_eq!(lookup["requestId"], result["requestId"]);
        assert!(seqs.insert(lookup["receipt"]["seq"].as_str().unwrap()));
        lookup["receipt"].to_string()
    });
    receipts.collect()
}

/// Ends a node; every receipt verifies against its log.
fn proven(node: &Node, serving: tests::Serving, receipts: &[String]) {
    assert!(serving.terminate(), "it did not end well");
    verified(&node.log, receipts);
}

/// Every receipt verifies against a log.
fn verified(log: &Path, receipts: &[String]) {
    let file = log.with_extension("receipts");
    fs::write(&file, receipts.join("\n") + "\n").unwrap();
    let verified = verify(log, Some(&file));
    assert_eq!(verified.code, 0, "{}", verified.err);
}

/// How often a source was asked about the citizens of a job.
async fn questions(sandbox: &Sandbox, source: Source, citizens: &[String]) -> usize {
    let entries = journal(sandbox, source).await;
    let is_about = |entry: &&Value| citizens.iter().any(|it| entry["subject"] == it.as_str());
    entries.iter().filter(is_about).count()
}

fn wait_of(job: &Value) -> SignedDuration {
    let next: Timestamp = job["nextTryTime"].as_str().unwrap().parse().unwrap();
    next.duration_since(SystemClock.now())
}

/// Row U16: while a source is in an announced window, a job is PAUSED with the reason and the time, and
/// an interactive call is told MAINTENANCE and when to come again; a job that asks another source goes on;
/// when the window ends, the job resumes by itself and SUCCEEDS: each item has one result, and its
/// receipt verifies.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_waits_for_the_end_of_a_window_and_resumes_by_itself() {
    let sandbox = Sandbox::start();
    let source = Source::Population;
    let window = window();
    let end = SystemClock.now() + window;
    let row = Row::begin(&sandbox, "window", &[source], |config| {
        let windows = toml::Value::Array(vec![window_until(end).into()]);
        set(config, "agency.population", "maintenance", windows);
    })
    .await;
    let caller = row.gateway.caller(&sandbox, "commune");
    let citizens = citizens(30);
    let id = created(&caller, &job(&citizens, "population.personalId,tax.status")).await;
    let paused = until(&caller, &id, |job| state(job) == "PAUSED").await;
    assert_eq!(paused["reason"], "MAINTENANCE", "{paused}");
    let next: Timestamp = paused["nextTryTime"].as_str().unwrap().parse().unwrap();
    assert!(next >= end, "{paused}");
    assert_eq!(
        (count(&paused, "succeeded"), count(&paused, "failed")),
        (0, 0)
    );
    let alone = question("999099001005", "ONE_STOP_DESK", "population.name");
    is_told_to_come_after(&row.caller.put(&alone, 4).await, end);
    // Another source is not closed.
    let other = created(&caller, &job(&citizens[..3], "tax.personalId")).await;
    until(&caller, &other, |job| state(job) == "SUCCEEDED").await;
    let own = results(&caller, &other, 50).await;
    whole(&own, &citizens[..3], "tax");
    assert_eq!(state(&look(&caller, &id).await), "PAUSED");
    assert_eq!(questions(&sandbox, source, &citizens).await, 0);
    assert!(SystemClock.now() < end, "the window was over too soon");

    let patience = window + Duration::from_mins(1);
    let done = until_within(patience, &caller, &id, |job| state(job) == "SUCCEEDED").await;
    assert!(SystemClock.now() >= end, "{done}");
    assert_eq!(
        (count(&done, "succeeded"), count(&done, "failed")),
        (30, 0),
        "{done}"
    );
    assert!(
        done["reason"].is_null() && done["nextTryTime"].is_null(),
        "{done}"
    );
    let all = results(&caller, &id, 7).await;
    let receipts = whole(&all, &citizens, "population");
    verified(row.gateway.log(), &receipts);
    for result in own.iter().chain(&all) {
        let citizen = &citizens[place(result)];
        row.caller
            .got(&result["requestId"], citizen, &result["lookup"]);
    }
    // Those that met the window: one, or as many as were asked at once.
    row.ends_with(1..=8).await;
}

/// A call is told MAINTENANCE, and to come again when it is over, or somewhat later.
fn is_told_to_come_after(failed: &RestAnswer, end: Timestamp) {
    assert_eq!(failed.json()["reason"], "MAINTENANCE", "{}", failed.text);
    let again = failed.headers["retry-after"].to_str().unwrap();
    let again = SignedDuration::from_secs(again.parse().unwrap());
    let left = end.duration_since(SystemClock.now());
    let most = left * 2 + SignedDuration::from_secs(2);
    assert!(again >= left && again <= most, "{again}, {left} are left");
}

/// A window of an hour that ends then, as a configuration writes it.
fn window_until(end: Timestamp) -> String {
    let vietnam = TimeZone::fixed(offset(7));
    let written = |time: Timestamp| {
        let time = time.to_zoned(vietnam.clone());
        time.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string()
    };
    let begin = end - SignedDuration::from_hours(1);
    format!("{}/{}", written(begin), written(end))
}

/// How long a window still lasts: ten minutes (`LIENTHONG_TEST_FULL`), or long enough for all that is
/// looked at meanwhile.
fn window() -> Duration {
    match std::env::var_os("LIENTHONG_TEST_FULL") {
        Some(_) => Duration::from_mins(10),
        None => Duration::from_secs(12),
    }
}

/// Row U16: the same for maintenance that the agency itself tells of: the job is PAUSED until the end that
/// it names, asks once then, and goes on by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_waits_for_the_end_that_an_agency_names_and_resumes_by_itself() {
    let sandbox = Sandbox::start();
    let source = Source::Population;
    let row = Row::begin(&sandbox, "told", &[source], |_| ()).await;
    let caller = row.gateway.caller(&sandbox, "commune");
    let closed = json!({"faults": [{"fault": "maintenance"}], "again": {"seconds": 3}});
    knob(&sandbox, source, &closed).await;
    let citizens = citizens(20);
    let id = created(&caller, &job(&citizens, "population.personalId")).await;
    let paused = until(&caller, &id, |job| state(job) == "PAUSED").await;
    assert_eq!(paused["reason"], "MAINTENANCE", "{paused}");
    assert!(wait_of(&paused).as_secs() <= 4, "{paused}");
    // It comes again, finds the agency closed, and waits again.
    let first = paused["nextTryTime"].clone();
    let before = journal(&sandbox, source).await.len();
    until(&caller, &id, |job| {
        state(job) == "PAUSED" && job["nextTryTime"] != first
    })
    .await;
    let asked = journal(&sandbox, source).await.len() - before;
    assert!(asked <= 3, "{asked} questions when it comes again");
    knob(&sandbox, source, &json!({})).await;
    let done = until(&caller, &id, |job| state(job) == "SUCCEEDED").await;
    assert_eq!(count(&done, "succeeded"), 20, "{done}");
    let all = results(&caller, &id, 50).await;
    let receipts = whole(&all, &citizens, "population");
    verified(row.gateway.log(), &receipts);
    for result in &all {
        let citizen = &citizens[place(result)];
        row.caller
            .got(&result["requestId"], citizen, &result["lookup"]);
    }
    // Those that met the maintenance: at the first time as many as were asked at once, then one.
    row.ends_with(2..=12).await;
}

/// Row U16: a gateway that is ended in the middle of a job, and then killed, goes on with it when it is
/// started again: nothing is lost, every item has one result, and what had its result is not asked again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_outlives_an_end_and_a_kill_and_loses_nothing() {
    let sandbox = Sandbox::start();
    let node = Node::beside(&sandbox, "killed", |_| ());
    let serving = node.start();
    let caller = Rest::at(&node.url, &sandbox, "commune");
    latency(&sandbox, Source::Tax, 100).await;
    let citizens = citizens(120);
    let asked = job(&citizens, "tax.personalId");
    let id = created(&caller, &asked).await;
    let before = until(&caller, &id, |job| count(job, "succeeded") >= 10).await;
    assert_eq!(state(&before), "RUNNING");
    assert!(serving.terminate(), "it did not end well");
    let before_end = questions(&sandbox, Source::Tax, &citizens).await;
    let serving = node.start();
    // What was asked when it was told to end has its result.
    let after = look(&caller, &id).await;
    assert!(
        count(&after, "succeeded") as usize >= before_end,
        "{before_end}: {after}"
    );
    let before = until(&caller, &id, |job| count(job, "succeeded") >= 60).await;
    drop(serving); // kill -9
    let serving = node.start();
    let after = look(&caller, &id).await;
    assert!(
        count(&after, "succeeded") >= count(&before, "succeeded"),
        "{after}"
    );
    // Nobody has to ask for it again; who does has the same job.
    assert_eq!(created(&caller, &asked).await, id);
    let done = until(&caller, &id, |job| state(job) == "SUCCEEDED").await;
    assert_eq!(count(&done, "succeeded"), 120, "{done}");
    let receipts = whole(&results(&caller, &id, 50).await, &citizens, "tax");
    let questions = questions(&sandbox, Source::Tax, &citizens).await;
    // What was asked when the gateway was killed, and had its answer a moment before, is asked twice.
    assert!((120..=140).contains(&questions), "{questions}");
    proven(&node, serving, &receipts);
}

/// Row P09: a job of 1,001 items is refused as too large, one of 1,000 is taken, and a body that is larger
/// than a job may be is not read; everything that is wrong with the items is told at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_has_a_thousand_items_at_most_and_is_checked_as_a_whole() {
    let sandbox = Sandbox::start();
    let caller = Rest::new(&sandbox, "commune");
    let mut refused = job(&citizens(1_001), "tax.status");
    let large = create(&caller, &refused).await;
    assert_eq!(large.status, 413, "{}", large.text);
    assert_eq!(large.json()["reason"], "PAYLOAD_TOO_LARGE");
    assert_eq!(large.json()["violations"][0]["field"], "items");
    let huge = create(&caller, &json!({"x": "y".repeat(513 << 10)})).await;
    assert_eq!(huge.status, 413, "{}", huge.text);
    refused["items"].as_array_mut().unwrap().truncate(3);
    refused["items"][1]["lookup"]["personalId"] = json!("12");
    refused["items"][2]["correlationId"] = json!("row-0");
    refused["readMask"] = json!("tax.nope");
    let wrong = create(&caller, &refused).await;
    assert_eq!(wrong.status, 400, "{}", wrong.text);
    let violations = wrong.json()["violations"].as_array().unwrap().clone();
    let fields: Vec<_> = violations
        .iter()
        .map(|it| it["field"].as_str().unwrap())
        .collect();
    let expected = [
        "readMask[0]",
        "items[1].lookup.personalId",
        "items[2].correlationId",
    ];
    assert_eq!(fields, expected);
    let taken = job(&citizens(1_000), "tax.status");
    let id = created(&caller, &taken).await;
    assert_eq!(count(&look(&caller, &id).await, "total"), 1_000);
    let cancel = format!("{JOBS}/{id}:cancel");
    let cancelled = caller.post(&cancel, "", &[]).await.unwrap();
    assert_eq!(state(&cancelled.json()["job"]), "CANCELLED");
}

/// What is under way at the agency is told nobody; then it is quiet. How often it was asked by then.
async fn goes_quiet(sandbox: &Sandbox, gateway: &Beside, told: usize) -> usize {
    let (metrics, begun) = (Metrics::at(&gateway.operations), Instant::now());
    while metrics.count("gateway_calls", "").await > 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "it goes on");
        sleep(Duration::from_millis(20)).await;
    }
    let asked = journal(sandbox, Source::Tax).await.len();
    assert!(asked <= told + 16, "it goes on after it was cancelled");
    asked
}

/// A job is its caller's alone; cancelled, it asks nobody any more, and its results stay until they
/// expire.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_its_callers_can_be_cancelled_and_expires() {
    let sandbox = Sandbox::start();
    let gateway = Beside::start(&sandbox, "expires", |config| {
        set(config, "evidence", "batch_results_s", 4);
    });
    let caller = gateway.caller(&sandbox, "commune");
    let stranger = gateway.caller(&sandbox, "tax");
    latency(&sandbox, Source::Tax, 100).await;
    let citizens = citizens(200);
    let asked = job(&citizens, "tax.personalId");
    let id = created(&caller, &asked).await;
    let mut other = asked.clone();
    other["items"].as_array_mut().unwrap().pop();
    let reused = create(&caller, &other).await.json();
    assert_eq!(reused["reason"], "REQUEST_ID_REUSED", "{reused}");
    until(&caller, &id, |job| count(job, "succeeded") >= 4).await;
    for path in ["", "/results"] {
        let hidden = stranger.get(&format!("{JOBS}/{id}{path}")).await.unwrap();
        assert_eq!(hidden.status, 404, "{}", hidden.text);
        assert_eq!(hidden.json()["reason"], "BATCH_JOB_NOT_FOUND");
    }
    let cancel = format!("{JOBS}/{id}:cancel");
    let hidden = stranger.post(&cancel, "", &[]).await.unwrap();
    assert_eq!(hidden.json()["reason"], "BATCH_JOB_NOT_FOUND");
    let cancelled = caller.post(&cancel, "", &[]).await.unwrap().json();
    let cancelled = &cancelled["job"];
    assert_eq!(state(cancelled), "CANCELLED", "{cancelled}");
    let kept = results(&caller, &id, 50).await;
    assert_eq!(
        kept.len() as u64,
        count(cancelled, "succeeded"),
        "{cancelled}"
    );
    assert!(kept.len() < 200, "it was over already");
    let asked = goes_quiet(&sandbox, &gateway, kept.len()).await;
    let begun = Instant::now();
    while caller.get(&format!("{JOBS}/{id}")).await.unwrap().status == 200 {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "it does not expire"
        );
        sleep(Duration::from_millis(100)).await;
    }
    let gone = caller.get(&format!("{JOBS}/{id}/results")).await.unwrap();
    assert_eq!(
        gone.json()["reason"],
        "BATCH_JOB_NOT_FOUND",
        "{}",
        gone.text
    );
    assert_eq!(journal(&sandbox, Source::Tax).await.len(), asked);
    let metrics = gateway.operator().get("/metrics").await.unwrap().text;
    let answered = r#"gateway_batch_items_total{end="answered"} "#;
    assert!(metrics.contains(answered), "{metrics}");
}
