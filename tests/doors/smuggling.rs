//! Requests over HTTP/1.1 that two readers would understand differently, and paths spelt otherwise.

use tests::vitals::{Metrics, records};
use tests::{Sandbox, Wire, question};

const CUT: &str = "gateway_connections_cut_total";

/// The statuses of the answers in what was received.
fn statuses(told: &str) -> Vec<u16> {
    let parts = told.split("HTTP/1.1 ").skip(1);
    parts.map(|part| part[..3].parse().unwrap()).collect()
}

/// A request that nobody is to see, behind another one.
const HIDDEN: &str = "GET /v1/purposes HTTP/1.1\r\nhost: localhost\r\n\r\n";

fn good() -> String {
    question("999099000001", "ONE_STOP_DESK", "tax.status").to_string()
}

/// A `POST` of a good question with these headers, and this instead of its body.
fn post(headers: &str, body: &str) -> String {
    format!(
        "POST /v1/citizens:lookup HTTP/1.1\r\nhost: localhost\r\n\
         content-type: application/json\r\n{headers}\r\n{body}"
    )
}

fn chunked(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

/// Row H09: with both lengths the chunks count, the body is read once, and the connection closes; of
/// what follows nothing is taken for a request. Every other doubt about a length is refused.
#[tokio::test]
async fn no_byte_behind_a_request_is_taken_for_another() {
    let sandbox = Sandbox::start();
    let wire = Wire::new(&sandbox, "commune");
    let asked = records(&sandbox, "ACCESS");
    let chunks = chunked(&good());
    for lengths in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
    ] {
        let request = post(lengths, &chunks) + HIDDEN;
        let told = wire.exchange(request.as_bytes()).await.unwrap();
        assert_eq!(statuses(&told), [200], "{lengths}: {told}");
    }
    assert_eq!(records(&sandbox, "ACCESS"), asked + 2);

    let metrics = Metrics::of(&sandbox);
    for (name, request) in doubtful() {
        let counted = metrics.count(CUT, "why=\"malformed\"").await;
        let told = wire.exchange((request + HIDDEN).as_bytes()).await.unwrap();
        assert!(matches!(statuses(&told)[..], [400]), "{name}: {told}");
        metrics.grows(CUT, "why=\"malformed\"", counted).await;
    }
    for (name, chunks) in bad_chunks() {
        let request = post("transfer-encoding: chunked\r\n", &chunks) + HIDDEN;
        let told = wire.exchange(request.as_bytes()).await.unwrap();
        assert!(matches!(statuses(&told)[..], [] | [400]), "{name}: {told}");
    }
    assert_eq!(
        records(&sandbox, "ACCESS"),
        asked + 2,
        "a record of nothing"
    );
}

/// Requests whose length is in doubt.
fn doubtful() -> Vec<(&'static str, String)> {
    let (body, length) = (good(), good().len());
    let chunks = chunked(&body);
    vec![
        (
            "two lengths",
            post(
                &format!("content-length: {length}\r\ncontent-length: 5\r\n"),
                &body,
            ),
        ),
        (
            "a list of lengths",
            post(&format!("content-length: {length}, 5\r\n"), &body),
        ),
        (
            "a signed length",
            post(&format!("content-length: +{length}\r\n"), &body),
        ),
        ("xchunked", post("transfer-encoding: xchunked\r\n", &chunks)),
        (
            "not chunked at last",
            post("transfer-encoding: chunked, identity\r\n", &chunks),
        ),
        (
            "a blank before the colon",
            post(&format!("content-length : {length}\r\n"), &body),
        ),
        (
            "a folded line",
            post(
                &format!("x-a: b\r\n c\r\ncontent-length: {length}\r\n"),
                &body,
            ),
        ),
        (
            "a NUL",
            post(&format!("x-a: b\0c\r\ncontent-length: {length}\r\n"), &body),
        ),
        (
            "a bare CR",
            post(
                &format!("x-a: b\rc: d\r\ncontent-length: {length}\r\n"),
                &body,
            ),
        ),
        (
            "chunks in HTTP/1.0",
            post("transfer-encoding: chunked\r\n", &chunks).replace("HTTP/1.1", "HTTP/1.0"),
        ),
    ]
}

/// Bodies whose chunks are in doubt.
fn bad_chunks() -> Vec<(&'static str, String)> {
    let (body, length) = (good(), good().len());
    vec![
        (
            "an extension of 1 MiB",
            format!("{length:x};{}\r\n{body}\r\n0\r\n\r\n", "x".repeat(1 << 20)),
        ),
        (
            "a chunk with a bare LF",
            format!("{length:x}\n{body}\r\n0\r\n\r\n"),
        ),
        (
            "a size that is none",
            format!("0x{length:x}\r\n{body}\r\n0\r\n\r\n"),
        ),
        ("a size without end", format!("{}\r\n", "f".repeat(17))),
        ("more than its size", format!("1\r\n{body}\r\n0\r\n\r\n")),
    ]
}

/// Row H11: a path has one spelling, for the router as for the policy; every other one is not there.
#[tokio::test]
async fn a_path_has_one_spelling() {
    let sandbox = Sandbox::start();
    let wire = Wire::new(&sandbox, "commune");
    let asked = records(&sandbox, "ACCESS") + records(&sandbox, "DENIED");
    let (body, long) = (good(), format!("/v1/{}", "a".repeat(8 << 10)));
    let paths = [
        "/v1/citizens%3Alookup",
        "/v1/citizens%3alookup",
        "/v1/x/..;/citizens:lookup",
        "/v1/x/../citizens:lookup",
        "/v1/./citizens:lookup",
        "/v1//citizens:lookup",
        "//v1/citizens:lookup",
        "/v1%2Fcitizens:lookup",
        "/v1/citizens:lookup/",
        "/v1/citizens:lookup;a=b",
        "/v1/citizens:lookup%00",
        "/v1/citizens:lookup%20",
        "/v1/%63itizens:lookup",
        "/V1/citizens:lookup",
        "/v1/%c0%afcitizens:lookup",
        "/v1\\citizens:lookup",
        "*",
        &long,
    ];
    for path in paths {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let told = wire.exchange(request.as_bytes()).await.unwrap();
        assert!(
            matches!(statuses(&told)[..], [404 | 400 | 414]),
            "{path}: {told}"
        );
    }
    let decided = records(&sandbox, "ACCESS") + records(&sandbox, "DENIED");
    assert_eq!(decided, asked, "a record of nothing");
}

/// Row H12: nothing turns the connection into something else: 405, 400, or its end.
#[tokio::test]
async fn a_connection_stays_what_it_is() {
    let sandbox = Sandbox::start();
    let wire = Wire::new(&sandbox, "commune");
    let upgrade = |to: &str, more: &str| {
        format!(
            "GET /v1/fields HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade, close\r\n\
             upgrade: {to}\r\n{more}\r\n"
        )
    };
    let cases = [
        "CONNECT localhost:443 HTTP/1.1\r\nhost: localhost:443\r\nconnection: close\r\n\r\n".into(),
        "TRACE /v1/fields HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".into(),
        upgrade("h2c", "http2-settings: AAMAAABkAAQAAP__\r\n"),
        upgrade(
            "websocket",
            "sec-websocket-version: 13\r\nsec-websocket-key: AAAA\r\n",
        ),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "GET /v1/fields\r\n".to_owned(),
        "GET /v1/fields HTTP/9.9\r\nhost: localhost\r\n\r\n".to_owned(),
    ];
    for request in cases {
        let told = wire.exchange(request.as_bytes()).await.unwrap();
        assert!(
            matches!(statuses(&told)[..], [] | [400 | 405]),
            "{request}: {told}"
        );
    }
    // The door for reading answers what may be read.
    let request = "GET /v1/fields HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let told = wire.exchange(request.as_bytes()).await.unwrap();
    assert_eq!(statuses(&told), [200]);
}

/// Row H13: `_` stands for `-` in what claims an identity, and that is refused and recorded; a header
/// that decides something may stand once; none is longer than 8 KiB.
#[tokio::test]
async fn headers_have_one_reading() {
    let sandbox = Sandbox::start();
    let wire = Wire::new(&sandbox, "commune");
    let denied = records(&sandbox, "DENIED");
    let ask = async |headers: &str| {
        let body = good();
        let length = body.len();
        let more = format!("connection: close\r\ncontent-length: {length}\r\n{headers}\r\n");
        wire.exchange(post(&more, &body).as_bytes()).await.unwrap()
    };
    let claims = [
        "x_agency_id: G12",
        "X_FORWARDED_CLIENT_CERT: By=a",
        "x_ssl-client_dn: CN=a",
    ];
    for claim in claims {
        let told = ask(claim).await;
        assert_eq!(statuses(&told), [403], "{claim}: {told}");
        assert!(told.contains("IDENTITY_MISMATCH"), "{told}");
    }
    assert_eq!(records(&sandbox, "DENIED"), denied + 3);
    let asked = records(&sandbox, "ACCESS");
    let twice = ask("authorization: a\r\nauthorization: b").await;
    assert_eq!(statuses(&twice), [400], "{twice}");
    assert!(twice.contains("stands more than once"), "{twice}");
    let twice = ask("content-type: text/plain").await;
    assert_eq!(statuses(&twice), [400], "{twice}");
    let long = ask(&format!("x-long: {}", "a".repeat(8193))).await;
    assert_eq!(statuses(&long), [400], "{long}");
    let many: String = (0..80).map(|at| format!("x-{at}: a\r\n")).collect();
    let many = ask(many.trim_end()).await;
    assert!(matches!(statuses(&many)[..], [431 | 400]), "{many}");
    assert_eq!(records(&sandbox, "ACCESS"), asked, "something was asked");
}
