//! Sessions that end by themselves: the caller never notices.

use exchange::Source;
use serde_json::{Value, json};
use tests::Sandbox;
use tests::bad_day::{Citizens, busy};
use tests::row::{Caller, KNOWN, Row};
use tokio::task::JoinSet;

use crate::agencies::{asked, knob, logins, offered};
use crate::scene::{state, status};

/// The ways in which a session ends.
const ENDS: [&str; 4] = [
    "session_expired",
    "login_page",
    "login_redirect",
    "unauthorized",
];

/// How many ask at once while the session ends.
const AT_ONCE: u32 = 10;

/// Row U05: however an agency says that the session is over, it is renewed once for all who wait, the
/// question is asked once again, and no caller notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_is_renewed_once_and_nobody_notices() {
    are_renewed(&[Source::Population, Source::Health]).await;
}

/// Row U05: the same with a token of a dossier's desk, and on the wires that have no login of their own.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_or_a_connection_that_ends_is_renewed_once_and_nobody_notices() {
    are_renewed(&[Source::CivilStatus, Source::Tax, Source::SocialSecurity]).await;
}

async fn are_renewed(sources: &[Source]) {
    let sandbox = Sandbox::start();
    let mut citizens = Citizens::new(0);
    for source in sources.iter().copied() {
        let node = format!("session-{}", source as u8);
        let row = Row::begin(&sandbox, &node, &[source], |config| {
            busy(&sandbox, config);
        })
        .await;
        let can = offered(&sandbox, source).await;
        for fault in ENDS
            .iter()
            .filter(|fault| can.iter().any(|it| it == *fault))
        {
            let subjects: Vec<String> = (0..AT_ONCE).map(|_| at_once(&mut citizens)).collect();
            is_renewed(&sandbox, &row, source, fault, &subjects).await;
        }
        row.ends().await;
    }
}

/// All ask at once while a session ends, and all are answered after one login.
async fn is_renewed(
    sandbox: &Sandbox,
    row: &Row,
    source: Source,
    fault: &str,
    subjects: &[String],
) {
    // There is a session, and all questions come while it holds: none is answered before all have
    // been asked.
    assert_eq!(row.caller.ask(KNOWN, 4).await.status, 200);
    let before = logins(sandbox, source).await;
    let slowly = json!({"faults": [{"fault": fault}], "latency": {"fixed": {"ms": 700}}});
    knob(sandbox, source, &slowly).await;
    for answer in all_ask(&row.caller, subjects).await {
        let found = (state(&answer, source), &status(&answer, source)["attempts"]);
        assert_eq!(found, ("OK", &json!(2)), "{source} {fault}: {answer}");
    }
    knob(sandbox, source, &json!({})).await;
    let mut times = Vec::new();
    for subject in subjects {
        times.push(asked(sandbox, source, subject).await);
    }
    assert!(
        times.iter().all(|it| *it == 2),
        "{source} {fault}: {times:?}"
    );
    let renewed = logins(sandbox, source).await - before;
    let has_logins = !matches!(source, Source::Tax | Source::SocialSecurity);
    assert_eq!(renewed, usize::from(has_logins), "{source} {fault}");
}

/// The answers to questions that are asked at once.
async fn all_ask(caller: &Caller, subjects: &[String]) -> Vec<Value> {
    let mut questions = JoinSet::new();
    for subject in subjects {
        let (caller, subject) = (caller.clone(), subject.clone());
        questions.spawn(async move { caller.ask(&subject, 8).await });
    }
    let answers = questions.join_all().await.into_iter();
    answers.map(|answer| answer.json()).collect()
}

/// Somebody whose dossier is not polled for: with every answer this late, a poll more is too late.
fn at_once(citizens: &mut Citizens) -> String {
    loop {
        let (number, _) = citizens.next();
        if number.parse::<u64>().unwrap() % 4 != 3 {
            return number;
        }
    }
}
