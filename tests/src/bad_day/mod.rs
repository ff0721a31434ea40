//! A bad day: all five agencies are disturbed at once while callers go on asking, and then it is
//! looked at what became of every question.
//!
//! A gateway runs beside a sandbox, so that its memory and descriptors are its own. Every question
//! is about somebody else, so that the journals of the simulated agencies tell what each was
//! answered. Not here: any threshold that a test asserts but those of [`Report::wrong`].

#![expect(
    clippy::indexing_slicing,
    reason = "what is not in an answer is null, and fails the comparison"
)]

mod citizens;
mod disturb;
mod judge;
pub mod load;
mod page;
mod report;
pub mod vitals;

use std::path::Path;

use std::time::Duration;

use exchange::Source;
use serde_json::{Value, json};
use sim::Scenario;
use tokio::time::{Instant, sleep};

use crate::row::shows_nobody;
use crate::vitals::{forget_peak, peak_of, recorded};
use crate::{Beside, Receiver, Sandbox, set, verify};
pub use citizens::Citizens;
use disturb::Controls;
use load::Load;
pub use report::{Records, Report};
use vitals::Vitals;

/// What is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How long all five are disturbed.
    pub disturbed: Duration,
    /// Where the dice of the agencies, and the series of citizens, begin.
    pub seed: u64,
    /// How many ask at once.
    pub callers: usize,
}

/// What goes on while a question is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Nothing yet: connections open, sessions begin.
    Warm,
    /// Nothing.
    Quiet,
    /// [`SOME`] are disturbed.
    Some,
    /// All five are.
    All,
    /// Nothing any more.
    After,
}

impl Plan {
    /// Runs it.
    pub async fn run(self) -> Report {
        let sandbox = Sandbox::start();
        let spans = Receiver::default();
        let collector = spans.start().await;
        let traced = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector),
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.05"),
        ];
        let gateway = Beside::told(&sandbox, NODE, &traced, |config| busy(&sandbox, config));
        let controls = Controls::of(&sandbox, self.seed);
        let load = Load::begin(gateway.caller(&sandbox, "commune"), self);
        let journals = controls.gather();
        sleep(WARM).await;
        let vitals = Vitals::begin(gateway.pid(), gateway.operator());
        forget_peak(gateway.pid());
        let before = vitals.now().await;
        self.alternate(&controls, &load).await;
        load.enters(Phase::All);
        let scenario = Scenario::built_in("bad-day").unwrap();
        controls.play(&scenario, self.disturbed).await;
        let begun = Instant::now();
        controls.rest().await;
        load.enters(Phase::After);
        let recovered = load.recovered(begun).await;
        let seen = load.end().await;
        let after = vitals.settled(before).await;
        let samples = vitals.end();
        nobody_is_shown(&gateway, &spans, &seen).await;
        let journals = journals.end().await;
        let records = verified(&sandbox, &seen);
        let admitted = judge::admitted(&seen, &journals);
        Report {
            plan: self,
            wrong_states: judge::compare(&seen, &journals),
            asked: journals.total(),
            admitted,
            seen,
            recovered,
            peak_kib: peak_of(gateway.pid()),
            before,
            after,
            samples,
            records,
        }
    }

    /// Quiet and disturbed by turns, so that what else the machine does falls on both. The others take so
    /// long for an answer that twice the time is more than a busy machine takes away.
    async fn alternate(self, controls: &Controls, load: &Load) {
        controls.disturb(&others(), &steady()).await;
        for _ in 0..ROUNDS {
            load.enters(Phase::Quiet);
            sleep(TURN).await;
            controls.disturb(&SOME, &rough()).await;
            load.enters(Phase::Some);
            sleep(TURN).await;
            controls.disturb(&SOME, &json!({})).await;
        }
        load.enters(Phase::Quiet);
        // Whoever has asked of somebody who hangs is answered by then.
        sleep(TURN).await;
        controls.rest().await;
    }
}

/// No person that was asked about stands in what operators see.
async fn nobody_is_shown(gateway: &Beside, spans: &Receiver, seen: &[load::Seen]) {
    let persons = seen.iter().map(|seen| &*seen.subject).collect();
    let metrics = gateway.operator().get("/metrics").await.unwrap().text;
    shows_nobody("log", &gateway.logged(), &persons);
    shows_nobody("metrics", &metrics, &persons);
    shows_nobody("spans", &format!("{:?}", spans.spans()), &persons);
}

/// Has a gateway keep quotas that one who asks about many different citizens never reaches.
pub fn busy(sandbox: &Sandbox, config: &mut toml::Table) {
    let agreements = include_str!("../../../crates/xtask/src/bench/agreements.toml");
    let all =
        "fields = [\"population\", \"health\", \"civil_status\", \"tax\", \"social_security\"]\n";
    assert!(agreements.contains(all));
    let agreements = agreements.replace(
        all,
        &format!("{all}break_{}", all.replace("fields", "glass")),
    );
    let file = "busy-agreements.toml";
    std::fs::write(sandbox.dir().join(file), agreements).unwrap();
    set(config, "gateway", "policy", file);
    for who in ["officer", "system", "agency"] {
        for time in ["hour", "day"] {
            let key = format!("{who}_citizens_per_{time}");
            set(config, "scrutiny", &key, 10_000_000);
        }
    }
}

/// Those that are left alone while [`SOME`] are disturbed.
fn others() -> Vec<Source> {
    let all = Source::ALL.into_iter();
    all.filter(|source| !SOME.contains(source)).collect()
}

/// What the others do in the phase of turns.
fn steady() -> Value {
    json!({"latency": {"fixed": {"ms": 60}}})
}

/// What disturbs some in the phase of turns: a third of the questions hang, a third fail, the others are
/// slow.
fn rough() -> Value {
    json!({
        "faults": [
            {"fault": "hang", "probability": 0.3},
            {"fault": "server_error", "probability": 0.3},
        ],
        "latency": {"exponential": {"mean_ms": 60}},
    })
}

/// What the log holds, if it holds all receipts.
fn verified(sandbox: &Sandbox, seen: &[load::Seen]) -> Result<Records, String> {
    let receipts: Vec<String> = seen
        .iter()
        .filter_map(|seen| Some(seen.receipt.as_ref()?.to_string()))
        .collect();
    let file = sandbox.dir().join("bad-day-receipts.json");
    std::fs::write(&file, receipts.join("\n")).unwrap();
    let log = sandbox.dir().join(format!("log-{NODE}"));
    let ran = verify(&log, Some(Path::new(&file)));
    match ran.code {
        0 => Ok(Records {
            receipts: receipts.len(),
            accesses: recorded(&ran, "ACCESS"),
        }),
        code => Err(format!("exit {code}: {}{}", ran.out, ran.err)),
    }
}

/// The node of the gateway that is looked at.
const NODE: &str = "bad-day";
/// Who is disturbed in the phase of turns; the others must not notice.
pub const SOME: [Source; 2] = [Source::Population, Source::Tax];
/// How long connections and sessions may take to begin.
const WARM: Duration = Duration::from_secs(2);
/// One turn of the phase of turns, and how often both are taken.
const TURN: Duration = Duration::from_millis(2_500);
const ROUNDS: u32 = 3;
