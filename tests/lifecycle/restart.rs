//! Gateways that end and begin again while they are asked: behind a balancer, and with a socket that a
//! supervisor keeps.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tests::frames::{Frames, block, flag, frame, get, kind, post};
use tests::vitals::Metrics;
use tests::{Node, Rest, Sandbox, Serving, Wire, free_port, loop_until, question, set, verify};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

const CITIZEN: &str = "999099000001";
/// The tax office takes two seconds about this one.
const SLOW: &str = "999099000164";

/// Row L06: at SIGTERM every connection is told to go (GOAWAY), what is in progress is answered, health
/// says `NOT_SERVING` meanwhile, and the process ends well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_told_to_go_and_what_is_in_progress_is_answered() {
    let sandbox = Sandbox::start();
    let wire = Wire::new(&sandbox, "commune");
    let mut frames = Frames::open(&wire, &[]).await;
    let end = flag::END_HEADERS | flag::END_STREAM;
    let before = frame(kind::HEADERS, end, 1, &block(&get("/v1/fields")));
    frames.send(&before).await;
    frames
        .until(|it| it.stream == 1 && it.ends())
        .await
        .unwrap();
    let head = block(&post("/v1/citizens:lookup"));
    frames
        .send(&frame(kind::HEADERS, flag::END_HEADERS, 3, &head))
        .await;
    let body = question(SLOW, "ONE_STOP_DESK", "tax.status").to_string();
    frames
        .send(&frame(kind::DATA, flag::END_STREAM, 3, body.as_bytes()))
        .await;
    let control = Rest::plain(sandbox.text("/agencies/tax/control"));
    while !control.get("/journal").await.unwrap().text.contains(SLOW) {
        sleep(Duration::from_millis(5)).await;
    }
    let operations = Rest::plain(sandbox.text("/operations"));
    sandbox.terminate();
    let gone = frames.until(|it| it.kind == kind::GOAWAY).await.unwrap();
    assert_eq!(gone.code(), Some(0), "{gone:?}");
    let ready = operations.get("/readyz").await.unwrap();
    assert_eq!(ready.status, 503, "{ready:?}");
    let mut answer = Vec::new();
    while let Some(frame) = frames.until(|it| it.stream == 3).await {
        if frame.kind == kind::DATA {
            answer.extend_from_slice(&frame.payload);
        }
        if frame.ends() {
            break;
        }
    }
    drop(frames); // it would be waited for
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert!(answer["receipt"]["seq"].is_string(), "{answer}");
    let stopped = sandbox.ended();
    assert_eq!(stopped.code, Some(0));
    assert_eq!(verify(&stopped.dir().join("log"), None).code, 0);
}

/// Those who ask all the time: each on a connection that it keeps, or on a new one for every question.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    asking: JoinSet<()>,
}

impl Load {
    fn begin(url: &str, sandbox: &Sandbox) -> Self {
        let mut load = Self {
            stop: Arc::new(AtomicBool::new(false)),
            answered: Arc::default(),
            asking: JoinSet::new(),
        };
        for number in 0..8 {
            let keeps = number % 2 == 0;
            let rest = Rest::at(url, sandbox, "commune");
            let (stop, answered) = (Arc::clone(&load.stop), Arc::clone(&load.answered));
            load.asking.spawn(async move {
                while !stop.load(Relaxed) {
                    let rest = if keeps { rest.clone() } else { rest.anew() };
                    let answer = rest.lookup(CITIZEN, "ONE_STOP_DESK", "tax.status").await;
                    assert_eq!(answer.status, 200, "keeps {keeps}: {answer:?}");
                    answered.fetch_add(1, Relaxed);
                    sleep(Duration::from_millis(20)).await;
                }
            });
        }
        load
    }

    /// Waits until so many more were answered.
    async fn goes_on(&mut self, more: u64) {
        let (begun, until) = (Instant::now(), self.answered.load(Relaxed) + more);
        while self.answered.load(Relaxed) < until {
            if let Some(ended) = self.asking.try_join_next() {
                ended.expect("a question failed");
            }
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "nobody is answered"
            );
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends it; how many were answered, which is all.
    async fn end(mut self) -> u64 {
        self.stop.store(true, Relaxed);
        while let Some(ended) = self.asking.join_next().await {
            ended.expect("a question failed");
        }
        self.answered.load(Relaxed)
    }
}

/// HAProxy before two nodes; killed when this is dropped.
struct Balancer {
    child: Child,
    log: PathBuf,
    url: String,
}

impl Balancer {
    /// Starts it; none where there is no HAProxy.
    fn start(dir: &Path, nodes: &[Node]) -> Self {
        let mut there = Command::new("haproxy");
        let there = there.arg("-v").stdout(Stdio::null()).status();
        assert!(
            there.is_ok_and(|status| status.success()),
            "no HAProxy here: install the package haproxy, as `cargo xtask test` does"
        );
        let port = free_port();
        let mut text = format!(
            "global\n  log stderr format raw local0\ndefaults\n  log global\n  option tcplog\n  \
             mode tcp\n  timeout connect 2s\n  timeout client 60s\n  \
             timeout server 60s\n  timeout check 2s\n  retries 3\n  option redispatch 1\n\
             frontend agencies\n  bind 127.0.0.1:{port}\n  default_backend gateways\n\
             backend gateways\n  balance roundrobin\n  option httpchk GET /readyz\n"
        );
        for (number, node) in nodes.iter().enumerate() {
            let check = node.operations.rsplit(':').next().unwrap();
            text += &format!(
                "  server gw{number} 127.0.0.1:{} check port {check} inter 100ms fall 1 rise 1\n",
                node.port
            );
        }
        let file = dir.join("haproxy.cfg");
        std::fs::write(&file, text).unwrap();
        let log = File::create(dir.join("haproxy.log")).unwrap();
        let mut child = Command::new("haproxy")
            .args(["-db", "-f"])
            .arg(&file)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let log = dir.join("haproxy.log");
        loop_until(Duration::from_secs(10), || {
            let said = std::fs::read_to_string(&log).unwrap();
            assert!(child.try_wait().unwrap().is_none(), "{said}");
            let socket = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
            // A port that nobody listens at may connect to itself.
            (socket.local_addr().unwrap().port() != port).then_some(())
        });
        let url = format!("https://localhost:{port}");
        Self { child, log, url }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            println!("{}", std::fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

/// Row L06: behind a balancer two gateways are restarted one after the other under load, and not one
/// question fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_behind_a_balancer_are_restarted_and_no_question_fails() {
    let sandbox = Sandbox::start();
    let nodes = ["gw-2", "gw-3"]
        .map(|name| Node::beside(&sandbox, name, |config| leaves_after(config, 1_000)));
    let mut serving: Vec<Option<Serving>> = nodes.iter().map(|it| Some(it.start())).collect();
    let balancer = Balancer::start(&sandbox.dir(), &nodes);
    let mut load = Load::begin(&balancer.url, &sandbox);
    load.goes_on(100).await;
    for (node, serving) in nodes.iter().zip(&mut serving) {
        let metrics = Metrics::at(&node.operations);
        served(&metrics).await;
        assert!(serving.take().unwrap().terminate(), "it did not end well");
        load.goes_on(50).await;
        *serving = Some(node.start());
        served(&metrics).await;
        load.goes_on(50).await;
    }
    let answered = load.end().await;
    println!("{answered} questions, none failed");
    drop(serving);
    for node in nodes {
        assert_eq!(verify(&node.log, None).code, 0);
    }
}

/// Has a node take calls for so long after it is told to end.
fn leaves_after(config: &mut toml::Table, ms: i64) {
    set(config, "edge.limits", "leave_ms", ms);
}

/// Waits until a node has answered something.
async fn served(metrics: &Metrics) {
    let answered = "rpc_server_call_duration_seconds_count";
    let before = metrics.count(answered, "").await;
    metrics.grows(answered, "LookupCitizen", before).await;
}

/// Row L06: a gateway whose socket a supervisor keeps is restarted under load: no connection is
/// refused, whoever comes meanwhile waits, and every question is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_is_handed_over_refuses_nobody() {
    let sandbox = Sandbox::start();
    let node = Node::beside(&sandbox, "gw-2", |config| leaves_after(config, 300));
    let socket = TcpListener::bind(("127.0.0.1", node.port)).unwrap();
    let mut serving = Serving::handed(&node.config, &socket);
    let mut load = Load::begin(&node.url, &sandbox);
    load.goes_on(60).await;
    for _ in 0..3 {
        assert!(serving.terminate(), "it did not end well");
        serving = Serving::handed(&node.config, &socket);
        load.goes_on(60).await;
    }
    println!("{} questions, none failed", load.end().await);
    assert!(serving.terminate());
    assert_eq!(verify(&node.log, None).code, 0);
}
