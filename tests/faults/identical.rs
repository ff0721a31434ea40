//! Identical questions at the same time: an agency is asked once, and each question has its own answer,
//! record and receipt.

use std::sync::Arc;

use exchange::Source;
use serde_json::{Value, json};
use tests::vitals::Metrics;
use tests::{Beside, Rest, RestAnswer, Sandbox, everything, question, records_of, set, verify};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep};

use crate::agencies::asked;
use crate::proxy::{Mode, Proxy};
use crate::scene::{configuration, state, status};

/// How many ask at the same time.
const CALLERS: usize = 8;

/// Between the look at who is under way and their questions a busy machine may do other things.
const ROUNDS: u64 = 3;

/// A gateway, and lines to some agencies on which answers can be held back.
struct Scene {
    sandbox: Sandbox,
    gateway: Beside,
    metrics: Metrics,
    caller: Arc<Rest>,
    lines: Vec<Proxy>,
}

impl Scene {
    async fn of(held: &[Source]) -> Self {
        let sandbox = Sandbox::start();
        let config = configuration(&sandbox);
        let mut lines = Vec::new();
        for source in held {
            lines.push(Proxy::before(&config, *source).await);
        }
        let gateway = Beside::start(&sandbox, "gw-2", |config| {
            for (source, line) in held.iter().zip(&lines) {
                line.lead(config, *source);
            }
            for source in Source::ALL {
                set(config, &format!("agency.{source}"), "timeout_ms", 10_000);
            }
        });
        let caller = Arc::new(gateway.caller(&sandbox, "commune"));
        // Connections and sessions are opened.
        let first = question("999099000001", "ONE_STOP_DESK", &everything());
        assert_eq!(ask(&caller, &first).await.status, 200);
        Self {
            metrics: Metrics::at(&gateway.operations),
            sandbox,
            gateway,
            caller,
            lines,
        }
    }

    /// Holds answers back, or lets them pass.
    fn lines(&self, mode: Mode) {
        self.lines.iter().for_each(|line| line.mode(mode));
    }

    /// Waits until so many questions are under way, but not until they have no time left.
    async fn until_under_way(&self, questions: usize) {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(8)
            && self.metrics.count("gateway_calls", "").await != questions as u64
        {
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The record of a question.
    fn record(&self, question: &Value) -> Value {
        let id = question["context"]["requestId"].as_str().unwrap();
        let mut found = records_of(&self.sandbox.dir().join("log-gw-2"), id);
        assert_eq!(found.len(), 1, "{found:?}");
        found.pop().unwrap().1
    }

    /// Counts the receipts that the public log of the gateway bears out.
    fn verified(&self, answers: &[RestAnswer]) -> usize {
        let file = self.sandbox.dir().join("answers");
        let lines: Vec<&str> = answers.iter().map(|it| it.text.as_str()).collect();
        std::fs::write(&file, lines.join("\n")).unwrap();
        let verified = verify(&self.sandbox.dir().join("log-gw-2"), Some(&file));
        assert_eq!(verified.code, 0, "{verified:?}");
        assert!(verified.out.contains(", 0 refused"), "{verified:?}");
        let (before, _) = verified.out.split_once(" receipts verified").unwrap();
        before.rsplit([' ', '\n']).next().unwrap().parse().unwrap()
    }
}

async fn ask(caller: &Rest, question: &Value) -> RestAnswer {
    let headers = [("prefer", "wait=12")];
    let asked = caller.post("/v1/citizens:lookup", question.to_string(), &headers);
    asked.await.unwrap()
}

/// Identical questions, each under its own id, and their answers.
async fn at_once(scene: &Scene, id: &str) -> Vec<(Value, RestAnswer)> {
    let mut asking = JoinSet::new();
    scene.lines(Mode::Hold);
    for _ in 0..CALLERS {
        let caller = Arc::clone(&scene.caller);
        let question = question(id, "ONE_STOP_DESK", &everything());
        asking.spawn(async move {
            let answer = ask(&caller, &question).await;
            (question, answer)
        });
    }
    scene.until_under_way(CALLERS).await;
    scene.lines(Mode::Pass);
    asking.join_all().await
}

/// How many calls to a source an answer tells of.
fn attempts(answer: &Value, source: Source) -> u64 {
    status(answer, source)["attempts"].as_u64().unwrap_or(0)
}

/// What two answers to the same question have in common.
fn told(answer: &Value) -> (&Value, Vec<&str>) {
    let states = Source::ALL.iter().map(|it| state(answer, *it));
    (&answer["citizen"], states.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn identical_questions_at_once_reach_each_agency_once() {
    let scene = Scene::of(&Source::ALL).await;
    for round in 0..ROUNDS {
        let id = format!("9990990020{round:02}");
        let joined = scene
            .metrics
            .count("gateway_joined_questions_total", "")
            .await;
        let answers = at_once(&scene, &id).await;
        let told_first = answers[0].1.json();
        let mut calls = Vec::new();
        for source in Source::ALL {
            let own = answers.iter().map(|(_, it)| attempts(&it.json(), source));
            let (own, seen) = (own.sum::<u64>(), asked(&scene.sandbox, source, &id).await);
            assert_eq!(own, seen as u64, "{source}: as many as are told of");
            calls.push(seen);
        }
        let (mut flagged, mut seqs) = (0, Vec::new());
        for (question, answer) in &answers {
            assert_eq!(answer.status, 200, "{}", answer.text);
            let (answer, record) = (answer.json(), scene.record(question));
            assert_eq!(told(&answer), told(&told_first));
            assert_eq!(record["dec"], "ALLOW");
            assert_eq!(record["src"].as_array().unwrap().len(), Source::ALL.len());
            let flag = json!(["JOINED"]);
            let is_flagged = record["flag"] == flag;
            let all_own = Source::ALL.iter().all(|it| attempts(&answer, *it) > 0);
            assert_eq!(is_flagged, !all_own, "{answer} {record}");
            flagged += usize::from(is_flagged);
            seqs.push(answer["receipt"]["seq"].as_str().unwrap().to_owned());
        }
        seqs.sort();
        seqs.dedup();
        assert_eq!(seqs.len(), CALLERS, "each has its own record");
        let receipts: Vec<_> = answers.into_iter().map(|(_, answer)| answer).collect();
        assert_eq!(scene.verified(&receipts), CALLERS);
        let counted = scene
            .metrics
            .count("gateway_joined_questions_total", "")
            .await
            - joined;
        let total = CALLERS * Source::ALL.len();
        assert_eq!(counted as usize, total - calls.iter().sum::<usize>());
        println!(
            "{CALLERS} identical questions: calls to each agency {calls:?}, {flagged} records say JOINED"
        );
        if calls == [1; Source::ALL.len()] {
            assert_eq!(flagged, CALLERS - 1);
            return;
        }
    }
    panic!("never were all under way at the same time");
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_of_other_callers_officers_and_fields_are_put_apart() {
    let scene = Scene::of(&[Source::Tax]).await;
    let id = "999099002050";
    let tax = Arc::new(scene.gateway.caller(&scene.sandbox, "tax"));
    let commune = &scene.caller;
    let with = |officer: &str| {
        let mut asked = question(id, "ONE_STOP_DESK", "tax.status");
        asked["context"]["officerId"] = officer.into();
        asked
    };
    let all = [
        (commune, question(id, "ONE_STOP_DESK", "tax.status")),
        (
            commune,
            question(id, "ONE_STOP_DESK", "tax.status,tax.taxCode"),
        ),
        (commune, with("CB-1")),
        (commune, with("CB-2")),
        (&tax, question(id, "TAXPAYER_REGISTRATION", "tax.status")),
    ];
    let questions = all.len();
    let mut asking = JoinSet::new();
    scene.lines(Mode::Hold);
    for (caller, question) in all {
        let caller = Arc::clone(caller);
        asking.spawn(async move { (ask(&caller, &question).await, question) });
    }
    scene.until_under_way(questions).await;
    scene.lines(Mode::Pass);
    for (answer, question) in asking.join_all().await {
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(attempts(&answer.json(), Source::Tax), 1, "{}", answer.text);
        assert!(scene.record(&question)["flag"].is_null());
    }
    assert_eq!(asked(&scene.sandbox, Source::Tax, id).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_costs_those_who_ask_the_same_nothing() {
    let scene = Scene::of(&[Source::Tax]).await;
    for round in 0..ROUNDS {
        let id = format!("9990990021{round:02}");
        scene.lines(Mode::Hold);
        let [first, second] = [(); 2].map(|()| question(&id, "ONE_STOP_DESK", "tax.status"));
        let leaving = {
            let (caller, first) = (
                scene.gateway.caller(&scene.sandbox, "commune"),
                first.clone(),
            );
            tokio::spawn(async move { ask(&caller, &first).await })
        };
        while asked(&scene.sandbox, Source::Tax, &id).await == 0 && !leaving.is_finished() {
            sleep(Duration::from_millis(5)).await;
        }
        let staying = {
            let (caller, second) = (Arc::clone(&scene.caller), second.clone());
            tokio::spawn(async move { ask(&caller, &second).await })
        };
        scene.until_under_way(2).await;
        leaving.abort();
        scene.until_under_way(1).await;
        scene.lines(Mode::Pass);
        let answer = staying.await.unwrap();
        assert_eq!(state(&answer.json(), Source::Tax), "OK", "{}", answer.text);
        let (calls, left) = (
            asked(&scene.sandbox, Source::Tax, &id).await,
            scene.record(&first),
        );
        println!(
            "asked {calls} times; who left: {}, who stayed: {}",
            left["dec"],
            scene.record(&second)["flag"]
        );
        if left["dec"] == "ABANDONED" && scene.record(&second)["flag"] == json!(["JOINED"]) {
            assert_eq!(calls, 1);
            return;
        }
    }
    panic!("never did anybody leave while another waited");
}
