//! Agreements, certificates and revocation lists are replaced while the gateway runs; what is not
//! good, or changes with a restart only, is refused whole.

use std::path::Path;
use std::time::Duration;

use exchange::Source;
use rustix::process::Signal;
use serde_json::{Value, json};
use tests::row::{KNOWN, Row};
use tests::vitals::Metrics;
use tests::{Beside, Rest, Sandbox, Serving, loop_until, question, run};

const RELOAD: &str = "/admin/config:reload";

/// Replaces a text in a file as a careful editor does: the whole file at once.
fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from} is not in {}", file.display());
    let next = file.with_extension("next");
    std::fs::write(&next, text.replace(from, to)).unwrap();
    std::fs::rename(next, file).unwrap();
}

/// The last digest of a policy that `/metrics` shows.
async fn digest(operations: &Rest) -> String {
    let metrics = operations.get("/metrics").await.unwrap().text;
    let line = metrics
        .lines()
        .find(|line| line.starts_with("config_digest_info"));
    let digest = line.and_then(|line| line.split("digest=\"").nth(1));
    digest.unwrap().chars().take(64).collect()
}

/// What the process of a sandbox holds.
#[derive(Debug)]
struct Held {
    files: usize,
    threads: usize,
    tasks: u64,
    resident_kib: u64,
}

impl Held {
    async fn by(gateway: &Beside) -> Self {
        let process = Path::new("/proc").join(gateway.pid().to_string());
        let status = std::fs::read_to_string(process.join("status")).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.unwrap().trim().trim_end_matches(" kB");
        Self {
            files: std::fs::read_dir(process.join("fd")).unwrap().count(),
            threads: std::fs::read_dir(process.join("task")).unwrap().count(),
            tasks: Metrics::at(&gateway.operations)
                .count("process_tasks", "")
                .await,
            resident_kib: resident.parse().unwrap(),
        }
    }

    /// The least that each of a hundred reloads could keep is one file.
    fn leaked_nothing(&self, after: &Self) {
        assert!(after.files < self.files + 20, "{self:?}, then {after:?}");
        assert!(after.tasks < self.tasks + 20, "{self:?}, then {after:?}");
        // Those that block come and go.
        assert!(
            after.threads < self.threads + 20,
            "{self:?}, then {after:?}"
        );
        let grown = after.resident_kib.saturating_sub(self.resident_kib);
        assert!(grown < 32 << 10, "{self:?}, then {after:?}");
    }
}

/// The `CONFIG` records of a log that has ended.
fn config_records(log: &Path) -> Vec<Value> {
    let mut found = Vec::new();
    for segment in std::fs::read_dir(log.join("wal")).unwrap() {
        let bytes = std::fs::read(segment.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for (at, _) in text.match_indices("{\"v\":1,\"t\":\"CONFIG\"") {
            let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter();
            found.push(values.next().unwrap().unwrap());
        }
    }
    found
}

/// Row L07: the same configuration read a hundred times changes nothing; another one is recorded once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_agreements_hold_from_the_reload_on_and_the_record_says_so() {
    let sandbox = Sandbox::start();
    let row = Row::begin(&sandbox, "reloaded", &[Source::Tax], |_| ()).await;
    let agreements = sandbox.dir().join("agreements.toml");
    let operations = row.gateway.operator();
    let tells = async |state: &str| {
        let question = question(KNOWN, "ONE_STOP_DESK", "tax.status");
        let answer = row.caller.put(&question, 10).await.json();
        assert_eq!(answer["sources"][0]["state"], state, "{answer}");
    };
    tells("SOURCE_STATE_OK").await;

    let before = digest(&operations).await;
    edit(
        &agreements,
        "\"civil_status\", \"tax\",",
        "\"civil_status\",",
    );
    let only_checked = json!({"validateOnly": true}).to_string();
    let checked = operations.post(RELOAD, only_checked, &[]).await.unwrap();
    assert_eq!(checked.status, 200, "{checked:?}");
    assert_eq!(checked.json()["changed"], json!(["agreements"]));
    tells("SOURCE_STATE_OK").await;
    assert_eq!(digest(&operations).await, before);

    let reloaded = operations.post(RELOAD, "{}", &[]).await.unwrap();
    assert_eq!(reloaded.json()["changed"], json!(["agreements"]));
    tells("SOURCE_STATE_WITHHELD").await;
    let after = digest(&operations).await;
    assert_ne!(after, before);
    assert_eq!(reloaded.json()["policyDigest"], after);
    let before = Held::by(&row.gateway).await;
    for _ in 0..100 {
        let same = operations.post(RELOAD, "{}", &[]).await.unwrap();
        assert_eq!(same.json()["changed"], json!([]));
    }
    before.leaked_nothing(&Held::by(&row.gateway).await);
    let told = config_records(&row.ends().await);
    let digests: Vec<_> = told.iter().map(|it| &it["pol"]).collect();
    assert_eq!(digests, [&json!(format!("sha256:{after}"))], "{told:?}");
}

/// Row L07: a hundred hangups without a change record nothing, and leave nothing behind; one with a change
/// is recorded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_hangups_without_a_change_leave_nothing_behind() {
    let sandbox = Sandbox::start();
    let row = Row::begin(&sandbox, "hung-up", &[], |_| ()).await;
    let metrics = Metrics::at(&row.gateway.operations);
    let hang_up = async || {
        let (name, good) = ("config_reloads_total", "result=\"good\"");
        let before = metrics.count(name, good).await;
        row.gateway.signal(Signal::HUP);
        metrics.grows(name, good, before).await;
    };
    for _ in 0..10 {
        hang_up().await;
    }
    let before = Held::by(&row.gateway).await;
    for _ in 0..100 {
        hang_up().await;
    }
    before.leaked_nothing(&Held::by(&row.gateway).await);
    // One with a change is recorded, once.
    let agreements = sandbox.dir().join("agreements.toml");
    edit(&agreements, "# The agreements", "# The changed agreements");
    hang_up().await;
    let changed = digest(&row.gateway.operator()).await;
    let told = config_records(&row.ends().await);
    let digests: Vec<_> = told.iter().map(|it| &it["pol"]).collect();
    assert_eq!(digests, [&json!(format!("sha256:{changed}"))], "{told:?}");
}

/// Row L07: a bad configuration is refused with every violation, and the old one stays in force; by a
/// hangup they are logged; and of neither there is a record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_listed_and_what_was_in_force_stays() {
    let sandbox = Sandbox::start();
    let row = Row::begin(&sandbox, "refused", &[], |_| ()).await;
    let (gateway, operations) = (&row.gateway, row.gateway.operator());
    let before = digest(&operations).await;
    let agreements = sandbox.dir().join("agreements.toml");
    let good = std::fs::read(&agreements).unwrap();
    edit(
        &agreements,
        "valid_to = 2035-12-31",
        "valid_to = 2025-12-31\nvalit_to = 1",
    );
    let refused = operations.post(RELOAD, "{}", &[]).await.unwrap();
    assert_eq!(refused.status, 400, "{refused:?}");
    let violations = refused.json()["violations"].to_string();
    gateway.signal(Signal::HUP);
    gateway.logs("what was in force stays");
    let logged = gateway.logged();
    for part in [
        "agreement[0].valid_to",
        "lies before valid_from",
        "agreement[1].valit_to",
        "line ",
    ] {
        assert!(violations.contains(part), "{part} is not in {violations}");
        assert!(logged.contains(part), "{part} is not in {logged}");
    }
    std::fs::write(&agreements, good).unwrap();
    let file = sandbox.dir().join("refused.toml");
    edit(&file, "[evidence]", "[evidence]\npublish_ms = 77");
    let refused = operations.post(RELOAD, "{}", &[]).await.unwrap();
    let violations = refused.json()["violations"].clone();
    assert_eq!(
        violations,
        json!(["evidence.publish_ms: changes with a restart only"])
    );
    edit(&file, "publish_ms = 77", "publish_mss = 77");
    let refused = operations.post(RELOAD, "{}", &[]).await.unwrap();
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.text.contains("publish_mss"), "{refused:?}");
    assert_eq!(digest(&operations).await, before);
    assert_eq!(row.caller.ask(KNOWN, 10).await.status, 200);
    let told = config_records(&row.ends().await);
    assert!(told.is_empty(), "{told:?}");
}

#[tokio::test]
async fn an_operator_says_what_is_to_be_done_in_json_and_by_post() {
    let sandbox = Sandbox::start();
    let operations = Rest::plain(sandbox.text("/operations"));
    let by_get = operations.get(RELOAD).await.unwrap();
    assert_eq!(
        (by_get.status, &by_get.headers["allow"]),
        (405, &"POST".parse().unwrap())
    );
    let as_form = [("content-type", "text/plain")];
    let as_form = operations.post(RELOAD, "{}", &as_form).await.unwrap();
    assert_eq!(as_form.status, 415, "{as_form:?}");
    let unknown = json!({"validate": true}).to_string();
    let unknown = operations.post(RELOAD, unknown, &[]).await.unwrap();
    assert_eq!(unknown.status, 400, "{unknown:?}");
    let large = "x".repeat(70_000);
    assert_eq!(
        operations.post(RELOAD, large, &[]).await.unwrap().status,
        413
    );
    assert_eq!(
        operations.post("/livez", "{}", &[]).await.unwrap().status,
        405
    );
    assert_eq!(
        operations
            .post("/admin/else", "{}", &[])
            .await
            .unwrap()
            .status,
        404
    );
}

#[tokio::test]
async fn a_hangup_reads_the_configuration_again() {
    let stopped = Sandbox::start().interrupt();
    let dir = stopped.dir();
    let serving = Serving::start(&dir);
    let agreements = dir.join("agreements.toml");
    edit(&agreements, "requests_per_minute", "requests_per_minut");
    serving.signal(Signal::HUP);
    serving.logs("what was in force stays");
    edit(&agreements, "requests_per_minut ", "requests_per_minute ");
    edit(&agreements, "# The agreements", "# The changed agreements");
    serving.signal(Signal::HUP);
    serving.logs("the configuration was read again");
    assert!(serving.terminate(), "it did not end well");
}

/// Row T05: a revoked leaf is refused, and its open connection closed, within a minute of the list.
#[tokio::test]
async fn a_revoked_certificate_is_refused_within_a_minute_with_its_open_connection() {
    let sandbox = Sandbox::start();
    let commune = Rest::new(&sandbox, "commune");
    assert_eq!(commune.get("/v1/fields").await.unwrap().status, 200);
    let (certificate, _) = sandbox.caller("commune");
    let ca = sandbox.path("/ca").parent().unwrap().to_owned();
    let revoked = run(&[
        "pki",
        "--dir",
        &ca.display().to_string(),
        "revoke",
        &certificate.display().to_string(),
    ]);
    assert_eq!(revoked.code, 0, "{revoked:?}");
    loop_until(Duration::from_secs(60), || {
        let logged = sandbox.logged();
        let is_closed = logged.contains("a connection is closed: its certificate is not admitted");
        is_closed.then_some(())
    });
    assert!(commune.get("/v1/fields").await.is_err());
    let tax = Rest::new(&sandbox, "tax");
    assert_eq!(tax.get("/v1/fields").await.unwrap().status, 200);
}
