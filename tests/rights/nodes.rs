//! Two nodes with one PostgreSQL: what is stopped on one is stopped on the other, also over the time
//! in which the database is gone.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use postmaster::{Postmaster, Stop};
use rustix::process::Signal;
use serde_json::json;
use tests::{Rest, Sandbox, Serving, leaves, loop_until, question};
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

    /// Kills it and starts it again.
    pub(crate) fn restart(&mut self) {
        self.node.signal(Signal::KILL);
        loop_until(PROMISED, || (!self.node.runs()).then_some(()));
        self.node = Serving::of(&self.config);
    }
}

fn set(config: &mut Table, stanza: &str, key: &str, value: impl Into<Value>) {
    let stanza = config[stanza].as_table_mut().unwrap();
    stanza.insert(key.to_owned(), value.into());
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
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
    let Some(server) = Postmaster::running().unwrap() else {
        println!("no PostgreSQL here: set LIENTHONG_TEST_POSTGRES_BIN to the folder of initdb");
        return None;
    };
    server.create("evidence").unwrap();
    let file = server.folder().join("database.url");
    fs::write(&file, server.address("evidence")).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let sandbox = Sandbox::start_as(&["--database", &file.display().to_string()]);
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
