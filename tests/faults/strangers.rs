//! Answers about somebody else: nothing of them leaves, and the connection they came on is not
//! trusted again.

use std::time::Duration;

use exchange::Source;
use serde_json::json;
use tests::vitals::{Metrics, records};
use tests::{Beside, Rest, Sandbox, loop_until};

use crate::agencies::{asked, connections, knob, offered, spoil};
use crate::bodies::record;
use crate::proxy::{Mode, Proxy};
use crate::scene::{ask, configuration, only_fails, state, status};

/// Row U07: an answer about another person, or to another question, discloses nothing, raises an alert
/// and costs the connection it came on.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_somebody_else_discloses_nothing_and_ends_its_connection() {
    let sandbox = Sandbox::start();
    let caller = Rest::new(&sandbox, "commune");
    let metrics = Metrics::of(&sandbox);
    for source in Source::ALL {
        let can = offered(&sandbox, source).await;
        for fault in ["wrong_person", "wrong_request"] {
            if !can.iter().any(|it| it == fault) {
                continue;
            }
            let label = format!("source=\"{source}\"");
            let alerts = metrics.count("gateway_wrong_subject_total", &label).await;
            assert_eq!(ask(&caller, "999099000001", 4).await.status, 200);
            let before = connections(&sandbox, source);
            assert!(!before.is_empty(), "{source}");
            spoil(&sandbox, source, fault, "999099001001").await;
            let answer = ask(&caller, "999099001001", 4).await;
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
                let left = connections(&sandbox, source);
                left.is_disjoint(&before).then_some(())
            });
            let more = metrics.count("gateway_wrong_subject_total", &label).await;
            assert_eq!(more, alerts + 1, "{source} {fault}");
            assert!(
                sandbox
                    .logged()
                    .contains("a source answered about another person")
            );
            knob(&sandbox, source, &json!({})).await;
            let again = ask(&caller, "999099000001", 4).await.json();
            assert_eq!(
                state(&again, source),
                "OK",
                "{source} after {fault}: {again}"
            );
        }
    }
}

/// Row U15: an answer that comes when its question is over is dropped: the record says that none came
/// in time, no second one is made, and the next question gets its own answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_too_late_is_dropped() {
    let sandbox = Sandbox::start();
    let caller = Rest::new(&sandbox, "commune");
    let (late, next) = ("999099001002", "999099001003");
    for source in Source::ALL {
        spoil(&sandbox, source, "slow", late).await;
        let answer = ask(&caller, late, 1).await.json();
        assert_eq!(state(&answer, source), "TIMEOUT", "{source}: {answer}");
        only_fails(&answer, source);
        let made = records(&sandbox, "ACCESS");
        // While the late one is on its way, and after.
        for _ in 0..3 {
            let own = ask(&caller, next, 4).await.json();
            assert_eq!(state(&own, source), "OK", "{source}: {own}");
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        assert_eq!(records(&sandbox, "ACCESS"), made + 3, "{source}");
        assert_eq!(
            asked(&sandbox, source, late).await,
            source as usize,
            "{source}"
        );
        knob(&sandbox, source, &json!({})).await;
    }
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
        let gateway = Beside::start(&sandbox, &name, |config| line.lead(config, source));
        let caller = gateway.caller(&sandbox, "commune");
        for (turn, later) in [0, 50].map(Duration::from_millis).into_iter().enumerate() {
            let [first, next] = [1, 2].map(|it| format!("99909900{}{turn}{it}", 12 + source as u8));
            assert_eq!(ask(&caller, "999099000001", 10).await.status, 200);
            line.mode(Mode::Twice(later));
            let left = line.left();
            let answer = ask(&caller, &first, 10).await.json();
            assert_eq!(state(&answer, source), "OK", "{source} {later:?}: {answer}");
            loop_until(Duration::from_secs(20), || {
                (line.left() > left).then_some(())
            });
            line.mode(Mode::Pass);
            let connections = line.connections();
            let answer = ask(&caller, &next, 10).await.json();
            assert_eq!(state(&answer, source), "OK", "{source} {later:?}: {answer}");
            let member = &answer["citizen"][record(source)];
            assert_eq!(member["personalId"], next, "{source} {later:?}");
            assert_eq!(line.connections(), connections + 1, "{source} {later:?}");
            for id in [&first, &next] {
                assert_eq!(asked(&sandbox, source, id).await, 1, "{source} {later:?}");
            }
        }
    }
}
