//! Callers who go on asking, each time about somebody else, and what they see.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use exchange::Source;
use serde_json::{Value, json};
use sim::Person;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::{Citizens, Phase, Plan};
use crate::{Rest, everything, question};

/// What one caller saw.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Seconds after the beginning.
    pub at_s: f64,
    /// What went on when it was asked.
    pub phase: Phase,
    /// What went on when the answer came.
    pub until: Phase,
    /// About whom.
    pub subject: String,
    /// How urgent it was.
    pub criticality: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// Why it failed, if it did.
    pub reason: String,
    /// How long it took.
    pub took: Duration,
    /// The state of each source, the reason of it, and how long it took.
    pub sources: Vec<(Source, String, String, Duration)>,
    /// The receipt, if it was answered.
    pub receipt: Option<Value>,
    /// What was released and is not so.
    pub lies: Vec<String>,
}

/// Callers that ask until told to stop.
#[derive(Debug)]
pub(super) struct Load {
    shared: Arc<Shared>,
    callers: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    rest: Rest,
    citizens: Mutex<Citizens>,
    mask: String,
    begun: Instant,
    phase: AtomicU8,
    stop: AtomicBool,
    turn: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
}

impl Load {
    pub(super) fn begin(rest: Rest, plan: Plan) -> Self {
        let shared = Arc::new(Shared {
            rest,
            citizens: Mutex::new(Citizens::new(plan.seed)),
            mask: everything(),
            begun: Instant::now(),
            phase: AtomicU8::new(0),
            stop: AtomicBool::new(false),
            turn: AtomicUsize::new(0),
            seen: Mutex::default(),
        });
        let mut callers = JoinSet::new();
        for _ in 0..plan.callers {
            let shared = Arc::clone(&shared);
            callers.spawn(async move {
                while !shared.stop.load(Ordering::Relaxed) {
                    shared.ask().await;
                    sleep(PAUSE).await;
                }
            });
        }
        Self { shared, callers }
    }

    /// Says what goes on from now.
    pub(super) fn enters(&self, phase: Phase) {
        self.shared.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Waits until whole answers come again, and says how long that took since then.
    pub(super) async fn recovered(&self, since: Instant) -> Option<Duration> {
        let since_s = since.duration_since(self.shared.begun).as_secs_f64();
        while since.elapsed() < PATIENCE {
            sleep(LOOK).await;
            let seen = self.shared.seen.lock().unwrap();
            let last = seen.iter().rev().take(IN_A_ROW);
            let whole = last.filter(|it| it.at_s > since_s && it.is_whole());
            if whole.count() == IN_A_ROW {
                return Some(since.elapsed());
            }
        }
        None
    }

    /// Lets every caller finish, and tells what they saw.
    pub(super) async fn end(mut self) -> Vec<Seen> {
        self.shared.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.callers.join_next().await {
            ended.expect("a caller is answered");
        }
        std::mem::take(&mut *self.shared.seen.lock().unwrap())
    }
}

impl Seen {
    /// True if every source has answered.
    pub(super) fn is_whole(&self) -> bool {
        let mut states = self.sources.iter();
        self.status == 200 && states.all(|(_, state, ..)| state == "OK")
    }
}

impl Shared {
    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Warm,
            1 => Phase::Quiet,
            2 => Phase::Some,
            3 => Phase::All,
            _ => Phase::After,
        }
    }

    async fn ask(&self) {
        let (subject, person) = self.citizens.lock().unwrap().next();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut urgent = CRITICALITIES
            .iter()
            .cycle()
            .skip(turn % CRITICALITIES.len());
        let criticality = urgent.next().copied().unwrap_or_default();
        let mut body = question(&subject, "ONE_STOP_DESK", &self.mask);
        body["context"]["criticality"] = json!(format!("CRITICALITY_{criticality}"));
        if criticality == "EMERGENCY" {
            body["context"]["officerId"] =
                json!(format!("CB-{}", turn / CRITICALITIES.len() % OFFICERS));
            body["context"]["reasonText"] = json!("Bất tỉnh");
        }
        let (phase, begun) = (self.phase(), Instant::now());
        let headers = [("prefer", "wait=2")];
        let asked = self
            .rest
            .post("/v1/citizens:lookup", body.to_string(), &headers);
        let answer = asked.await.expect("the gateway answers");
        let json = answer.json();
        let seen = Seen {
            at_s: begun.duration_since(self.begun).as_secs_f64(),
            phase,
            until: self.phase(),
            criticality,
            status: answer.status,
            reason: json["reason"].as_str().unwrap_or_default().to_owned(),
            took: begun.elapsed(),
            sources: sources(&json),
            receipt: json.get("receipt").cloned(),
            lies: lies(&json, &person),
            subject,
        };
        self.seen.lock().unwrap().push(seen);
    }
}

/// What an answer says of each source; of a failed call, what its fault says.
fn sources(answer: &Value) -> Vec<(Source, String, String, Duration)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |source: Source| {
        let name = format!("SOURCE_{}", source.name().to_uppercase());
        let failed = text(&answer["metadata"][source.name()]);
        let statuses = answer["sources"].as_array().into_iter().flatten();
        let status = statuses
            .into_iter()
            .find(|it| it["source"] == name.as_str());
        let Some(status) = status else {
            return (source, failed, String::new(), Duration::ZERO);
        };
        let state = text(&status["state"]);
        let state = state.trim_start_matches("SOURCE_STATE_").to_owned();
        let latency = text(&status["latency"]);
        let latency = latency.trim_end_matches('s').parse().unwrap_or(0.0);
        let latency = Duration::from_secs_f64(latency);
        (source, state, text(&status["reason"]), latency)
    };
    Source::ALL.into_iter().map(one).collect()
}

/// What was released about somebody else: the number at each source that says one, and the name.
fn lies(answer: &Value, person: &Person) -> Vec<String> {
    let mut lies = Vec::new();
    let citizen = &answer["citizen"];
    for record in [
        "population",
        "health",
        "civilStatus",
        "tax",
        "socialSecurity",
    ] {
        let number = citizen[record]["personalId"].as_str().unwrap_or_default();
        if !number.is_empty() && number != person.personal_id.reveal() {
            lies.push(format!("{record} is about another number"));
        }
    }
    let name = citizen["population"]["name"]["full"].as_str();
    let same = |name: &str| exchange::name_key(name) == exchange::name_key(&person.name.full());
    if name.is_some_and(|name| !same(name)) {
        lies.push("population has another name".to_owned());
    }
    lies
}

/// Who asks how urgently, by turns.
pub(super) const CRITICALITIES: [&str; 4] = ["BULK", "BACK_OFFICE", "CITIZEN_WAITING", "EMERGENCY"];
/// How many of an agency may break the glass.
const OFFICERS: usize = 60;
/// Between two questions of one caller.
const PAUSE: Duration = Duration::from_millis(60);
/// So many whole answers in a row are a good day.
const IN_A_ROW: usize = 20;
/// The longest that a circuit stays open is a minute.
const PATIENCE: Duration = Duration::from_secs(75);
const LOOK: Duration = Duration::from_millis(50);
