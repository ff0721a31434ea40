//! Its life: ready in time, healthy, restarted by its configuration, gone without a trace.

use std::path::Path;
use std::time::Duration;

use tests::{Rest, Sandbox, Serving, loop_until, run, verify};

#[tokio::test]
async fn an_interrupted_sandbox_leaves_nothing_but_its_directory() {
    let sandbox = Sandbox::start();
    let pid = sandbox.description["pid"].as_u64().unwrap();
    let stopped = sandbox.interrupt();
    assert_eq!(stopped.code, Some(0));
    assert!(!stopped.dir().join("sandbox.json").exists());
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[tokio::test]
async fn the_same_directory_continues_keys_log_and_addresses() {
    let sandbox = Sandbox::start();
    let before = sandbox.description.clone();
    let first = sandbox.lookup(&["999099000001", "--json"]).json();
    let sandbox = sandbox.interrupt().restart();
    let second = sandbox.lookup(&["999099000001", "--json"]).json();
    assert_eq!(sandbox.description["log"]["vkey"], before["log"]["vkey"]);
    assert_eq!(
        sandbox.description["log"]["origin"],
        before["log"]["origin"]
    );
    let seq = |answer: &serde_json::Value| -> u64 {
        answer["receipt"]["seq"].as_str().unwrap().parse().unwrap()
    };
    assert!(seq(&second) > seq(&first));
    assert_eq!(sandbox.verify(None).code, 0);
}

#[tokio::test]
async fn a_second_sandbox_in_the_same_directory_is_refused_and_harms_nothing() {
    let sandbox = Sandbox::start();
    let dir = sandbox.dir().display().to_string();
    let second = run(&["sandbox", "--listen", "127.0.0.1:0", "--dir", &dir]);
    assert_eq!(second.code, 1, "{second:?}");
    assert!(second.err.contains("a sandbox is running"), "{second:?}");
    assert_eq!(sandbox.lookup(&["999099000001", "--json"]).code, 0);
}

/// Whatever the process that runs is called: here, as if it were another one.
#[tokio::test]
async fn a_directory_is_one_sandboxs_by_a_lock_and_not_by_a_name() {
    let sandbox = Sandbox::start();
    let file = sandbox.dir().join("sandbox.json");
    let mut other = sandbox.description.clone();
    other["pid"] = 1.into();
    std::fs::write(&file, other.to_string()).unwrap();
    let dir = sandbox.dir().display().to_string();
    let second = run(&["sandbox", "--listen", "127.0.0.1:0", "--dir", &dir]);
    assert_eq!(second.code, 1, "{second:?}");
    assert!(second.err.contains("a sandbox is running"), "{second:?}");
    assert!(file.exists());
}

#[tokio::test]
async fn a_sandbox_reads_its_configuration_again_at_a_hangup() {
    let sandbox = Sandbox::start();
    sandbox.hang_up();
    loop_until(Duration::from_secs(30), || {
        let logged = sandbox.logged();
        let read = logged.contains("the configuration was read again");
        read.then_some(())
    });
    assert_eq!(sandbox.interrupt().code, Some(0));
}

/// How many STARTs a log has.
fn starts(log: &Path) -> usize {
    let verified = verify(log, None);
    assert_eq!(verified.code, 0, "{verified:?}");
    let mut lines = verified.out.lines();
    let count = lines.find_map(|line| line.trim().strip_prefix("START"));
    count.unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn a_start_at_a_port_in_use_leaves_no_record() {
    let stopped = Sandbox::start().interrupt();
    let log = stopped.dir().join("log");
    let before = starts(&log);
    let config = stopped.dir().join("lienthong.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let table: toml::Table = toml::from_str(&text).unwrap();
    let operations = table["edge"]["operations"].as_str().unwrap();
    let taken = std::net::TcpListener::bind(operations).unwrap();
    let refused = run(&["serve", "--config", &config.display().to_string()]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.err.contains("the operations listener"),
        "{refused:?}"
    );
    drop(taken);
    assert_eq!(starts(&log), before);
}

#[tokio::test]
async fn a_gateway_that_is_gone_is_unavailable() {
    let sandbox = Sandbox::start();
    let description = std::fs::read(sandbox.dir().join("sandbox.json")).unwrap();
    let stopped = sandbox.interrupt();
    std::fs::write(stopped.dir().join("sandbox.json"), description).unwrap();
    let dir = stopped.dir().display().to_string();
    let ran = run(&["lookup", "999099000001", "--sandbox", &dir]);
    assert_eq!(ran.code, 6, "{ran:?}");
}

#[tokio::test]
async fn serve_runs_the_gateway_of_the_same_configuration() {
    let stopped = Sandbox::start().interrupt();
    let config = stopped.dir().join("lienthong.toml");
    let checked = run(&["check-config", &config.display().to_string()]);
    assert_eq!(checked.code, 0, "{checked:?}");
    let serving = Serving::start(&stopped.dir());
    assert!(serving.terminate(), "it did not end well");
}

#[tokio::test]
async fn operators_see_health_and_metrics() {
    let sandbox = Sandbox::start();
    sandbox.lookup(&["999099000001", "--json"]);
    let operations = Rest::plain(sandbox.text("/operations"));
    assert_eq!(operations.get("/livez").await.unwrap().status, 200);
    assert_eq!(operations.get("/readyz?verbose").await.unwrap().status, 200);
    let metrics = operations.get("/metrics").await.unwrap().text;
    for name in [
        "rpc_server_call_duration_seconds_bucket",
        "gateway_answers_total",
        "source=\"social_security\"",
        "source_state=\"OK\"",
        "audit_commit_wait_seconds",
        "audit_next_seq",
    ] {
        assert!(metrics.contains(name), "{name} is not in {metrics}");
    }
    assert!(!metrics.contains("999099"), "an id is in the metrics");
    let public = Rest::plain(sandbox.text("/public"));
    let openapi = public.get("/openapi.json").await.unwrap().json();
    assert!(openapi["paths"].get("/v1/citizens:lookup").is_some());
    assert_eq!(public.get("/descriptors.binpb").await.unwrap().status, 200);
}
