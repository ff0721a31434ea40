//! The load against the pass-through against the simulated register, in this process.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agencies::{ALL, Entry, Site};
use exchange::{AgencyCode, Clock, Source, SystemClock, SystemId};
use identity::TrustDomain;
use identity::pki::{Authority, LOOPBACK};
use sim::{Handle, Stage, StageConfig, World};

use crate::disk::Disk;
use crate::handshakes::{Exchange, Handshakes};
use crate::load::Load;
use crate::passthrough::Passthrough;
use crate::question::Sources;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A sandbox with the tax register alone.
async fn register(dir: &Path) -> Handle {
    let tax = |entry: &&Entry| entry.source == Source::Tax;
    let entry = ALL.iter().find(tax).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let domain = TrustDomain::parse("sandbox.lienthong.example").unwrap();
    let pki = dir.join("pki");
    let authority = Authority::create(&pki, "test CA", &domain, Arc::clone(&clock)).unwrap();
    let server = authority.issue_server("gateway", LOOPBACK, DAY).unwrap();
    server.save(&pki, "gateway").unwrap();
    let (agency, system) = (AgencyCode::parse("H55"), SystemId::parse("one-stop-desk"));
    let caller = authority.issue_client(&agency.unwrap(), &system.unwrap(), DAY);
    let callers = pki.join("callers");
    std::fs::create_dir_all(&callers).unwrap();
    caller.unwrap().save(&callers, "commune").unwrap();
    let site = Site {
        root: dir.to_owned(),
        folder: PathBuf::from("agencies/tax"),
        authority: Arc::new(authority),
        world: Arc::new(World::new(1)),
        clock,
        prepared: 4096,
    };
    std::fs::create_dir_all(site.file("")).unwrap();
    (entry.simulator.provision)(&site).unwrap();
    let stage = Stage::bind(&StageConfig::loopback(entry.source))
        .await
        .unwrap();
    let url = (entry.simulator.url)(stage.address());
    let sims = serde_json::json!({ "tax": { "url": url, "control": "" } });
    std::fs::write(dir.join("sims.json"), sims.to_string()).unwrap();
    (entry.simulator.start)(stage, &site).unwrap()
}

fn load(dir: &Path, port: u16, rate: Option<f64>) -> Load {
    Load {
        dir: dir.to_owned(),
        url: format!("https://localhost:{port}").parse().unwrap(),
        pid: std::process::id(),
        sources: Sources::One,
        concurrency: 4,
        metrics: None,
        connections: 2,
        rate,
        seconds: 0.2,
        warm_up: 0.0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_loops_measure_the_road_through_the_pass_through() {
    let dir = tempfile::tempdir().unwrap();
    let register = register(dir.path()).await;
    let passthrough = Passthrough {
        dir: dir.path().to_owned(),
    };
    let (incoming, router) = passthrough.bind().unwrap();
    let port = incoming.local_addr().unwrap().port();
    let serving = tokio::spawn(router.serve_with_incoming(incoming));
    for rate in [None, Some(200.0)] {
        let report = load(dir.path(), port, rate).run().await.unwrap();
        let report = serde_json::to_value(report).unwrap();
        assert!(report["exchanges"].as_u64() > Some(0), "{report}");
        assert_eq!(report["failures"], "", "{report}");
        assert!(report["latency_us"]["p50"].as_u64() > report["added_us"]["p50"].as_u64());
        assert!(report["answer_bytes"].as_u64() > Some(300), "{report}");
        assert_eq!(report["middle"].is_object(), rate.is_some(), "{report}");
    }
    for exchange in [Exchange::Hybrid, Exchange::Classical] {
        let handshakes = Handshakes {
            dir: dir.path().to_owned(),
            url: format!("https://localhost:{port}").parse().unwrap(),
            pid: std::process::id(),
            exchange,
            concurrency: 4,
            seconds: 0.2,
        };
        let printed = handshakes.run().await.unwrap();
        let report: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert!(report["handshakes"].as_u64() > Some(0), "{report}");
        assert_eq!(report["failed"], 0, "{report}");
    }
    serving.abort();
    register.stop().await;
}

#[tokio::test]
async fn the_disk_is_probed_and_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk {
        dir: dir.path().to_owned(),
        seconds: 0.05,
        bytes: 4096,
        every_us: 5_000,
    };
    let printed: serde_json::Value = serde_json::from_str(&disk.run().await.unwrap()).unwrap();
    assert_eq!(printed["syncs"], 10);
    assert!(printed["sync_us"]["p99"].as_u64() >= printed["sync_us"]["p50"].as_u64());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    let none = Disk {
        seconds: 0.0,
        ..disk
    };
    assert!(none.run().await.is_err());
}
