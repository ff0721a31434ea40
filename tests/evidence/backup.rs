//! Backup and restore, step by step as `operations.md` has them, while the gateway records.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tests::{Ran, Rest, Sandbox, program, run, shell, verify};
use tokio::task::JoinHandle;

const ERASED: &str = "999099004713";
const KEPT: &str = "999099004714";
const MANUAL: &str = include_str!("../../crates/manual/operations.md");

/// The block of the manual that holds this line.
fn steps(line: &str) -> &'static str {
    let blocks = MANUAL.split("```sh\n").skip(1);
    let mut blocks = blocks.map(|rest| rest.split("```").next().unwrap());
    blocks.find(|block| block.contains(line)).unwrap()
}

/// Runs steps of the manual.
fn follow(steps: &str, log: &Path, backup: &Path) {
    let path = program().parent().unwrap().display().to_string();
    let (log, backup) = (log.display(), backup.display());
    let ran = shell(&format!(
        "set -o pipefail\nexport PATH={path}:$PATH LOG={log} BACKUP={backup}\n{steps}"
    ));
    assert_eq!(ran.code, 0, "{ran:?}");
}

/// One that asks without a pause, and the receipts it was given.
struct Load {
    ended: Arc<AtomicBool>,
    asking: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    fn start(sandbox: &Sandbox) -> Self {
        let (rest, ended) = (Rest::new(sandbox, "commune"), Arc::<AtomicBool>::default());
        let asking = (0..8).map(|number| {
            let (rest, ended) = (rest.clone(), Arc::clone(&ended));
            let id = format!("9990990048{number:02}");
            tokio::spawn(async move {
                let mut receipts = Vec::new();
                while !ended.load(Ordering::Relaxed) {
                    receipts.extend(receipt(&rest, &id).await);
                }
                receipts
            })
        });
        Self {
            asking: asking.collect(),
            ended,
        }
    }

    async fn end(self) -> Vec<String> {
        self.ended.store(true, Ordering::Relaxed);
        let mut receipts = Vec::new();
        for asking in self.asking {
            receipts.extend(asking.await.unwrap());
        }
        receipts
    }
}

/// The answer with its receipt; none if the gateway has ended.
async fn receipt(rest: &Rest, id: &str) -> Option<String> {
    let body = tests::question(id, "ONE_STOP_DESK", "tax.status").to_string();
    let answer = rest.post("/v1/citizens:lookup", body, &[]).await.ok()?;
    assert_eq!(answer.status, 200, "{answer:?}");
    Some(answer.json().to_string())
}

fn show(sandbox: &Sandbox, id: &str) -> Ran {
    let dir = sandbox.dir().display().to_string();
    let who = ["--sandbox", &dir, "--as", "auditor", "--officer", "TT-01"];
    run(&[&["audit", "show", "--subject", id], &who[..]].concat())
}

/// True if an access to somebody's data is found and opened.
fn is_found(sandbox: &Sandbox, id: &str) -> bool {
    let shown = show(sandbox, id);
    shown.code == 0 && shown.out.contains("ACCESS ALLOW") && shown.out.contains(id)
}

async fn erase(sandbox: &Sandbox, id: &str) {
    let context = json!({
        "requestId": exchange::RequestId::fresh().to_string(),
        "purposeCode": "INSPECTION",
        "officerId": "TT-01",
    });
    let body = json!({"context": context, "subject": {"personalId": id}});
    let auditor = Rest::new(sandbox, "auditor");
    let erased = auditor.post("/v1/audit/subjects:erase", body.to_string(), &[]);
    assert_eq!(erased.await.unwrap().status, 200);
}

/// A log whose disk was lost: everything of it goes but the lock store, which lies elsewhere.
fn lose(log: &Path) {
    std::fs::remove_dir_all(log).unwrap();
}

/// What a start says that is refused.
fn refused(config: &Path) -> String {
    let ran = run(&["serve", "--config", &config.display().to_string()]);
    assert_ne!(ran.code, 0, "{ran:?}");
    ran.err
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_under_load_is_restored_as_the_manual_says() {
    assert_eq!(
        shell("sqlite3 --version").code,
        0,
        "no sqlite3 here: install the package sqlite3, as `cargo xtask test` does"
    );
    let (backup, restore) = (steps("audit backup"), steps("cp -R \"$BACKUP/log/.\""));
    let home = tempfile::tempdir().unwrap();
    let place = |name: &str| -> PathBuf { home.path().join(name) };
    let sandbox = Sandbox::start();
    let (log, config) = (sandbox.path("/log/dir"), sandbox.path("/config"));
    let commune = Rest::new(&sandbox, "commune");
    for id in [ERASED, KEPT] {
        receipt(&commune, id).await.unwrap();
        assert!(is_found(&sandbox, id));
    }

    let load = Load::start(&sandbox);
    follow(backup, &log, &place("old"));
    erase(&sandbox, ERASED).await;
    assert!(!is_found(&sandbox, ERASED));
    for _ in 0..3 {
        // Again into the same place.
        follow(backup, &log, &place("new"));
        for copy in ["old", "new"] {
            let copied = verify(&place(copy).join("log"), None);
            assert_eq!(copied.code, 0, "{copy}: {copied:?}");
        }
    }
    let stopped = sandbox.kill();
    let receipts = load.end().await;
    assert!(receipts.len() > 100, "{}", receipts.len());
    follow(backup, &log, &place("new"));

    // Last night's is refused: the lock store knows more.
    lose(&log);
    follow(restore, &log, &place("old"));
    let said = refused(&config);
    assert!(said.contains("AuditRollbackDetected"), "{said}");
    let older = verify(&place("old").join("log"), None);
    assert_eq!(older.code, 0, "{older:?}");

    // The latest goes on, with every receipt; its index is made again, and what was erased stays so.
    lose(&log);
    follow(restore, &log, &place("new"));
    assert!(!log.join("index").exists());
    let sandbox = stopped.restart();
    assert!(is_found(&sandbox, KEPT));
    assert!(!is_found(&sandbox, ERASED));
    receipt(&Rest::new(&sandbox, "commune"), KEPT)
        .await
        .unwrap();
    let file = place("receipts");
    std::fs::write(&file, receipts.join("\n")).unwrap();
    let verified = sandbox.verify(Some(&file));
    let says = format!("{} receipts verified, 0 refused", receipts.len());
    assert!(verified.out.contains(&says), "{verified:?}");

    with_the_older_keyring_what_was_erased_since_opens_again(sandbox, home.path());
}

/// Restores the latest log with the keyring of the night before.
fn with_the_older_keyring_what_was_erased_since_opens_again(sandbox: Sandbox, home: &Path) {
    let (backup, restore) = (steps("audit backup"), steps("cp -R \"$BACKUP/log/.\""));
    let (log, new) = (sandbox.path("/log/dir"), home.join("new"));
    let stopped = sandbox.interrupt();
    assert_eq!(stopped.code, Some(0));
    follow(backup, &log, &new);
    let older = home.join("old/keyring/keyring.db");
    std::fs::copy(older, new.join("keyring/keyring.db")).unwrap();
    lose(&log);
    follow(restore, &log, &new);
    let sandbox = stopped.restart();
    assert!(is_found(&sandbox, KEPT));
    assert!(is_found(&sandbox, ERASED));
    let said = sandbox.logged();
    assert!(
        said.contains("the keys to what records hide are lost"),
        "{said}"
    );
}
