//! The guard as a whole, with its defaults, under virtual time.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tokio::task::JoinSet;
use tokio::time::advance;

use super::*;

pub(super) const CAP: Duration = Duration::from_millis(2_500);
pub(super) const TOPIC: Topic<'_> = Topic::Dossier(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) fn guard() -> Arc<Guard> {
    guard_with(&Config::default())
}

fn guard_with(config: &Config) -> Arc<Guard> {
    Arc::new(Guard::new(Source::Tax, CAP, config))
}

/// A caller with ten seconds.
pub(super) fn patient(guard: &Guard) -> Patience {
    guard.patience(Instant::now() + 10 * SECOND)
}

pub(super) async fn answers(guard: &Guard, took: Duration) -> Result<(), Miss> {
    let asked = guard.ask(patient(guard), TOPIC, |_| async {
        sleep(took).await;
        Ok(())
    });
    asked.await.map(drop)
}

pub(super) async fn fails(guard: &Guard, miss: Miss) -> Miss {
    let asked = guard.ask::<(), _>(patient(guard), TOPIC, |_| {
        std::future::ready(Err(miss.clone()))
    });
    asked.await.unwrap_err()
}

pub(super) fn broken() -> Miss {
    Miss::unavailable("SERVER_ERROR", "status 500")
}

pub(super) fn circuit(guard: &Guard) -> Circuit {
    guard.view().circuit
}

pub(super) fn open_for(guard: &Guard) -> Duration {
    match circuit(guard) {
        Circuit::Open { probe_in } => probe_in,
        other @ (Circuit::Closed | Circuit::Probing) => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn seven_failures_in_a_row_open_the_circuit_and_six_do_not() {
    let guard = guard();
    for _ in 0..6 {
        fails(&guard, broken()).await;
    }
    answers(&guard, Duration::ZERO).await.unwrap();
    for _ in 0..6 {
        fails(&guard, broken()).await;
    }
    assert_eq!(circuit(&guard), Circuit::Closed);
    fails(&guard, broken()).await;
    assert_eq!(open_for(&guard), SECOND);
    let miss = answers(&guard, Duration::ZERO).await.unwrap_err();
    assert_eq!(miss.state, SourceState::CircuitOpen);
    assert_eq!((miss.reason, miss.attempts), (CIRCUIT_OPEN, 0));
    assert_eq!(miss.retry_after, Some(SECOND));
}

#[tokio::test(start_paused = true)]
async fn less_than_eighty_of_a_hundred_within_thirty_seconds_open_it() {
    let guard = guard();
    for call in 0..20 {
        match call % 5 {
            4 => drop(fails(&guard, broken()).await),
            _ => answers(&guard, Duration::ZERO).await.unwrap(),
        }
        advance(SECOND).await;
    }
    // Four of twenty are just borne.
    assert_eq!(circuit(&guard), Circuit::Closed);
    fails(&guard, broken()).await;
    assert_eq!(open_for(&guard), SECOND);
}

#[tokio::test(start_paused = true)]
async fn fewer_than_twenty_calls_are_no_sign_and_what_is_old_does_not_count() {
    let guard = guard();
    for _ in 0..3 {
        for _ in 0..6 {
            fails(&guard, broken()).await;
        }
        answers(&guard, Duration::ZERO).await.unwrap();
        // Eighteen failures of twenty-one calls, if the window were longer.
        advance(31 * SECOND).await;
    }
    assert_eq!(circuit(&guard), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_pause_doubles_from_a_second_to_a_minute_with_one_probe_each() {
    let guard = guard();
    for _ in 0..7 {
        fails(&guard, broken()).await;
    }
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let pause = open_for(&guard);
        pauses.push(pause.as_secs());
        advance(pause).await;
        assert_eq!(
            fails(&guard, broken()).await.state,
            SourceState::Unavailable
        );
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(guard.counts().probes, 8);
}

#[tokio::test(start_paused = true)]
async fn of_many_callers_one_tries_and_the_others_are_told_at_once() {
    let guard = guard();
    for _ in 0..7 {
        fails(&guard, broken()).await;
    }
    advance(SECOND).await;
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let guard = Arc::clone(&guard);
        callers.spawn(async move { answers(&guard, SECOND).await });
    }
    let ends = callers.join_all().await;
    let tried = ends.iter().filter(|end| end.is_ok()).count();
    assert_eq!((tried, guard.counts().probes), (1, 1));
    assert_eq!(circuit(&guard), Circuit::Closed);
    assert_eq!(guard.view().limit, 32, "it begins small again");
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_opens_again_soon_stays_open_for_longer() {
    let guard = guard();
    let mut pauses = Vec::new();
    for _ in 0..4 {
        for _ in 0..7 {
            fails(&guard, broken()).await;
        }
        pauses.push(open_for(&guard).as_secs());
        advance(open_for(&guard)).await;
        answers(&guard, Duration::ZERO).await.unwrap();
        advance(SECOND).await;
    }
    assert_eq!(pauses, [1, 2, 4, 8]);
    advance(30 * SECOND).await;
    for _ in 0..7 {
        fails(&guard, broken()).await;
    }
    assert_eq!(open_for(&guard), SECOND, "that was long ago");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_answers_most_calls_is_left_alone_for_seconds_and_not_for_minutes() {
    let guard = guard();
    let mut answered = 0;
    for tenth in 0..1_000 {
        match (circuit(&guard), tenth % 7) {
            (Circuit::Open { probe_in }, _) if !probe_in.is_zero() => {
                assert!(probe_in <= 4 * SECOND, "{probe_in:?}");
            }
            (_, 1 | 4) => drop(fails(&guard, broken()).await),
            _ => {
                answers(&guard, Duration::ZERO).await.unwrap();
                answered += 1;
            }
        }
        advance(SECOND / 10).await;
    }
    assert!(guard.counts().opened > 10, "it opens now and then");
    // Without a circuit it would be 714.
    assert!(answered >= 350, "{answered}");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_its_caller_gives_up_lets_the_next_one_try() {
    let guard = guard();
    for _ in 0..7 {
        fails(&guard, broken()).await;
    }
    advance(SECOND).await;
    let given_up = tokio::time::timeout(SECOND / 10, answers(&guard, CAP));
    given_up.await.unwrap_err();
    assert_eq!(guard.view().in_flight, 0);
    answers(&guard, Duration::ZERO).await.unwrap();
    assert_eq!(circuit(&guard), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_asks_to_be_left_alone_is_but_no_longer_than_a_minute() {
    for (asked, left_alone) in [(20, 20), (3_600, 60)] {
        let guard = guard();
        let miss = Miss::rate_limited(Some(Duration::from_secs(asked)));
        for _ in 0..7 {
            fails(&guard, miss.clone()).await;
        }
        assert_eq!(open_for(&guard).as_secs(), left_alone);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_says_no_is_a_success() {
    let guard = guard();
    for miss in [
        Miss::not_found(),
        Miss::ambiguous(),
        Miss::closed(exchange::Closed::Sealed),
    ] {
        for _ in 0..6 {
            fails(&guard, broken()).await;
        }
        fails(&guard, miss).await;
        assert_eq!(guard.view().failures_in_a_row, 0);
        advance(31 * SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_gateway_cuts_short_is_not_the_source_s_failure() {
    let guard = guard();
    for _ in 0..10 {
        let hurried = guard.patience(Instant::now() + SECOND);
        let hung = guard.ask::<(), _>(hurried, TOPIC, |_| std::future::pending());
        assert_eq!(hung.await.unwrap_err().state, SourceState::Timeout);
    }
    assert_eq!(circuit(&guard), Circuit::Closed);
    for _ in 0..7 {
        let hung = guard.ask::<(), _>(patient(&guard), TOPIC, |_| std::future::pending());
        assert_eq!(hung.await.unwrap_err().state, SourceState::Timeout);
    }
    assert_eq!(open_for(&guard), SECOND, "it had all of its time");
    let counts = guard.counts();
    assert_eq!(counts.calls[1..3], [("failed", 7), ("local", 10)]);
}

/// Row L08: a panic in an adapter is the miss of that question, and no failure of the source.
#[tokio::test(start_paused = true)]
async fn a_panic_is_the_miss_of_one_question() {
    let guard = guard();
    for _ in 0..8 {
        let asked = guard.ask::<(), _>(patient(&guard), TOPIC, |_| async { panic!("on purpose") });
        let miss = asked.await.unwrap_err();
        assert_eq!(
            (miss.state, miss.reason),
            (SourceState::InvalidAnswer, PANICKED)
        );
    }
    assert_eq!(guard.counts().calls[2], ("local", 8));
    assert_eq!(guard.view().in_flight, 0);
    answers(&guard, Duration::ZERO).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn calls_from_before_the_circuit_closed_do_not_open_it_again() {
    let guard = guard();
    let mut hanging = JoinSet::new();
    for _ in 0..20 {
        let guard = Arc::clone(&guard);
        let patience = patient(&guard);
        hanging.spawn(async move {
            guard
                .ask::<(), _>(patience, TOPIC, |_| std::future::pending())
                .await
        });
    }
    tokio::task::yield_now().await;
    for _ in 0..7 {
        fails(&guard, broken()).await;
    }
    advance(SECOND).await;
    answers(&guard, Duration::ZERO).await.unwrap();
    assert_eq!(hanging.join_all().await.len(), 20);
    assert_eq!(circuit(&guard), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_place_is_told_at_once_and_when_to_come_again() {
    let guard = guard();
    let mut asking = JoinSet::new();
    for _ in 0..1_100 {
        let guard = Arc::clone(&guard);
        asking.spawn(async move { answers(&guard, SECOND).await });
    }
    let begun = Instant::now();
    let mut refused = 0;
    while let Some(end) = asking.join_next().await {
        if let Err(miss) = end.unwrap() {
            assert_eq!(
                (miss.state, miss.reason),
                (SourceState::Skipped, OVERLOADED)
            );
            assert!(miss.retry_after.unwrap() >= SECOND);
            assert_eq!((miss.attempts, begun.elapsed()), (0, Duration::ZERO));
            refused += 1;
        }
    }
    assert_eq!((refused, guard.view().in_flight), (1_100 - 1_024, 0));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_takes_longer_than_there_is_time_is_not_asked() {
    let guard = guard();
    for _ in 0..20 {
        answers(&guard, SECOND).await.unwrap();
    }
    let asked = AtomicU32::new(0);
    let ask = |left: Duration| {
        let hurried = guard.patience(Instant::now() + left);
        guard.ask(hurried, TOPIC, |_| {
            asked.fetch_add(1, Ordering::Relaxed);
            sleep(SECOND).map(Ok)
        })
    };
    let miss = ask(SECOND / 2).await.unwrap_err();
    assert_eq!((miss.state, miss.reason), (SourceState::Skipped, NO_TIME));
    assert_eq!((miss.attempts, asked.load(Ordering::Relaxed)), (0, 0));
    ask(SECOND * 5 / 4).await.unwrap();
    let none = ask(Duration::ZERO).await.unwrap_err();
    assert_eq!(none.reason, NO_TIME);
    // It is found out that it has become faster, also by callers in a hurry alone.
    let hurried = || guard.patience(Instant::now() + SECOND / 2);
    let mut tries = 0;
    while guard
        .ask(hurried(), TOPIC, |_| std::future::ready(Ok(())))
        .await
        .is_err()
    {
        tries += 1;
    }
    assert!(tries <= 70, "{tries}");
}

/// A source that fails once with this miss, and then answers; when it was asked.
async fn recovers(guard: &Guard, miss: Miss) -> (Result<((), u32), Miss>, Vec<Instant>) {
    let times = Mutex::new(Vec::new());
    let asked = guard.ask(patient(guard), TOPIC, |_| {
        let mut times = times.lock().unwrap();
        times.push(Instant::now());
        let first = times.len() == 1;
        std::future::ready(if first { Err(miss.clone()) } else { Ok(()) })
    });
    let end = asked.await;
    (end, times.into_inner().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_source_that_was_not_reached_is_asked_once_again_after_a_short_pause() {
    let guard = guard();
    advance(10 * SECOND).await;
    for progress in [Progress::Unsent, Progress::Sent] {
        let (end, times) = recovers(&guard, broken().at(progress)).await;
        assert_eq!(end.unwrap(), ((), 1));
        let pause = (times[1] - times[0]).as_millis();
        assert!((25..=101).contains(&pause), "{pause}");
    }
    let lost = Miss::unavailable("CONNECT", "").at(Progress::Unsent);
    assert_eq!(
        fails(&guard, lost).await.attempts,
        2,
        "once, not more often"
    );
    assert_eq!(guard.counts().retries, 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_else_is_asked_again() {
    let guard = guard();
    advance(10 * SECOND).await;
    for miss in [
        broken(),
        Miss::rate_limited(None).at(Progress::Unsent),
        Miss::timeout("").at(Progress::Sent),
        Miss::invalid("GARBAGE", "").at(Progress::Sent),
        Miss::maintenance(Some(SECOND)).at(Progress::Sent),
        Miss::not_found().at(Progress::Sent),
    ] {
        let (end, times) = recovers(&guard, miss.clone()).await;
        assert_eq!((end.is_err(), times.len()), (true, 1), "{miss}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_again_without_budget_or_time() {
    let guard = guard();
    let lost = broken().at(Progress::Unsent);
    let (end, times) = recovers(&guard, lost.clone()).await;
    assert_eq!((end.unwrap_err().attempts, times.len()), (1, 1));
    assert_eq!(guard.counts().over_budget, 1);

    advance(10 * SECOND).await;
    let hurried = guard.patience(Instant::now() + SECOND / 50);
    let asked = guard.ask::<(), _>(hurried, TOPIC, |_| std::future::ready(Err(lost.clone())));
    assert_eq!(asked.await.unwrap_err().attempts, 1);
    assert_eq!((guard.counts().retries, guard.counts().over_budget), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_took_long_to_fail_is_not_asked_again_and_is_the_source_s_failure() {
    let guard = guard();
    advance(10 * SECOND).await;
    let asked = guard.ask::<(), _>(patient(&guard), TOPIC, |_| async {
        sleep(SECOND).await;
        Err(Miss::unavailable("CONNECT", "").at(Progress::Unsent))
    });
    assert_eq!(asked.await.unwrap_err().attempts, 1);
    let hurried = guard.patience(Instant::now() + 2 * SECOND);
    let asked = guard.ask::<(), _>(hurried, TOPIC, |_| async {
        sleep(SECOND).await;
        Err(Miss::timeout("no connection in time"))
    });
    asked.await.unwrap_err();
    assert_eq!(guard.counts().calls[1], ("failed", 2));
}

#[tokio::test(start_paused = true)]
async fn a_storm_costs_a_tenth_and_three_a_second() {
    let guard = guard_with(&Config {
        failures_in_a_row: u32::MAX,
        min_success_percent: 0,
        ..Config::default()
    });
    let calls = AtomicU32::new(0);
    for _ in 0..1_000 {
        let asked = guard.ask::<(), _>(patient(&guard), TOPIC, |_| {
            calls.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Err(broken().at(Progress::Sent)))
        });
        asked.await.unwrap_err();
        advance(SECOND / 100).await;
    }
    let seconds = guard.began.elapsed().as_secs_f64();
    let most = 1_000.0f64.mul_add(1.1, 3.0 * seconds);
    let calls = f64::from(calls.into_inner());
    assert!((1_100.0..=most).contains(&calls), "{calls} in {seconds} s");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_on_nobodys_behalf_heeds_the_circuit_and_is_counted_apart() {
    let guard = guard();
    let before = guard.view().typical;
    for _ in 0..3 {
        let slow = guard.errand(None, TOPIC, |_| async {
            sleep(SECOND).await;
            Ok(())
        });
        slow.await.unwrap();
    }
    assert_eq!(guard.view().typical, before, "it says nothing of questions");
    let broken = |_| std::future::ready(Err::<(), _>(broken().at(Progress::Unsent)));
    for _ in 0..7 {
        guard.errand(None, TOPIC, broken).await.unwrap_err();
    }
    let kept_back = guard.errand(None, TOPIC, broken).await.unwrap_err();
    assert_eq!(kept_back.reason, CIRCUIT_OPEN);
    let counts = guard.counts();
    let errands = counts.errands.map(|(_, count)| count);
    assert_eq!(errands, [3, 7, 0, 0, 1]);
    assert_eq!(counts.calls.map(|(_, count)| count), [0; 4]);
    assert_eq!(counts.retries, 0);
    advance(SECOND).await;
    let probe = guard.errand(None, TOPIC, |_| std::future::ready(Ok(())));
    probe.await.unwrap();
    assert_eq!(circuit(&guard), Circuit::Closed);
}
