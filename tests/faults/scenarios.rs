//! Scenarios, played by the running program: those that come with it, and those in a file.

use std::time::Duration;

use exchange::Source;
use serde_json::Value;
use tests::{Rest, Sandbox, run};
use tokio::time::{sleep, timeout};

use crate::scene::{ask, only_fails, state};

/// The knobs of a simulated agency as they stand.
async fn knobs(sandbox: &Sandbox, source: Source) -> Value {
    let control = sandbox.text(&format!("/agencies/{source}/control"));
    Rest::plain(control).get("/knobs").await.unwrap().json()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bad_day_that_comes_with_the_program_disturbs_every_agency() {
    let sandbox = Sandbox::start_as(&["--scenario", "bad-day"]);
    let at_rest = serde_json::to_value(sim::KnobSettings::default()).unwrap();
    let mut quiet: Vec<Source> = Source::ALL.to_vec();
    let all_disturbed = async {
        while !quiet.is_empty() {
            for source in quiet.clone() {
                if knobs(&sandbox, source).await != at_rest {
                    quiet.retain(|it| *it != source);
                }
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(60), all_disturbed)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_in_a_file_is_played_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("day.toml");
    let day = r#"
        [[step]]
        at_s = 0
        agency = "tax"
        fault = [{ fault = "not_found", subject = "999099001001" }]
        latency_of = { "999099001002" = { fixed = { ms = 1500 } } }
    "#;
    std::fs::write(&file, day).unwrap();
    let sandbox = Sandbox::start_as(&["--scenario", file.to_str().unwrap()]);
    let caller = Rest::new(&sandbox, "commune");
    let control = sandbox.text("/agencies/tax/control").to_owned();
    let control = Rest::plain(&control);
    loop {
        let knobs = control.get("/knobs").await.unwrap().json();
        if knobs["faults"][0]["fault"] == "not_found" {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    let nobody = ask(&caller, "999099001001", 4).await.json();
    assert_eq!(state(&nobody, Source::Tax), "NOT_FOUND", "{nobody}");
    only_fails(&nobody, Source::Tax);
    // One person's answers are slow, nobody else's.
    let slow = ask(&caller, "999099001002", 1).await.json();
    assert_eq!(state(&slow, Source::Tax), "TIMEOUT", "{slow}");
    only_fails(&slow, Source::Tax);
    let other = ask(&caller, "999099001003", 4).await.json();
    assert_eq!(state(&other, Source::Tax), "OK", "{other}");
}

#[test]
fn a_scenario_that_is_wrong_ends_the_program_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let (file, place) = (dir.path().join("day.toml"), dir.path().join("sandbox"));
    let place = place.to_str().unwrap();
    for (wrong, why) in [
        ("[[step]]\nat_s = 0\nagency = \"land\"\n", "agency"),
        (
            "[[step]]\nat_s = 0\nagency = \"tax\"\nfault = [{ fault = \"login_page\" }]\n",
            "login_page",
        ),
        ("step = 7\n", "step"),
    ] {
        std::fs::write(&file, wrong).unwrap();
        let name = file.to_str().unwrap();
        let ran = run(&["sandbox", "--dir", place, "--scenario", name]);
        assert_ne!(ran.code, 0, "{wrong}: {ran:?}");
        assert!(ran.err.contains(why), "{wrong}: {ran:?}");
        assert!(!std::path::Path::new(place).join("sandbox.json").exists());
    }
    let ran = run(&["sandbox", "--dir", place, "--scenario", "no-such-day"]);
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("no-such-day"), "{ran:?}");
}
