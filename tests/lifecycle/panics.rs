//! An adapter with a defect, and what is for a sandbox alone.

use std::sync::Arc;
use std::time::Duration;

use exchange::{AgencyCode, Source, SystemClock, SystemId};
use identity::TrustDomain;
use identity::pki::Authority;
use serde_json::Value;
use tests::row::Row;
use tests::vitals::Metrics;
use tests::{Node, Rest, Sandbox, question, run, set};

const CITIZEN: &str = "999099000001";

fn source<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let sources = answer["sources"].as_array().unwrap();
    let name = format!("SOURCE_{}", name.to_uppercase());
    sources.iter().find(|it| it["source"] == name).unwrap()
}

/// Row L08: an adapter that panics is that source's `INVALID_ANSWER`, told and counted; the others are
/// answered, the connection stays, and so does the process.
#[tokio::test]
async fn a_panic_in_one_adapter_is_that_sources_failure_alone() {
    let sandbox = Sandbox::start();
    let row = Row::begin(&sandbox, "defect", &[Source::Tax], |config| {
        set(config, "sandbox", "panics", vec!["tax"]);
    })
    .await;
    let metrics = Metrics::at(&row.gateway.operations);
    let mask = "tax.status,population.name,socialSecurity.insuranceCode";
    let before = metrics
        .count("gateway_adapter_panics_total", "source=\"tax\"")
        .await;
    for _ in 0..20 {
        let question = question(CITIZEN, "ONE_STOP_DESK", mask);
        let answer = row.caller.put(&question, 10).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = answer.json();
        let tax = source(&answer, Source::Tax.name());
        assert_eq!(tax["state"], "SOURCE_STATE_INVALID_ANSWER", "{tax}");
        for sound in [Source::Population, Source::SocialSecurity] {
            let other = source(&answer, sound.name());
            assert_eq!(other["state"], "SOURCE_STATE_OK", "{other}");
        }
        assert!(answer["receipt"]["seq"].is_string(), "{answer}");
    }
    let question = question(CITIZEN, "ONE_STOP_DESK", "tax.status");
    let alone = row.caller.put(&question, 10).await;
    assert!((500..600).contains(&alone.status), "{alone:?}");
    assert!(!alone.text.contains("panic"), "{alone:?}");
    let name = "gateway_adapter_panics_total";
    let after = metrics.count(name, "source=\"tax\"").await;
    assert_eq!(after, before + 21);
    assert_eq!(metrics.count(name, "source=\"population\"").await, 0);
    row.ends().await;
}

/// A gateway of another trust domain beside a sandbox, and a caller of it.
fn production(sandbox: &Sandbox, defect: bool) -> (Node, Rest) {
    let clock: Arc<dyn exchange::Clock> = Arc::new(SystemClock);
    let domain = TrustDomain::parse("gateway.example").unwrap();
    let pki = sandbox.dir().join(format!("production-{defect}"));
    let authority = Authority::create(&pki, "Production", &domain, clock).unwrap();
    let agency = AgencyCode::parse("H55").unwrap();
    let system = SystemId::parse("one-stop-desk").unwrap();
    let issued = authority.issue_client(&agency, &system, Duration::from_hours(24));
    let (cert, key) = issued.unwrap().save(&pki, "desk").unwrap();
    let node = Node::beside(sandbox, "gw-2", |config| {
        set(config, "gateway", "trust_domain", "gateway.example");
        let file = |path: std::path::PathBuf| path.display().to_string();
        set(
            config,
            "tls",
            "client_ca",
            file(authority.certificate_file()),
        );
        set(config, "tls", "crls", vec![file(authority.crl_file())]);
        if defect {
            set(config, "sandbox", "panics", vec!["tax"]);
            return;
        }
        set(config, "edge", "reflection", false);
        // Else an agency on this machine, as a simulator is, is refused.
        for (_, agency) in config["agency"].as_table_mut().unwrap() {
            let agency = agency.as_table_mut().unwrap();
            agency.insert("local".to_owned(), true.into());
        }
    });
    let rest = Rest::showing(&node.url, &sandbox.path("/ca"), (&cert, &key));
    (node, rest)
}

/// Row L12: outside a sandbox nothing starts with a defect that is switched on, and no test person is
/// served: the agencies, simulated or not, are not even asked. Nor is the contract shown by reflection.
#[tokio::test]
async fn what_is_for_a_sandbox_alone_does_not_start_elsewhere() {
    let sandbox = Sandbox::start();
    let (node, _) = production(&sandbox, true);
    let path = node.config.display().to_string();
    for command in ["check-config", "serve"] {
        let ran = run(&[command, &path]);
        assert_eq!(ran.code, 1, "{command}: {ran:?}");
        let said = ran.out + &ran.err;
        for what in ["sandbox", "edge.reflection"] {
            let what = format!("{what}: is for a sandbox's trust domain alone");
            assert!(said.contains(&what), "{command}: {said}");
        }
    }
    let (node, rest) = production(&sandbox, false);
    let serving = node.start();
    let control = Rest::plain(sandbox.text("/agencies/tax/control"));
    let asked = async || control.get("/journal").await.unwrap().json()["total"].clone();
    let before = asked().await;
    let answer = rest.lookup(CITIZEN, "ONE_STOP_DESK", "tax.status").await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.text.contains("SYNTHETIC_ID"), "{answer:?}");
    assert_eq!(asked().await, before, "an agency was asked");
    // Nor does it know callers of the sandbox.
    let stranger = Rest::at(&node.url, &sandbox, "commune");
    assert!(stranger.get("/v1/fields").await.is_err());
    assert!(serving.terminate());
}
