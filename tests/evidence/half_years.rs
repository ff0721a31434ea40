//! A node with a log for each half-year, checked by the program and by the Go toolchain.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use evidence::{Alarm, Config, Deps, Evidence, Handle, NoObserver, Receipt, keys};
use exchange::Clock;
use jiff::Timestamp;
use tests::{receipt_text as text, run, verify};

use crate::logs::check;

/// A calendar that is turned by hand.
#[derive(Debug)]
struct Calendar(AtomicI64);

impl Clock for Calendar {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

impl Calendar {
    fn turn(&self, to: &str) {
        let time: Timestamp = to.parse().unwrap();
        self.0.store(time.as_millisecond(), Ordering::SeqCst);
    }
}

fn deps(config: &Config, calendar: &Arc<Calendar>) -> Deps {
    Deps {
        keys: keys::create_if_missing(&config.at_start(&**calendar).unwrap()).unwrap(),
        clock: Arc::clone(calendar) as _,
        observer: Arc::new(NoObserver),
        witnesses: None,
        version: "0.0.0",
        policy: [7; 32],
        on_fatal: Alarm::new(|error| panic!("{error}")),
    }
}

async fn record(evidence: &Evidence, count: usize) -> Vec<Receipt> {
    let sealing: Vec<_> = (0..count)
        .map(|_| evidence.config_changed(&[7; 32]))
        .collect();
    let mut receipts = Vec::new();
    for one in sealing {
        receipts.push(one.await.unwrap());
    }
    receipts
}

/// A node that has turned while it was written; its receipts of both half-years.
async fn turned(config: &Config, calendar: &Arc<Calendar>) -> [Vec<Receipt>; 2] {
    let (evidence, handle): (_, Handle) =
        Evidence::start(config.clone(), deps(config, calendar)).unwrap();
    let before = record(&evidence, 300).await;
    calendar.turn("2026-06-30T17:00:00Z");
    for _ in 0..2_000 {
        if evidence.origin().ends_with("2026h2") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let after = record(&evidence, 10).await;
    handle.close().await.unwrap();
    [before, after]
}

fn vkeys(dir: &Path) -> Vec<String> {
    let keys = keys::PublicKeys::read(dir).unwrap();
    keys.log.iter().map(ToString::to_string).collect()
}

/// A node with little in it, and the time at which it is written.
fn node(home: &Path) -> (Config, Arc<Calendar>) {
    let config = Config {
        reserve_bytes: 0,
        reserve_percent: 0,
        segment_bytes: 1 << 20,
        publish_ms: 1,
        retention_years: 0,
        ..Config::new(
            home.join("log"),
            "audit.gw.example/gw-1/{half-year}",
            "gw-1",
        )
    };
    let calendar = Arc::new(Calendar(AtomicI64::new(0)));
    calendar.turn("2026-06-30T16:59:58Z");
    (config, calendar)
}

#[tokio::test]
async fn a_node_of_two_half_years_verifies_whole_and_when_the_older_is_retired() {
    let home = tempfile::tempdir().unwrap();
    let (config, calendar) = node(home.path());
    let [before, after] = turned(&config, &calendar).await;
    let file = home.path().join("receipts");
    let all: String = before.iter().chain(&after).map(text).collect();
    std::fs::write(&file, all).unwrap();

    let ran = verify(&config.dir, Some(&file));
    assert_eq!(ran.code, 0, "{ran:?}");
    for said in [
        "log audit.gw.example/gw-1/2026h1",
        "log audit.gw.example/gw-1/2026h2",
        "it follows the log before it",
        "2 logs verified",
        "310 receipts verified, 0 refused",
    ] {
        assert!(ran.out.contains(said), "{said}: {ran:?}");
    }
    let (old, new) = (config.dir.join("2026h1"), config.dir.join("2026h2"));
    for log in [&old, &new] {
        check(log, &vkeys(log), &[]).map(Result::unwrap);
    }
    let one = home.path().join("receipt");
    std::fs::write(&one, text(&before[17])).unwrap();
    let (dir, proof) = (config.dir.to_str().unwrap(), home.path().join("proof"));
    let (one, proof) = (one.to_str().unwrap(), proof.to_str().unwrap());
    let prove = ["audit", "prove", dir, "--receipt", one, "--out", proof];
    assert_eq!(run(&prove).code, 0);
    let ran = run(&["audit", "verify", proof, "--vkey", &vkeys(&old)[0]]);
    assert_eq!(ran.code, 0, "{ran:?}");

    evidence::retire(&config, deps(&config, &calendar), "2026h1")
        .await
        .unwrap();
    let ran = verify(&config.dir, Some(&file));
    assert_eq!(ran.code, 0, "{ran:?}");
    for said in [
        "its write-ahead log was retired",
        "it follows the log before it",
        "310 receipts verified, 0 refused",
    ] {
        assert!(ran.out.contains(said), "{said}: {ran:?}");
    }
    check(&old, &vkeys(&old), &[]).map(Result::unwrap);
    assert_eq!(run(&prove).code, 0, "proofs are still made");
    copies_say_as_much(&old, home.path(), &before);
    let copy = home.path().join("backup");
    let (dir, out) = (config.dir.to_str().unwrap(), copy.to_str().unwrap());
    for _ in 0..2 {
        let ran = run(&["audit", "backup", dir, "--out", out]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let ran = verify(&copy, Some(&file));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("310 receipts verified, 0 refused"),
        "{ran:?}"
    );
    assert!(copy.join("retired").exists());
}

/// What is copied of a half-year that was retired verifies, with its receipts.
fn copies_say_as_much(old: &Path, home: &Path, receipts: &[Receipt]) {
    let file = home.join("of_old");
    let all: String = receipts.iter().map(text).collect();
    std::fs::write(&file, all).unwrap();
    let copy = home.join("export");
    let (from, to) = (old.to_str().unwrap(), copy.to_str().unwrap());
    let ran = run(&["audit", "export", from, "--out", to]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = verify(&copy, Some(&file));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("300 receipts verified, 0 refused"),
        "{ran:?}"
    );
    // One of the other half-year is not.
    std::fs::write(&file, text(&receipts[0]).replace("2026h1", "2026h2")).unwrap();
    let ran = verify(&copy, Some(&file));
    assert_eq!(ran.code, 1, "{ran:?}");
}

#[tokio::test]
async fn the_newest_log_may_not_be_missing() {
    let home = tempfile::tempdir().unwrap();
    let (config, calendar) = node(home.path());
    turned(&config, &calendar).await;
    let newest = config.dir.join("2026h2");
    let seen = home.path().join("seen");
    std::fs::copy(newest.join("checkpoint"), &seen).unwrap();
    let dir = config.dir.to_str().unwrap();
    let with_old = ["audit", "verify", dir, "--old", seen.to_str().unwrap()];
    assert_eq!(run(&with_old).code, 0);
    std::fs::remove_dir_all(&newest).unwrap();
    let ran = verify(&config.dir, None);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("2026h2 does not follow"), "{ran:?}");
    // An older checkpoint of a log that is not there is held against nothing, and says so.
    let ran = run(&with_old);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("seen"), "{ran:?}");
}

#[tokio::test]
async fn the_oldest_log_may_not_be_missing_unless_it_was_retired() {
    for is_retired in [false, true] {
        let home = tempfile::tempdir().unwrap();
        let (config, calendar) = node(home.path());
        turned(&config, &calendar).await;
        if is_retired {
            evidence::retire(&config, deps(&config, &calendar), "2026h1")
                .await
                .unwrap();
        }
        std::fs::remove_dir_all(config.dir.join("2026h1")).unwrap();
        let ran = verify(&config.dir, None);
        assert_eq!(ran.code, i32::from(!is_retired), "{ran:?}");
        let named = ran.err.contains("gw-1/2026h1: that is not here");
        assert_eq!(named, !is_retired, "{ran:?}");
    }
}

#[tokio::test]
async fn an_older_log_may_not_be_exchanged_not_even_with_its_lock_store() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (config, calendar) = node(home.path());
    turned(&config, &calendar).await;
    let (strange, calendar) = node(other.path());
    turned(&strange, &calendar).await;
    for name in ["log/2026h1", "log.2026h1.head"] {
        let place = home.path().join(name);
        std::fs::rename(&place, place.with_added_extension("old")).unwrap();
        std::fs::rename(other.path().join(name), place).unwrap();
    }
    let ran = verify(&config.dir, None);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("does not follow"), "{ran:?}");
}
