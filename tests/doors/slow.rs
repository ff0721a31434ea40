//! Clients that take their time, that never read, that break off, and that leave.

use std::time::Duration;

use serde_json::json;
use tests::frames::{Frames, Outcome, block, code, flag, frame, get, kind, post, reset};
use tests::vitals::{Before, Metrics, records, resident};
use tests::{Rest, Sandbox, Wire, loop_until, question};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep, timeout};

const CUT: &str = "gateway_connections_cut_total";

fn good(id: &str) -> String {
    question(id, "ONE_STOP_DESK", "tax.status").to_string()
}

/// Row H08: a head that trickles is cut after 5 s, a body that stays below 1 KiB/s is refused; one
/// that breaks off is no question. Nothing is recorded of any.
#[tokio::test]
async fn heads_and_bodies_that_trickle_or_break_off_are_cut() {
    let sandbox = Sandbox::start();
    let (wire, metrics) = (Wire::new(&sandbox, "commune"), Metrics::of(&sandbox));
    let decided = records(&sandbox, "ACCESS") + records(&sandbox, "DENIED");
    let before = Before::attack(&sandbox).await;
    let counted = metrics.count(CUT, "why=\"slow\"").await;
    let head = "POST /v1/citizens:lookup HTTP/1.1\r\nhost: localhost\r\nprefer: wait=15\r\n\
                content-type: application/json\r\ncontent-length: 300\r\n\r\n";
    let (slow_head, slow_body, short_body) = tokio::join!(
        trickle(&wire, "", head),
        trickle(
            &wire,
            head,
            "                                                 "
        ),
        break_off(&wire, head),
    );
    let (told, took) = slow_head;
    assert!(
        told.is_empty() || told.starts_with("HTTP/1.1 408"),
        "{told}"
    );
    assert!((4.0..9.0).contains(&took), "a head for {took} s");
    metrics.grows(CUT, "why=\"slow\"", counted).await;
    let (told, took) = slow_body;
    assert!(told.starts_with("HTTP/1.1 504"), "{told}");
    assert!((4.0..9.0).contains(&took), "a body for {took} s");
    assert!(
        short_body.is_empty() || short_body.starts_with("HTTP/1.1 400"),
        "{short_body}"
    );
    before.has_survived().await;
    let now = records(&sandbox, "ACCESS") + records(&sandbox, "DENIED");
    assert_eq!(now, decided, "a record of nothing");
}

/// Sends something at once, and something else byte by byte; the answer, and the seconds it took.
async fn trickle(wire: &Wire, at_once: &str, slowly: &str) -> (String, f64) {
    let mut stream = wire.connect(&[b"http/1.1"]).await.unwrap();
    stream.write_all(at_once.as_bytes()).await.unwrap();
    let begun = Instant::now();
    let mut told = Vec::new();
    for byte in slowly.bytes() {
        if stream.write_all(&[byte]).await.is_err() {
            break;
        }
        stream.flush().await.ok();
        let reading = timeout(Duration::from_millis(300), stream.read_buf(&mut told));
        match reading.await {
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(_)) if told.ends_with(b"}") => break,
            Ok(Ok(_)) | Err(_) => {}
        }
    }
    let took = begun.elapsed().as_secs_f64();
    (String::from_utf8_lossy(&told).into_owned(), took)
}

/// Sends less of a body than was said, and closes.
async fn break_off(wire: &Wire, head: &str) -> String {
    let mut stream = wire.connect(&[b"http/1.1"]).await.unwrap();
    let short = good("999099000001");
    assert!(short.len() < 300);
    stream
        .write_all((head.to_owned() + &short).as_bytes())
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    let mut told = Vec::new();
    timeout(Duration::from_secs(10), stream.read_to_end(&mut told))
        .await
        .unwrap()
        .ok();
    String::from_utf8_lossy(&told).into_owned()
}

/// Row P09: bodies that stop half-way hold no more than all of them may; beyond that they are refused, and
/// whoever sends a body in one piece is answered all the while.
#[tokio::test]
async fn bodies_that_stop_half_way_hold_little_and_delay_nobody() {
    const CONNECTIONS: u32 = 30;
    const STREAMS: u32 = 40;
    let sandbox = Sandbox::start();
    let (wire, rest) = (
        Wire::new(&sandbox, "commune"),
        Rest::new(&sandbox, "commune"),
    );
    let before = Before::attack(&sandbox).await;
    // Within the window of a connection: 30 MiB in all, of which 8 may be held.
    let half = vec![b' '; 16 << 10];
    let mut flood = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut frames = Frames::open(&wire, &[]).await;
        frames.until(|it| it.kind == kind::WINDOW_UPDATE).await;
        for call in 0..STREAMS {
            let id = call * 2 + 1;
            let head = block(&post("/v1/citizens:lookup"));
            let head = frame(kind::HEADERS, flag::END_HEADERS, id, &head);
            let data = frame(kind::DATA, flag::NONE, id, &half[..half.len() - 9]);
            let more = frame(kind::DATA, flag::NONE, id, &half[..8 << 10]);
            frames.send(&[head, data, more].concat()).await;
        }
        flood.push(frames);
    }
    Metrics::of(&sandbox)
        .grows("gateway_rejections_total", "reason=\"OVERLOADED\"", 0)
        .await;
    let answer = rest
        .lookup("999099000001", "ONE_STOP_DESK", "tax.status")
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    before.has_survived().await;
    drop(flood);
    // What was held is given back.
    let mut frames = Frames::open(&wire, &[]).await;
    let question = good("999099000001");
    let (one, other) = question.as_bytes().split_at(100);
    let head = block(&post("/v1/citizens:lookup"));
    frames
        .send(&frame(kind::HEADERS, flag::END_HEADERS, 1, &head))
        .await;
    frames.send(&frame(kind::DATA, flag::NONE, 1, one)).await;
    frames
        .send(&frame(kind::DATA, flag::END_STREAM, 1, other))
        .await;
    let outcome = frames.outcome(1).await;
    assert!(
        matches!(&outcome, Outcome::Answered(body) if body.contains("SOURCE_STATE_OK")),
        "{outcome:?}"
    );
}

/// A sandbox whose connections are soon idle.
fn impatient() -> Sandbox {
    Sandbox::start_prepared("", |place| {
        let file = place.join("lienthong.toml");
        let limits = "[edge.limits]\nidle_ms = 1500\ngrace_ms = 1000\n";
        std::fs::write(file, limits).unwrap();
    })
}

/// Row H07: what cannot be sent is bounded and ends with the idle connection; the record of it was
/// durable before.
#[tokio::test]
async fn a_client_that_never_reads_holds_nothing() {
    stays_unread("/v1/citizens:lookup", || good("999099000001"), 1).await;
}

/// Row H07: of a stream too, which is in progress no longer than its deadline allows.
#[tokio::test]
async fn a_client_that_never_reads_a_stream_holds_nothing() {
    let asked = || format!(r#"{{"lookup": {}}}"#, good("999099000001"));
    stays_unread("/v1/citizens:stream", asked, 2).await;
}

/// Asks without a window for any answer, each of which has so many records, until the connection is
/// ended as an idle one.
async fn stays_unread(path: &str, question: impl Fn() -> String, each: u64) {
    let sandbox = impatient();
    let (wire, asked) = (Wire::new(&sandbox, "commune"), records(&sandbox, "ACCESS"));
    let before = Before::attack(&sandbox).await;
    // No window for any stream, ever.
    let mut frames = Frames::open(&wire, &[(4, 0)]).await;
    let begun = Instant::now();
    for call in 0..50 {
        let id = call * 2 + 1;
        let head = block(&post(path));
        frames
            .send(&frame(kind::HEADERS, flag::END_HEADERS, id, &head))
            .await;
        let body = question();
        frames
            .send(&frame(kind::DATA, flag::END_STREAM, id, body.as_bytes()))
            .await;
    }
    loop_until(Duration::from_secs(20), || {
        (records(&sandbox, "ACCESS") == asked + 50 * each).then_some(())
    });
    let mut has_data = false;
    let end = frames
        .until(|it| {
            has_data |= it.kind == kind::DATA && !it.payload.is_empty();
            it.kind == kind::GOAWAY
        })
        .await;
    assert!(end.is_some() && !has_data, "{end:?}");
    while frames.next().await.is_some() {}
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(25), "it stays for {took:?}");
    before.has_survived().await;
    assert!(resident(&sandbox) > 0);
}

/// Row H14: a client that leaves before its answer takes nothing back: the record stays; an agency that
/// is still being asked is asked no longer.
#[tokio::test]
async fn a_client_that_leaves_leaves_its_record() {
    let sandbox = Sandbox::start();
    let (wire, asked) = (Wire::new(&sandbox, "commune"), records(&sandbox, "ACCESS"));
    let mut frames = Frames::open(&wire, &[(4, 0)]).await;
    // Committed, not sent: there is no window for it.
    let head = block(&post("/v1/citizens:lookup"));
    frames
        .send(&frame(kind::HEADERS, flag::END_HEADERS, 1, &head))
        .await;
    let body = good("999099000001");
    frames
        .send(&frame(kind::DATA, flag::END_STREAM, 1, body.as_bytes()))
        .await;
    frames
        .until(|it| it.kind == kind::HEADERS)
        .await
        .expect("an answer");
    assert_eq!(records(&sandbox, "ACCESS"), asked + 1);
    frames.send(&reset(1, code::CANCEL)).await;
    // Not yet answered: the tax office hangs.
    let id = exchange::RequestId::fresh().to_string();
    let mut body = question("999099000104", "ONE_STOP_DESK", "tax.status");
    body["context"]["requestId"] = json!(id);
    let mut head = post("/v1/citizens:lookup");
    head.push(("prefer", "wait=15"));
    frames
        .send(&frame(kind::HEADERS, flag::END_HEADERS, 3, &block(&head)))
        .await;
    let body = body.to_string();
    frames
        .send(&frame(kind::DATA, flag::END_STREAM, 3, body.as_bytes()))
        .await;
    let ask = |it: u32| {
        frame(
            kind::HEADERS,
            flag::END_HEADERS | flag::END_STREAM,
            it,
            &block(&get("/v1/fields")),
        )
    };
    frames.send(&ask(5)).await;
    frames.until(|it| it.stream == 5).await.expect("an answer");
    sleep(Duration::from_millis(300)).await;
    frames.send(&reset(3, code::CANCEL)).await;
    // Long before its deadline.
    loop_until(Duration::from_secs(5), || {
        let logged = sandbox.logged();
        let line = logged.lines().find(|line| line.contains(&id))?;
        assert!(line.contains("CANCELLED"), "{line}");
        Some(())
    });
    loop_until(Duration::from_secs(5), || {
        (records(&sandbox, "ACCESS") == asked + 2).then_some(())
    });
}
