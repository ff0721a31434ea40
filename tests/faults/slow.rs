//! One agency ten times slower than it was.

use std::time::Duration;

use exchange::Source;
use serde_json::Value;
use tests::row::{Caller, KNOWN, Row};
use tests::{Beside, Sandbox, apart, question, set};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::scene::{guard, latency};

/// How long every agency takes at first: well above what a busy machine adds.
const USUAL_MS: u64 = 200;

/// How often both are measured, by turns, and for how long each.
const ROUNDS: usize = 5;
const LASTS: Duration = Duration::from_secs(3);

/// The mask of all sources but the tax register, of which each answers.
const OTHERS: &str =
    "population.name,health.bloodGroup,civilStatus.maritalStatus,socialSecurity.insuranceCode";

/// How the others answered, and how the tax register.
#[derive(Debug)]
struct Seen {
    others: Vec<Duration>,
    tax_asked: usize,
    tax_kept_back: Vec<Duration>,
}

impl Seen {
    fn p99(&mut self) -> Duration {
        self.others.sort();
        self.others[(self.others.len() - 1) * 99 / 100]
    }
}

/// Asks the tax register and the others at a constant rate each, for a while.
async fn load(caller: &Caller, lasts: Duration) -> Seen {
    let mut calls = JoinSet::new();
    let mut beat = interval(Duration::from_millis(40));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let begun = Instant::now();
    let mut turn = 0;
    while begun.elapsed() < lasts {
        beat.tick().await;
        turn += 1;
        let masks = ["tax.status", OTHERS];
        for mask in &masks[..1 + turn % 2] {
            let (caller, is_tax) = (caller.clone(), *mask != OTHERS);
            let asked = apart(question(KNOWN, "ONE_STOP_DESK", mask));
            calls.spawn(async move {
                let begun = Instant::now();
                let answer = caller.put(&asked, 3).await;
                (is_tax, answer.status, answer.json(), begun.elapsed())
            });
        }
    }
    let mut seen = Seen {
        others: Vec::new(),
        tax_asked: 0,
        tax_kept_back: Vec::new(),
    };
    for (is_tax, status, answer, took) in calls.join_all().await {
        match (is_tax, status) {
            (true, 200) => seen.tax_asked += 1,
            (true, _) => {
                assert_eq!(answer["metadata"]["tax"], "SKIPPED", "{answer}");
                seen.tax_kept_back.push(took);
            }
            (false, _) => {
                assert!(all_answer(&answer), "{answer}");
                seen.others.push(took);
            }
        }
    }
    seen
}

fn all_answer(answer: &Value) -> bool {
    let mut sources = answer["sources"].as_array().unwrap().iter();
    sources.all(|it| it["state"] == "SOURCE_STATE_OK")
}

/// Row U09: one agency ten times slower at the same rate is asked less at once, and what finds no place
/// is told so at once; the others' p99 is unchanged within a tenth, measured by turns and side by side.
#[tokio::test(flavor = "multi_thread")]
async fn one_slow_agency_costs_the_others_nothing() {
    let sandbox = Sandbox::start();
    for source in Source::ALL {
        latency(&sandbox, source, USUAL_MS).await;
    }
    let row = Row::begin(&sandbox, "slow", &Source::ALL, |config| {
        set(config, "agency.tax.guard", "max_calls", 32);
        set(config, "agency.tax.guard", "min_calls", 8);
    })
    .await;
    load(&row.caller, LASTS).await;
    let seen = guard(&row.gateway, Source::Tax).await;
    let most = seen["maxCalls"].as_u64().unwrap();

    let (usual, slow) = side_by_side(&sandbox, &row, most).await;
    let ratio = slow.as_secs_f64() / usual.as_secs_f64();
    println!("{usual:?} {slow:?} in the middle: {ratio:.3}");
    assert!(ratio <= 1.1, "the others' p99 is {ratio:.2} of what it was");
    row.ends().await;
}

/// The others' p99 beside a usual agency, and beside a slow one, by turns: the middle of each.
async fn side_by_side(sandbox: &Sandbox, row: &Row, most: u64) -> (Duration, Duration) {
    let (mut usual, mut slow) = (Vec::new(), Vec::new());
    let (mut fastest, mut kept_back) = (Duration::MAX, Vec::new());
    println!("the others' p99 beside a usual agency, and beside a slow one");
    for _ in 0..ROUNDS {
        latency(sandbox, Source::Tax, USUAL_MS).await;
        let mut quiet = load(&row.caller, LASTS).await;
        let usual_limit = limit(&row.gateway).await;
        assert!(usual_limit > most / 2, "{usual_limit} beside usual ones");
        latency(sandbox, Source::Tax, USUAL_MS * 10).await;
        let mut beside = load(&row.caller, LASTS).await;
        let slow_limit = limit(&row.gateway).await;
        usual.push(quiet.p99());
        slow.push(beside.p99());
        println!(
            "{:?} {:?}: of it {} asked, {} kept back, limit {slow_limit} of {most}",
            quiet.p99(),
            beside.p99(),
            beside.tax_asked,
            beside.tax_kept_back.len()
        );
        assert!(slow_limit <= most / 2, "{slow_limit} beside a slow one");
        fastest = fastest.min(quiet.others[0]);
        kept_back.append(&mut beside.tax_kept_back);
    }
    // Nobody is asked for them: it takes less than the fastest agency that is.
    let told = median(kept_back);
    assert!(
        told < fastest,
        "who finds no place waits {told:?}, and an answer takes {fastest:?}"
    );
    (median(usual), median(slow))
}

/// How many calls to the tax register may be under way.
async fn limit(gateway: &Beside) -> u64 {
    let seen = guard(gateway, Source::Tax).await;
    seen["limit"].as_u64().unwrap()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
