//! Keys that follow each other, as the command line and programs of others see it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use evidence::keys::{self, Keys, Rotation};
use tests::{Ran, Sandbox, loop_until, run};

use crate::logs::{Log, Open, check};

/// The keys of checkpoints of a log that is asked for others, when they have signed one.
async fn rotate(log: &Log, open: &mut Open, rotation: Rotation) -> Vec<String> {
    let wanted = keys::rotate(&log.config, rotation).unwrap();
    loop_until(Duration::from_secs(20), || {
        keys::are_in_force(&log.config, &wanted)
            .unwrap()
            .then_some(())
    });
    open.wrote(1).await;
    log.vkeys()
}

/// In the overlap a log verifies by each of its keys alone and by all, and a proof of before by the
/// keys of before; afterwards by the new ones only.
#[tokio::test(flavor = "multi_thread")]
async fn the_go_toolchain_reads_a_log_by_each_key_of_a_rotation() {
    let log = Log::new();
    let mut open = log.open(0).await;
    open.grow(300).await;
    let old = log.vkeys();
    let kept = tempfile::tempdir().unwrap();
    let (proof, checkpoint) = (kept.path().join("7.tlog-proof"), kept.path().join("old"));
    let (dir, out) = (log.dir().to_str().unwrap(), proof.to_str().unwrap());
    let ran = run(&["audit", "prove", dir, "--seq", "7", "--out", out]);
    assert_eq!(ran.code, 0, "{ran:?}");
    std::fs::copy(log.dir().join("checkpoint"), &checkpoint).unwrap();

    let both = rotate(&log, &mut open, Rotation::Begin).await;
    assert_eq!((both.len(), &both[..2]), (4, old.as_slice()));
    let before = [("-proof", proof.as_path()), ("-old", checkpoint.as_path())];
    let Some(said) = check(log.dir(), &old, &before) else {
        return;
    };
    assert!(said.unwrap().ends_with("keys 2 olds 1 proofs 1\n"));
    for key in &both {
        let said = check(log.dir(), std::slice::from_ref(key), &[]).unwrap();
        assert!(said.unwrap().contains(" keys 1 "), "{key}");
    }
    let said = check(log.dir(), &both, &[]).unwrap().unwrap();
    assert!(said.contains(" keys 4 "), "{said}");

    let new = rotate(&log, &mut open, Rotation::Finish).await;
    assert_eq!(new, both[2..]);
    assert!(check(log.dir(), &new, &[]).unwrap().is_ok());
    for key in &old {
        let said = check(log.dir(), std::slice::from_ref(key), &[]).unwrap();
        assert!(said.is_err(), "{key}");
    }
    open.close().await;
    assert!(check(log.dir(), &new, &[]).unwrap().is_ok());
}

/// A sandbox that is asked again and again, and keeps every receipt.
struct Asked {
    sandbox: Sandbox,
    kept: tempfile::TempDir,
    answers: String,
}

impl Asked {
    fn new() -> Self {
        Self {
            sandbox: Sandbox::start(),
            kept: tempfile::tempdir().unwrap(),
            answers: String::new(),
        }
    }

    fn receipts(&self) -> PathBuf {
        self.kept.path().join("receipts")
    }

    /// Asks once more; the log verifies, and every receipt so far. What is said of that.
    fn ask(&mut self) -> String {
        let answer = self.sandbox.lookup(&["999099000001", "--json"]);
        assert_eq!(answer.code, 0, "{answer:?}");
        self.answers += answer.out.replace('\n', " ").trim();
        self.answers += "\n";
        std::fs::write(self.receipts(), &self.answers).unwrap();
        let verified = self.sandbox.verify(Some(&self.receipts()));
        assert_eq!(verified.code, 0, "{verified:?}");
        verified.out
    }

    fn rotate_keys(&self, more: &[&str]) -> Ran {
        let config = self.sandbox.dir().join("lienthong.toml");
        let arguments = ["audit", "rotate-keys", "--config", config.to_str().unwrap()];
        run(&[&arguments, more].concat())
    }

    /// Rotates from beginning to end.
    fn rotate(&mut self) {
        let begun = self.rotate_keys(&[]);
        assert_eq!(begun.code, 0, "{begun:?}");
        assert_eq!(begun.out.matches(" (new)\n").count(), 2, "{begun:?}");
        assert!(begun.out.contains("these keys sign."), "{begun:?}");
        assert!(self.ask().contains("sign from here on"));
        loop_until(Duration::from_secs(20), || {
            let finished = self.rotate_keys(&["--finish"]);
            (finished.code == 0).then_some(())
        });
    }

    fn dir(&self) -> String {
        self.sandbox.path("/log/dir").display().to_string()
    }
}

/// The keys of a sandbox rotate while it answers; receipts of all times verify.
#[test]
fn a_gateway_takes_up_new_keys_while_it_answers() {
    let mut asked = Asked::new();
    asked.ask();
    let refused = asked.rotate_keys(&["--finish"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.err.contains("no rotation is under way"),
        "{refused:?}"
    );
    asked.rotate();
    let said = asked.ask();
    assert!(said.contains("sign no more"), "{said}");
    assert!(said.contains("3 receipts verified, 0 refused"), "{said}");
    let logged = asked.sandbox.logged();
    let changes = logged.matches("the keys that sign the record have changed");
    assert_eq!(changes.count(), 2, "{logged}");
    let leaked = asked.rotate_keys(&["--leaked"]);
    assert!(leaked.out.contains("these keys sign alone"), "{leaked:?}");
    let said = asked.ask();
    assert!(said.contains("4 receipts verified, 0 refused"), "{said}");
}

/// A proof of before verifies by the old key, the log by the new one; a copy of it by itself.
#[test]
fn what_was_proved_before_keys_rotate_stays_proved() {
    let mut asked = Asked::new();
    asked.ask();
    let proof = asked.kept.path().join("first.tlog-proof");
    let (dir, out) = (asked.dir(), proof.to_str().unwrap());
    let receipts = asked.receipts();
    let receipt = ["--receipt", receipts.to_str().unwrap(), "--out", out];
    let proved = run(&[&["audit", "prove", &dir], &receipt[..]].concat());
    assert_eq!(proved.code, 0, "{proved:?}");
    asked.rotate();
    asked.ask();

    let verify = |log: &str, key: &str| run(&["audit", "verify", log, "--vkey", key]);
    let (url, old) = (
        asked.sandbox.text("/log/url"),
        asked.sandbox.text("/log/vkey"),
    );
    let verified = verify(out, old);
    assert_eq!(verified.code, 0, "{verified:?}");
    // One that was shown before, in the last half second, may be signed by both.
    loop_until(Duration::from_secs(20), || {
        (verify(url, old).code == 1).then_some(())
    });
    let listed = std::fs::read_to_string(Path::new(&dir).join("keys")).unwrap();
    let mut lines = listed.lines();
    let new = lines.find_map(|line| line.strip_prefix("log ")).unwrap();
    let by_new = verify(url, new);
    assert_eq!(by_new.code, 0, "{by_new:?}");

    // The description of the sandbox names the new ones as well.
    let file = asked.sandbox.dir().join("sandbox.json");
    loop_until(Duration::from_secs(20), || {
        let text = std::fs::read(&file).unwrap();
        let description: serde_json::Value = serde_json::from_slice(&text).unwrap();
        (description["log"]["vkey"] == new).then_some(())
    });

    let copy = asked.kept.path().join("copy").display().to_string();
    let copied = run(&["audit", "export", &dir, "--out", &copy]);
    assert_eq!(copied.code, 0, "{copied:?}");
    let verified = run(&["audit", "verify", &copy]);
    assert_eq!(verified.code, 0, "{verified:?}");
}

/// A gateway that does not run takes them up when it starts.
#[tokio::test]
async fn a_log_that_is_not_written_takes_up_new_keys_at_its_start() {
    let log = Log::new();
    let mut open = log.open(0).await;
    open.grow(3).await;
    open.close().await;
    let old = Keys::load(&log.config).unwrap();
    let new = keys::rotate(&log.config, Rotation::Begin).unwrap();
    assert!(!keys::are_in_force(&log.config, &new).unwrap());
    let open = log.open_at(4, 2).await;
    assert!(keys::are_in_force(&log.config, &new).unwrap());
    open.close().await;
    let expected = [old.log(), old.log_ml_dsa(), new.log(), new.log_ml_dsa()];
    let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
    assert_eq!(log.vkeys(), expected);
    if let Some(said) = check(log.dir(), &expected, &[]) {
        assert!(said.unwrap().contains(" keys 4 "));
    }
}
