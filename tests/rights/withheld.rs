//! What is told of persons whom a store keeps closed, and of affairs that are not to be seen yet.

use exchange::RequestId;
use serde_json::{Value, json};
use tests::{Rest, Sandbox, records_of};

/// The population database keeps their record closed.
const CLOSED: &str = "999099000006";
const ME: &str = "999099004711";

/// Row E08: of a closed person the source is WITHHELD, without a word why and with nothing of them;
/// the attempt is recorded, counted and called out, without naming the person.
#[tokio::test]
async fn a_closed_person_is_withheld_without_a_reason_and_the_attempt_is_called_out() {
    let sandbox = Sandbox::start();
    let commune = Rest::new(&sandbox, "commune");
    let request = RequestId::fresh().to_string();
    let mut asked = tests::question(CLOSED, "ONE_STOP_DESK", "population.name,tax.status");
    asked["context"]["requestId"] = json!(request);
    let path = "/v1/citizens:lookup";
    let answer = commune.post(path, asked.to_string(), &[]).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    let population = &body["sources"][0];
    assert_eq!(population["state"], "SOURCE_STATE_WITHHELD");
    assert_eq!(
        population.get("reason"),
        None,
        "not a word why: {population}"
    );
    assert_eq!(body["citizen"].get("population"), None);
    let records = records_of(&sandbox.path("/log/dir"), &request);
    let (text, record) = &records[0];
    assert_eq!(record["src"][0]["st"], "WITHHELD");
    assert_eq!(record["src"][0].get("f"), None);
    assert!(!text.contains(CLOSED));
    let logged = sandbox.logged();
    let called = logged.lines().find(|line| line.contains("ClosedRecord"));
    let called = called.unwrap_or_else(|| panic!("nobody is told: {logged}"));
    assert!(
        called.contains("ERROR") && called.contains(&request),
        "{called}"
    );
    assert!(!logged.contains(CLOSED));
    let operations = Rest::plain(sandbox.text("/operations"));
    let metrics = operations.get("/metrics").await.unwrap().text;
    let counted = "gateway_closed_records_total{source=\"population\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
}

/// Row E09: an access that a citizen may see only from a later day on is not in their list, and neither
/// the total nor the pages tell that there is one.
#[tokio::test]
async fn a_delayed_access_is_in_no_list_and_in_no_total() {
    let sandbox = Sandbox::start();
    let stopped = sandbox.interrupt();
    let file = stopped.dir().join("agreements.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let delayed = "id = \"A-102\"\nvisibility = \"DELAYED\"\ndelay_days = 30\n";
    assert!(text.contains("id = \"A-102\"\n"));
    std::fs::write(&file, text.replace("id = \"A-102\"\n", delayed)).unwrap();
    let sandbox = stopped.restart();
    let (tax, commune) = (Rest::new(&sandbox, "tax"), Rest::new(&sandbox, "commune"));
    for _ in 0..3 {
        let asked = tax.lookup(ME, "TAXPAYER_REGISTRATION", "tax.status").await;
        assert_eq!(asked.status, 200, "{asked:?}");
    }
    let seen = commune.lookup(ME, "ONE_STOP_DESK", "tax.status").await;
    let seen = &seen.json()["receipt"]["seq"];
    let portal = Rest::new(&sandbox, "portal");
    for size in [1, 50] {
        let page = list(&portal, size).await;
        let listed = page["accesses"].as_array().unwrap();
        assert_eq!(listed.len(), 1, "{page}");
        assert_eq!((&listed[0]["seq"], &page["totalSize"]), (seen, &json!(1)));
        assert_eq!(page.get("nextPageToken"), None, "{page}");
    }
}

async fn list(portal: &Rest, size: u32) -> Value {
    let body = json!({
        "context": {"requestId": RequestId::fresh().to_string(), "purposeCode": "SELF_ACCESS"},
        "subject": {"personalId": ME},
        "pageSize": size,
    });
    let path = "/v1/dataSubjects/accesses:list";
    let headers = [("prefer", "wait=15")];
    let page = portal.post(path, body.to_string(), &headers).await.unwrap();
    assert_eq!(page.status, 200, "{page:?}");
    page.json()
}
