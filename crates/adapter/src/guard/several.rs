//! A source with several addresses, under virtual time.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tokio::task::JoinSet;
use tokio::time::advance;

use super::*;

const CAP: Duration = Duration::from_millis(2_500);
const SECOND: Duration = Duration::from_secs(1);
/// What an answer takes.
const USUAL: Duration = Duration::from_millis(10);

/// What one address does.
#[derive(Clone, Debug)]
enum Does {
    Answers(Duration),
    Fails(Miss),
    Hangs,
}

/// A source with some addresses, and how often each was asked.
#[derive(Debug)]
struct Town {
    guard: Guard,
    does: Mutex<Vec<Does>>,
    asked: Vec<AtomicU32>,
    questions: AtomicU32,
}

impl Town {
    fn new(does: &[Does]) -> Arc<Self> {
        Self::with(does, &Config::default())
    }

    fn with(does: &[Does], config: &Config) -> Arc<Self> {
        let names = (0..does.len()).map(|it| format!("host-{it}")).collect();
        Arc::new(Self {
            guard: Guard::new(Source::Tax, CAP, config).at(names, config),
            does: Mutex::new(does.to_vec()),
            asked: does.iter().map(|_| AtomicU32::new(0)).collect(),
            questions: AtomicU32::new(0),
        })
    }

    fn now(&self, place: usize, does: Does) {
        self.does.lock().unwrap()[place] = does;
    }

    async fn ask(&self) -> Result<(usize, u32), Miss> {
        let patience = self.guard.patience(Instant::now() + 10 * SECOND);
        // Each is about another.
        let topic = Topic::Dossier(self.questions.fetch_add(1, Ordering::Relaxed).into());
        let asked = self.guard.ask(patience, topic, |place| self.does(place));
        asked.await
    }

    async fn does(&self, place: Place) -> Result<usize, Miss> {
        self.asked[place.index()].fetch_add(1, Ordering::Relaxed);
        let does = self.does.lock().unwrap()[place.index()].clone();
        match does {
            Does::Answers(after) => sleep(after).await,
            Does::Fails(miss) => return Err(miss),
            Does::Hangs => std::future::pending().await,
        }
        Ok(place.index())
    }

    /// How often each address was asked since the last look.
    fn asked(&self) -> Vec<u32> {
        let each = self.asked.iter();
        each.map(|it| it.swap(0, Ordering::Relaxed)).collect()
    }

    fn aside(&self) -> Vec<bool> {
        let each = self.guard.addresses();
        each.map(|it| it.circuit != Circuit::Closed).collect()
    }

    /// Asks until that address is left aside.
    async fn until_aside(&self, place: usize) {
        for _ in 0..100 {
            if self.aside()[place] {
                return;
            }
            drop(self.ask().await);
        }
        panic!("{:?}", self.aside());
    }
}

fn usual() -> Does {
    Does::Answers(USUAL)
}

fn refuses() -> Does {
    Does::Fails(Miss::unavailable("CONNECT", "").at(Progress::Unsent))
}

fn breaks() -> Does {
    Does::Fails(Miss::unavailable("SERVER_ERROR", "status 503"))
}

#[tokio::test(start_paused = true)]
async fn every_address_gets_its_share() {
    let town = Town::new(&[usual(), usual(), usual()]);
    for _ in 0..999 {
        town.ask().await.unwrap();
    }
    let asked = town.asked();
    assert!(asked.iter().all(|it| (283..=383).contains(it)), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_slow_gets_less() {
    let town = Town::new(&[Does::Answers(USUAL * 20), usual()]);
    let mut asking = JoinSet::new();
    for _ in 0..1_000 {
        let town = Arc::clone(&town);
        asking.spawn(async move { town.ask().await.unwrap() });
        advance(USUAL / 5).await;
    }
    asking.join_all().await;
    let asked = town.asked();
    assert!(asked[0] * 3 < asked[1], "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_fails_costs_no_caller_an_answer_and_is_left_aside() {
    // From several places in the row of draws.
    for (fails, before) in [refuses(), breaks()].into_iter().zip([20, 31]) {
        let town = Town::new(&[usual(), usual()]);
        advance(10 * SECOND).await;
        for _ in 0..before {
            town.ask().await.unwrap();
        }
        town.now(1, fails);
        town.asked();
        for _ in 0..200 {
            assert_eq!(town.ask().await.unwrap().0, 0);
        }
        let counts = town.guard.counts();
        assert_eq!(town.asked(), [200, 5], "five in a row, and no more");
        assert_eq!((counts.retries, counts.opened), (5, 0));
        assert_eq!(town.aside(), [false, true]);
    }
}

#[tokio::test(start_paused = true)]
async fn many_calls_that_fail_at_one_address_at_once_do_not_open_the_circuit_of_the_source() {
    let town = Town::new(&[usual(), Does::Hangs]);
    let mut asking = JoinSet::new();
    for _ in 0..200 {
        let town = Arc::clone(&town);
        asking.spawn(async move { town.ask().await });
    }
    let ended = asking.join_all().await;
    assert!(ended.iter().filter(|it| it.is_err()).count() > 50);
    assert_eq!(town.guard.view().circuit, Circuit::Closed);
    assert_eq!(town.aside(), [false, true]);
    assert_eq!(town.ask().await.unwrap().0, 0);
}

#[tokio::test(start_paused = true)]
async fn one_call_tries_again_after_twice_as_long_each_time() {
    let town = Town::new(&[usual(), refuses()]);
    advance(10 * SECOND).await;
    town.until_aside(1).await;
    let mut pauses = Vec::new();
    for _ in 0..7 {
        let circuit = town.guard.addresses().nth(1).unwrap().circuit;
        let Circuit::Open { probe_in } = circuit else {
            panic!("{circuit:?}");
        };
        pauses.push(probe_in.as_secs() + 1);
        advance(probe_in - Duration::from_millis(1)).await;
        town.asked();
        town.ask().await.unwrap();
        assert_eq!(town.asked(), [1, 0], "not before its time");
        advance(Duration::from_millis(1)).await;
        for _ in 0..20 {
            assert_eq!(town.ask().await.unwrap().0, 0, "who tries is answered too");
        }
        assert_eq!(town.asked(), [20, 1]);
    }
    assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300]);
}

#[tokio::test(start_paused = true)]
async fn of_many_callers_one_tries_and_an_address_that_answers_is_asked_again() {
    let town = Town::new(&[usual(), refuses()]);
    advance(10 * SECOND).await;
    town.until_aside(1).await;
    town.now(1, Does::Answers(SECOND));
    advance(10 * SECOND).await;
    town.asked();
    let mut asking = JoinSet::new();
    for _ in 0..50 {
        let town = Arc::clone(&town);
        asking.spawn(async move { town.ask().await.unwrap() });
    }
    asking.join_all().await;
    assert_eq!(town.asked(), [49, 1]);
    assert_eq!(town.aside(), [false, false]);
    for _ in 0..20 {
        town.ask().await.unwrap();
    }
    assert!(town.asked()[1] > 3);
}

#[tokio::test(start_paused = true)]
async fn a_try_that_its_caller_gives_up_lets_the_next_one_try() {
    let town = Town::new(&[usual(), refuses()]);
    advance(10 * SECOND).await;
    town.until_aside(1).await;
    advance(10 * SECOND).await;
    town.now(1, Does::Hangs);
    let given_up = tokio::time::timeout(SECOND / 2, town.ask());
    given_up.await.unwrap_err();
    town.now(1, usual());
    assert_eq!(town.ask().await.unwrap(), (1, 0));
    assert_eq!(town.aside(), [false, false]);
    assert!(town.guard.addresses().all(|it| it.in_flight == 0));
}

#[tokio::test(start_paused = true)]
async fn never_are_all_left_aside_and_the_circuit_is_of_them_together() {
    let town = Town::new(&[refuses(), refuses(), refuses()]);
    for _ in 0..100 {
        town.ask().await.unwrap_err();
        let aside = town.aside().iter().filter(|it| **it).count();
        assert!(aside <= 1, "half of three is one");
    }
    assert!(town.guard.counts().opened > 0);
    assert_eq!(
        town.ask().await.unwrap_err().state,
        SourceState::CircuitOpen
    );
}

#[tokio::test(start_paused = true)]
async fn as_many_are_left_aside_as_is_set() {
    let most = |percent| Config {
        max_ejected_percent: percent,
        failures_in_a_row: u32::MAX,
        min_success_percent: 0,
        ..Config::default()
    };
    for (percent, aside) in [(0, 1), (50, 2), (75, 3), (100, 3)] {
        let town = Town::with(&[refuses(), refuses(), refuses(), usual()], &most(percent));
        for _ in 0..400 {
            drop(town.ask().await);
        }
        let found = town.aside().iter().filter(|it| **it).count();
        assert_eq!(found, aside, "{percent} %");
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_hangs_is_left_for_another_after_half_of_the_time() {
    let town = Town::new(&[Does::Hangs, usual()]);
    advance(10 * SECOND).await;
    for _ in 0..30 {
        let begun = Instant::now();
        let (place, before) = town.ask().await.unwrap();
        assert_eq!(place, 1);
        let left = if before == 0 { Duration::ZERO } else { CAP / 2 };
        assert!(begun.elapsed() <= left + 2 * USUAL, "{:?}", begun.elapsed());
    }
    assert_eq!(town.asked()[0], 5);
    assert_eq!(town.aside(), [true, false]);
}

#[tokio::test(start_paused = true)]
async fn without_a_budget_or_the_time_no_address_is_left_for_another() {
    let none = Config {
        retries_percent: 0,
        retries_per_second: 0,
        ..Config::default()
    };
    // It would have answered in time.
    let town = Town::with(
        &[Does::Answers(CAP * 3 / 4), Does::Answers(CAP * 3 / 4)],
        &none,
    );
    assert_eq!(town.ask().await.unwrap().1, 0);
    assert_eq!(town.guard.counts().over_budget, 1);

    // Of a source that always takes that long nobody is left.
    let town = Town::new(&[Does::Answers(CAP / 4), Does::Answers(CAP / 4)]);
    advance(10 * SECOND).await;
    town.ask().await.unwrap();
    for _ in 0..2 {
        town.now(0, Does::Answers(CAP * 3 / 4));
        town.now(1, Does::Answers(CAP * 3 / 4));
        assert_eq!(town.ask().await.unwrap().1, 0);
    }
    assert_eq!(town.guard.counts().retries, 0);
}

#[tokio::test(start_paused = true)]
async fn what_the_agency_says_as_a_whole_leaves_no_address_aside() {
    for miss in [
        Miss::rate_limited(None),
        Miss::refused("PROCEDURE_NOT_LICENSED", "fault 004"),
        Miss::unavailable("LOGIN_REFUSED", "an account that is not known"),
        Miss::not_found(),
    ] {
        let town = Town::with(
            &[Does::Fails(miss.clone()), Does::Fails(miss)],
            &Config {
                failures_in_a_row: u32::MAX,
                ..Config::default()
            },
        );
        for _ in 0..15 {
            town.ask().await.unwrap_err();
        }
        assert_eq!(town.aside(), [false, false]);
        assert_eq!(
            town.asked().iter().sum::<u32>(),
            15,
            "and is not asked twice"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_under_maintenance_is_spared_and_only_all_of_them_are_the_source() {
    let closed = Does::Fails(Miss::maintenance(Some(Duration::from_secs(600))));
    let town = Town::new(&[closed.clone(), usual()]);
    advance(10 * SECOND).await;
    for _ in 0..50 {
        assert_eq!(town.ask().await.unwrap().0, 1);
    }
    assert_eq!(town.asked(), [2, 50], "believed when it was said twice");
    assert_eq!(town.guard.maintenance(), None);
    town.now(1, closed);
    town.ask().await.unwrap_err();
    town.ask().await.unwrap_err();
    let told = town.ask().await.unwrap_err();
    assert_eq!((told.reason, told.attempts), ("MAINTENANCE", 0));
    assert_eq!(town.asked(), [0, 2]);
    assert!(town.guard.maintenance().is_some());
    assert_eq!(town.guard.counts().kept_back[3], ("maintenance", 1));
}

#[tokio::test(start_paused = true)]
async fn a_storm_at_every_address_costs_a_tenth_and_three_a_second() {
    let town = Town::with(
        &[breaks(), refuses()],
        &Config {
            failures_in_a_row: u32::MAX,
            min_success_percent: 0,
            ..Config::default()
        },
    );
    let begun = Instant::now();
    for _ in 0..1_000 {
        town.ask().await.unwrap_err();
        advance(SECOND / 100).await;
    }
    let most = 1_000.0f64.mul_add(1.1, 3.0 * begun.elapsed().as_secs_f64());
    let calls = f64::from(town.asked().iter().sum::<u32>());
    assert!((1_050.0..=most).contains(&calls), "{calls} of {most}");
}

#[tokio::test(start_paused = true)]
async fn what_is_left_at_an_address_is_asked_for_there_while_that_answers() {
    let town = Town::new(&[usual(), usual(), usual()]);
    let there = town.guard.places.named("host-1");
    assert_eq!(there.map(Place::index), Some(1));
    assert_eq!(town.guard.places.named("host-9"), None);
    let ask = || async {
        let patience = town.guard.patience(Instant::now() + 10 * SECOND);
        let asked = town
            .guard
            .ask_at(there, patience, Topic::Dossier(1), |place| town.does(place));
        asked.await.unwrap().0
    };
    for _ in 0..50 {
        assert_eq!(ask().await, 1);
        let errand = town
            .guard
            .errand(there, Topic::Dossier(1), |place| town.does(place));
        assert_eq!(errand.await.unwrap(), 1);
    }
    town.now(1, refuses());
    town.until_aside(1).await;
    town.asked();
    for _ in 0..20 {
        assert_ne!(ask().await, 1);
        let errand = town
            .guard
            .errand(there, Topic::Dossier(1), |place| town.does(place));
        assert_ne!(errand.await.unwrap(), 1);
    }
    assert_eq!(town.asked()[1], 0);
}
