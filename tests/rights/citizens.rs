//! About how many different citizens one may ask, with the budgets lowered, at the running program.

use serde_json::{Value, json};
use tests::{Rest, RestAnswer, Sandbox, loop_until, question};

use super::scraping::metric;

/// A sandbox with these numbers of scrutiny.
fn sandbox(scrutiny: &str) -> Sandbox {
    let scrutiny = scrutiny.to_owned();
    Sandbox::start_prepared("", move |place| {
        let file = place.join("lienthong.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, format!("{text}[scrutiny]\n{scrutiny}")).unwrap();
    })
}

/// The n-th citizen who exists: none has a neighbour among them.
fn citizen(n: usize) -> String {
    format!("999099{:06}", 4_001 + n * 7)
}

async fn ask(rest: &Rest, officer: &str, n: usize) -> RestAnswer {
    let mut body = question(&citizen(n), "ONE_STOP_DESK", "tax.status");
    body["context"]["officerId"] = json!(officer);
    let path = "/v1/citizens:lookup";
    rest.post(path, body.to_string(), &[]).await.unwrap()
}

async fn claim(rest: &Rest, officer: &str, n: usize) -> RestAnswer {
    let mut body = question(&citizen(n), "ONE_STOP_DESK", "tax.status");
    body["context"]["officerId"] = json!(officer);
    body.as_object_mut().unwrap().remove("readMask");
    body["claims"] = json!([{"claimId": "a", "isAlive": {}}]);
    let path = "/v1/citizens:verify";
    rest.post(path, body.to_string(), &[]).await.unwrap()
}

/// The first refusal in a row of answers: which question it was, and the reason.
fn first_refusal(answers: &[RestAnswer]) -> (usize, Value) {
    let refused = |it: &RestAnswer| matches!(it.status, 403 | 429);
    let n = answers
        .iter()
        .position(refused)
        .unwrap_or_else(|| panic!("{answers:?}"));
    (n, answers[n].json()["reason"].clone())
}

/// Row E01: an officer who asks about more different citizens than the hour's budget has is slowed down,
/// and at twice as many suspended and told of, though each citizen exists.
#[tokio::test]
async fn an_officer_beyond_their_budget_is_slowed_and_then_suspended() {
    let sandbox = sandbox("officer_citizens_per_hour = 6\nstep_down_ms = 300\n");
    let commune = Rest::new(&sandbox, "commune");
    let mut told = Vec::new();
    // Claims and questions about the same six: within the budget.
    for n in 0..6 {
        told.push(ask(&commune, "CB-1", n).await.status);
        told.push(claim(&commune, "CB-1", n).await.status);
    }
    assert_eq!(told, [200; 12]);
    assert_eq!(
        claim(&commune, "CB-1", 6).await.status,
        200,
        "the seventh is answered"
    );
    let (mut slowed, mut next) = (0, 7);
    let suspended = loop {
        let answer = ask(&commune, "CB-1", next).await;
        match (answer.status, answer.json()["reason"].as_str()) {
            (200, _) => next += 1,
            (429, Some("QUOTA_EXCEEDED")) => {
                assert_eq!(answer.json()["quota"]["policy"], "step-down", "{answer:?}");
                slowed += 1;
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            _ => break answer,
        }
    };
    assert_eq!(
        suspended.json()["reason"],
        "ENUMERATION_SUSPECTED",
        "{suspended:?}"
    );
    assert!(next == 13 && slowed >= 5, "{next} {slowed}");
    assert_eq!(ask(&commune, "CB-2", 0).await.status, 200);
    for (step, count) in [("stepped_down", 1.0), ("suspended", 1.0)] {
        let labels = ["level=\"officer\"", &*format!("step=\"{step}\"")];
        assert_eq!(
            metric(&sandbox, "scrutiny_suspicions_total", &labels).await,
            count
        );
    }
    let logged = loop_until(std::time::Duration::from_secs(10), || {
        let logged = sandbox.logged();
        logged.contains("EnumerationSuspected").then_some(logged)
    });
    assert!(!logged.contains("CB-1") && !logged.contains(&citizen(3)));
}

/// Row E02: the same of a system, over its officers.
#[tokio::test]
async fn a_system_beyond_its_budget_is_slowed_down_whoever_sits_at_it() {
    let sandbox = sandbox("system_citizens_per_hour = 12\nstep_down_ms = 600000\n");
    let commune = Rest::new(&sandbox, "commune");
    let mut answers = Vec::new();
    for n in 0..15 {
        answers.push(ask(&commune, &format!("CB-{n}"), n).await);
    }
    // The sandbox has asked about one itself; of thirteen the last steps down, and one more is answered.
    assert_eq!(first_refusal(&answers), (13, json!("QUOTA_EXCEEDED")));
    let labels = ["level=\"system\"", "step=\"stepped_down\""];
    assert_eq!(
        metric(&sandbox, "scrutiny_suspicions_total", &labels).await,
        1.0
    );
}

/// Row E02: the same of an agency, on a day, and other numbers of misses.
#[tokio::test]
async fn an_agency_has_a_budget_for_the_day_and_misses_have_their_number() {
    let budget = "agency_citizens_per_hour = 9\nagency_citizens_per_day = 9\n";
    let sandbox = sandbox(&format!(
        "{budget}step_down_ms = 600000\nmisses = 3\nmisses_step_down = 3\n"
    ));
    let commune = Rest::new(&sandbox, "commune");
    let mut answers = Vec::new();
    for n in 0..3 {
        let mut body = question(&citizen(n), "ONE_STOP_DESK", "population.sex");
        body["context"]["officerId"] = json!("CB-1");
        body["subject"]["hints"] = json!({"fullName": "NGUYỄN KHÔNG CÓ"});
        let sent = commune.post("/v1/citizens:lookup", body.to_string(), &[]);
        assert_eq!(sent.await.unwrap().status, 404);
    }
    let third = ask(&commune, "CB-1", 0).await;
    assert_eq!(third.json()["reason"], "ENUMERATION_SUSPECTED", "{third:?}");
    for n in 0..12 {
        answers.push(ask(&commune, &format!("CB-{}", n + 2), n).await);
    }
    // With the one of the sandbox itself, the tenth steps down, and one more is answered.
    assert_eq!(first_refusal(&answers), (10, json!("QUOTA_EXCEEDED")));
    let labels = ["level=\"agency\"", "step=\"stepped_down\""];
    assert_eq!(
        metric(&sandbox, "scrutiny_suspicions_total", &labels).await,
        1.0
    );
}
