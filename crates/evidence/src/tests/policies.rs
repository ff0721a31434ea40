//! Which policy is in force: that the log says so before anything is recorded under it.

use std::sync::OnceLock;

use super::*;
use crate::Observer;

const OTHER: [u8; 32] = [8; 32];

/// Every leaf's type and the first byte of the digest that it names.
fn named(dir: &Path) -> Vec<String> {
    let all = leaves(dir);
    let one = |leaf: &Value| {
        let t = leaf["t"].as_str().unwrap();
        let digest = leaf["pol"].as_str().unwrap_or("sha256:none");
        format!("{t} {}", &digest["sha256:".len()..][..2])
    };
    all.iter().map(one).collect()
}

#[tokio::test]
async fn a_start_under_another_policy_says_so_after_a_stop_and_after_a_crash() {
    let mut desk = Desk::new();
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    handle.close().await.unwrap();
    let first = ["START 07", "ACCESS 07", "STOP 07"];
    assert_eq!(named(desk.path()), first);

    desk.policy = OTHER;
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    drop(handle); // as a crash
    drop(evidence);
    let second = ["START 08", "CONFIG 08", "ACCESS 08"];
    assert_eq!(named(desk.path())[3..], second);

    desk.policy = POLICY;
    desk.start().1.close().await.unwrap();
    let third = ["START 07", "CONFIG 07", "STOP 07"];
    assert_eq!(named(desk.path())[6..], third);
    desk.verifies();
}

#[tokio::test]
async fn the_same_policy_at_the_next_start_is_no_change() {
    let desk = Desk::new();
    for _ in 0..2 {
        desk.start().1.close().await.unwrap();
    }
    assert_eq!(kinds(desk.path()), ["START", "STOP", "START", "STOP"]);
}

#[tokio::test]
async fn a_policy_that_changed_while_the_log_ran_is_the_one_that_counts_at_the_next_start() {
    let mut desk = Desk::new();
    let (evidence, handle) = desk.start();
    evidence.config_changed(&OTHER).await.unwrap();
    handle.close().await.unwrap();
    assert_eq!(named(desk.path()), ["START 07", "CONFIG 08", "STOP 08"]);
    desk.policy = OTHER;
    desk.start().1.close().await.unwrap();
    assert_eq!(named(desk.path())[3..], ["START 08", "STOP 08"]);
}

/// Changes the policy when the second log has written its `START`, before it takes anything.
#[derive(Debug, Default)]
struct AtTheTurn(OnceLock<Evidence>);

impl Observer for AtTheTurn {
    fn next_seq(&self, seq: u64) {
        if let Some(evidence) = self.0.get().filter(|_| seq == 1) {
            assert_eq!(&*evidence.origin(), "audit.gw.example/gw-1/2026h1");
            drop(evidence.config_changed(&OTHER));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_changes_while_the_next_half_year_begins_is_named_there() {
    let mut desk = Desk::new();
    desk.config.origin = "audit.gw.example/gw-1/{half-year}".to_owned();
    let observer = Arc::<AtTheTurn>::default();
    let deps = Deps {
        keys: keys::create_if_missing(&desk.config.at_start(&*desk.clock).unwrap()).unwrap(),
        clock: Arc::clone(&desk.clock) as Arc<dyn Clock>,
        observer: Arc::clone(&observer) as Arc<dyn Observer>,
        witnesses: None,
        version: "0.1.0",
        policy: POLICY,
        on_fatal: Alarm::new(|error| panic!("{error}")),
    };
    let (evidence, handle) = Evidence::start(desk.config.clone(), deps).unwrap();
    observer.0.set(evidence.clone()).unwrap();
    desk.clock.set(turn::LATER_MS);
    rotation::until(|| &*evidence.origin() == "audit.gw.example/gw-1/2026h2").await;
    handle.close().await.unwrap();
    let next = desk.config.of("2026h2".parse().unwrap());
    let next = named(&next.dir);
    assert_eq!(next[0], "START 07", "{next:?}");
    assert!(next.contains(&"CONFIG 08".to_owned()), "{next:?}");
}
