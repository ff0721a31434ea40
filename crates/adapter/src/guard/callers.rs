//! What callers do, and what of it is the source's: questions that are refused, and waits that are cut short.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{advance, timeout};

use super::tests::{CAP, SECOND, TOPIC, answers, broken, circuit, fails, guard, open_for, patient};
use super::*;

fn refused() -> Miss {
    Miss::refused("OFFICER_NOT_AUTHORISED", "fault 005: officer")
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_refused_is_no_failure_and_shows_that_the_source_is_well() {
    let guard = guard();
    for _ in 0..100 {
        assert_eq!(fails(&guard, refused()).await.attempts, 1);
    }
    assert_eq!(circuit(&guard), Circuit::Closed);
    assert_eq!(guard.counts().calls[0], ("answered", 100));
    for _ in 0..7 {
        fails(&guard, broken()).await;
    }
    advance(SECOND).await;
    fails(&guard, refused()).await;
    assert_eq!(circuit(&guard), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn how_long_a_refusal_takes_says_nothing_of_answers() {
    let guard = guard();
    for _ in 0..20 {
        answers(&guard, SECOND).await.unwrap();
    }
    let before = guard.view();
    for _ in 0..100 {
        fails(&guard, refused()).await;
        advance(SECOND).await;
    }
    let after = guard.view();
    assert_eq!(
        (after.typical, after.recent),
        (before.typical, before.recent)
    );
    assert_eq!((after.limit, after.in_flight), (before.limit, 0));
}

#[tokio::test(start_paused = true)]
async fn a_refused_account_is_the_source_s_failure() {
    let guard = guard();
    for _ in 0..7 {
        let miss = Miss::unavailable("LOGIN_REFUSED", "token: status 401");
        fails(&guard, miss).await;
    }
    assert_eq!(open_for(&guard), SECOND);
}

/// Asks a source that is silent, and leaves after that time.
async fn leaves(guard: &Guard, after: Duration) {
    let hung = guard.ask::<(), _>(patient(guard), TOPIC, |_| std::future::pending());
    timeout(after, hung).await.unwrap_err();
}

/// Asks a source that is silent with that much time.
async fn hurries(guard: &Guard, left: Duration) -> Miss {
    let hurried = guard.patience(Instant::now() + left);
    let hung = guard.ask::<(), _>(hurried, TOPIC, |_| std::future::pending());
    hung.await.unwrap_err()
}

/// A guard of a source that has answered so often, each time after so long.
async fn used_to(took: Duration) -> Arc<Guard> {
    let guard = guard();
    for _ in 0..100 {
        answers(&guard, took).await.unwrap();
    }
    guard
}

#[tokio::test(start_paused = true)]
async fn a_silent_source_is_found_out_though_every_caller_leaves_before_its_cap() {
    let cut = used_to(SECOND / 10).await;
    for _ in 0..7 {
        assert_eq!(circuit(&cut), Circuit::Closed);
        assert_eq!(hurries(&cut, 2 * SECOND).await.state, SourceState::Timeout);
    }
    assert_eq!(open_for(&cut), SECOND);
    let dropped = used_to(SECOND / 10).await;
    for _ in 0..7 {
        assert_eq!(circuit(&dropped), Circuit::Closed);
        leaves(&dropped, 2 * SECOND).await;
    }
    assert_eq!(open_for(&dropped), SECOND);
    // Whoever tries and leaves as late makes it last longer.
    advance(SECOND).await;
    leaves(&dropped, 2 * SECOND).await;
    assert_eq!(open_for(&dropped), 2 * SECOND);
    assert_eq!(dropped.counts().calls[3], ("dropped", 8));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_was_silent_from_the_start_is_found_out_too() {
    let guard = guard();
    for _ in 0..7 {
        leaves(&guard, CAP * 3 / 4).await;
    }
    assert_eq!(open_for(&guard), SECOND);
}

#[tokio::test(start_paused = true)]
async fn callers_who_leave_early_lower_the_limit_of_a_slow_source_and_open_nothing() {
    let guard = used_to(SECOND / 10).await;
    let before = guard.view();
    for _ in 0..300 {
        leaves(&guard, SECOND).await;
    }
    assert_eq!(circuit(&guard), Circuit::Closed);
    let after = guard.view();
    assert!(after.recent > before.recent * 8, "{after:?}");
    assert!(after.limit < before.limit / 8, "{after:?}");
    assert_eq!((after.typical, after.in_flight), (before.typical, 0));
}

#[tokio::test(start_paused = true)]
async fn callers_who_leave_change_nothing_at_a_source_that_is_well() {
    let guard = used_to(SECOND / 2).await;
    let before = guard.view();
    for _ in 0..300 {
        // A little before the answer.
        let asked = answers(&guard, SECOND / 2);
        timeout(SECOND * 49 / 100, asked).await.unwrap_err();
    }
    let after = guard.view();
    assert_eq!(
        (after.circuit, after.limit),
        (Circuit::Closed, before.limit)
    );
    assert_eq!(after.recent, before.recent);
}

#[tokio::test(start_paused = true)]
async fn callers_in_a_hurry_do_not_open_the_circuit_of_a_source_that_takes_its_time() {
    // They make believe that it has become faster, and leave when it should have answered.
    let guard = used_to(SECOND).await;
    let mut asked = 0;
    for _ in 0..2_000 {
        if hurries(&guard, SECOND / 2).await.reason != NO_TIME {
            asked += 1;
        }
        let hurried = guard.patience(Instant::now() + SECOND * 3 / 2);
        let late = guard.ask::<(), _>(hurried, TOPIC, |_| std::future::pending());
        late.await.unwrap_err();
    }
    assert!(asked > 1_000, "{asked}");
    assert_eq!(circuit(&guard), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_answers_others_meanwhile_is_not_silent() {
    let guard = used_to(SECOND / 100).await;
    let mut leaving = JoinSet::new();
    for _ in 0..100 {
        let hung = Arc::clone(&guard);
        leaving.spawn(async move { leaves(&hung, 2 * SECOND).await });
        answers(&guard, SECOND / 100).await.unwrap();
        advance(SECOND / 10).await;
    }
    assert_eq!(leaving.join_all().await.len(), 100);
    assert_eq!(circuit(&guard), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn waits_that_are_cut_short_count_in_a_row_and_not_as_a_share() {
    let guard = used_to(SECOND / 100).await;
    for _ in 0..20 {
        for _ in 0..6 {
            leaves(&guard, 2 * SECOND).await;
        }
        answers(&guard, SECOND / 100).await.unwrap();
    }
    assert_eq!(circuit(&guard), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_dossier_that_its_caller_cannot_wait_for_is_no_failure_of_its_agency() {
    let guard = used_to(SECOND).await;
    let under_way = || Miss::new(SourceState::Timeout, UNDER_WAY, "");
    for _ in 0..20 {
        let hurried = guard.patience(Instant::now() + SECOND * 5 / 4);
        let asked = guard.ask::<(), _>(hurried, TOPIC, |_| async {
            sleep(SECOND).await;
            Err(under_way())
        });
        asked.await.unwrap_err();
    }
    assert_eq!(circuit(&guard), Circuit::Closed);
    // Who has all the time that it may take is owed an end.
    for _ in 0..7 {
        fails(&guard, under_way()).await;
    }
    assert_eq!(open_for(&guard), SECOND);
}

/// Opens the circuit, and waits until it may be tried.
async fn open(guard: &Guard) {
    for _ in 0..7 {
        fails(guard, broken()).await;
    }
    advance(SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_shows_nothing_lets_the_next_one_try_at_once() {
    let guard = guard();
    open(&guard).await;
    // Cut short by its caller, and spoilt by its adapter.
    hurries(&guard, SECOND / 2).await;
    let spoilt = guard.ask::<(), _>(patient(&guard), TOPIC, |_| async { panic!("on purpose") });
    spoilt.await.unwrap_err();
    assert_eq!(open_for(&guard), Duration::ZERO);
    answers(&guard, Duration::ZERO).await.unwrap();
    assert_eq!(
        (circuit(&guard), guard.counts().probes),
        (Circuit::Closed, 3)
    );
}

#[tokio::test(start_paused = true)]
async fn of_those_who_come_somebody_with_enough_time_tries() {
    let guard = used_to(SECOND).await;
    let before = guard.view().typical;
    open(&guard).await;
    for _ in 0..100 {
        let told = hurries(&guard, SECOND / 2).await;
        assert_eq!((told.reason, told.attempts), (CIRCUIT_OPEN, 0));
    }
    assert_eq!(
        guard.view().typical,
        before,
        "nobody hears that it has become faster"
    );
    answers(&guard, SECOND).await.unwrap();
    assert_eq!(
        (circuit(&guard), guard.counts().probes),
        (Circuit::Closed, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn if_nobody_with_enough_time_comes_somebody_else_tries() {
    let guard = used_to(SECOND).await;
    open(&guard).await;
    advance(SECOND).await;
    let hurried = guard.patience(Instant::now() + SECOND / 2);
    let faster = guard.ask(hurried, TOPIC, |_| std::future::ready(Ok(())));
    faster.await.unwrap();
    assert_eq!(circuit(&guard), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn callers_in_a_hurry_keep_no_circuit_open() {
    let guard = used_to(SECOND).await;
    open(&guard).await;
    let mut hurrying = JoinSet::new();
    for _ in 0..1_000 {
        let guard = Arc::clone(&guard);
        hurrying.spawn(async move {
            loop {
                hurries(&guard, SECOND / 2).await;
                sleep(SECOND / 50).await;
            }
        });
    }
    // Among all these, one who has time, now and then.
    let mut tries = 0;
    while circuit(&guard) != Circuit::Closed {
        drop(answers(&guard, SECOND).await);
        sleep(SECOND / 3).await;
        tries += 1;
        assert!(tries < 10, "{:?}", guard.view());
    }
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_says_nothing_of_the_source() {
    let guard = used_to(SECOND).await;
    let before = guard.view().typical;
    for _ in 0..100 {
        assert_eq!(hurries(&guard, Duration::ZERO).await.reason, NO_TIME);
    }
    assert_eq!(guard.view().typical, before);
}
