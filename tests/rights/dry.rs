//! Dry runs: what would be withheld, and why, field by field; nothing is asked and nothing recorded.

use api::v1;
use api::v1::citizen_service_client::CitizenServiceClient;
use exchange::RequestId;
use serde_json::{Value, json};
use tests::vitals::records;
use tests::{Agreements, Rest, Sandbox, channel, question};

use crate::switches::{STOP, thrown};

const ID: &str = "999099000001";
const MASK: &str = "population.name,population.birthDate,population.religion,health.name,\
                    civilStatus.maritalStatus,civilStatus.death,tax.status,tax.taxCode,\
                    socialSecurity.insuranceCode";

/// What the desk may have for its two purposes.
const OTHER: &str = r#"
id = "A-106"
agency = "H55"
systems = ["one-stop-desk"]
purposes = ["BENEFIT_CLAIM"]
fields = ["health.name"]
valid_from = 2026-01-01
valid_to = 2035-12-31
second_factor = false
"#;
const SAME: &str = r#"
id = "A-107"
agency = "H55"
systems = ["one-stop-desk"]
purposes = ["ONE_STOP_DESK"]
fields = ["civil_status.death"]
valid_from = 2026-01-01
valid_to = 2035-12-31
second_factor = false
"#;
const OVER: &str = r#"
id = "A-108"
agency = "H55"
systems = ["one-stop-desk"]
purposes = ["BENEFIT_CLAIM"]
fields = ["tax.tax_code"]
valid_from = 2025-01-01
valid_to = 2025-12-31
"#;

fn agreed(more: impl FnOnce(&Agreements)) -> Sandbox {
    Sandbox::start_prepared("", |place| {
        let agreements = Agreements::write(place);
        let desk = "agreements/A-101.toml";
        let fields = vec!["population.name", "tax.status", "social_security"];
        agreements.set(desk, "fields", fields);
        agreements.set(desk, "verify", vec!["civil_status.marital_status"]);
        agreements.set(desk, "year_only", vec!["population.birth_date"]);
        for (id, text) in [("A-106", OTHER), ("A-107", SAME), ("A-108", OVER)] {
            let file = agreements.file(&format!("agreements/{id}.toml"));
            std::fs::write(file, text).unwrap();
        }
        more(&agreements);
        let signed = agreements.sign();
        assert_eq!(signed.code, 0, "{signed:?}");
        agreements.configure(place);
    })
}

fn asked(dry: bool) -> Value {
    let mut body = question(ID, "ONE_STOP_DESK", MASK);
    body["context"]["agreementId"] = json!("A-101");
    body["dryRun"] = json!(dry);
    body
}

async fn ask(rest: &Rest, body: &Value) -> Value {
    let path = "/v1/citizens:lookup";
    let answer = rest.post(path, body.to_string(), &[]).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn a_dry_run_says_why_of_every_field_that_would_be_withheld() {
    let sandbox = agreed(|_| ());
    let rest = Rest::new(&sandbox, "commune");
    thrown(
        &Rest::plain(sandbox.text("/operations")),
        STOP,
        "source:social_security",
    )
    .await;
    let before = records(&sandbox, "ACCESS");
    let dry = ask(&rest, &asked(true)).await;
    let withheld =
        |path: &str, why: &str| json!({"path": path, "reason": format!("WITHHELD_REASON_{why}")});
    let expected = json!([
        withheld("population.religion", "NOT_IN_AGREEMENT"),
        withheld("health.name", "OTHER_PURPOSE"),
        withheld("civil_status.marital_status", "VERIFY_ONLY"),
        withheld("civil_status.death", "OTHER_AGREEMENT"),
        withheld("tax.tax_code", "NOT_IN_AGREEMENT"),
        withheld("social_security.insurance_code", "SOURCE_SUSPENDED"),
    ]);
    let sorted = |list: &Value| {
        let mut list = list.as_array().unwrap().clone();
        list.sort_by_key(Value::to_string);
        list
    };
    assert_eq!(sorted(&dry["withheld"]), sorted(&expected), "{dry}");
    let masked = json!([{"path": "population.birth_date", "mask": "MASK_YEAR"}]);
    assert_eq!(dry["masked"], masked);
    let states = dry["sources"].as_array().unwrap().iter();
    let states: Vec<_> = states
        .map(|it| {
            (
                it["source"].as_str().unwrap(),
                it["reason"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("SOURCE_POPULATION", "DRY_RUN"),
        ("SOURCE_HEALTH", "NOT_IN_AGREEMENT"),
        ("SOURCE_CIVIL_STATUS", "NOT_IN_AGREEMENT"),
        ("SOURCE_TAX", "DRY_RUN"),
        ("SOURCE_SOCIAL_SECURITY", "SOURCE_SUSPENDED"),
    ];
    assert_eq!(states, expected);
    assert_eq!(dry["citizen"], json!({}), "nothing is asked");

    // The same over gRPC, at once and streamed.
    let mut grpc = CitizenServiceClient::new(channel(&sandbox, "commune").await);
    let lookup = || serde_json::from_value::<v1::LookupCitizenRequest>(asked(true)).unwrap();
    let whole: v1::LookupCitizenResponse = serde_json::from_value(dry).unwrap();
    let answer = grpc.lookup_citizen(lookup()).await.unwrap().into_inner();
    assert_eq!(answer.withheld, whole.withheld);
    let stream = v1::StreamCitizenRequest {
        lookup: Some(lookup()),
    };
    let mut events = grpc.stream_citizen(stream).await.unwrap().into_inner();
    let event = events.message().await.unwrap().unwrap().event;
    let Some(v1::stream_citizen_response::Event::Summary(summary)) = event else {
        panic!("{event:?}");
    };
    assert_eq!(summary.withheld, whole.withheld);
    assert_eq!(records(&sandbox, "ACCESS"), before, "a record of nothing");

    // What is really asked is answered with the paths alone.
    let answer = ask(&rest, &asked(false)).await;
    assert_eq!(answer["withheld"], json!(null));
    assert_eq!(answer["withheldPaths"].as_array().unwrap().len(), 5);
    let printed = sandbox.lookup(&[
        ID,
        "--as",
        "commune",
        "--agreement",
        "A-101",
        "--fields",
        "health.name,tax.status,civil_status.marital_status",
        "--dry-run",
    ]);
    // All that would be asked is there to be asked.
    assert_eq!(printed.code, 0, "{printed:?}");
    for line in [
        "withheld (OTHER_PURPOSE): health.name\n",
        "withheld (VERIFY_ONLY): civil_status.marital_status\n",
    ] {
        assert!(printed.out.contains(line), "{printed:?}");
    }
}

#[tokio::test]
async fn a_dry_run_tells_what_an_emergency_does_not_cover() {
    let sandbox = agreed(|agreements| {
        let desk = "agreements/A-101.toml";
        agreements.set(desk, "break_glass", vec!["tax.status"]);
    });
    let rest = Rest::new(&sandbox, "commune");
    let mut emergency = asked(true);
    emergency["context"]["criticality"] = json!("CRITICALITY_EMERGENCY");
    emergency["context"]["officerId"] = json!("CB-1");
    emergency["context"]["reasonText"] = json!("Bất tỉnh");
    emergency["context"]["requestId"] = json!(RequestId::fresh().to_string());
    let dry = ask(&rest, &emergency).await;
    let why = |path: &str| {
        let all = dry["withheld"].as_array().unwrap();
        let one = all.iter().find(|it| it["path"] == path);
        one.map(|it| it["reason"].as_str().unwrap().to_owned())
    };
    let not_then = Some("WITHHELD_REASON_NOT_IN_EMERGENCY".to_owned());
    assert_eq!(why("population.name"), not_then, "{dry}");
    assert_eq!(why("tax.status"), None, "{dry}");
}
