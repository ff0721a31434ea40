//! The agreements in force: that the log says which ones before anything is recorded under them.

use std::path::Path;

use sha2::{Digest as _, Sha256};
use tests::{Sandbox, leaves, verify};

fn digest(file: &Path) -> String {
    let digest = Sha256::digest(std::fs::read(file).unwrap());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

#[tokio::test]
async fn the_log_names_other_agreements_before_it_records_anything_under_them() {
    let sandbox = Sandbox::start();
    assert_eq!(sandbox.lookup(&["999099000001"]).code, 0);
    let stopped = sandbox.interrupt();
    let agreements = stopped.dir().join("agreements.toml");
    let first = digest(&agreements);
    let text = std::fs::read_to_string(&agreements).unwrap();
    std::fs::write(&agreements, format!("{text}\n# signed again\n")).unwrap();
    let second = digest(&agreements);
    let sandbox = stopped.restart();
    assert_eq!(sandbox.lookup(&["999099000001"]).code, 0);
    let stopped = sandbox.interrupt();
    let log = stopped.dir().join("log");

    let (mut announced, mut said) = (Vec::new(), Vec::new());
    for record in leaves(&log) {
        let (kind, policy) = (record["t"].as_str().unwrap(), record["pol"].clone());
        match kind {
            "START" | "CONFIG" => announced.push(policy.clone()),
            "ACCESS" => assert!(announced.contains(&policy), "{record}"),
            _ => {}
        }
        if let Some(policy) = policy.as_str() {
            said.push((kind.to_owned(), policy.to_owned()));
        }
    }
    let one = |kind: &str, policy: &str| (kind.to_owned(), policy.to_owned());
    let expected = [
        one("START", &first),
        one("ACCESS", &first),
        one("STOP", &first),
        one("START", &second),
        one("CONFIG", &second),
        one("ACCESS", &second),
        one("STOP", &second),
    ];
    // The sandbox asks as well, once for every life.
    said.dedup();
    assert_eq!(said, expected);
    let verified = verify(&log, None);
    assert_eq!(verified.code, 0, "{verified:?}");
    assert!(verified.out.contains("CONFIG"), "{verified:?}");
}
