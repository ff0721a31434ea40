//! A gateway whose record is searched in PostgreSQL, and that database stopped and started again.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use postmaster::{Postmaster, Stop};
use serde_json::{Value, json};
use tests::{Rest, Sandbox, dossiers_alone};
use tokio::time::sleep;

const CITIZEN: &str = "999099000001";

/// What an inspector finds about a citizen: the status, and the answer.
async fn search(auditor: &Rest) -> (u16, Value) {
    let body = json!({
        "context": {
            "requestId": exchange::RequestId::fresh().to_string(),
            "purposeCode": "INSPECTION",
            "officerId": "TT-3",
        },
        "subject": {"personalId": CITIZEN},
        "pageSize": 100,
    });
    let path = "/v1/audit/records:search";
    let answer = auditor.post(path, body.to_string(), &[]).await.unwrap();
    (answer.status, answer.json())
}

/// Asks about the citizen, and returns the place of the record.
async fn look_up(commune: &Rest) -> String {
    let answer = commune.lookup(CITIZEN, "ONE_STOP_DESK", "tax.status").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["receipt"]["seq"].as_str().unwrap().to_owned()
}

/// Searches until all of these are found.
async fn find(auditor: &Rest, seqs: &[String]) {
    for _ in 0..60 {
        let (status, found) = search(auditor).await;
        let text = found.to_string();
        let has = |seq: &String| text.contains(&format!("\"seq\":\"{seq}\""));
        if status == 200 && seqs.iter().all(has) {
            return;
        }
        sleep(Duration::from_millis(500)).await;
    }
    panic!("not all of {seqs:?} are found");
}

#[tokio::test]
async fn answers_go_on_without_the_database_and_everything_is_filed_after() {
    let Some(mut server) = Postmaster::running().unwrap() else {
        println!("no PostgreSQL here: set LIENTHONG_TEST_POSTGRES_BIN to the folder of initdb");
        return;
    };
    server.create("evidence").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("database.url");
    std::fs::write(&file, server.address("evidence")).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let sandbox = Sandbox::start_as(&["--database", &file.display().to_string()]);
    let (commune, auditor) = (
        Rest::new(&sandbox, "commune"),
        Rest::new(&sandbox, "auditor"),
    );
    let mut seqs = vec![look_up(&commune).await];
    find(&auditor, &seqs).await;

    server.stop(Stop::Fast).unwrap();
    for _ in 0..5 {
        seqs.push(look_up(&commune).await);
    }
    let (status, problem) = search(&auditor).await;
    assert_eq!(
        (status, &problem["reason"]),
        (503, &json!("AUDIT_UNAVAILABLE"))
    );
    seqs.push(look_up(&commune).await);

    server.start().unwrap();
    find(&auditor, &seqs).await;
    assert!(dossiers_alone(&sandbox.dir().join("log/index")));
    assert!(!sandbox.dir().join("log.head").exists());
    let again = sandbox.interrupt().restart();
    find(&Rest::new(&again, "auditor"), &seqs).await;
    let stopped = again.interrupt();
    assert_eq!(stopped.code, Some(0), "{}", stopped.logged());
    let verified = tests::verify(&stopped.dir().join("log"), None);
    assert_eq!(verified.code, 0, "{verified:?}");
}
