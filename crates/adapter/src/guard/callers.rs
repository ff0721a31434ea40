//! What callers do, and what of it is the source's: questions that are refused, and waits that are cut short.

use tokio::time::advance;

use super::tests::{SECOND, answers, broken, circuit, fails, guard, open_for};
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
