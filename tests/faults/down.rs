//! Agencies that are down: all of them, one that a call needs, or one that it does not.

use api::v1::LookupCitizenRequest;
use exchange::Source;
use serde_json::json;
use tests::row::{KNOWN, Row};
use tests::{Sandbox, Unary, Wire, everything, fault, question};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::agencies::{knob, spoil};
use crate::scene::{only_fails, state};

/// Row U11: if nobody answers, the call fails and is no empty answer; it says of every source why, and
/// is recorded.
#[tokio::test(flavor = "multi_thread")]
async fn if_nobody_answers_the_call_fails_and_says_for_every_source_why() {
    let sandbox = Sandbox::start();
    let row = Row::begin(&sandbox, "down", &Source::ALL, |_| ()).await;
    for source in Source::ALL {
        let down = json!({"faults": [{"fault": "server_error"}]});
        knob(&sandbox, source, &down).await;
    }
    let answer = row.caller.ask(KNOWN, 4).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(answer.headers.contains_key("retry-after"));
    let problem = answer.json();
    assert_eq!(problem["reason"], "ALL_SOURCES_UNAVAILABLE");
    for source in Source::ALL {
        let said = &problem["metadata"][source.name()];
        assert_eq!(said, "UNAVAILABLE", "{problem}");
    }
    assert!(problem["metadata"]["seq"].is_string(), "{problem}");
    let grpc = Unary::open(&Wire::at(&sandbox, "commune", row.gateway.port())).await;
    let asked = question(KNOWN, "ONE_STOP_DESK", &everything());
    let message: LookupCitizenRequest = serde_json::from_value(asked.clone()).unwrap();
    let told = grpc.call("CitizenService/LookupCitizen", &[], &message);
    let failed = told.await.unwrap().status;
    row.caller.was_admitted(&asked);
    assert_eq!(failed.code(), Code::Unavailable, "{failed:?}");
    assert_eq!(fault(&failed), "ALL_SOURCES_UNAVAILABLE", "{failed:?}");
    let said = failed.get_details_error_info().unwrap().metadata;
    for source in Source::ALL {
        let state = said.get(source.name()).map(String::as_str);
        let states = [Some("UNAVAILABLE"), Some("CIRCUIT_OPEN")];
        assert!(states.contains(&state), "{source}: {said:?}");
    }
    assert!(failed.get_details_retry_info().is_some(), "{failed:?}");
    row.ends().await;
}

/// Row U12: a required source that is down fails the call; any other leaves a partial answer that says
/// so.
#[tokio::test(flavor = "multi_thread")]
async fn a_required_source_that_does_not_answer_fails_the_call() {
    let sandbox = Sandbox::start();
    let row = Row::begin(&sandbox, "required", &[], |_| ()).await;
    for source in Source::ALL {
        spoil(&sandbox, source, "server_error", SUBJECT).await;
        let mut asked = question(SUBJECT, "ONE_STOP_DESK", &everything());
        asked["requiredSources"] = json!([named(source)]);
        let failed = row.caller.put(&asked, 4).await;
        assert_eq!(failed.status, 503, "{source}: {}", failed.text);
        assert!(failed.headers.contains_key("retry-after"), "{source}");
        let failed = failed.json();
        assert_eq!(failed["reason"], "REQUIRED_SOURCE_UNAVAILABLE");
        assert_eq!(failed["metadata"][source.name()], "UNAVAILABLE");
        assert!(failed["citizen"].is_null(), "{source}: {failed}");

        let mut asked = question(SUBJECT, "ONE_STOP_DESK", &everything());
        let others = Source::ALL.into_iter().filter(|other| *other != source);
        asked["requiredSources"] = others.map(named).collect();
        let partial = row.caller.put(&asked, 4).await;
        assert_eq!(partial.status, 200, "{source}: {}", partial.text);
        let partial = partial.json();
        assert_eq!(partial["completeness"], "COMPLETENESS_PARTIAL", "{partial}");
        assert_eq!(state(&partial, source), "UNAVAILABLE", "{partial}");
        only_fails(&partial, source);
        knob(&sandbox, source, &json!({})).await;
    }
    row.ends().await;
}

fn named(source: Source) -> String {
    format!("SOURCE_{}", source.name().to_uppercase())
}

/// Nobody whose dossier is polled for.
const SUBJECT: &str = "999099001240";
