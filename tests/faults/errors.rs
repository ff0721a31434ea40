//! Errors of an agency, and when it says to come again.

use std::time::Duration;

use exchange::{Clock as _, Source, SystemClock};
use serde_json::json;
use tests::row::{KNOWN, Row};
use tests::{Sandbox, everything, loop_until, question};

use crate::agencies::{knob, spoil};
use crate::bodies::record;
use crate::proxy::{Mode, Proxy};
use crate::scene::{configuration, guard, only_fails, reason, state, status, without_circuits};

/// What the agency says, the state and the reason that are told of it, and after which time to come
/// again. Only once that it is under maintenance: said twice that is believed, and it is not asked.
const SAYS: [(&str, &str, &str, Option<&str>); 7] = [
    (
        "500 Internal Server Error\r\n",
        "UNAVAILABLE",
        "SERVER_ERROR",
        None,
    ),
    (
        "502 Bad Gateway\r\nretry-after: 7\r\n",
        "UNAVAILABLE",
        "SERVER_ERROR",
        Some("7s"),
    ),
    (
        "503 Service Unavailable\r\nretry-after: 1000000000\r\n",
        "UNAVAILABLE",
        "MAINTENANCE",
        Some("3600s"),
    ),
    (
        "503 Service Unavailable\r\n",
        "UNAVAILABLE",
        "SERVER_ERROR",
        None,
    ),
    (
        "429 Too Many Requests\r\ndate: Mon, 30 Nov 2026 03:00:00 GMT\r\n\
         retry-after: Mon, 30 Nov 2026 03:00:20 GMT\r\n",
        "RATE_LIMITED",
        "",
        Some("20s"),
    ),
    (
        "429 Too Many Requests\r\nretry-after: soon\r\n",
        "RATE_LIMITED",
        "",
        None,
    ),
    (
        "429 Too Many Requests\r\nretry-after: 1000000000\r\n",
        "RATE_LIMITED",
        "",
        Some("3600s"),
    ),
];

/// Row U04: an error of the agency is told with the time to come again that it gives, within an hour; none is asked
/// for again at once, the seventh in a row opens the circuit, and from then on the agency is left alone.
#[tokio::test(flavor = "multi_thread")]
async fn errors_are_told_with_their_time_and_open_the_circuit() {
    let source = Source::Health;
    let sandbox = Sandbox::start();
    let line = Proxy::before(&configuration(&sandbox), source).await;
    let row = Row::begin(&sandbox, "errors", &[source], |config| {
        line.lead(config, source);
    })
    .await;
    let answer = row.caller.ask(KNOWN, 10).await.json();
    assert_eq!(state(&answer, source), "OK", "{answer}");

    for (place, (says, is, told, after)) in SAYS.into_iter().enumerate() {
        let questions = line.questions();
        let whole = format!("HTTP/1.1 {says}content-length: 4\r\nconnection: close\r\n\r\nlate");
        line.mode(Mode::Says(Box::leak(whole.into_boxed_str())));
        let answer = row.caller.ask(KNOWN, 10).await.json();
        assert_eq!(state(&answer, source), is, "{says}: {answer}");
        assert_eq!(reason(&answer, source), told, "{says}: {answer}");
        assert_eq!(
            status(&answer, source)["retryAfter"].as_str(),
            after,
            "{says}: {answer}"
        );
        only_fails(&answer, source);
        assert_eq!(line.questions(), questions + 1, "{says}: it is asked again");
        let failed = guard(&row.gateway, source).await["failuresInARow"].clone();
        assert_eq!(failed, place + 1, "the circuit counts {says}");
    }
    let seen = guard(&row.gateway, source).await;
    assert_eq!(
        (&seen["circuit"], &seen["opened"]),
        (&"open".into(), &1.into()),
        "{seen}"
    );
    // The last asked for 30 years, and is left alone for a minute.
    let next: jiff::Timestamp = seen["nextProbe"].as_str().unwrap().parse().unwrap();
    let left = next.duration_since(SystemClock.now()).as_secs();
    assert!((50..=60).contains(&left), "{seen}");

    let questions = line.questions();
    let answer = row.caller.ask(KNOWN, 10).await.json();
    assert_eq!(line.questions(), questions, "it is asked");
    assert_eq!(state(&answer, source), "CIRCUIT_OPEN", "{answer}");
    assert_eq!(status(&answer, source)["attempts"].as_u64().unwrap_or(0), 0);
    let again = status(&answer, source)["retryAfter"].as_str().unwrap();
    let again: f64 = again.trim_end_matches('s').parse().unwrap();
    assert!((50.0..=60.0).contains(&again), "{answer}");
    only_fails(&answer, source);
    let (opened, times) = ("the circuit to a source opens", seen["opened"].as_u64());
    loop_until(Duration::from_secs(10), || {
        let told = row.gateway.logged().matches(opened).count() as u64;
        (Some(told) == times).then_some(())
    });
    let metrics = row.gateway.operator().get("/metrics").await.unwrap().text;
    let series = "source_circuit{circuit=\"open\",source=\"health\"}";
    assert!(metrics.contains(series), "{metrics}");
    row.ends().await;
}

/// How a server says when to come again, and which time is told.
const AGAIN: [(&str, Option<&str>); 5] = [
    ("retry-after: 1\r\n", Some("1s")),
    (
        "date: Mon, 30 Nov 2026 03:00:00 GMT\r\nretry-after: Mon, 30 Nov 2026 03:00:20 GMT\r\n",
        Some("20s"),
    ),
    ("retry-after: 1000000000\r\n", Some("3600s")),
    ("retry-after: soon\r\n", None),
    ("retry-after: -1\r\n", None),
];
/// What a server says that fails, and what is told of it: one that says 503 and when to come again is closed.
const FAILS: [(&str, &str); 3] = [
    ("500 Internal Server Error", "SERVER_ERROR"),
    ("502 Bad Gateway", "SERVER_ERROR"),
    ("503 Service Unavailable", "MAINTENANCE"),
];

/// Row U04: an error says in any form when to come again, on the wires that a line in between can read: in seconds,
/// as a date, in 30 years or with garbage; it is told within an hour, and the agency is not asked again at once.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_says_in_any_form_when_to_come_again() {
    let sandbox = Sandbox::start();
    for source in [Source::Population, Source::Health] {
        let line = Proxy::before(&configuration(&sandbox), source).await;
        let node = format!("closed-{source}");
        let row = Row::begin(&sandbox, &node, &[source], |config| {
            line.lead(config, source);
            without_circuits(config);
        })
        .await;
        let all = FAILS
            .into_iter()
            .flat_map(|fails| AGAIN.map(|again| (fails, again)));
        for ((says, why), (form, after)) in all {
            let questions = line.questions();
            let whole = format!(
                "HTTP/1.1 {says}\r\n{form}content-length: 4\r\nconnection: close\r\n\r\nlate"
            );
            line.mode(Mode::Says(Box::leak(whole.into_boxed_str())));
            let answer = row.caller.ask(KNOWN, 10).await.json();
            let what = format!("{source} {says} {form}: {answer}");
            assert_eq!(state(&answer, source), "UNAVAILABLE", "{what}");
            assert_eq!(reason(&answer, source), why, "{what}");
            let told = &status(&answer, source)["retryAfter"];
            assert_eq!(told.as_str(), after, "{what}");
            only_fails(&answer, source);
            assert_eq!(line.questions(), questions + 1, "{form}: it is asked again");
            // What is said twice in a row is believed, and nobody asks.
            line.mode(Mode::Pass);
            let answer = row.caller.ask(KNOWN, 10).await.json();
            assert_eq!(state(&answer, source), "OK", "{source} {form}: {answer}");
        }
        row.ends().await;
    }
}

/// What each agency says that contradicts its status, and the state and reason that are told of it:
/// "too late" as an answer, "nobody" as a failure, an answer as "nothing there".
const CONTRADICTS: [(Source, [(&str, &str); 3]); 5] = [
    (
        Source::Population,
        [
            ("TIMEOUT", ""),
            ("UNAVAILABLE", "SERVER_ERROR"),
            ("INVALID_ANSWER", "STATUS"),
        ],
    ),
    (
        Source::Health,
        [
            ("INVALID_ANSWER", "STATUS_CODE"),
            ("UNAVAILABLE", "SERVER_ERROR"),
            ("INVALID_ANSWER", "STATUS"),
        ],
    ),
    (
        Source::CivilStatus,
        [
            ("UNAVAILABLE", "VENDOR_ERROR"),
            ("UNAVAILABLE", "SERVER_ERROR"),
            ("INVALID_ANSWER", "STATUS"),
        ],
    ),
    (
        Source::Tax,
        [
            ("INVALID_ANSWER", "WRONG_RECORD"),
            ("UNAVAILABLE", "SERVER_ERROR"),
            ("INVALID_ANSWER", "CONTRADICTION"),
        ],
    ),
    (
        Source::SocialSecurity,
        [
            ("INVALID_ANSWER", "WRONG_SUBJECT"),
            ("UNAVAILABLE", "SERVER_ERROR"),
            ("UNAVAILABLE", "SERVER_ERROR"),
        ],
    ),
];

/// Row U08: a timeout that is said as an answer, "nobody" that is said as a failure, and an answer under
/// a status for "nothing there" are failures of the source on every wire: nobody is told that there is
/// no such person, each question has its one record, and the next is answered as ever.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_contradicts_its_status_is_never_not_found() {
    let sandbox = Sandbox::start();
    let row = Row::begin(&sandbox, "contradicts", &[], |_| ()).await;
    for (turn, fault) in FAULTS.into_iter().enumerate() {
        for (source, told) in CONTRADICTS {
            let (is, why) = told[turn];
            spoil(&sandbox, source, fault, SUBJECT).await;
            let answer = row.caller.ask(SUBJECT, 10).await.json();
            let said = (state(&answer, source), reason(&answer, source));
            assert_eq!(said, (is, why), "{source} {fault}: {answer}");
            only_fails(&answer, source);
            let member = record(source);
            assert!(answer["citizen"][member].is_null(), "{source} {fault}");

            // Asked alone, it fails the call; that is not "there is no such person" either.
            let mask = everything();
            let own = mask.split(',').filter(|path| path.starts_with(member));
            let own = own.collect::<Vec<_>>().join(",");
            let alone = question(SUBJECT, "ONE_STOP_DESK", &own);
            let alone = row.caller.put(&alone, 10).await;
            assert_eq!(alone.status / 100, 5, "{source} {fault}: {}", alone.text);

            knob(&sandbox, source, &json!({})).await;
            // So often that the circuit sees most questions answered.
            for _ in 0..ANSWERED {
                let next = row.caller.ask(SUBJECT, 10).await.json();
                assert_eq!(state(&next, source), "OK", "after {source} {fault}");
            }
        }
    }
    row.ends().await;
}

/// As the knobs name them.
const FAULTS: [&str; 3] = [
    "timeout_as_answer",
    "not_found_as_failure",
    "answer_as_not_found",
];

/// How often the next question is asked.
const ANSWERED: usize = 3;

/// Nobody whose dossier is polled for.
const SUBJECT: &str = "999099001240";
