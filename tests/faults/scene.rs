//! What the tests of this suite have in common: a question to all sources, and what is said of each.

use exchange::Source;
use serde_json::Value;
use tests::{Rest, RestAnswer, everything, question};

/// Asks for everything about a citizen, and waits that many seconds at most.
pub(crate) async fn ask(caller: &Rest, id: &str, wait: u32) -> RestAnswer {
    let body = question(id, "ONE_STOP_DESK", &everything()).to_string();
    let wait = format!("wait={wait}");
    let headers = [("prefer", wait.as_str())];
    let asked = caller.post("/v1/citizens:lookup", body, &headers);
    asked.await.unwrap()
}

/// The status of a source in an answer.
pub(crate) fn status(answer: &Value, source: Source) -> &Value {
    let name = format!("SOURCE_{}", source.name().to_uppercase());
    let statuses = answer["sources"].as_array();
    let mut statuses = statuses
        .unwrap_or_else(|| panic!("no sources: {answer}"))
        .iter();
    statuses.find(|it| it["source"] == name.as_str()).unwrap()
}

/// The state of a source in an answer, without its prefix.
pub(crate) fn state(answer: &Value, source: Source) -> &str {
    let state = status(answer, source)["state"].as_str().unwrap();
    state.trim_start_matches("SOURCE_STATE_")
}

/// Every source but this has answered.
pub(crate) fn only_fails(answer: &Value, source: Source) {
    for other in Source::ALL.into_iter().filter(|other| *other != source) {
        assert_eq!(state(answer, other), "OK", "{other}: {answer}");
    }
}
