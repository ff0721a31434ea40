//! A node with a log for each half-year, as the built program serves it and the commands of an operator
//! change it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use evidence::{Alarm, Config, Deps, Evidence, NoObserver, keys};
use exchange::{Clock, SystemClock};
use jiff::{SignedDuration, Timestamp};
use tests::{Ran, Sandbox, loop_until, program, receipt_text, run, verify};

const ORIGIN: &str = "sandbox.lienthong.example/gw-1/{half-year}";

/// What the clock said half a year ago.
#[derive(Debug)]
struct HalfAYearAgo;

impl Clock for HalfAYearAgo {
    fn now(&self) -> Timestamp {
        SystemClock.now() - SignedDuration::from_hours(184 * 24)
    }
}

/// Five records of the half-year before this one, in the directory of a sandbox; their receipts.
async fn half_a_year_ago(place: &Path) -> String {
    let config = Config {
        reserve_bytes: 0,
        reserve_percent: 0,
        ..Config::new(place.join("log"), ORIGIN, "gw-1")
    };
    let clock = Arc::new(HalfAYearAgo);
    let deps = Deps {
        keys: keys::create_if_missing(&config.at_start(&*clock).unwrap()).unwrap(),
        clock,
        observer: Arc::new(NoObserver),
        witnesses: None,
        version: "0.0.0",
        policy: [7; 32],
        on_fatal: Alarm::new(|error| panic!("{error}")),
    };
    let (evidence, handle) = Evidence::start(config, deps).unwrap();
    let mut receipts = String::new();
    for _ in 0..5 {
        receipts += &receipt_text(&evidence.config_changed(&[7; 32]).await.unwrap());
    }
    handle.close().await.unwrap();
    receipts
}

/// `lienthong serve` with a configuration.
struct Serving(Child);

impl Serving {
    fn start(config: &Path) -> Self {
        let out = config.with_file_name("serve.out");
        let mut child = Command::new(program())
            .args(["serve", "--config"])
            .arg(config)
            .stdout(std::fs::File::create(&out).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        loop_until(Duration::from_secs(30), || {
            assert!(child.try_wait().unwrap().is_none(), "it has ended");
            let text = std::fs::read_to_string(&out).ok()?;
            text.contains("ready https://").then_some(())
        });
        Self(child)
    }

    fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.0.kill().ok();
            self.0.wait().ok();
        }
    }
}

/// Runs a command on the log of a configuration.
fn audit(config: &Path, arguments: &[&str]) -> Ran {
    let config = ["--config", config.to_str().unwrap()];
    run(&[&["audit"], arguments, &config].concat())
}

/// The half-years that have a log, oldest first.
fn half_years(log: &Path) -> Vec<PathBuf> {
    let logs = evidence::verify::half_years(log).unwrap();
    assert_eq!(logs.len(), 2, "{logs:?}");
    logs
}

/// What is said of the whole directory and of these receipts.
fn verified(log: &Path, receipts: &Path, count: usize) -> String {
    let ran = verify(log, Some(receipts));
    assert_eq!(ran.code, 0, "{ran:?}");
    for said in [
        "it follows the log before it",
        "2 logs verified",
        &format!("{count} receipts verified, 0 refused"),
    ] {
        assert!(ran.out.contains(said), "{said}: {ran:?}");
    }
    ran.out
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_and_half_years_retire_by_command_where_the_program_serves() {
    let (mut older, runtime) = (String::new(), tokio::runtime::Handle::current());
    let settings = format!("origin = '{ORIGIN}'\nretention_years = 0");
    let sandbox = Sandbox::start_prepared(&settings, |place| {
        older = tokio::task::block_in_place(|| runtime.block_on(half_a_year_ago(place)));
    });
    let (log, config) = (sandbox.path("/log/dir"), sandbox.path("/config"));
    let answer = sandbox.lookup(&["999099000001", "--json"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let receipts = sandbox.dir().join("receipts");
    let all = format!("{older}{}\n", answer.out.replace('\n', " ").trim());
    std::fs::write(&receipts, all).unwrap();
    // Its directory goes with it.
    let _stopped = sandbox.interrupt();
    verified(&log, &receipts, 6);

    let serving = Serving::start(&config);
    let begun = audit(&config, &["rotate-keys"]);
    assert_eq!(begun.code, 0, "{begun:?}");
    assert!(begun.out.contains("these keys sign."), "{begun:?}");
    loop_until(Duration::from_secs(20), || {
        let finished = audit(&config, &["rotate-keys", "--finish"]);
        (finished.code == 0).then_some(())
    });
    serving.stop();
    let said = verified(&log, &receipts, 6);
    assert!(said.contains("sign from here on"), "{said}");
    assert!(said.contains("sign no more"), "{said}");

    let [old, new] = half_years(&log).try_into().unwrap();
    let name = |log: &Path| log.file_name().unwrap().to_str().unwrap().to_owned();
    let refused = audit(&config, &["retire", &name(&new)]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("has not ended"), "{refused:?}");
    assert!(old.join("wal").is_dir());
    let retired = audit(&config, &["retire", &name(&old)]);
    assert_eq!(retired.code, 0, "{retired:?}");
    assert!(!old.join("wal").exists());
    let said = verified(&log, &receipts, 6);
    assert!(said.contains("its write-ahead log was retired"), "{said}");

    // It goes on behind that, also when what was retired is taken away.
    Serving::start(&config).stop();
    verified(&log, &receipts, 6);
    std::fs::remove_dir_all(&old).unwrap();
    Serving::start(&config).stop();
    let ran = verify(&log, None);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("1 logs verified"), "{ran:?}");
}
