//! How long a connection over HTTP/2 lasts with the default limits, under virtual time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::io::duplex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tonic::body::Body;

use super::connection::{Activity, Ends, Protocol, converse};
use crate::config::Limits;

/// What comes of a call, or of a connection.
type Asked = JoinHandle<Result<(), h2::Error>>;

/// A client over HTTP/2.
struct Client {
    calls: SendRequest<Bytes>,
    connection: Asked,
    begun: Instant,
}

impl Client {
    async fn new() -> Self {
        let (near, far) = duplex(1 << 16);
        tokio::spawn(async move {
            let (limits, ends, activity) = (Limits::default(), Ends::default(), Activity::new());
            let calls = Arc::clone(&activity);
            let answer = move |request| answer(Arc::clone(&calls), request);
            let certificate = std::future::pending();
            let protocol = Protocol::Http2;
            converse(
                far,
                protocol,
                &activity,
                &limits,
                &ends,
                certificate,
                answer,
            )
            .await;
        });
        let begun = Instant::now();
        let (calls, connection) = h2::client::handshake(near).await.unwrap();
        Self {
            calls,
            connection: tokio::spawn(connection),
            begun,
        }
    }

    /// Asks for something that takes so many seconds.
    fn ask(&self, seconds: u64) -> Asked {
        let mut calls = self.calls.clone();
        tokio::spawn(async move {
            let request = Request::get(format!("https://a/{seconds}"))
                .body(())
                .unwrap();
            let (response, _) = calls.send_request(request, true)?;
            response
                .await
                .map(|response| assert_eq!(response.status(), 200))
        })
    }

    /// True until the other side has said that it takes no more calls.
    async fn is_welcome(&self) -> bool {
        self.calls.clone().ready().await.is_ok()
    }

    /// Asks every second for what takes so long, until it is told to go; after how many seconds it was,
    /// and the last that it has asked before. What is asked at the very moment may be refused, to be asked
    /// elsewhere.
    async fn until_told_to_go(&self, seconds: u64) -> (f64, Asked) {
        let mut last = self.ask(seconds);
        loop {
            sleep(SECOND - MOMENT).await;
            let next = self.ask(seconds);
            sleep(MOMENT).await;
            if !self.is_welcome().await {
                return (self.begun.elapsed().as_secs_f64(), last);
            }
            last = next;
        }
    }

    /// Waits until the connection has gone; after how many seconds it had.
    async fn gone(self) -> f64 {
        // With or without a farewell.
        self.connection.await.unwrap().ok();
        self.begun.elapsed().as_secs_f64()
    }
}

/// Answers after as many seconds as are asked for.
async fn answer(activity: Arc<Activity>, request: Request<Incoming>) -> Response<Body> {
    let _busy = activity.enter();
    let seconds = request
        .uri()
        .path()
        .trim_start_matches('/')
        .parse()
        .unwrap();
    sleep(Duration::from_secs(seconds)).await;
    Response::new(Body::empty())
}

#[tokio::test(start_paused = true)]
async fn an_old_connection_is_told_to_go_after_half_an_hour_give_or_take_a_tenth() {
    let mut ages = Vec::new();
    for _ in 0..5 {
        let client = Client::new().await;
        let (told, last) = client.until_told_to_go(0).await;
        last.await.unwrap().unwrap();
        assert!((27.0 * 60.0..=33.0 * 60.0 + 1.0).contains(&told), "{told}");
        // Nothing is in progress.
        assert!(client.gone().await - told < 1.0);
        ages.push(told);
    }
    ages.sort_by(f64::total_cmp);
    assert!(ages[4] - ages[0] > 2.0, "they end together: {ages:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_in_progress_on_an_old_connection_has_half_a_minute() {
    let client = Client::new().await;
    let late = client.ask(24 * 3_600);
    let (told, last) = client.until_told_to_go(25).await;
    assert!(client.ask(0).await.unwrap().is_err(), "a call is taken");
    last.await.unwrap().unwrap();
    assert!(late.await.unwrap().is_err(), "it is answered");
    let gone = client.gone().await - told;
    assert!((29.0..=30.0).contains(&gone), "{gone}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_calls_is_told_to_go_after_five_minutes() {
    let client = Client::new().await;
    client.ask(100).await.unwrap().unwrap();
    let gone = client.gone().await;
    assert!((400.0..401.0).contains(&gone), "{gone}");
}

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(10);
