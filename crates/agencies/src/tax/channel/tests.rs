//! The channel against agencies that a test plays, over pipes and in time that is paused.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{join_all, pending};
use h2::Reason;
use h2::server::{Builder, SendResponse, handshake};
use http_body_util::Full;
use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::CONNECT;
use super::link::{PING_EVERY, PONG_AT_ONCE, lost};
use super::*;

/// An agency behind pipes: each that is opened is handed, with its number, to what plays it.
struct Desk<F> {
    dials: AtomicUsize,
    opens_in: Duration,
    play: F,
}

impl<F: Fn(usize, DuplexStream) + Send + Sync + 'static> Dial for Desk<F> {
    type Stream = DuplexStream;

    async fn dial(&self) -> io::Result<DuplexStream> {
        let dial = self.dials.fetch_add(1, Ordering::Relaxed);
        sleep(self.opens_in).await;
        let (ours, theirs) = duplex(1 << 20);
        (self.play)(dial, theirs);
        Ok(ours)
    }
}

impl<F> fmt::Debug for Desk<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}

type Desks<F> = Line<Desk<F>>;

fn slow_line<F>(opens_in: Duration, play: F) -> Desks<F>
where
    F: Fn(usize, DuplexStream) + Send + Sync + 'static,
{
    Line::new(Desk {
        dials: AtomicUsize::new(0),
        opens_in,
        play,
    })
}

fn line<F>(play: F) -> Desks<F>
where
    F: Fn(usize, DuplexStream) + Send + Sync + 'static,
{
    slow_line(Duration::ZERO, play)
}

impl<F> Desks<F> {
    fn dials(&self) -> usize {
        self.target.dials.load(Ordering::Relaxed)
    }
}

fn question() -> Request<body::Body> {
    let body = body::Body::new(Full::from("question"));
    let request = Request::post("https://tax.test/ask");
    request.body(body).unwrap()
}

type Respond = SendResponse<Bytes>;

/// Plays an agency that does the same to every call.
fn serve(door: DuplexStream, reply: impl Fn(&mut Respond) + Send + 'static) {
    tokio::spawn(async move {
        let mut server = handshake(door).await.unwrap();
        while let Some(Ok((_request, mut respond))) = server.accept().await {
            reply(&mut respond);
        }
    });
}

fn answer(respond: &mut Respond) {
    respond.send_response(Response::new(()), true).unwrap();
}

fn refuse(respond: &mut Respond) {
    respond.send_reset(Reason::REFUSED_STREAM);
}

/// Plays an agency that says this after the calls have come.
fn recite(mut door: DuplexStream, frames: Vec<u8>) {
    tokio::spawn(async move {
        door.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap(); // SETTINGS
        sleep(Duration::from_millis(50)).await;
        door.write_all(&frames).await.unwrap();
        pending::<()>().await;
    });
}

/// GOAWAY: none of the calls on this connection was processed.
fn go_away(reason: u8) -> Vec<u8> {
    vec![0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, reason]
}

/// HEADERS: 200, and the end of the stream.
fn headers(stream: u16) -> Vec<u8> {
    let [high, low] = stream.to_be_bytes();
    vec![0, 0, 1, 1, 5, 0, 0, high, low, 0x88]
}

fn code<T: fmt::Debug>(answered: Result<T, Status>) -> Code {
    answered.unwrap_err().code()
}

#[tokio::test(start_paused = true)]
async fn callers_who_wait_share_one_opening() {
    let line = slow_line(CONNECT / 2, |_, door| serve(door, answer));
    let answers = join_all((0..10).map(|_| line.call(question()))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(line.dials(), 1);
}

#[tokio::test(start_paused = true)]
async fn callers_who_wait_share_the_failure() {
    let line = slow_line(CONNECT * 2, |_, door| serve(door, answer));
    let begun = Instant::now();
    let answers = join_all((0..10).map(|_| line.call(question()))).await;
    assert!(
        answers
            .into_iter()
            .all(|answered| code(answered) == Code::Unavailable)
    );
    assert!(begun.elapsed() < CONNECT * 3 / 2);
    assert_eq!(line.dials(), 1);
    assert_eq!(code(line.call(question()).await), Code::Unavailable);
    assert_eq!(line.dials(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_opening_outlives_the_caller_who_began_it() {
    let line = slow_line(CONNECT / 2, |_, door| serve(door, answer));
    timeout(CONNECT / 4, line.call(question()))
        .await
        .unwrap_err();
    line.call(question()).await.unwrap();
    assert_eq!(line.dials(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_is_asked_once_more() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let line = line(move |_, door| {
        let calls = Arc::clone(&counted);
        serve(door, move |respond| {
            match calls.fetch_add(1, Ordering::Relaxed) {
                1 => answer(respond),
                _ => refuse(respond),
            }
        });
    });
    line.call(question()).await.unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    assert_eq!(code(line.call(question()).await), Code::Unavailable);
    assert_eq!(calls.load(Ordering::Relaxed), 4);
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_a_limit_not_yet_known_are_answered() {
    let line = line(|_, door| {
        tokio::spawn(async move {
            sleep(CONNECT / 100).await; // The calls are there before the limit is told.
            let mut builder = Builder::new();
            builder.max_concurrent_streams(1);
            let mut server = builder.handshake::<_, Bytes>(door).await.unwrap();
            while let Some(Ok((_, mut respond))) = server.accept().await {
                answer(&mut respond);
            }
        });
    });
    let answers = join_all((0..20).map(|_| line.call(question()))).await;
    assert!(answers.iter().all(Result::is_ok));
}

#[tokio::test(start_paused = true)]
async fn a_call_left_behind_by_a_closing_connection_is_asked_on_another() {
    let line = line(|dial, door| match dial {
        0 => recite(door, go_away(0)),
        _ => serve(door, answer),
    });
    let answers = join_all((0..5).map(|_| line.call(question()))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(line.dials(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_have_been_processed_is_not_repeated() {
    let failed = |play: fn(DuplexStream)| async move {
        let line = line(move |_, door| play(door));
        let code = code(line.call(question()).await);
        (code, line.dials())
    };
    let crashed = failed(|door| serve(door, |respond| respond.send_reset(Reason::INTERNAL_ERROR)));
    assert_eq!(crashed.await, (Code::Internal, 1));
    let left = failed(|door| recite(door, go_away(2)));
    assert_eq!(left.await, (Code::Internal, 1));
    let cut = failed(|door| {
        tokio::spawn(async move { handshake(door).await.unwrap().accept().await.is_some() });
    });
    assert_eq!(cut.await, (Code::Unavailable, 1));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ended_is_replaced_by_the_next_call() {
    let line = line(|dial, door| match dial {
        0 => {
            tokio::spawn(async move {
                let mut server = handshake(door).await.unwrap();
                let (_, mut respond) = server.accept().await.unwrap().unwrap();
                answer(&mut respond);
                timeout(PONG_AT_ONCE, server.accept()).await.is_ok()
            });
        }
        _ => serve(door, answer),
    });
    line.call(question()).await.unwrap();
    sleep(PONG_AT_ONCE * 2).await;
    line.call(question()).await.unwrap();
    assert_eq!(line.dials(), 2);
}

#[tokio::test(start_paused = true)]
async fn only_the_agency_can_say_that_there_are_too_many_calls() {
    let calm = |respond: &mut Respond| respond.send_reset(Reason::ENHANCE_YOUR_CALM);
    let line = line(move |_, door| serve(door, calm));
    assert_eq!(code(line.call(question()).await), Code::ResourceExhausted);
    let own = Reason::ENHANCE_YOUR_CALM.into();
    assert_eq!(lost(&own).code(), Code::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn late_answers_do_not_end_the_connection() {
    const GIVEN_UP: u16 = 1_500;
    let line = line(|_, door| {
        let streams = (0..=GIVEN_UP).map(|call| headers(2 * call + 1));
        recite(door, streams.flatten().collect());
    });
    let soon = Duration::from_millis(10);
    let calls = (0..GIVEN_UP).map(|_| timeout(soon, line.call(question())));
    assert!(join_all(calls).await.iter().all(Result::is_err));
    line.call(question()).await.unwrap();
    assert_eq!(line.dials(), 1);
}

/// Plays an agency that answers one call, and of which nothing is heard some time later.
fn fall_silent(door: DuplexStream, later: Duration) {
    tokio::spawn(async move {
        let mut server = handshake(door).await.unwrap();
        let (_, mut respond) = server.accept().await.unwrap().unwrap();
        answer(&mut respond);
        timeout(later, server.accept()).await.unwrap_err();
        pending::<()>().await;
    });
}

#[tokio::test(start_paused = true)]
async fn a_dead_connection_that_was_quiet_is_found_by_the_first_call() {
    let line = line(|dial, door| match dial {
        0 => fall_silent(door, PING_EVERY * 2),
        _ => serve(door, answer),
    });
    line.call(question()).await.unwrap();
    sleep(PING_EVERY * 3).await;
    let begun = Instant::now();
    assert_eq!(code(line.call(question()).await), Code::Unavailable);
    assert!(begun.elapsed() < PONG_AT_ONCE * 3 / 2);
    line.call(question()).await.unwrap();
    assert_eq!(line.dials(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dead_connection_in_use_is_found_in_time() {
    let line = line(|_, door| fall_silent(door, Duration::from_secs(1)));
    line.call(question()).await.unwrap();
    sleep(PING_EVERY / 2).await;
    let begun = Instant::now();
    assert_eq!(code(line.call(question()).await), Code::Unavailable);
    assert!(begun.elapsed() < PING_EVERY + PONG_AT_ONCE);
}

/// Row U02: who waits in vain while nothing is heard has the connection asked at once.
#[tokio::test(start_paused = true)]
async fn a_dead_connection_is_found_by_the_first_call_that_is_given_up() {
    let line = line(|dial, door| match dial {
        0 => fall_silent(door, Duration::from_secs(1)),
        _ => serve(door, answer),
    });
    line.call(question()).await.unwrap();
    sleep(PONG_AT_ONCE * 3).await;
    let cap = Duration::from_millis(1_500);
    timeout(cap, line.call(question())).await.unwrap_err();
    sleep(PONG_AT_ONCE * 3 / 2).await;
    line.call(question()).await.unwrap();
    assert_eq!(line.dials(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_does_not_end_a_connection_that_lives() {
    const GIVEN_UP: usize = 3;
    let line = line(|_, door| {
        tokio::spawn(async move {
            let mut server = handshake(door).await.unwrap();
            let mut unanswered = Vec::new();
            while let Some(Ok((_request, mut respond))) = server.accept().await {
                if unanswered.len() < GIVEN_UP {
                    unanswered.push(respond);
                } else {
                    answer(&mut respond);
                }
            }
        });
    });
    for _ in 0..GIVEN_UP {
        let given_up = timeout(PONG_AT_ONCE, line.call(question())).await;
        given_up.unwrap_err();
        sleep(PONG_AT_ONCE * 3).await;
    }
    line.call(question()).await.unwrap();
    assert_eq!(line.dials(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_that_lives_is_kept() {
    let line = line(|_, door| serve(door, answer));
    for _ in 0..3 {
        line.call(question()).await.unwrap();
        sleep(PING_EVERY * 3).await;
    }
    assert_eq!(line.dials(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_with_its_last_answer() {
    let (ended, end) = oneshot::channel();
    let ended = Mutex::new(Some(ended));
    let line = line(move |_, door| {
        let ended = ended.lock().unwrap().take().unwrap();
        tokio::spawn(async move {
            let mut server = handshake(door).await.unwrap();
            let (_request, mut respond) = server.accept().await.unwrap().unwrap();
            let mut body = respond.send_response(Response::new(()), false).unwrap();
            timeout(CONNECT, server.accept()).await.unwrap_err();
            body.send_data(Bytes::from("answer"), true).unwrap();
            while let Some(Ok(_)) = server.accept().await {}
            ended.send(()).unwrap();
        });
    });
    let answer = line.call(question()).await.unwrap();
    drop(line);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "answer");
    end.await.unwrap();
}
