//! What the tests of this suite have in common: a question to all sources, and what is said of each.

use exchange::Source;
use serde_json::{Value, json};
use tests::{Beside, Rest, RestAnswer, Sandbox, everything, question, set};
use toml::Table;

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

/// The configuration of a sandbox.
pub(crate) fn configuration(sandbox: &Sandbox) -> Table {
    let text = std::fs::read_to_string(sandbox.dir().join("lienthong.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

/// How an operator sees a source.
pub(crate) async fn guard(gateway: &Beside, source: Source) -> Value {
    let list = gateway.operator().get("/admin/sources").await.unwrap();
    let list = list.json();
    let mut sources = list["sources"].as_array().unwrap().iter();
    sources
        .find(|it| it["source"] == source.name())
        .unwrap()
        .clone()
}

/// The reason of a source in an answer.
pub(crate) fn reason(answer: &Value, source: Source) -> &str {
    status(answer, source)["reason"].as_str().unwrap_or("")
}

/// Sets how long every answer of a simulated agency takes.
pub(crate) async fn latency(sandbox: &Sandbox, source: Source, ms: u64) {
    let control = sandbox.text(&format!("/agencies/{source}/control"));
    let knobs = json!({"latency": {"fixed": {"ms": ms}}});
    let set = Rest::plain(control).put("/knobs", &knobs).await;
    assert_eq!(set.status, 200, "{}", set.text);
}

/// Has no circuit open, where each fault is looked at by itself.
pub(crate) fn without_circuits(config: &mut Table) {
    for source in Source::ALL {
        let guard = format!("agency.{source}.guard");
        set(config, &guard, "failures_in_a_row", 1_000);
        set(config, &guard, "min_success_percent", 0);
    }
}
