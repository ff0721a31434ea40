//! Callers with less time than a source takes.

use exchange::Source;
use tests::row::Row;
use tests::{Sandbox, field_of, question, set};

use crate::agencies::asked;
use crate::scene::{latency, only_fails, reason, state, status};

/// Longer than a caller in a hurry has.
const TAKES_MS: u64 = 3_000;
const HURRY_S: u32 = 2;

/// A source that usually takes longer than there is time is not asked: it is told at once that it was
/// skipped and why, the others answer, and whoever has the time is answered by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_would_come_too_late_is_not_asked() {
    let sandbox = Sandbox::start();
    for source in [Source::Population, Source::Tax] {
        latency(&sandbox, source, TAKES_MS).await;
        let node = format!("hurry-{}", source as u8);
        let row = Row::begin(&sandbox, &node, &[source], |config| {
            set(config, &format!("agency.{source}"), "timeout_ms", 9_000);
        })
        .await;
        let before = asked(&sandbox, source, SUBJECT).await;
        for _ in 0..3 {
            let answer = row.caller.ask(SUBJECT, HURRY_S).await.json();
            assert_eq!(state(&answer, source), "SKIPPED", "{answer}");
            assert_eq!(reason(&answer, source), "NO_TIME", "{answer}");
            assert!(status(&answer, source)["attempts"].is_null(), "{answer}");
            only_fails(&answer, source);
        }
        // Asked for alone, there is nothing to wait for.
        let alone = question(SUBJECT, "ONE_STOP_DESK", field_of(source));
        let failed = row.caller.put(&alone, HURRY_S).await;
        assert_eq!(failed.status, 503, "{}", failed.text);
        assert_eq!(asked(&sandbox, source, SUBJECT).await, before, "{source}");

        let patient = row.caller.ask(SUBJECT, 10).await.json();
        assert_eq!(state(&patient, source), "OK", "{source}: {patient}");
        assert_eq!(
            asked(&sandbox, source, SUBJECT).await,
            before + 1,
            "{source}"
        );
        row.ends().await;
        latency(&sandbox, source, 0).await;
    }
}

/// Nobody whose dossier is polled for.
const SUBJECT: &str = "999099001240";
