//! Two nodes with one PostgreSQL: what is stopped on one is stopped on the other, also over the time
//! in which the database is gone.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postmaster::{Postmaster, Stop};
use rustix::process::Signal;
use serde_json::json;
use tests::{Rest, RestAnswer, Sandbox, Serving, free_address, leaves, loop_until, question};
use tokio::time::{Instant, sleep};
use toml::{Table, Value};

use crate::switches::{RESUME, STOP, refusal, thrown};

/// Within which every node heeds a switch.
const PROMISED: Duration = Duration::from_secs(5);

/// A node beside a sandbox, with a log of its own and the same database.
pub(crate) struct Second {
    pub(crate) url: String,
    pub(crate) operations: String,
    config: PathBuf,
    node: Serving,
}

impl Second {
    fn start(sandbox: &Sandbox) -> Self {
        let dir = sandbox.dir();
        let text = fs::read_to_string(dir.join("lienthong.toml")).unwrap();
        let mut config: Table = toml::from_str(&text).unwrap();
        let [agencies, public, operations] = [(); 3].map(|()| free_address());
        set(&mut config, "edge", "listen", agencies.as_str());
        set(&mut config, "edge", "public", public);
        set(&mut config, "edge", "operations", operations.as_str());
        set(&mut config, "gateway", "node", "gw-2");
        for (key, value) in [
            ("node", "gw-2"),
            ("dir", "log-2"),
            ("origin", "log.example/gw-2"),
        ] {
            set(&mut config, "evidence", key, value);
        }
        let health = config["agency"]["health"].as_table_mut().unwrap();
        health.insert("timeout_ms".to_owned(), 14_000.into());
        let file = dir.join("node-2.toml");
        fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
        // Every node has the same master key.
        let private = dir.join("log-2/private");
        fs::create_dir_all(&private).unwrap();
        let key = dir.join("log/private/keyring.key");
        loop_until(PROMISED, || key.exists().then_some(()));
        fs::copy(key, private.join("keyring.key")).unwrap();
        let port = agencies.rsplit(':').next().unwrap();
        Self {
            url: format!("https://localhost:{port}"),
            operations: format!("http://{operations}"),
            node: Serving::of(&file),
            config: file,
        }
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        self.node.signal(Signal::KILL);
        loop_until(PROMISED, || (!self.node.runs()).then_some(()));
    }

    /// Kills it and starts it again.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.node = Serving::of(&self.config);
    }
}

fn set(config: &mut Table, stanza: &str, key: &str, value: impl Into<Value>) {
    let stanza = config[stanza].as_table_mut().unwrap();
    stanza.insert(key.to_owned(), value.into());
}

/// Waits until a caller is refused for that reason, or answered; how long that took.
async fn until(caller: &Rest, reason: Option<&str>) -> Duration {
    let begun = Instant::now();
    loop {
        if refusal(caller).await.as_deref() == reason {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < 3 * PROMISED, "{reason:?} does not come");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Two nodes with one PostgreSQL, and where that is; none without a PostgreSQL.
pub(crate) fn two_nodes() -> Option<(Postmaster, Sandbox, Second)> {
    two_nodes_with("")
}

/// The same with these stanzas in the configuration of both.
fn two_nodes_with(stanzas: &str) -> Option<(Postmaster, Sandbox, Second)> {
    let Some(server) = Postmaster::running().unwrap() else {
        println!("no PostgreSQL here: set LIENTHONG_TEST_POSTGRES_BIN to the folder of initdb");
        return None;
    };
    server.create("evidence").unwrap();
    let file = server.folder().join("database.url");
    fs::write(&file, server.address("evidence")).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let database = file.display().to_string();
    let sandbox = Sandbox::start_prepared_as(&["--database", &database], |place| {
        fs::write(place.join("lienthong.toml"), stanzas).unwrap();
    });
    let second = Second::start(&sandbox);
    Some((server, sandbox, second))
}

/// Row T10: an agency that is stopped on one node is stopped on every other within five seconds,
/// streams that are under way there included.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_stopped_on_one_node_is_stopped_on_the_other() {
    let Some((mut server, sandbox, second)) = two_nodes() else {
        return;
    };
    let first_operator = Rest::plain(sandbox.text("/operations"));
    let second_operator = Rest::plain(&second.operations);
    let here = Rest::new(&sandbox, "commune");
    let there = Rest::at(&second.url, &sandbox, "commune");
    assert_eq!((refusal(&here).await, refusal(&there).await), (None, None));

    let lookup = question(
        "999099000102",
        "ONE_STOP_DESK",
        "health.bloodGroup,tax.status",
    );
    let asked = lookup["context"]["requestId"].clone();
    let body = json!({"lookup": lookup}).to_string();
    let wait = [("prefer", "wait=15")];
    let streamed = there.post("/v1/citizens:stream", body, &wait);
    let stop = async {
        sleep(Duration::from_secs(1)).await;
        thrown(&first_operator, STOP, "agency:H55").await;
        Instant::now()
    };
    let (streamed, stopped_at) = tokio::join!(streamed, stop);
    let (streamed, took) = (streamed.unwrap().text, stopped_at.elapsed());
    assert!(streamed.contains("event: error"), "{streamed}");
    assert!(streamed.contains("AGENCY_SUSPENDED"), "{streamed}");
    assert!(took < PROMISED, "{took:?}");
    println!("a stream on the other node ended {took:?} after the stop");
    let suspended = Some("AGENCY_SUSPENDED".to_owned());
    let both = (refusal(&here).await, refusal(&there).await);
    assert_eq!(both, (suspended.clone(), suspended.clone()));

    // Without the store, what is stopped stays so; nothing is resumed, and a stop holds where it is
    // said.
    server.stop(Stop::Fast).unwrap();
    let resumed = crate::switches::throw(&first_operator, RESUME, "agency:H55").await;
    assert_eq!(resumed.status, 503, "{resumed:?}");
    let done = thrown(&second_operator, STOP, "source:tax").await;
    assert_eq!(done["stored"], false, "{done}");
    sleep(Duration::from_secs(2)).await;
    let both = (refusal(&here).await, refusal(&there).await);
    assert_eq!(both, (suspended.clone(), suspended));

    server.start().unwrap();
    let begun = Instant::now();
    while crate::switches::stopped(&first_operator).await.len() < 2 {
        assert!(begun.elapsed() < 2 * PROMISED, "the stop was not stored");
        sleep(Duration::from_millis(20)).await;
    }
    thrown(&second_operator, RESUME, "agency:H55").await;
    until(&there, Some("SOURCE_SUSPENDED")).await;
    let took = until(&here, Some("SOURCE_SUSPENDED")).await;
    assert!(took < PROMISED, "{took:?}");
    thrown(&first_operator, RESUME, "source:tax").await;
    assert!(until(&there, None).await < PROMISED);
    assert!(second.node.terminate(), "it did not end well");
    let records = leaves(&sandbox.dir().join("log-2"));
    let denied = records
        .iter()
        .filter(|it| it["t"] == "DENIED" && it["rid"] == asked);
    let why: Vec<_> = denied.map(|it| &it["why"]).collect();
    assert_eq!(why, ["AGENCY_SUSPENDED"], "{records:?}");
}

/// A question by an officer about somebody whose name they can only guess.
async fn guess(caller: &Rest, officer: &str, n: u32) -> RestAnswer {
    let mut body = question(
        &format!("999099{:06}", 1_000 + n * 37),
        "ONE_STOP_DESK",
        "population.sex",
    );
    body["context"]["officerId"] = json!(officer);
    body["subject"]["hints"] = json!({"fullName": "NGUYỄN KHÔNG CÓ"});
    let path = "/v1/citizens:lookup";
    caller.post(path, body.to_string(), &[]).await.unwrap()
}

/// Waits until an officer is refused with that status; how long that took.
async fn until_told(caller: &Rest, officer: &str, status: u16) -> Duration {
    let begun = Instant::now();
    while guess(caller, officer, 0).await.status != status {
        assert!(begun.elapsed() < 3 * PROMISED, "{status} does not come");
        sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

/// True if some file of a folder holds that text.
fn holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = fs::read(path).unwrap_or_default();
        bytes.windows(text.len()).any(|it| it == text.as_bytes())
    })
}

async fn suspended(operations: &Rest) -> Vec<serde_json::Value> {
    let listed = operations.get("/admin/suspensions").await.unwrap().json();
    listed["suspended"].as_array().unwrap().clone()
}

/// Row E02: an officer whom one node suspends is refused by every other within five seconds and after a
/// start, and let go by all when one lifts it; what is kept of them is no name.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_suspended_on_one_node_is_suspended_on_the_other() {
    let numbers = "[scrutiny]\nmisses = 4\nmisses_step_down = 4\n";
    let Some((mut server, sandbox, second)) = two_nodes_with(numbers) else {
        return;
    };
    let operators = [sandbox.text("/operations"), &*second.operations].map(Rest::plain);
    let here = Rest::new(&sandbox, "commune");
    let there = Rest::at(&second.url, &sandbox, "commune");
    for n in 0..4 {
        assert_eq!(guess(&here, "CB-SUSPECT", n).await.status, 404);
    }
    assert_eq!(guess(&here, "CB-SUSPECT", 4).await.status, 403);
    let took = until_told(&there, "CB-SUSPECT", 403).await;
    assert!(took < PROMISED, "{took:?}");
    println!("suspended on the other node after {took:?}");
    assert_eq!(guess(&there, "CB-2", 0).await.status, 404);
    let [one, other] = [
        suspended(&operators[0]).await,
        suspended(&operators[1]).await,
    ];
    assert_eq!(one, other);
    assert_eq!((one.len(), &one[0]["level"]), (1, &json!("officer")));

    // Without the store they stay suspended, and nobody is let go.
    server.stop(Stop::Fast).unwrap();
    let id = one[0]["id"].as_str().unwrap();
    assert!(holds(server.folder(), id) && !holds(server.folder(), "CB-SUSPECT"));
    let lift = async |operator: &Rest| {
        let body = json!({"id": one[0]["id"], "operator": "VH-1", "reason": "đã kiểm tra"});
        let body = body.to_string();
        let sent = operator.post("/admin/suspensions:lift", body, &[]).await;
        sent.unwrap()
    };
    assert_eq!(lift(&operators[1]).await.status, 503);
    assert_eq!(guess(&there, "CB-SUSPECT", 0).await.status, 403);
    server.start().unwrap();

    let begun = Instant::now();
    while lift(&operators[1]).await.status != 200 {
        assert!(begun.elapsed() < 2 * PROMISED, "it is not lifted");
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(guess(&there, "CB-SUSPECT", 0).await.status, 404);
    let took = until_told(&here, "CB-SUSPECT", 404).await;
    assert!(took < PROMISED, "{took:?}");
    println!("let go on the other node after {took:?}");
    assert!(suspended(&operators[0]).await.is_empty());
    assert!(second.node.terminate(), "it did not end well");
}

/// A suspension holds over a start of the node that found it, until it is lifted.
#[tokio::test]
async fn a_suspension_holds_over_a_restart() {
    let sandbox = Sandbox::start_prepared("", |place| {
        let file = place.join("lienthong.toml");
        let text = fs::read_to_string(&file).unwrap();
        let numbers = "[scrutiny]\nmisses = 4\nmisses_step_down = 4\n";
        fs::write(file, format!("{text}{numbers}")).unwrap();
    });
    let commune = Rest::new(&sandbox, "commune");
    for n in 0..4 {
        guess(&commune, "CB-1", n).await;
    }
    assert_eq!(guess(&commune, "CB-1", 4).await.status, 403);
    let private = sandbox.dir().join("log/private");
    loop_until(PROMISED, || {
        holds(&private, "H55one-stop-desk").then_some(())
    });
    let sandbox = sandbox.kill().restart();
    let commune = Rest::new(&sandbox, "commune");
    assert_eq!(guess(&commune, "CB-1", 5).await.status, 403);
    assert_eq!(guess(&commune, "CB-2", 5).await.status, 404);
}
