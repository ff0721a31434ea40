//! Who asks about people at random, or about somebody whom nobody should ask about.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use exchange::{AgencyCode, SystemClock, SystemId};
use identity::pki::Authority;
use serde_json::{Value, json};
use tests::{Rest, RestAnswer, Sandbox, question};
use tokio::time::sleep;

/// A question by an officer about somebody whose name they can only guess: to them, nobody.
fn guess(officer: &str, id: &str) -> Value {
    let mut question = question(id, "ONE_STOP_DESK", "population.sex");
    question["context"]["officerId"] = json!(officer);
    question["subject"]["hints"] = json!({"fullName": "NGUYỄN KHÔNG CÓ"});
    question
}

async fn ask(rest: &Rest, question: &Value) -> RestAnswer {
    let body = question.to_string();
    rest.post("/v1/citizens:lookup", body, &[]).await.unwrap()
}

/// What guessing came to.
#[derive(Debug, Default)]
struct Guessed {
    misses: usize,
    slowed: usize,
}

/// Guesses, as patiently as is asked for, until somebody is suspended.
async fn until_suspended(mut next: impl AsyncFnMut(usize) -> RestAnswer) -> Guessed {
    let mut guessed = Guessed::default();
    for _ in 0..300 {
        let answer = next(guessed.misses).await;
        let reason = answer.json()["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        match (answer.status, &*reason) {
            (404, "PERSON_NOT_FOUND") => guessed.misses += 1,
            (429, "QUOTA_EXCEEDED") => {
                assert_eq!(answer.json()["quota"]["policy"], "step-down", "{answer:?}");
                assert!(answer.headers.contains_key("retry-after"));
                guessed.slowed += 1;
                sleep(Duration::from_millis(300)).await;
            }
            (403, "ENUMERATION_SUSPECTED") => return guessed,
            _ => panic!("{answer:?}"),
        }
    }
    panic!("nobody was suspended: {guessed:?}");
}

fn denied(sandbox: &Sandbox) -> usize {
    let census = sandbox.verify(None).out;
    let line = census.lines().find(|line| line.contains("DENIED"));
    let words = line.into_iter().flat_map(str::split_whitespace);
    words
        .filter_map(|word| word.parse::<usize>().ok())
        .next()
        .unwrap_or(0)
}

/// The number that `/metrics` shows behind a name and these labels.
pub(crate) async fn metric(sandbox: &Sandbox, name: &str, labels: &[&str]) -> f64 {
    let operations = Rest::plain(sandbox.text("/operations"));
    let metrics = operations.get("/metrics").await.unwrap().text;
    let mut lines = metrics.lines();
    let is_it = |line: &&str| line.starts_with(name) && labels.iter().all(|it| line.contains(it));
    let line = lines
        .find(is_it)
        .unwrap_or_else(|| panic!("no {name} in {metrics}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Row E01: whoever tries last six digits behind a fixed prefix is slowed to one question a second
/// and suspended at fifty misses; somebody is woken, and every refusal is a record.
#[tokio::test]
async fn an_officer_who_tries_numbers_is_slowed_and_suspended_and_told_of() {
    let sandbox = Sandbox::start();
    let commune = Rest::new(&sandbox, "commune");
    let id = |n: usize| format!("999099{:06}", 1_000 + n * 37);
    let next = async |n| ask(&commune, &guess("CB-1", &id(n))).await;
    let guessed = until_suspended(next).await;
    assert_eq!(guessed.misses, 50);
    assert!(guessed.slowed >= 25, "{guessed:?}");
    let labels = ["level=\"officer\"", "step=\"suspended\""];
    let suspended = metric(&sandbox, "scrutiny_suspicions_total", &labels).await;
    assert_eq!(suspended, 1.0);
    let logged = sandbox.logged();
    let alarm = logged
        .lines()
        .find(|line| line.contains("EnumerationSuspected"))
        .unwrap();
    assert!(alarm.contains("ERROR") && alarm.contains("H55"), "{alarm}");
    assert!(!logged.contains("CB-1") && !logged.contains(&id(3)));
    // Whoever exists or not: the officer is told the same of both, and the colleague is served.
    let mut texts = Vec::new();
    for n in [0, 77] {
        let refused = ask(&commune, &guess("CB-1", &id(n))).await;
        assert_eq!(refused.status, 403);
        texts.push(refused.json()["detail"].clone());
    }
    assert_eq!(texts[0], texts[1]);
    assert_eq!(ask(&commune, &guess("CB-2", &id(0))).await.status, 404);
    // Floods of refusals fold, so there may be fewer records than refusals; never none.
    assert!(denied(&sandbox) >= 2);
    lift(&sandbox).await;
    assert_eq!(ask(&commune, &guess("CB-1", &id(0))).await.status, 404);
}

/// Has the one suspension lifted; the list names no officer, and the record says who did it before.
async fn lift(sandbox: &Sandbox) {
    let operations = Rest::plain(sandbox.text("/operations"));
    let list = async || operations.get("/admin/suspensions").await.unwrap();
    let listed = list().await;
    assert!(!listed.text.contains("CB-1"), "{listed:?}");
    let suspended = listed.json()["suspended"].clone();
    assert_eq!(suspended.as_array().map(Vec::len), Some(1), "{listed:?}");
    assert_eq!(suspended[0]["level"], "officer");
    let lift = async |id: &Value| {
        let body = json!({"id": id, "operator": "VH-1", "reason": "đã kiểm tra"});
        let body = body.to_string();
        let sent = operations.post("/admin/suspensions:lift", body, &[]).await;
        sent.unwrap()
    };
    assert_eq!(lift(&json!("0000000000000000")).await.status, 400);
    let lifted = lift(&suspended[0]["id"]).await;
    assert_eq!(lifted.status, 200, "{lifted:?}");
    assert_eq!(list().await.json()["suspended"], json!([]));
    let records = tests::records(&sandbox.dir().join("log"));
    let mut leaves = records.iter().map(|(_, leaf)| leaf);
    let done = leaves.find(|leaf| leaf["act"] == "LIFT").unwrap();
    assert_eq!(
        (&done["t"], &done["on"]),
        (&json!("ADMIN"), &json!("officer:H55/one-stop-desk"))
    );
    assert!(done["off"].is_string() && done["txt"].is_string(), "{done}");
}

/// Row E01: whoever asks for one number after the other is slowed to one question a second, though
/// each of these people exists.
#[tokio::test]
async fn numbers_in_a_row_are_slowed_down() {
    let sandbox = Sandbox::start();
    let commune = Rest::new(&sandbox, "commune");
    let mut statuses = Vec::new();
    for n in 0..60 {
        let id = format!("999099{:06}", 2_000 + n);
        let mut asked = question(&id, "ONE_STOP_DESK", "tax.status");
        asked["context"]["officerId"] = json!("CB-1");
        statuses.push(ask(&commune, &asked).await.status);
    }
    let answered = statuses.iter().filter(|status| **status == 200).count();
    assert!((41..56).contains(&answered), "{statuses:?}");
    assert_eq!(statuses.last(), Some(&429));
    let labels = ["level=\"officer\"", "step=\"stepped_down\""];
    assert_eq!(
        metric(&sandbox, "scrutiny_suspicions_total", &labels).await,
        1.0
    );
}

/// Certificates of five systems of the commune's province.
fn systems(sandbox: &Sandbox) -> Vec<Rest> {
    let clock: Arc<dyn exchange::Clock> = Arc::new(SystemClock);
    let authority = Authority::load(&sandbox.dir().join("pki"), clock).unwrap();
    let folder = sandbox.dir().join("pki/callers");
    let agency = AgencyCode::parse("H55").unwrap();
    let made = (0..5).map(|n| {
        let name = format!("desk-{n}");
        let system = SystemId::parse(&name).unwrap();
        let client = authority.issue_client(&agency, &system, Duration::from_secs(3_600));
        client.unwrap().save(&folder, &name).unwrap();
        let path = |end: &str| -> PathBuf { folder.join(format!("{name}.{end}")) };
        Rest::with(sandbox, Some((&path("pem"), &path("key"))))
    });
    made.collect()
}

fn open_to_every_system(place: &Path) {
    let text = include_str!("../../crates/lienthong/src/sandbox/agreements.toml");
    let open = text.replace("systems = [\"one-stop-desk\"]\n", "");
    assert_ne!(text, open);
    std::fs::write(place.join("agreements.toml"), open).unwrap();
}

/// Guesses over twenty officers and five systems; which level of the agency is suspended in the end.
async fn spread(id: impl Fn(usize) -> String, level: &str) {
    let sandbox = Sandbox::start_prepared("", open_to_every_system);
    let systems = systems(&sandbox);
    let next = async |n: usize| {
        let officer = format!("CB-{}", n % 20);
        ask(&systems[n % 5], &guess(&officer, &id(n))).await
    };
    let guessed = until_suspended(next).await;
    assert_eq!(guessed.misses, 50);
    let level = format!("level=\"{level}\"");
    let labels = [&*level, "step=\"suspended\""];
    assert_eq!(
        metric(&sandbox, "scrutiny_suspicions_total", &labels).await,
        1.0
    );
    assert!(sandbox.logged().contains("EnumerationSuspected"));
    assert!(denied(&sandbox) >= 1);
    // Another agency is served as before.
    let tax = Rest::new(&sandbox, "tax");
    let answer = tax
        .lookup("999099000001", "TAXPAYER_REGISTRATION", "tax.status")
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Row E02: spread over twenty officers and five systems, guesses are found as the agency's.
#[tokio::test]
async fn guesses_spread_over_an_agency_are_found_as_the_agencys() {
    spread(
        |n| format!("9990{:02}{:06}", 50 + n % 50, 1_000 + n * 37),
        "agency",
    )
    .await;
}

/// Row E02: behind one prefix, they are found as the agency's guesses behind that prefix.
#[tokio::test]
async fn guesses_spread_over_an_agency_are_found_by_their_prefix() {
    spread(|n| format!("999099{:06}", 1_000 + n * 37), "prefix").await;
}

/// Row E10: a canary is answered as anybody, somebody is woken within the minute, and the record is
/// kept.
#[tokio::test]
async fn whoever_asks_about_a_canary_is_told_of_and_recorded() {
    let sandbox = Sandbox::start();
    let canary = "999099000055";
    std::fs::write(
        sandbox.dir().join("canaries"),
        format!("{canary} # planted\n"),
    )
    .unwrap();
    let config = sandbox.dir().join("lienthong.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("[gateway]\n", "[gateway]\ncanaries = 'canaries'\n");
    std::fs::write(&config, text).unwrap();
    let operations = Rest::plain(sandbox.text("/operations"));
    let reloaded = operations.post("/admin/config:reload", "{}", &[]).await;
    assert_eq!(reloaded.unwrap().status, 200);

    let commune = Rest::new(&sandbox, "commune");
    let other = commune
        .lookup("999099000001", "ONE_STOP_DESK", "tax.status")
        .await;
    assert_eq!(other.status, 200);
    assert!(!sandbox.logged().contains("CanaryHit"));
    let asked = question(canary, "ONE_STOP_DESK", "tax.status");
    let begun = tokio::time::Instant::now();
    let answer = ask(&commune, &asked).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let request = asked["context"]["requestId"].as_str().unwrap();
    let alarm = loop {
        let logged = sandbox.logged();
        if let Some(line) = logged.lines().find(|line| line.contains("CanaryHit")) {
            break line.to_owned();
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "no alarm");
        sleep(Duration::from_millis(20)).await;
    };
    assert!(alarm.contains(request) && alarm.contains("H55"), "{alarm}");
    assert!(!alarm.contains(canary));
    let hits = metric(&sandbox, "canary_hits_total", &["caller_agency=\"H55\""]).await;
    assert_eq!(hits, 1.0);
    assert!(answer.json()["receipt"]["seq"].is_string(), "{answer:?}");
}
