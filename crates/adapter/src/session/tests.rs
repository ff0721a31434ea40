//! Sessions under virtual time, with an agency that grants, refuses or hangs.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use exchange::SourceState;
use futures_util::future::join_all;
use tokio::time::{advance, sleep};

use super::*;

/// Grants the tokens `token-1`, `token-2`, … for 100 s each, unless told otherwise.
#[derive(Debug, Default)]
struct Door {
    logins: AtomicU32,
    manner: AtomicU8,
}

const GRANTS: u8 = 0;
const REFUSES: u8 = 1;
const HANGS: u8 = 2;
const PANICS: u8 = 3;
const REPEATS: u8 = 4;
const GRANTS_NOTHING: u8 = 5;

impl Login for Door {
    const SOURCE: Source = Source::Health;

    async fn log_in(&self, _deadline: Instant) -> Result<(String, Duration), Miss> {
        let login = self.logins.fetch_add(1, Ordering::SeqCst) + 1;
        sleep(Duration::from_millis(100)).await;
        match self.manner.load(Ordering::SeqCst) {
            GRANTS => Ok((format!("token-{login}"), seconds(100))),
            REFUSES => Err(Miss::unavailable("LOGIN_REFUSED", "")),
            REPEATS => Ok(("token-1".to_owned(), seconds(100))),
            GRANTS_NOTHING => Ok((format!("token-{login}"), Duration::ZERO)),
            PANICS => panic!("a defect of the adapter"),
            _ => std::future::pending().await,
        }
    }
}

struct Desk {
    door: Arc<Door>,
    session: Arc<Session<Door>>,
}

impl Desk {
    fn new() -> Self {
        let door = Arc::new(Door::default());
        let session = Arc::new(Session::new(Arc::clone(&door), seconds(5)));
        Self { door, session }
    }

    /// One whose token, `token-1`, has lived for that long.
    async fn opened(age: Duration) -> Self {
        let desk = Self::new();
        assert_eq!(&*desk.token().await.unwrap(), "token-1");
        advance(age).await;
        desk
    }

    fn turn(&self, manner: u8) {
        self.door.manner.store(manner, Ordering::SeqCst);
    }

    fn logins(&self) -> u32 {
        self.door.logins.load(Ordering::SeqCst)
    }

    /// What a caller with two seconds gets.
    async fn token(&self) -> Result<Arc<str>, Miss> {
        self.session.token(Instant::now() + seconds(2)).await
    }

    /// The token that a caller gets without waiting.
    async fn at_once(&self) -> Arc<str> {
        let begun = Instant::now();
        let token = self.token().await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
        token
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn many_callers_log_in_once() {
    let desk = Desk::new();
    for token in join_all((0..50).map(|_| desk.token())).await {
        assert_eq!(&*token.unwrap(), "token-1");
    }
    assert_eq!(desk.logins(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_at_seventy_percent_of_its_life_and_nobody_waits() {
    let desk = Desk::opened(seconds(69)).await;
    assert_eq!(&*desk.at_once().await, "token-1");
    assert_eq!(desk.logins(), 1);
    advance(seconds(2)).await;
    assert_eq!(&*desk.at_once().await, "token-1");
    sleep(seconds(1)).await;
    assert_eq!(&*desk.at_once().await, "token-2");
    assert_eq!(desk.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_harms_nobody_and_is_tried_again_less_and_less_often() {
    let desk = Desk::opened(seconds(71)).await;
    desk.turn(REFUSES);
    for _ in 0..280 {
        assert_eq!(&*desk.at_once().await, "token-1");
        sleep(Duration::from_millis(100)).await;
    }
    // Within 28 s, and each follows a tenth of a second of login: after 0, 1, 3, 7 and 15 s.
    assert_eq!(desk.logins(), 1 + 5);
    desk.turn(GRANTS);
    sleep(seconds(2)).await;
    assert_eq!(&*desk.token().await.unwrap(), "token-7");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_hangs_keeps_nobody_waiting() {
    let desk = Desk::opened(seconds(71)).await;
    desk.turn(HANGS);
    for _ in 0..4 {
        assert_eq!(&*desk.at_once().await, "token-1");
        sleep(seconds(1)).await;
    }
    assert_eq!(desk.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_past_its_life_is_not_used() {
    let desk = Desk::opened(seconds(101)).await;
    desk.turn(REFUSES);
    let miss = desk.token().await.unwrap_err();
    assert_eq!(miss.reason, "LOGIN_REFUSED");
}

#[tokio::test(start_paused = true)]
async fn a_login_that_hangs_ends_at_its_cap_and_its_callers_at_their_deadlines() {
    let desk = Desk::new();
    desk.turn(HANGS);
    let begun = Instant::now();
    for missed in join_all((0..50).map(|_| desk.token())).await {
        assert_eq!(missed.unwrap_err().state, SourceState::Timeout);
    }
    assert_eq!((begun.elapsed(), desk.logins()), (seconds(2), 1));
    desk.turn(GRANTS);
    sleep(seconds(4)).await;
    assert_eq!(&*desk.token().await.unwrap(), "token-2");
}

#[tokio::test(start_paused = true)]
async fn logins_that_fail_again_and_again_are_not_tried_by_every_caller() {
    let desk = Desk::new();
    desk.turn(REFUSES);
    for _ in 0..2 {
        assert_eq!(desk.token().await.unwrap_err().reason, "LOGIN_REFUSED");
    }
    for _ in 0..300 {
        let miss = desk.token().await.unwrap_err();
        assert_eq!((miss.reason, miss.attempts), ("LOGIN_REFUSED", 0));
        assert_eq!(miss.retry_after, Some(seconds(1)));
    }
    assert_eq!(desk.logins(), 2);
    advance(seconds(1)).await;
    desk.turn(GRANTS);
    assert_eq!(&*desk.token().await.unwrap(), "token-3");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_takes_no_login_with_it() {
    let desk = Desk::new();
    let hurry = desk.session.token(Instant::now());
    assert!(hurry.await.is_err());
    assert_eq!(&*desk.token().await.unwrap(), "token-1");
    assert_eq!(desk.logins(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_panics_is_a_miss() {
    let desk = Desk::new();
    desk.turn(PANICS);
    assert_eq!(desk.token().await.unwrap_err().reason, "INTERNAL");
}

/// Asks an agency that takes the tokens `taken` and no other.
async fn ask(desk: &Desk, taken: &[&str]) -> Result<(Arc<str>, u32), Miss> {
    let ask = |token: Arc<str>| async move {
        sleep(Duration::from_millis(10)).await;
        match taken.contains(&&*token) {
            true => Ok(Heard::Answer(token)),
            false => Ok(Heard::SessionOver(Miss::session_refused())),
        }
    };
    desk.session.with(Instant::now() + seconds(2), ask).await
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_over_is_renewed_by_one_login_for_all_who_ask_again() {
    let desk = Desk::opened(seconds(1)).await;
    for answer in join_all((0..20).map(|_| ask(&desk, &["token-2"]))).await {
        let (token, calls) = answer.unwrap();
        assert_eq!((&*token, calls), ("token-2", 2));
    }
    assert_eq!(desk.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_session_that_is_refused_is_the_end() {
    let desk = Desk::opened(seconds(1)).await;
    let miss = ask(&desk, &[]).await.unwrap_err();
    assert_eq!((miss.reason, miss.attempts), ("SESSION_REFUSED", 2));
    assert_eq!(desk.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_is_logged_out_again_and_again_is_asked_for_once_until_there_is_an_answer() {
    let desk = Desk::opened(seconds(1)).await;
    for calls in [2, 1, 1, 1] {
        let miss = ask(&desk, &[]).await.unwrap_err();
        assert_eq!((miss.reason, miss.attempts), ("SESSION_REFUSED", calls));
    }
    ask(&desk, &["token-6"]).await.unwrap();
    // An answer, or some time, and it is worth it again.
    let (token, calls) = ask(&desk, &["token-7"]).await.unwrap();
    assert_eq!((&*token, calls), ("token-7", 2));
    for (wait, calls) in [(0, 2), (4, 1), (6, 2), (0, 1)] {
        advance(seconds(wait)).await;
        let miss = ask(&desk, &[]).await.unwrap_err();
        assert_eq!(miss.attempts, calls, "after {wait} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_granted_again_is_not_forgotten_for_what_was_said_of_the_one_before() {
    let desk = Desk::opened(seconds(1)).await;
    desk.turn(REPEATS);
    let before = desk.token().await.unwrap();
    desk.session.state().forget(&before);
    let again = desk.token().await.unwrap();
    assert_eq!((&*again, desk.logins()), ("token-1", 2));
    // Another call in the session before is told so late.
    desk.session.state().forget(&before);
    desk.token().await.unwrap();
    assert_eq!(desk.logins(), 2);
    desk.session.state().forget(&again);
    desk.token().await.unwrap();
    assert_eq!(desk.logins(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_token_without_a_life_is_no_login_for_each_question() {
    let desk = Desk::new();
    desk.turn(GRANTS_NOTHING);
    for _ in 0..10 {
        desk.token().await.unwrap();
        advance(Duration::from_millis(500)).await;
    }
    assert_eq!(desk.logins(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_miss_says_how_many_calls_were_made() {
    let desk = Desk::new();
    let fails = |_| async { Err::<Heard<()>, _>(Miss::not_found()) };
    let deadline = Instant::now() + seconds(2);
    let miss = desk.session.with(deadline, fails).await.unwrap_err();
    assert_eq!(miss.attempts, 1);
    desk.session.state().held = None;
    desk.turn(REFUSES);
    let miss = ask(&desk, &[]).await.unwrap_err();
    assert_eq!((miss.reason, miss.attempts), ("LOGIN_REFUSED", 0));
}

#[tokio::test(start_paused = true)]
async fn a_session_shows_no_token() {
    let desk = Desk::opened(seconds(1)).await;
    assert!(!format!("{:?}", desk.session).contains("token-1"));
}
