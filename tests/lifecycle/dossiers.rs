//! Dossiers that an agency does not end in time: they are kept over a kill, hang when their time is over, and
//! are moved by operators alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tests::{Node, Ran, Rest, RestAnswer, Sandbox, Serving, loop_until, run, set};
use tokio::time::{Instant, sleep};

/// Whose dossiers are done at the first look.
const CITIZENS: [&str; 3] = ["999099001003", "999099001011", "999099001019"];
const OPERATOR: &str = "van-hanh-07";
const WHY: &str = "Cơ quan đã xác nhận";

/// A gateway beside a sandbox, whose civil-status register lets dossiers hang.
struct Scene {
    _sandbox: Sandbox,
    node: Node,
    control: Rest,
    caller: Rest,
    operations: Rest,
}

impl Scene {
    /// With dossiers that hang after so many seconds.
    fn new(ttl_s: i64) -> Self {
        let sandbox = Sandbox::start();
        let node = Node::beside(&sandbox, "gw-2", |config| {
            let agency = "agency.civil_status";
            set(config, agency, "timeout_ms", 700);
            for class in ["emergency", "citizen_waiting", "back_office", "bulk"] {
                let key = format!("{class}_ttl_s");
                set(config, &format!("{agency}.dossiers"), &key, ttl_s);
            }
            // What hangs is no failure to hide from here.
            let guard = format!("{agency}.guard");
            set(config, &guard, "failures_in_a_row", 1_000);
            set(config, &guard, "min_samples", 1_000);
        });
        Self {
            control: Rest::plain(sandbox.text("/agencies/civil_status/control")),
            caller: Rest::at(&node.url, &sandbox, "commune"),
            operations: Rest::plain(&node.operations),
            _sandbox: sandbox,
            node,
        }
    }

    async fn hang(&self) {
        let hang = json!({"faults": [{"fault": "hang"}]});
        assert_eq!(self.control.put("/knobs", &hang).await.status, 200);
    }

    async fn let_go(&self) {
        assert_eq!(self.control.put("/knobs", &json!({})).await.status, 200);
    }

    /// Asks; what became of it at the register.
    async fn ask(&self, citizen: &str) -> (RestAnswer, Value) {
        let mask = "civilStatus.name,tax.status";
        let answer = self.caller.lookup(citizen, "ONE_STOP_DESK", mask).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let sources = answer.json()["sources"].as_array().unwrap().clone();
        let mut of = sources.into_iter();
        let of = of.find(|it| it["source"] == "SOURCE_CIVIL_STATUS").unwrap();
        (answer, of)
    }

    /// Leaves a dossier under way.
    async fn leave(&self, citizen: &str) {
        let (_, source) = self.ask(citizen).await;
        assert_eq!(source["state"], "SOURCE_STATE_TIMEOUT", "{source}");
        assert_eq!(source["reason"], "DOSSIER_UNDER_WAY", "{source}");
        assert!(source["retryAfter"].is_string(), "{source}");
    }

    async fn list(&self) -> Vec<Value> {
        let listed = self.operations.get("/admin/dossiers").await.unwrap().json();
        listed["dossiers"].as_array().unwrap().clone()
    }

    /// Waits until every dossier is in its state; the dossiers then.
    async fn until(&self, states: &[&str]) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let dossiers = self.list().await;
            if dossiers.iter().map(|it| &it["state"]).eq(states) {
                return dossiers;
            }
            let waited = begun.elapsed();
            assert!(waited < Duration::from_secs(40), "{states:?}: {dossiers:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn dossier(&self, arguments: &[&str]) -> Ran {
        let operations = ["--operations", &self.node.operations];
        run(&[&["dossier"], arguments, &operations].concat())
    }

    fn moved(&self, how: &str, number: &str) -> Ran {
        self.dossier(&[how, number, "--operator", OPERATOR, "--reason", WHY])
    }

    fn log(&self) -> PathBuf {
        self.node.log.clone()
    }

    async fn enquiries(&self) -> usize {
        let journal = self.control.get("/journal").await.unwrap().json();
        let entries = journal["entries"].as_array().unwrap();
        let enquiries = entries.iter().filter(|it| it["operation"] == "traCuu");
        enquiries.count()
    }
}

/// Everything in the files of the register.
fn kept(log: &Path) -> Vec<u8> {
    let files = ["dossiers.db", "dossiers.db-wal"].map(|name| log.join("index").join(name));
    files
        .iter()
        .flat_map(|file| fs::read(file).unwrap_or_default())
        .collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|it| it == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dossier_outlives_a_kill_and_the_same_question_has_its_result() {
    let scene = Scene::new(3_600);
    let serving = scene.node.start();
    scene.hang().await;
    scene.leave(CITIZENS[0]).await;
    let enquiries = scene.enquiries().await;
    scene.leave(CITIZENS[0]).await;
    assert_eq!(
        scene.enquiries().await,
        enquiries,
        "it goes on with the first"
    );
    let before = scene.list().await;
    assert_eq!(before.len(), 1);
    let code = before[0]["code"].as_str().unwrap();
    loop_until(Duration::from_secs(20), || {
        holds(&kept(&scene.log()), code).then_some(())
    });
    drop(serving); // kill -9
    let serving = scene.node.start();
    let after = scene.list().await;
    for key in [
        "dossier",
        "code",
        "state",
        "requestId",
        "agency",
        "system",
        "class",
    ] {
        assert_eq!(before[0][key], after[0][key], "{key}");
    }
    let kept = kept(&scene.log());
    assert!(!holds(&kept, "999099001003") && holds(&kept, "one-stop-desk"));
    scene.let_go().await;
    scene.until(&["COMPLETED"]).await;
    let (answer, source) = scene.ask(CITIZENS[0]).await;
    assert_eq!(source["state"], "SOURCE_STATE_OK", "{answer:?}");
    assert_eq!(source["upstreamRequestId"], before[0]["code"]);
    assert_eq!(scene.enquiries().await, enquiries, "nobody has asked anew");
    assert!(scene.list().await.is_empty());
    assert!(serving.terminate());
}

/// What operators see of three that hang.
async fn shown(scene: &Scene) {
    let listed = scene.dossier(&["list"]).out;
    assert_eq!(listed.matches("HUNG (NOT_DONE)").count(), 3, "{listed}");
    assert!(!listed.contains("9990990"), "{listed}");
    let metrics = scene.operations.get("/metrics").await.unwrap().text;
    for series in [
        r#"source_dossiers{source="civil_status",state="HUNG"} 3"#,
        r#"source_dossiers_oldest_timestamp_seconds{source="civil_status"} "#,
        r#"source_looks_total{end="answered",source="civil_status"} "#,
    ] {
        assert!(metrics.contains(series), "{series}: {metrics}");
    }
}

/// Each of the three was moved with a record.
fn recorded(scene: &Scene, hung: &[Value]) {
    let records = tests::records(&scene.log());
    let acts = ["DOSSIER_REQUERY", "DOSSIER_RESEND", "DOSSIER_CLOSE"];
    for (act, dossier) in acts.iter().zip(hung) {
        let mut all = records.iter().map(|(_, record)| record);
        let record = all.find(|it| it["act"] == *act).unwrap();
        let on = format!("dossier:civil_status/{}", dossier["code"].as_str().unwrap());
        assert_eq!((&record["t"], &record["on"]), (&json!("ADMIN"), &json!(on)));
        assert_eq!(record["rid"], dossier["requestId"]);
        assert!(
            record["off"].is_string() && record["txt"].is_string(),
            "{record}"
        );
        assert!(!record.to_string().contains(OPERATOR));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hangs_is_listed_and_moved_by_operators_alone() {
    let scene = Scene::new(1);
    let serving: Serving = scene.node.start();
    scene.hang().await;
    for citizen in CITIZENS {
        scene.leave(citizen).await;
    }
    let hung = scene.until(&["HUNG"; 3]).await;
    assert!(hung.iter().all(|it| it["reason"] == "NOT_DONE"), "{hung:?}");
    serving.logs("DossierHung");
    shown(&scene).await;
    // Let go, it is done, and yet nothing moves what hangs.
    scene.let_go().await;
    let none = scene.moved("requery", "17");
    assert_eq!(
        (none.code, none.err.contains("there is no dossier 17")),
        (5, true)
    );
    assert!(
        scene.dossier(&["close", "3", "--operator", OPERATOR]).code == 2,
        "no reason"
    );
    scene.until(&["HUNG"; 3]).await;
    let asked = scene.moved("requery", "1");
    assert_eq!(asked.code, 0, "{asked:?}");
    assert!(
        asked
            .out
            .contains("dossier 1 is AWAITING_UPSTREAM; record "),
        "{asked:?}"
    );
    let sent = scene.moved("resend", "2");
    assert!(
        sent.out.contains("dossier 2 is QUEUED; record "),
        "{sent:?}"
    );
    let closed = scene.moved("close", "3");
    assert!(
        closed.out.contains("dossier 3 is CLOSED; record "),
        "{closed:?}"
    );
    let moved = scene.until(&["COMPLETED", "COMPLETED", "CLOSED"]).await;
    assert_eq!(moved[0]["code"], hung[0]["code"]);
    assert_ne!(
        moved[1]["code"], hung[1]["code"],
        "the register has opened another"
    );
    let refused = scene.moved("close", "1");
    let says = refused
        .err
        .contains("dossier 1 is COMPLETED: one that is HUNG is");
    assert!(refused.code == 5 && says, "{refused:?}");
    let before = scene.enquiries().await;
    let (answer, source) = scene.ask(CITIZENS[1]).await;
    assert_eq!(source["state"], "SOURCE_STATE_OK", "{answer:?}");
    assert_eq!(source["upstreamRequestId"], moved[1]["code"]);
    assert_eq!(scene.enquiries().await, before);
    assert!(serving.terminate());
    recorded(&scene, &hung);
}
