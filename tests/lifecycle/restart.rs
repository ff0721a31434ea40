//! Gateways that end and begin again while they are asked: behind a balancer, and with a socket that a
//! supervisor keeps.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use api::v1::LookupCitizenRequest;
use api::v1::citizen_service_client::CitizenServiceClient;
use tests::frames::{Frames, block, flag, frame, get, kind, post};
use tests::vitals::{Metrics, recorded};
use tests::{
    Kept, Node, Rest, Sandbox, Serving, Wire, channel, channel_to, free_port, loop_until, question,
    set, verify,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

const CITIZEN: &str = "999099000001";
/// The tax office takes two seconds about this one.
const SLOW: &str = "999099000164";
/// More than a busy machine needs to ask a gateway that ends for its health.
const LEAVES_MS: u32 = 3_000;

/// Row L06: at SIGTERM every connection is told to go (GOAWAY), what is in progress is answered, health
/// says `NOT_SERVING` meanwhile, and the process ends well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_told_to_go_and_what_is_in_progress_is_answered() {
    let sandbox = Sandbox::start_prepared("", |place| {
        let limits = format!("[edge.limits]\nleave_ms = {LEAVES_MS}\n");
        std::fs::write(place.join("lienthong.toml"), limits).unwrap();
    });
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
    for service in ["", "lienthong.v1.CitizenService"] {
        let mut health = HealthClient::new(channel(&sandbox, "commune").await);
        let service = service.to_owned();
        let checked = health.check(HealthCheckRequest { service }).await.unwrap();
        let not_serving = ServingStatus::NotServing as i32;
        assert_eq!(checked.into_inner().status, not_serving);
    }
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

/// Those who ask all the time, and send nothing twice.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    asking: JoinSet<()>,
}

/// One of them.
enum Asks {
    /// Over HTTP/1, on a new connection for every question.
    Anew(Box<Rest>),
    /// Over HTTP/1, on a connection that is kept.
    Keeps(Box<Kept>),
    /// Over gRPC, on a channel that is kept.
    Grpc(CitizenServiceClient<Channel>),
}

impl Asks {
    async fn begin(number: usize, url: &str, sandbox: &Sandbox) -> Self {
        match number % 4 {
            0 => Self::Grpc(CitizenServiceClient::new(
                channel_to(url, sandbox, "commune").await,
            )),
            1 => {
                let url: url::Url = url.parse().unwrap();
                let wire = Wire::at(sandbox, "commune", url.port().unwrap());
                Self::Keeps(Box::new(Kept::of(wire)))
            }
            _ => Self::Anew(Box::new(Rest::at(url, sandbox, "commune"))),
        }
    }

    /// Asks once, which must not fail.
    async fn ask(&mut self) {
        let question = question(CITIZEN, "ONE_STOP_DESK", "tax.status");
        match self {
            Self::Anew(rest) => {
                let asked = rest.anew();
                let asked = asked.post("/v1/citizens:lookup", question.to_string(), &[]);
                let answer = asked.await.unwrap();
                assert_eq!(answer.status, 200, "anew: {answer:?}");
            }
            Self::Keeps(kept) => {
                let asked = kept.post("/v1/citizens:lookup", &question).await;
                let (status, text) = asked.unwrap();
                assert_eq!(status, 200, "kept: {text}");
            }
            Self::Grpc(client) => {
                let message: LookupCitizenRequest = serde_json::from_value(question).unwrap();
                client.lookup_citizen(message).await.unwrap();
            }
        }
    }
}

impl Load {
    async fn begin(url: &str, sandbox: &Sandbox) -> Self {
        let mut load = Self {
            stop: Arc::new(AtomicBool::new(false)),
            answered: Arc::default(),
            asking: JoinSet::new(),
        };
        for number in 0..8 {
            let mut asks = Asks::begin(number, url, sandbox).await;
            let (stop, answered) = (Arc::clone(&load.stop), Arc::clone(&load.answered));
            load.asking.spawn(async move {
                while !stop.load(Relaxed) {
                    asks.ask().await;
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

/// What the manual has an operator write for HAProxy.
fn advised() -> String {
    let manual = include_str!("../../crates/manual/operations.md");
    let mut blocks = manual.split("```text\n").skip(1);
    let block = blocks.find(|block| block.contains("backend gateways"));
    let (block, _) = block.unwrap().split_once("```").unwrap();
    block.to_owned()
}

/// HAProxy before two nodes, as the manual has it but for the addresses; killed when this is dropped.
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
        let mut text = advised();
        text = text.replace("10.20.0.5:8443", &format!("127.0.0.1:{port}"));
        for (node, server) in nodes.iter().zip(["10.20.0.11", "10.20.0.12"]) {
            let check = node.operations.rsplit(':').next().unwrap();
            let (manual, here) = (
                format!("{server}:8443 check port 9090"),
                format!("127.0.0.1:{} check port {check}", node.port),
            );
            assert!(text.contains(&manual), "{text}");
            text = text.replace(&manual, &here);
        }
        text = text.replace("defaults\n", "defaults\n  log global\n  option tcplog\n");
        text = format!("global\n  log stderr format raw local0\n{text}");
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
    let mut load = Load::begin(&balancer.url, &sandbox).await;
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
    let logs = nodes.map(|node| verify(&node.log, None));
    assert!(logs.iter().all(|log| log.code == 0), "{logs:?}");
    let on_record: u64 = logs.iter().map(|log| recorded(log, "ACCESS")).sum();
    assert_eq!(on_record, answered, "not each is on record once");
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
    let node = Node::beside(&sandbox, "gw-2", |config| {
        leaves_after(config, 300);
        // It begins itself anew with that, and keeps the socket.
        set(config, "edge.limits", "memory_bytes", 1_i64 << 40);
    });
    let socket = TcpListener::bind(("127.0.0.1", node.port)).unwrap();
    let mut serving = Serving::handed(&node.config, &socket);
    let mut load = Load::begin(&node.url, &sandbox).await;
    load.goes_on(60).await;
    for _ in 0..3 {
        assert!(serving.terminate(), "it did not end well");
        serving = Serving::handed(&node.config, &socket);
        load.goes_on(60).await;
    }
    let answered = load.end().await;
    println!("{answered} questions, none failed");
    assert!(serving.terminate());
    let log = verify(&node.log, None);
    assert_eq!(log.code, 0, "{log:?}");
    assert_eq!(recorded(&log, "ACCESS"), answered, "not each is on record");
}
