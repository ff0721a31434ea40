//! Sources with two servers of which one is killed, hangs or fails: callers are answered by the
//! other, and operators see which is left aside.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use exchange::Source;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tests::row::{KNOWN, Row};
use tests::{Rest, Sandbox, loop_until, program, run, set};
use tokio::time::{Instant, sleep};
use toml::Table;

use crate::agencies::knob;
use crate::amplification::storm;
use crate::scene::{guard, state, without_circuits};

/// Second servers of every agency of a sandbox, in one process.
struct Twins {
    child: Child,
    described: Value,
}

impl Twins {
    fn start(sandbox: &Sandbox) -> Self {
        let dir = sandbox.dir();
        let mut command = Command::new(program());
        let command = command.args(["sim", "all", "--dir"]).arg(&dir);
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let described = loop_until(Duration::from_secs(60), || {
            assert!(child.try_wait().unwrap().is_none(), "the twins have ended");
            let text = std::fs::read(dir.join("sims.json")).ok()?;
            serde_json::from_slice(&text).ok()
        });
        Self { child, described }
    }

    fn url(&self, source: Source) -> String {
        self.described[source.name()]["url"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Sets the knobs of all of them.
    async fn knobs(&self, knobs: &Value) {
        for source in Source::ALL {
            let control = self.described[source.name()]["control"].as_str().unwrap();
            let set = Rest::plain(control).put("/knobs", knobs).await;
            assert_eq!(set.status, 200, "{source}: {}", set.text);
        }
    }
}

impl Drop for Twins {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A gateway that reaches every source at two servers.
struct Scene {
    row: Row,
    twins: Twins,
    _sandbox: Sandbox,
}

impl Scene {
    async fn new() -> Self {
        let sandbox = Sandbox::start();
        let twins = Twins::start(&sandbox);
        let row = Row::begin(&sandbox, "two", &Source::ALL, |config| {
            for source in Source::ALL {
                two(config, source, &twins.url(source));
            }
        })
        .await;
        let scene = Self {
            row,
            twins,
            _sandbox: sandbox,
        };
        // Connections and sessions are opened, and retries are saved up: a tenth of them.
        scene.all_answer(60).await;
        for source in Source::ALL {
            let calls = scene.endpoints(source).await;
            let calls = calls.map(|it| it["calls"].as_u64().unwrap());
            assert!(calls.iter().all(|it| *it > 10), "{source}: {calls:?}");
        }
        scene
    }

    /// Asks so often: every source has answered, each time.
    async fn all_answer(&self, times: u32) {
        for _ in 0..times {
            let answer = self.row.caller.ask(KNOWN, 4).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let answer = answer.json();
            for source in Source::ALL {
                assert_eq!(state(&answer, source), "OK", "{source}: {answer}");
            }
        }
    }

    /// How the two servers of a source are: the sandbox's, and its twin.
    async fn endpoints(&self, source: Source) -> [Value; 2] {
        let seen = guard(&self.row.gateway, source).await;
        let endpoints = seen["endpoints"].as_array();
        let endpoints = endpoints.unwrap_or_else(|| panic!("no endpoints: {seen}"));
        endpoints.clone().try_into().unwrap()
    }

    /// Of every source the twin is left aside, after five failures and with no circuit open.
    async fn twins_are_aside(&self) {
        for source in Source::ALL {
            let [here, twin] = self.endpoints(source).await;
            println!("{source}: {twin}");
            assert_eq!(here["state"], "used", "{source}: {here}");
            assert_ne!(twin["state"], "used", "{source}: {twin}");
            assert!(twin["failed"].as_u64().unwrap() >= 5, "{source}: {twin}");
            let seen = guard(&self.row.gateway, source).await;
            assert_eq!(
                (&seen["circuit"], &seen["opened"]),
                (&json!("closed"), &json!(0))
            );
        }
    }

    /// Asks until every twin is used again.
    async fn twins_come_back(&self) {
        let begun = Instant::now();
        for source in Source::ALL {
            while self.endpoints(source).await[1]["state"] != "used" {
                assert!(
                    begun.elapsed() < Duration::from_secs(30),
                    "{source} is aside"
                );
                self.all_answer(1).await;
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Names a second address of a source, which is not left aside for long.
fn two(config: &mut Table, source: Source, second: &str) {
    let stanza = format!("agency.{source}");
    let first = config["agency"][source.name()]["url"].clone();
    let both = toml::Value::Array(vec![first, second.into()]);
    set(config, &stanza, "url", both);
    set(config, &format!("{stanza}.guard"), "eject_ms", 1_000);
}

/// Row U01: one of two servers is killed: no caller misses an answer, and the operator sees it.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_costs_nobody_an_answer() {
    let scene = Scene::new().await;
    scene.twins.signal(Signal::KILL);
    scene.all_answer(40).await;
    scene.twins_are_aside().await;
    let listed = run(&[
        "source",
        "--operations",
        &scene.row.gateway.operations,
        "list",
    ]);
    println!("{}", listed.out);
    for source in Source::ALL {
        let twin: url::Url = scene.twins.url(source).parse().unwrap();
        let name = format!("{}:{}", twin.host_str().unwrap(), twin.port().unwrap());
        let mut lines = listed.out.lines().map(str::trim_start);
        let line = lines.find(|line| line.starts_with(&name));
        let line = line.unwrap_or_else(|| panic!("no {name}: {}", listed.out));
        assert!(line.contains("aside") || line.contains("tried"), "{line}");
        let metrics = scene
            .row
            .gateway
            .operator()
            .get("/metrics")
            .await
            .unwrap()
            .text;
        let series = format!("source_endpoint_ejected_total{{endpoint=\"{name}");
        let shown = metrics.lines().find(|line| line.starts_with(&series));
        assert!(
            shown.is_some_and(|line| !line.ends_with(" 0")),
            "{name}: {metrics}"
        );
    }
    let aside = "an endpoint of a source is left aside";
    scene.row.gateway.logs(aside);
    scene.row.ends().await;
}

/// Row U02: one of two servers takes calls and never answers: each of the five callers who find that out
/// is answered by the other after half of their time, and when it answers again it is used again.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_costs_nobody_an_answer_and_comes_back() {
    let scene = Scene::new().await;
    scene.twins.signal(Signal::STOP);
    scene.all_answer(24).await;
    scene.twins_are_aside().await;
    scene.twins.signal(Signal::CONT);
    scene.twins_come_back().await;
    scene.all_answer(20).await;
    scene.row.ends().await;
}

/// Row U04: one of two servers answers 503: what it says is no answer of the agency, which the other gives.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_costs_nobody_an_answer_and_comes_back() {
    let scene = Scene::new().await;
    let fails = json!({"faults": [{"fault": "server_error"}]});
    scene.twins.knobs(&fails).await;
    scene.all_answer(40).await;
    scene.twins_are_aside().await;
    scene.twins.knobs(&json!({})).await;
    scene.twins_come_back().await;
    scene.all_answer(20).await;
    scene.row.ends().await;
}

/// Row L03: callers who ask five times more at every error of a source whose servers both fail: what
/// reaches the two together is what they ask, a tenth of it, and three a second.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_at_two_servers_is_not_made_worse() {
    let sandbox = Sandbox::start();
    let twins = Twins::start(&sandbox);
    let source = Source::Health;
    let row = Row::begin(&sandbox, "storm", &Source::ALL, |config| {
        without_circuits(config);
        two(config, source, &twins.url(source));
    })
    .await;
    let fails = json!({"faults": [{"fault": "server_error"}]});
    twins.knobs(&fails).await;
    knob(&sandbox, source, &fails).await;
    // What was saved up is spent.
    storm(source, &row.caller).await;
    let (begun, before) = (Instant::now(), asked_of_two(&sandbox, &twins, source).await);
    let arrived = storm(source, &row.caller).await;
    let reached = asked_of_two(&sandbox, &twins, source).await - before;
    let most = begun
        .elapsed()
        .as_secs_f64()
        .mul_add(3.0, arrived as f64 * 1.1 + 1.0);
    println!("two servers: {arrived} questions, {reached} calls of {most:.0}");
    assert!(reached >= arrived as u64, "{reached} of {arrived}");
    assert!(reached as f64 <= most, "{reached} of {most}");
    row.ends().await;
}

/// How often the two servers of a source were asked or logged in to.
async fn asked_of_two(sandbox: &Sandbox, twins: &Twins, source: Source) -> u64 {
    let twin = twins.described[source.name()]["control"].as_str().unwrap();
    let first = sandbox.text(&format!("/agencies/{source}/control"));
    let mut total = 0;
    for control in [first, twin] {
        let journal = Rest::plain(control).get("/journal").await.unwrap().json();
        total += journal["total"].as_u64().unwrap();
    }
    total
}
