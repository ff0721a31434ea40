//! How long a connection may be quiet, and how long a head may take, under virtual time.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

use super::accept;
use super::connection::{Activity, Ends, Protocol, converse};
use crate::config::Limits;

/// A client's end of a connection over HTTP/1 with the default limits.
fn open() -> DuplexStream {
    let (client, server) = duplex(1 << 16);
    let activity = Activity::new();
    tokio::spawn(async move {
        let limits = Limits::default();
        let ends = Ends::default();
        let calls = Arc::clone(&activity);
        let answer = move |request| answer(Arc::clone(&calls), request);
        let certificate = std::future::pending();
        converse(
            server,
            Protocol::Http1,
            &activity,
            &limits,
            &ends,
            certificate,
            answer,
        )
        .await;
    });
    client
}

/// Reads the body, and says nothing.
async fn answer(activity: Arc<Activity>, request: Request<Incoming>) -> Response<Body> {
    let _busy = activity.enter();
    request.into_body().collect().await.unwrap();
    Response::new(Body::empty())
}

async fn ask(client: &mut DuplexStream) -> String {
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    answered(client).await
}

/// The head of an answer.
async fn answered(client: &mut DuplexStream) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head.push(client.read_u8().await.unwrap().into());
    }
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    head
}

/// Waits for the end of a connection, and says how long it took in seconds.
async fn ended(client: &mut DuplexStream) -> u64 {
    let begun = Instant::now();
    assert_eq!(client.read(&mut [0]).await.unwrap_or(0), 0);
    begun.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_idle_when_its_last_call_is_long_over() {
    let activity = Activity::new();
    let busy = activity.enter();
    let begun = Instant::now();
    let ended = async {
        sleep(Duration::from_secs(25)).await;
        drop(busy);
    };
    tokio::join!(activity.idle(Duration::from_secs(10)), ended);
    let took = begun.elapsed().as_secs();
    assert!((35..=40).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_kept_alive_waits_for_its_next_request() {
    let mut client = open();
    for _ in 0..3 {
        ask(&mut client).await;
        sleep(Duration::from_secs(4 * 60)).await;
    }
    ask(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_requests_ends_when_it_was_idle_for_long() {
    let mut client = open();
    ask(&mut client).await;
    assert_eq!(ended(&mut client).await, 5 * 60);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_trickles_is_cut_whether_it_is_the_first_or_not() {
    for requests_before in [0, 1, 2] {
        let mut client = open();
        for _ in 0..requests_before {
            ask(&mut client).await;
            sleep(Duration::from_secs(60)).await;
        }
        let begun = Instant::now();
        for byte in b"GET / HTTP/1.1\r\nhost: " {
            if client.write_all(&[*byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
        ended(&mut client).await;
        let took = begun.elapsed().as_secs();
        assert!((5..=6).contains(&took), "{took} after {requests_before}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_may_take_longer_than_a_head() {
    let mut client = open();
    let head = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n";
    client.write_all(head).await.unwrap();
    for byte in [b"a", b"b"] {
        sleep(Duration::from_secs(10)).await;
        client.write_all(byte).await.unwrap();
    }
    answered(&mut client).await;
    sleep(Duration::from_secs(10)).await;
    ask(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn an_old_connection_says_so_before_it_closes() {
    let (mut client, begun) = (open(), Instant::now());
    while !ask(&mut client).await.contains("connection: close") {
        sleep(Duration::from_secs(4 * 60)).await;
    }
    let minutes = begun.elapsed().as_secs() / 60;
    assert!((27..=37).contains(&minutes), "{minutes}");
    assert_eq!(ended(&mut client).await, 0);
}

#[tokio::test(start_paused = true)]
async fn an_old_connection_that_asks_no_more_ends_as_an_idle_one() {
    let mut client = open();
    for _ in 0..7 {
        ask(&mut client).await;
        sleep(Duration::from_secs(4 * 60 - 10)).await;
    }
    let begun = Instant::now();
    ended(&mut client).await;
    assert!(begun.elapsed() <= Duration::from_secs(5 * 60));
}

#[tokio::test]
async fn who_has_connected_before_a_listener_closes_is_served() {
    const WAITING: usize = 100;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connect = |_| std::net::TcpStream::connect(address).unwrap();
    let clients: Vec<_> = (0..WAITING).map(connect).collect();
    let (stop, served) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
    stop.cancel();
    accept(listener, stop, |mut socket, _, _| {
        let served = Arc::clone(&served);
        Some(async move {
            socket.write_all(b"!").await.unwrap();
            served.fetch_add(1, Relaxed);
        })
    })
    .await;
    assert_eq!(served.load(Relaxed), WAITING);
    for mut client in clients {
        client.read_exact(&mut [0]).unwrap();
    }
}
