//! Callers who leave before their answer.

use std::net::SocketAddr;
use std::time::Duration;

use tests::vitals::Metrics;
use tests::{Node, Rest, Sandbox, Wire, question};
use tokio::io::{AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, timeout};

/// The health ministry never answers about this one.
const HANGS: &str = "999099000102";

/// A line to an agency that passes on every byte, and tells when the gateway closes a connection.
struct Line {
    address: SocketAddr,
    closed: UnboundedReceiver<Instant>,
}

impl Line {
    async fn to(agency: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, closed) = unbounded_channel();
        tokio::spawn(async move {
            while let Ok((ours, _)) = listener.accept().await {
                tokio::spawn(pass_on(ours, agency, tell.clone()));
            }
        });
        Self { address, closed }
    }
}

async fn pass_on(gateway: TcpStream, agency: SocketAddr, tell: UnboundedSender<Instant>) {
    let agency = TcpStream::connect(agency).await.unwrap();
    let (mut from_gateway, mut to_gateway) = gateway.into_split();
    let (mut from_agency, mut to_agency) = agency.into_split();
    let back = tokio::spawn(async move { copy(&mut from_agency, &mut to_gateway).await.ok() });
    copy(&mut from_gateway, &mut to_agency).await.ok();
    tell.send(Instant::now()).ok();
    to_agency.shutdown().await.ok();
    back.await.unwrap();
}

/// The address in a URL.
fn address(url: &str) -> SocketAddr {
    let url: url::Url = url.parse().unwrap();
    SocketAddr::from(([127, 0, 0, 1], url.port().unwrap()))
}

/// How often the health ministry was asked about somebody.
async fn asked(control: &Rest) -> usize {
    let journal = control.get("/journal").await.unwrap().text;
    journal.matches(HANGS).count()
}

/// Row L05: when a caller leaves, the agency is asked no longer within 50 ms; the attempt stays on
/// record; and no task is left of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_leaves_ends_the_question_to_the_agency_at_once() {
    let sandbox = Sandbox::start();
    let mut line = Line::to(address(sandbox.text("/agencies/health/url"))).await;
    let node = Node::beside(&sandbox, "gw-2", |config| {
        let health = config["agency"]["health"].as_table_mut().unwrap();
        let mut url: url::Url = health["url"].as_str().unwrap().parse().unwrap();
        url.set_port(Some(line.address.port())).unwrap();
        health.insert("url".to_owned(), url.to_string().into());
        health.insert("timeout_ms".to_owned(), 14_000.into());
    });
    let serving = node.start();
    let metrics = Metrics::at(&node.operations);
    let wire = Wire::at(&sandbox, "commune", node.port);
    let control = Rest::plain(sandbox.text("/agencies/health/control"));
    // The session with the agency is there, and whatever is made once.
    let rest = Rest::at(&node.url, &sandbox, "commune");
    let answer = rest.lookup("999099000001", "ONE_STOP_DESK", "health.bloodGroup");
    assert_eq!(answer.await.status, 200);
    let tasks = metrics.count("process_tasks", "").await;

    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        let before = asked(&control).await;
        let mut stream = wire.connect(&[b"http/1.1"]).await.unwrap();
        stream.write_all(&lookup()).await.unwrap();
        stream.flush().await.unwrap();
        while asked(&control).await == before {
            sleep(Duration::from_millis(5)).await;
        }
        while line.closed.try_recv().is_ok() {}
        let left = Instant::now();
        drop(stream);
        let closed = timeout(Duration::from_secs(5), line.closed.recv()).await;
        took.push(closed.expect("the agency is still asked").unwrap() - left);
    }
    took.sort_unstable();
    println!("the agency is asked no longer after {took:?}");
    // The other half may have met a machine with other work.
    assert!(took[ROUNDS / 2] < Duration::from_millis(50), "{took:?}");

    let begun = Instant::now();
    // What is in progress is looked at ten times a second.
    while metrics.count("process_tasks", "").await > tasks + 2
        || metrics.count("gateway_calls", "").await > 0
    {
        assert!(begun.elapsed() < Duration::from_secs(10), "tasks are left");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(serving.terminate());
    let (ids, leaves) = (ROUNDS + 1, tests::leaves(&node.log));
    let accesses: Vec<_> = leaves.iter().filter(|it| it["t"] == "ACCESS").collect();
    let abandoned = accesses.iter().filter(|it| it["dec"] == "ABANDONED");
    assert_eq!((accesses.len(), abandoned.count()), (ids, ROUNDS));
}

fn lookup() -> Vec<u8> {
    let body = question(HANGS, "ONE_STOP_DESK", "health.bloodGroup").to_string();
    let head = format!(
        "POST /v1/citizens:lookup HTTP/1.1\r\nhost: localhost\r\nprefer: wait=15\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

const ROUNDS: usize = 9;
