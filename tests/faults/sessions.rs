//! Sessions that end by themselves: the caller never notices.

use exchange::Source;
use serde_json::json;
use tests::Sandbox;
use tests::bad_day::{Citizens, busy};
use tokio::task::JoinSet;

use crate::agencies::{asked, knob, logins, offered};
use crate::row::{KNOWN, Row};
use crate::scene::{state, status};

/// How many ask at once while the session ends.
const AT_ONCE: u32 = 10;

/// Row U05: however an agency says that the session is over, it is renewed once for all who wait, the
/// question is asked once again, and no caller notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_is_renewed_once_and_nobody_notices() {
    let sandbox = Sandbox::start();
    let mut citizens = Citizens::new(0);
    for source in Source::ALL {
        let node = format!("session-{}", source as u8);
        let row = Row::begin(&sandbox, &node, &[source], |config| {
            busy(&sandbox, config);
        })
        .await;
        let can = offered(&sandbox, source).await;
        for fault in [
            "session_expired",
            "login_page",
            "login_redirect",
            "unauthorized",
        ] {
            if !can.iter().any(|it| it == fault) {
                continue;
            }
            let subjects: Vec<String> = (0..AT_ONCE).map(|_| at_once(&mut citizens)).collect();
            // There is a session, and all questions come while it holds: none is answered before
            // all have been asked.
            assert_eq!(row.caller.ask(KNOWN, 4).await.status, 200);
            let before = logins(&sandbox, source).await;
            let slowly = json!({"faults": [{"fault": fault}], "latency": {"fixed": {"ms": 700}}});
            knob(&sandbox, source, &slowly).await;
            let mut questions = JoinSet::new();
            for subject in subjects.clone() {
                let caller = row.caller.clone();
                questions.spawn(async move { (caller.ask(&subject, 8).await, subject) });
            }
            while let Some(asked) = questions.join_next().await {
                let (answer, subject) = asked.unwrap();
                assert_eq!(answer.status, 200, "{source} {fault}: {}", answer.text);
                let json = answer.json();
                let text = &answer.text;
                assert_eq!(
                    state(&json, source),
                    "OK",
                    "{source} {fault} {subject}: {text}"
                );
                assert_eq!(
                    status(&json, source)["attempts"],
                    2,
                    "{source} {fault}: {text}"
                );
            }
            knob(&sandbox, source, &json!({})).await;
            for subject in &subjects {
                assert_eq!(
                    asked(&sandbox, source, subject).await,
                    2,
                    "{source} {fault}"
                );
            }
            let renewed = logins(&sandbox, source).await - before;
            let has_logins = !matches!(source, Source::Tax | Source::SocialSecurity);
            assert_eq!(renewed, usize::from(has_logins), "{source} {fault}");
        }
        row.ends().await;
    }
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
