//! Answers about somebody else: nothing of them leaves, and the connection they came on is not
//! trusted again.

use std::time::Duration;

use exchange::Source;
use serde_json::{Value, json};
use tests::row::{KNOWN, Row};
use tests::vitals::Metrics;
use tests::{Sandbox, loop_until, records_of, set};
use tokio::time::Instant;

use crate::agencies::{asked, connections, knob, offered, spoil};
use crate::bodies::record;
use crate::proxy::{Mode, Proxy};
use crate::scene::{configuration, only_fails, state, status};

/// How often somebody was woken since a source answered about another person.
fn woken(row: &Row, source: Source) -> u64 {
    let logged = row.gateway.logged();
    let lines = logged.lines().filter(|line| {
        let said = [r#""ERROR""#, "a source answered about another person"];
        said.iter().all(|it| line.contains(it)) && line.contains(source.name())
    });
    lines.count() as u64
}

/// Row U07: an answer about another person, or to another question, discloses nothing, wakes somebody
/// and costs the connection it came on.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_somebody_else_discloses_nothing_and_ends_its_connection() {
    let sandbox = Sandbox::start();
    for source in Source::ALL {
        let node = format!("stranger-{}", source as u8);
        let row = Row::begin(&sandbox, &node, &[source], |_| ()).await;
        let (caller, metrics) = (&row.caller, Metrics::at(&row.gateway.operations));
        let can = offered(&sandbox, source).await;
        for fault in ["wrong_person", "wrong_request"] {
            if !can.iter().any(|it| it == fault) {
                continue;
            }
            let label = format!("source=\"{source}\"");
            let alerts = metrics.count("gateway_wrong_subject_total", &label).await;
            assert_eq!(caller.ask(KNOWN, 4).await.status, 200);
            let before = connections(row.gateway.pid(), &sandbox, source);
            assert!(!before.is_empty(), "{source}");
            spoil(&sandbox, source, fault, "999099001001").await;
            let answer = caller.ask("999099001001", 4).await;
            let json = answer.json();
            assert_eq!(
                state(&json, source),
                "INVALID_ANSWER",
                "{source} {fault}: {json}"
            );
            only_fails(&json, source);
            assert!(
                json["citizen"][record(source)].is_null(),
                "{source} {fault}: {json}"
            );
            println!("{source} {fault}: {}", status(&json, source)["reason"]);
            loop_until(Duration::from_secs(10), || {
                let left = connections(row.gateway.pid(), &sandbox, source);
                left.is_disjoint(&before).then_some(())
            });
            let more = metrics.count("gateway_wrong_subject_total", &label).await;
            assert_eq!(more, alerts + 1, "{source} {fault}");
            loop_until(Duration::from_secs(10), || {
                (woken(&row, source) == more).then_some(())
            });
            knob(&sandbox, source, &json!({})).await;
            let again = caller.ask(KNOWN, 4).await.json();
            assert_eq!(
                state(&again, source),
                "OK",
                "{source} after {fault}: {again}"
            );
        }
        row.ends().await;
    }
}

/// What the one record of an answered question says of a source.
fn record_of(row: &Row, answer: &Value, source: Source) -> Value {
    let id = answer["requestId"].as_str().unwrap();
    let records = records_of(row.gateway.log(), id);
    let [(_, record)] = records.as_slice() else {
        panic!("{id} has not one record: {records:?}");
    };
    let mut sources = record["src"].as_array().unwrap().iter();
    let name = source.name().to_uppercase();
    sources.find(|it| it["s"] == *name).unwrap().clone()
}

/// After so long the last late answer would have come: two seconds, and what a busy machine adds.
const LATE: Duration = Duration::from_millis(2_500);

/// Row U15: an answer that comes when its question is over is dropped: the record says that none came
/// in time, no second one is made, and the next question gets its own answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_too_late_is_dropped() {
    let sandbox = Sandbox::start();
    let row = Row::begin(&sandbox, "late", &[], |config| {
        for source in Source::ALL {
            set(config, &format!("agency.{source}"), "timeout_ms", 1_500);
        }
    })
    .await;
    let (late, next) = ("999099001002", "999099001003");
    for source in Source::ALL {
        spoil(&sandbox, source, "slow", late).await;
        let begun = Instant::now();
        let answer = row.caller.ask(late, 10).await.json();
        assert_eq!(state(&answer, source), "TIMEOUT", "{source}: {answer}");
        only_fails(&answer, source);
        // While the late one is on its way, and after.
        while begun.elapsed() < LATE {
            let own = row.caller.ask(next, 4).await.json();
            assert_eq!(state(&own, source), "OK", "{source}: {own}");
            let member = &own["citizen"][record(source)];
            assert_eq!(member["personalId"], next, "{source}: {own}");
        }
        assert_eq!(record_of(&row, &answer, source)["st"], "TIMEOUT");
        assert!(record_of(&row, &answer, source)["f"].is_null());
        assert_eq!(
            asked(&sandbox, source, late).await,
            source as usize,
            "{source}"
        );
        knob(&sandbox, source, &json!({})).await;
    }
    row.ends().await;
}

/// Row U15: an answer that comes twice, at once or while nobody asks, is heard once: the next question
/// gets its own answer, over another connection, and each has its one record.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_twice_is_heard_once() {
    let sandbox = Sandbox::start();
    // The wires that a line in between can read.
    for source in [Source::Population, Source::Health, Source::SocialSecurity] {
        let line = Proxy::before(&configuration(&sandbox), source).await;
        let name = format!("twice-{}", source as u8);
        let row = Row::begin(&sandbox, &name, &[source], |config| {
            line.lead(config, source);
        })
        .await;
        for (turn, later) in [0, 50].map(Duration::from_millis).into_iter().enumerate() {
            let [first, next] = [1, 2].map(|it| format!("99909900{}{turn}{it}", 12 + source as u8));
            assert_eq!(row.caller.ask(KNOWN, 10).await.status, 200);
            line.mode(Mode::Twice(later));
            let left = line.left();
            let answer = row.caller.ask(&first, 10).await.json();
            assert_eq!(state(&answer, source), "OK", "{source} {later:?}: {answer}");
            loop_until(Duration::from_secs(20), || {
                (line.left() > left).then_some(())
            });
            line.mode(Mode::Pass);
            let connections = line.connections();
            let answer = row.caller.ask(&next, 10).await.json();
            assert_eq!(state(&answer, source), "OK", "{source} {later:?}: {answer}");
            let member = &answer["citizen"][record(source)];
            assert_eq!(member["personalId"], next, "{source} {later:?}");
            assert_eq!(line.connections(), connections + 1, "{source} {later:?}");
            for id in [&first, &next] {
                assert_eq!(asked(&sandbox, source, id).await, 1, "{source} {later:?}");
            }
        }
        row.ends().await;
    }
}

/// Row U07: an answer that belongs to the question before on its connection discloses nothing, and the
/// connection is not used again: the next question gets its own answer over another.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_the_question_before_discloses_nothing() {
    let sandbox = Sandbox::start();
    // The wires that a line in between can read, question by question.
    for source in [Source::Population, Source::Health] {
        let line = Proxy::before(&configuration(&sandbox), source).await;
        let name = format!("before-{}", source as u8);
        let row = Row::begin(&sandbox, &name, &[source], |config| {
            line.lead(config, source);
        })
        .await;
        let first = row.caller.ask(SIMPLE, 10).await.json();
        assert_eq!(state(&first, source), "OK", "{source}: {first}");
        line.mode(Mode::Before);
        let connections = line.connections();
        let answer = row.caller.ask(ANOTHER, 10).await.json();
        assert_eq!(
            state(&answer, source),
            "INVALID_ANSWER",
            "{source}: {answer}"
        );
        assert!(
            answer["citizen"][record(source)].is_null(),
            "{source}: {answer}"
        );
        assert!(!answer.to_string().contains(SIMPLE), "{source}: {answer}");
        only_fails(&answer, source);
        assert_eq!(line.connections(), connections, "{source}: the one at hand");
        line.mode(Mode::Pass);
        let next = row.caller.ask(ANOTHER, 10).await.json();
        assert_eq!(state(&next, source), "OK", "{source}: {next}");
        let member = &next["citizen"][record(source)];
        assert_eq!(member["personalId"], ANOTHER, "{source}: {next}");
        assert_eq!(line.connections(), connections + 1, "{source}");
        row.ends().await;
    }
}

/// Nobody whose dossier is polled for.
const SIMPLE: &str = "999099001240";
const ANOTHER: &str = "999099001005";
