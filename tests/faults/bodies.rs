//! Answers that are none: what they hold is not used, not kept, and not logged.

use exchange::Source;
use serde_json::json;
use sim::World;
use tests::Sandbox;
use tests::row::{KNOWN, Row};

use crate::agencies::{knob, offered, spoil};
use crate::scene::{only_fails, state, status, without_circuits};

/// Nobody whose name is without a letter that only Vietnamese has.
const SUBJECT: &str = "999099001234";

/// Row U06: half an answer, 50 MiB, a packed one that is far more, letters of before Unicode, another
/// type than agreed: an invalid answer, of which nothing is used, kept or logged.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_none_is_invalid_and_nothing_of_it_is_used() {
    let sandbox = Sandbox::start();
    let row = Row::begin(&sandbox, "bodies", &[], without_circuits).await;
    let person = World::new(1).person(&exchange::CitizenId::from_agency(SUBJECT).unwrap());
    let name = person.unwrap().name.full();
    assert!(!name.is_ascii(), "{name}");
    for source in Source::ALL {
        let can = offered(&sandbox, source).await;
        for fault in [
            "garbage",
            "truncated",
            "oversize",
            "bomb",
            "tcvn3",
            "vni",
            "wrong_content_type",
        ] {
            if !can.iter().any(|it| it == fault) {
                continue;
            }
            spoil(&sandbox, source, fault, SUBJECT).await;
            let answer = row.caller.ask(SUBJECT, 4).await;
            assert_eq!(answer.status, 200, "{source} {fault}: {}", answer.text);
            let json = answer.json();
            // Half a row and the end of the connection is no more than a line that dropped.
            let expected = match (source, fault) {
                (Source::SocialSecurity, "truncated") => "UNAVAILABLE",
                _ => "INVALID_ANSWER",
            };
            assert_eq!(
                state(&json, source),
                expected,
                "{source} {fault}: {}",
                status(&json, source)
            );
            only_fails(&json, source);
            assert!(
                json["citizen"][record(source)].is_null(),
                "{source} {fault}: {json}"
            );
            println!("{source} {fault}: {}", status(&json, source)["reason"]);
            // Another person is answered meanwhile, over a connection that is none the worse.
            let other = row.caller.ask(KNOWN, 4).await.json();
            assert_eq!(
                state(&other, source),
                "OK",
                "{source} after {fault}: {other}"
            );
        }
        knob(&sandbox, source, &json!({})).await;
    }
    row.gateway.logs("INVALID_ANSWER");
    row.ends().await;
}

/// The member of an answer that holds what a source says.
pub(crate) const fn record(source: Source) -> &'static str {
    match source {
        Source::Population => "population",
        Source::Health => "health",
        Source::CivilStatus => "civilStatus",
        Source::Tax => "tax",
        Source::SocialSecurity => "socialSecurity",
    }
}
