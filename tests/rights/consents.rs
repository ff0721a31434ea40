//! Consents, from their registration to their withdrawal: what an agreement that needs one answers, and
//! what is on record.

use serde_json::{Value, json};
use tests::{Agreements, Rest, Sandbox, leaves, question, run};

const ID: &str = "999099000001";
const OTHER: &str = "999099000002";
const DESK: &str = "agreements/A-101.toml";

/// A sandbox whose desk needs a consent for what it asks.
async fn needing() -> Sandbox {
    let mut made = None;
    let sandbox = Sandbox::start_prepared("", |place| {
        let agreements = Agreements::write(place);
        assert_eq!(agreements.sign().code, 0);
        agreements.configure(place);
        let file = place.join("lienthong.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, text + "consents = \"consents\"\n").unwrap();
        made = Some(agreements);
    });
    let agreements = made.unwrap();
    agreements.set(DESK, "consent_required", true);
    assert_eq!(agreements.sign().code, 0);
    let operations = Rest::plain(sandbox.text("/operations"));
    let reloaded = operations
        .post("/admin/config:reload", "{}", &[])
        .await
        .unwrap();
    assert_eq!(reloaded.status, 200, "{reloaded:?}");
    sandbox
}

fn registration(consent: &str) -> Value {
    json!({
        "consent": consent,
        "personalId": ID,
        "agency": "H55",
        "purposes": ["ONE_STOP_DESK"],
        "fields": ["tax.status"],
        "validFrom": "2026-01-01",
        "validTo": "2035-12-31",
        "operator": "CB-77",
        "reason": "form 12 in folder 3",
    })
}

/// Asks about a person under a consent.
async fn ask(rest: &Rest, id: &str, consent: Option<&str>) -> Value {
    let mut body = question(id, "ONE_STOP_DESK", "tax.status,tax.taxCode,health.name");
    if let Some(consent) = consent {
        body["context"]["consentId"] = json!(consent);
    }
    let answer = rest
        .post("/v1/citizens:lookup", body.to_string(), &[])
        .await;
    answer.unwrap().json()
}

#[tokio::test]
async fn what_a_consent_covers_is_answered_until_it_is_withdrawn_and_all_of_it_is_on_record() {
    let sandbox = needing().await;
    let operations = Rest::plain(sandbox.text("/operations"));
    let commune = Rest::new(&sandbox, "commune");
    let missing = ask(&commune, ID, None).await;
    assert_eq!(missing["reason"], "CONSENT_REQUIRED", "{missing}");
    assert_eq!(
        missing["violations"][0]["field"], "context.consentId",
        "{missing}"
    );
    let unknown = ask(&commune, ID, Some("C-2026-1")).await;
    assert_eq!(unknown["reason"], "CONSENT_INVALID", "{unknown}");

    let body = registration("C-2026-1").to_string();
    let registered = operations
        .post("/admin/consents:register", body.clone(), &[])
        .await
        .unwrap();
    assert_eq!(registered.status, 200, "{registered:?}");
    let again = operations
        .post("/admin/consents:register", body, &[])
        .await
        .unwrap();
    assert_eq!(again.status, 400, "{again:?}");
    let answer = ask(&commune, ID, Some("C-2026-1")).await;
    assert_eq!(
        answer["citizen"]["tax"]["status"], "TAXPAYER_STATUS_ACTIVE",
        "{answer}"
    );
    assert_eq!(answer["citizen"]["tax"]["taxCode"], json!(null), "{answer}");
    assert_eq!(
        answer["withheldPaths"],
        json!(["health.name", "tax.tax_code"])
    );
    let health = answer["sources"].as_array().unwrap();
    let health = health
        .iter()
        .find(|it| it["source"] == "SOURCE_HEALTH")
        .unwrap();
    assert_eq!(health["reason"], "NOT_IN_CONSENT");
    let mut dry = question(ID, "ONE_STOP_DESK", "tax.status,tax.taxCode,health.name");
    dry["context"]["consentId"] = json!("C-2026-1");
    dry["dryRun"] = json!(true);
    let dry = commune.post("/v1/citizens:lookup", dry.to_string(), &[]);
    let why = "WITHHELD_REASON_NOT_IN_CONSENT";
    assert_eq!(
        dry.await.unwrap().json()["withheld"],
        json!([
            {"path": "health.name", "reason": why},
            {"path": "tax.tax_code", "reason": why},
        ])
    );
    let other = ask(&commune, OTHER, Some("C-2026-1")).await;
    assert_eq!(other["reason"], "CONSENT_INVALID", "{other}");
    assert_eq!(other["detail"], unknown["detail"]);

    let withdraw = [
        "consent",
        "withdraw",
        "C-2026-1",
        "--operator",
        "CB-77",
        "--reason",
        "asked",
    ];
    let listener = sandbox.text("/operations");
    let withdrawn = run(&[&withdraw[..], &["--operations", listener]].concat());
    assert_eq!(withdrawn.code, 0, "{withdrawn:?}");
    let over = ask(&commune, ID, Some("C-2026-1")).await;
    assert_eq!(
        (&over["reason"], &over["detail"]),
        (&json!("CONSENT_INVALID"), &unknown["detail"])
    );

    let files = ["consents", "lienthong.toml"]
        .map(|name| std::fs::read_to_string(sandbox.dir().join(name)).unwrap());
    let log = sandbox.path("/log/dir");
    let stopped = sandbox.interrupt();
    let logged = stopped.logged();
    for hidden in [ID, "C-2026-1", "CB-77", "form 12"] {
        assert!(
            !files.concat().contains(hidden) && !logged.contains(hidden),
            "{hidden}"
        );
    }
    let records = leaves(&log);
    let of = |key: &str, value: &str| {
        let found = records.iter().filter(|it| it[key] == value);
        found.cloned().collect::<Vec<_>>()
    };
    let (registered, withdrawn) = (of("act", "CONSENT"), of("act", "WITHDRAW"));
    assert_eq!((registered.len(), withdrawn.len()), (1, 1), "{records:?}");
    for record in [&registered[0], &withdrawn[0]] {
        assert_eq!(record["t"], "ADMIN");
        assert!(
            record["off"].is_string() && record["con"].is_string(),
            "{record}"
        );
    }
    assert_eq!(of("why", "CONSENT_REQUIRED").len(), 1);
    assert_eq!(of("why", "CONSENT_INVALID").len(), 3);
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_registration_is_told_and_nothing_is_recorded() {
    let sandbox = needing().await;
    let operations = Rest::plain(sandbox.text("/operations"));
    let mut body = registration("C 1");
    body["personalId"] = json!("12");
    body["fields"] = json!(["tax.moon"]);
    body["purposes"] = json!([]);
    body["validTo"] = json!("soon");
    let wrong = operations
        .post("/admin/consents:register", body.to_string(), &[])
        .await
        .unwrap();
    assert_eq!(wrong.status, 400, "{wrong:?}");
    let violations = wrong.json()["violations"].to_string();
    for told in [
        "consent:",
        "personalId:",
        "fields:",
        "purposes:",
        "validTo:",
    ] {
        assert!(violations.contains(told), "{told} is not in {violations}");
    }
    let log = sandbox.path("/log/dir");
    let stopped = sandbox.interrupt();
    assert!(leaves(&log).iter().all(|it| it["act"] != "CONSENT"));
    drop(stopped);
}

#[tokio::test]
async fn a_registry_outlives_the_gateway() {
    let sandbox = needing().await;
    let operations = Rest::plain(sandbox.text("/operations"));
    let body = registration("C-1").to_string();
    let registered = operations
        .post("/admin/consents:register", body, &[])
        .await
        .unwrap();
    assert_eq!(registered.status, 200, "{registered:?}");
    let sandbox = sandbox.kill().restart();
    let answer = ask(&Rest::new(&sandbox, "commune"), ID, Some("C-1")).await;
    assert_eq!(
        answer["citizen"]["tax"]["status"], "TAXPAYER_STATUS_ACTIVE",
        "{answer}"
    );
}
