//! What a simulated agency does with its own wire in every phase of an answer: it falls silent, trickles
//! or breaks off, over HTTP/1, HTTP/2 and PostgreSQL alike.

use std::collections::BTreeSet;
use std::time::Duration;

use exchange::Source;
use serde_json::{Value, json};
use tests::row::{KNOWN, Row};
use tests::{Sandbox, loop_until, set};
use tokio::time::Instant;

use crate::agencies::{asked, connections, knob, spoil};
use crate::bodies::record;
use crate::scene::{only_fails, state, status, without_circuits};

/// How long a call to a source may take here.
const CAP: Duration = Duration::from_secs(1);

/// Nobody whose dossier is polled for.
const SUBJECT: &str = "999099001240";

/// A gateway of which one source fails.
struct Scene<'a> {
    sandbox: &'a Sandbox,
    row: Row,
    source: Source,
}

impl<'a> Scene<'a> {
    async fn of(sandbox: &'a Sandbox, source: Source) -> Self {
        let node = format!("phases-{}", source as u8);
        let row = Row::begin(sandbox, &node, &[source], |config| {
            without_circuits(config);
            let cap = i64::try_from(CAP.as_millis()).unwrap();
            set(config, &format!("agency.{source}"), "timeout_ms", cap);
        })
        .await;
        // A tenth of the questions pays for a retry.
        for _ in 0..10 {
            row.caller.ask(KNOWN, 10).await;
        }
        Self {
            sandbox,
            row,
            source,
        }
    }

    fn connections(&self) -> BTreeSet<u16> {
        connections(self.row.gateway.pid(), self.sandbox, self.source)
    }

    /// Asks about somebody of whom the source does that; the answer, how long it took, and how often the
    /// source was asked. The others have answered.
    async fn meets(&self, fault: &str) -> (Value, Duration, usize) {
        let (sandbox, source) = (self.sandbox, self.source);
        let before = asked(sandbox, source, SUBJECT).await;
        spoil(sandbox, source, fault, SUBJECT).await;
        let begun = Instant::now();
        let answer = self.row.caller.ask(SUBJECT, 10).await;
        let took = begun.elapsed();
        knob(sandbox, source, &json!({})).await;
        let asked = asked(sandbox, source, SUBJECT).await - before;
        assert_eq!(answer.status, 200, "{source} {fault}: {}", answer.text);
        let answer = answer.json();
        let found = state(&answer, source);
        println!("{source} {fault}: {found} in {took:?}, asked {asked} times");
        only_fails(&answer, source);
        (answer, took, asked)
    }

    /// Nothing of an answer that was none is used, and the next one is whole.
    async fn goes_on(&self, spoilt: &Value, fault: &str) {
        let member = record(self.source);
        assert!(spoilt["citizen"][member].is_null(), "{fault}: {spoilt}");
        let next = self.row.caller.ask(SUBJECT, 10).await.json();
        assert_eq!(state(&next, self.source), "OK", "after {fault}: {next}");
        assert!(next["citizen"][member].is_object(), "after {fault}: {next}");
    }
}

/// Row U02: an agency that takes the question and says nothing, says the head of an answer and no more,
/// or a byte of it a second, is a timeout at its cap on every wire. It was asked once; its connection is
/// used no more, or its stream where many share one.
#[tokio::test(flavor = "multi_thread")]
async fn silence_in_any_phase_is_a_timeout_at_the_cap_on_every_wire() {
    let sandbox = Sandbox::start();
    for source in Source::ALL {
        let scene = Scene::of(&sandbox, source).await;
        for fault in ["hang", "hang_after_head", "drip"] {
            let before = scene.connections();
            let (answer, took, asked) = scene.meets(fault).await;
            assert_eq!(state(&answer, source), "TIMEOUT", "{fault}: {answer}");
            assert!(
                took >= CAP && took < CAP * 5 / 2,
                "{source} {fault}: {took:?}"
            );
            assert_eq!(asked, 1, "{source} {fault}");
            // The register that speaks HTTP/2 has many questions on one connection.
            if source != Source::Tax {
                loop_until(Duration::from_secs(10), || {
                    (!scene.connections().is_superset(&before)).then_some(())
                });
            }
            scene.goes_on(&answer, fault).await;
        }
        scene.row.ends().await;
    }
}

/// Row U03: an answer that breaks off behind its head or within its body is none on any wire, nothing of
/// it is used, and it is not asked for again; one that had not begun is asked for once more.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_in_any_phase_is_none_on_every_wire() {
    let sandbox = Sandbox::start();
    for source in Source::ALL {
        let scene = Scene::of(&sandbox, source).await;
        for (fault, questions) in [
            ("reset_before_head", 2),
            ("reset_after_head", 1),
            ("reset_mid_body", 1),
        ] {
            let (answer, _, asked) = scene.meets(fault).await;
            let states = ["UNAVAILABLE", "INVALID_ANSWER"];
            let found = state(&answer, source);
            assert!(states.contains(&found), "{source} {fault}: {answer}");
            assert_eq!(asked, questions, "{source} {fault}");
            let attempts = &status(&answer, source)["attempts"];
            assert_eq!(attempts, questions, "{source} {fault}: {answer}");
            scene.goes_on(&answer, fault).await;
        }
        scene.row.ends().await;
    }
}

/// Row U03: an answer that was whole before the line broke is an answer, where the wire says what is
/// whole; where the end is still to come, it is none, and is not asked for again.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_breaks_behind_the_body_costs_nothing_that_was_whole() {
    let sandbox = Sandbox::start();
    for source in Source::ALL {
        let scene = Scene::of(&sandbox, source).await;
        let (answer, _, asked) = scene.meets("reset_after_body").await;
        assert_eq!(asked, 1, "{source}: {answer}");
        let ends_later = matches!(source, Source::Tax | Source::SocialSecurity);
        if ends_later {
            let states = ["UNAVAILABLE", "INVALID_ANSWER"];
            let found = state(&answer, source);
            assert!(states.contains(&found), "{source}: {answer}");
            assert_eq!(status(&answer, source)["attempts"], 1, "{source}: {answer}");
            scene.goes_on(&answer, "reset_after_body").await;
        } else {
            assert_eq!(state(&answer, source), "OK", "{answer}");
        }
        scene.row.ends().await;
    }
}
