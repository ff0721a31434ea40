//! Agencies that fall silent, trickle, or break off.

use std::time::Duration;

use exchange::Source;
use serde_json::Value;
use tests::row::{KNOWN, Row};
use tests::{Sandbox, set};
use tokio::time::Instant;

use crate::proxy::{Mode, Proxy};
use crate::scene::{configuration, only_fails, state, status};

/// The sources that speak HTTP/1 without TLS on this machine.
const PLAIN: [Source; 2] = [Source::Population, Source::Health];

/// Those that do not.
const OTHERS: [Source; 3] = [Source::CivilStatus, Source::Tax, Source::SocialSecurity];

/// Well before a ping that is due by the clock tells, which may be half a minute.
const SOON: Duration = Duration::from_secs(10);

/// How long a call to a source may take here.
const CAP_MS: i64 = 1_500;

/// A gateway that reaches these sources over lines of ours.
struct Scene {
    _sandbox: Sandbox,
    row: Row,
    lines: Vec<(Source, Proxy)>,
}

impl Scene {
    async fn of(sources: &[Source]) -> Self {
        let sandbox = Sandbox::start();
        let config = configuration(&sandbox);
        let mut lines = Vec::new();
        for source in sources {
            lines.push((*source, Proxy::before(&config, *source).await));
        }
        let row = Row::begin(&sandbox, "silence", sources, |config| {
            for (source, line) in &lines {
                line.lead(config, *source);
                let stanza = format!("agency.{source}");
                set(config, &stanza, "timeout_ms", CAP_MS);
                let guard = format!("{stanza}.guard");
                // Each fault is met once by each source; the circuit is another matter.
                set(config, &guard, "failures_in_a_row", 1_000);
                set(config, &guard, "min_success_percent", 0);
            }
        })
        .await;
        let this = Self {
            row,
            _sandbox: sandbox,
            lines,
        };
        this.all_answer().await;
        this
    }

    async fn answer(&self) -> Value {
        self.row.caller.ask(KNOWN, 10).await.json()
    }

    async fn all_answer(&self) {
        let answer = self.answer().await;
        for source in Source::ALL {
            assert_eq!(state(&answer, source), "OK", "{source}: {answer}");
        }
    }

    /// Asks while a line spoils answers, and lets it pass again.
    async fn spoilt(&self, line: &Proxy, mode: Mode) -> (Value, Duration) {
        line.mode(mode);
        let begun = Instant::now();
        let answer = self.row.caller.ask(KNOWN, 10).await;
        let took = begun.elapsed();
        line.mode(Mode::Pass);
        assert_eq!(answer.status, 200, "{mode:?}: {}", answer.text);
        (answer.json(), took)
    }
}

fn cap() -> Duration {
    Duration::from_millis(CAP_MS.unsigned_abs())
}

/// Row U02: an agency that takes the question and says nothing, no more than a head, or a byte a
/// second, is a timeout at its cap; the others answer, and its connection is used no more.
#[tokio::test(flavor = "multi_thread")]
async fn an_agency_that_falls_silent_is_a_timeout_at_its_cap() {
    let scene = Scene::of(&PLAIN).await;
    for (source, line) in &scene.lines {
        for mode in [Mode::Silence, Mode::HeadThenSilence, Mode::Trickle] {
            let (connections, questions) = (line.connections(), line.questions());
            let (answer, took) = scene.spoilt(line, mode).await;
            assert_eq!(state(&answer, *source), "TIMEOUT", "{mode:?}: {answer}");
            only_fails(&answer, *source);
            println!("{source} {mode:?}: TIMEOUT after {took:?}");
            assert!(
                took >= cap() && took < cap() * 2,
                "{source} {mode:?}: {took:?}"
            );
            assert_eq!(
                line.questions(),
                questions + 1,
                "{source} {mode:?}: asked twice"
            );
            scene.all_answer().await;
            assert!(
                line.connections() > connections,
                "{source} {mode:?}: the silent connection is used again"
            );
        }
    }
    scene.row.ends().await;
}

/// Row U02: the same on the wires that are not HTTP/1 in the clear; the line stays silent, and its
/// connection is left soon, though HTTP/2 has many calls on one.
#[tokio::test(flavor = "multi_thread")]
async fn silence_on_the_other_wires_is_a_timeout_too() {
    let scene = Scene::of(&OTHERS).await;
    for (source, line) in &scene.lines {
        let connections = line.connections();
        line.mode(Mode::Silence);
        let begun = Instant::now();
        let answer = scene.answer().await;
        let took = begun.elapsed();
        assert_eq!(state(&answer, *source), "TIMEOUT", "{answer}");
        only_fails(&answer, *source);
        println!("{source}: TIMEOUT after {took:?}");
        assert!(took >= cap() && took < cap() * 2, "{source}: {took:?}");
        while line.connections() == connections {
            let silent = begun.elapsed();
            assert!(silent < SOON, "{source}: used on after {silent:?}");
            let asked = Instant::now();
            let answer = scene.answer().await;
            let (took, found) = (asked.elapsed(), state(&answer, *source));
            let states = ["TIMEOUT", "UNAVAILABLE", "CIRCUIT_OPEN"];
            assert!(states.contains(&found), "{source}: {answer}");
            assert!(took < cap() * 2, "{source}: {found} after {took:?}");
            only_fails(&answer, *source);
        }
        line.mode(Mode::Pass);
        // What was opened in silence is of no use either.
        while state(&scene.answer().await, *source) != "OK" {
            assert!(begun.elapsed() < SOON * 2, "{source} does not recover");
        }
    }
    scene.row.ends().await;
}

/// Row U03: an answer that breaks off is none, and is not asked for again once it had begun; one
/// that is whole before the line breaks is an answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_is_none_and_not_asked_for_again() {
    let scene = Scene::of(&PLAIN).await;
    for (source, line) in &scene.lines {
        for mode in [Mode::ResetAfterHead, Mode::ResetInBody] {
            let questions = line.questions();
            let (answer, _) = scene.spoilt(line, mode).await;
            let found = state(&answer, *source);
            let expected = ["UNAVAILABLE", "INVALID_ANSWER"];
            assert!(expected.contains(&found), "{mode:?}: {answer}");
            only_fails(&answer, *source);
            assert!(part(&answer, *source).is_null(), "{mode:?}: {answer}");
            assert_eq!(
                line.questions(),
                questions + 1,
                "{source} {mode:?}: asked twice"
            );
            assert_eq!(status(&answer, *source)["attempts"], 1, "{answer}");
            scene.all_answer().await;
        }
        let (answer, _) = scene.spoilt(line, Mode::ResetAfterBody).await;
        assert_eq!(state(&answer, *source), "OK", "{answer}");
        scene.all_answer().await;
    }
    scene.row.ends().await;
}

/// Row U03: a line that breaks before any answer is asked over once again, on another connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_breaks_before_an_answer_is_asked_over_once_again() {
    let scene = Scene::of(&[Source::Health]).await;
    let (source, line) = &scene.lines[0];
    // Ten questions pay for a retry, however young the gateway is.
    for _ in 0..10 {
        scene.all_answer().await;
    }
    let questions = line.questions();
    let (answer, _) = scene.spoilt(line, Mode::Reset).await;
    assert_eq!(state(&answer, *source), "UNAVAILABLE", "{answer}");
    only_fails(&answer, *source);
    assert_eq!(line.questions(), questions + 2, "once, and once again");
    assert_eq!(status(&answer, *source)["attempts"], 2, "{answer}");
    scene.all_answer().await;
    scene.row.ends().await;
}

/// The part of a source in an answer.
fn part(answer: &Value, source: Source) -> &Value {
    &answer["citizen"][source.name()]
}
