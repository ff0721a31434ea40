//! One agency ten times slower than it was.

use std::time::Duration;

use exchange::Source;
use serde_json::Value;
use tests::{Sandbox, apart, question, set};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::row::{Caller, KNOWN, Row};
use crate::scene::{guard, latency};

/// How long every agency takes at first: well above what a busy machine adds.
const USUAL_MS: u64 = 120;

/// How often both are measured, by turns.
const ROUNDS: usize = 3;
const TRIES: usize = 3;

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
    load(&row.caller, Duration::from_secs(2)).await;
    let seen = guard(&row.gateway, Source::Tax).await;
    let most = seen["maxCalls"].as_u64().unwrap();

    // The machine is busy with others now and then: of several tries one must not be.
    let mut ratio = f64::INFINITY;
    for _ in 0..TRIES {
        let (usual, slow) = side_by_side(&sandbox, &row, most).await;
        println!("{usual:?} {slow:?} in the middle");
        ratio = ratio.min(slow.as_secs_f64() / usual.as_secs_f64());
        if ratio <= 1.1 {
            break;
        }
    }
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
        let mut quiet = load(&row.caller, Duration::from_secs(2)).await;
        latency(sandbox, Source::Tax, USUAL_MS * 10).await;
        let mut beside = load(&row.caller, Duration::from_secs(2)).await;
        let seen = guard(&row.gateway, Source::Tax).await;
        let limit = seen["limit"].as_u64().unwrap();
        usual.push(quiet.p99());
        slow.push(beside.p99());
        println!(
            "{:?} {:?}: of it {} asked, {} kept back, limit {limit} of {most}",
            quiet.p99(),
            beside.p99(),
            beside.tax_asked,
            beside.tax_kept_back.len()
        );
        assert!(limit <= most / 2, "{seen}");
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

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
