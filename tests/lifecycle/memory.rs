//! A gateway whose memory becomes short, in both steps.

use std::time::Duration;

use tests::vitals::Metrics;
use tests::{Node, Unary, Wire, fault, set};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_rustls::client::TlsStream;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::overload::{message, sandbox};

/// Connections that stay open.
struct Fill {
    wire: Wire,
    held: Vec<TlsStream<TcpStream>>,
}

impl Fill {
    async fn more(&mut self) {
        let mut opening = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let wire = self.wire.clone();
            opening.spawn(async move { wire.connect(&[b"h2"]).await });
        }
        // Those that come too late are not taken.
        self.held
            .extend(opening.join_all().await.into_iter().flatten());
    }

    /// Takes more until memory is as short as that.
    async fn until(&mut self, metrics: &Metrics, pressure: u64) {
        let begun = Instant::now();
        while metrics.count("gateway_memory_pressure", "").await < pressure {
            assert!(begun.elapsed() < PATIENCE, "memory is not short");
            self.more().await;
            // It is looked at ten times a second.
            sleep(Duration::from_millis(250)).await;
        }
    }
}

/// The classes that are answered, the most urgent last; the others are shed.
async fn answered(grpc: &Unary) -> Vec<&'static str> {
    let mut answered = Vec::new();
    for class in CLASSES {
        let asked = message(class);
        let told = grpc.call("CitizenService/LookupCitizen", &[], &asked);
        let status = told.await.unwrap().status;
        if status.code() == Code::Ok {
            answered.push(class);
            continue;
        }
        assert_eq!(fault(&status), "OVERLOADED", "{class}: {status:?}");
        let after = status.get_details_retry_info().unwrap().retry_delay;
        assert!(after.unwrap() >= Duration::from_secs(1), "{class}");
    }
    answered
}

/// Row L01: where memory becomes short, what nobody waits for at a desk is shed first, then all but
/// emergencies, and no connection is taken; when those who took it have gone, all are served again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn short_memory_sheds_in_two_steps() {
    let sandbox = sandbox().await;
    let usual = Node::beside(&sandbox, "gw-2", |_| ());
    let serving = usual.start();
    let grpc = Unary::open(&Wire::at(&sandbox, "commune", usual.port)).await;
    assert_eq!(answered(&grpc).await, CLASSES);
    let metrics = Metrics::at(&usual.operations);
    let resident = metrics.count("process_resident_memory_bytes", "").await;
    drop(serving);

    // Another one takes as much, which is below both steps.
    let node = Node::beside(&sandbox, "gw-3", |config| {
        let allowed = i64::try_from(resident * 100 / 60).unwrap();
        set(config, "edge.limits", "memory_bytes", allowed);
        set(config, "edge.limits", "connections_per_certificate", 10_000);
    });
    let serving = node.start();
    let metrics = Metrics::at(&node.operations);
    assert_eq!(metrics.count("gateway_memory_pressure", "").await, 0);
    let wire = Wire::at(&sandbox, "commune", node.port);
    let mut fill = Fill {
        wire: wire.clone(),
        held: Vec::new(),
    };
    fill.until(&metrics, 1).await;
    let grpc = Unary::open(&wire).await;
    assert_eq!(answered(&grpc).await, CLASSES[2..]);
    fill.until(&metrics, 2).await;
    println!("{} connections are too many", fill.held.len());
    assert_eq!(answered(&grpc).await, CLASSES[3..]);
    assert!(wire.connect(&[b"h2"]).await.is_err(), "it is taken");
    let count = async |name| metrics.count(name, "why=\"memory\"").await;
    assert_eq!(count("gateway_shed_total").await, 2 + 3);
    assert!(count("tls_handshake_failures_total").await >= 1);
    let most = metrics.count("process_resident_memory_bytes", "").await;
    drop(fill);
    let begun = Instant::now();
    while metrics.count("gateway_memory_pressure", "").await > 0 {
        assert!(begun.elapsed() < RECOVERY, "it is not given back");
        sleep(Duration::from_millis(100)).await;
    }
    let left = metrics.count("process_resident_memory_bytes", "").await;
    println!(
        "{resident} bytes, {most}, and {left} after {:?}",
        begun.elapsed()
    );
    assert_eq!(answered(&grpc).await, CLASSES);
    assert!(wire.connect(&[b"h2"]).await.is_ok(), "it is not taken");
    drop(grpc); // it would be waited for
    assert!(serving.terminate());
}

/// The most urgent last.
const CLASSES: [&str; 4] = ["BULK", "BACK_OFFICE", "CITIZEN_WAITING", "EMERGENCY"];
const CONNECTIONS: usize = 100;
/// Memory that is kept takes 3 s and longer, or is not given back at all.
const RECOVERY: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(30);
