//! TLS itself: versions, suites, handshakes that stall, and what is never remembered of a session.

use std::sync::Arc;
use std::time::Duration;

use tests::vitals::{Before, Metrics};
use tests::{Sandbox, Wire, run};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::{ClientConfig, HandshakeKind};

const FAILURES: &str = "tls_handshake_failures_total";

/// The first message of a client, with nothing that it need not have.
fn hello(version: u16, suites: &[u16], compression: &[u8], extensions: &[u8]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([7; 32]); // random
    body.push(0); // no session
    body.extend(u16::try_from(suites.len() * 2).unwrap().to_be_bytes());
    suites
        .iter()
        .for_each(|suite| body.extend(suite.to_be_bytes()));
    body.push(u8::try_from(compression.len()).unwrap());
    body.extend(compression);
    if !extensions.is_empty() {
        body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend(extensions);
    }
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[1], &length[1..], &body].concat();
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    [&[22, 3, 1], &length[..], &message].concat()
}

/// All that a client is sent after its first bytes.
async fn answer(wire: &Wire, bytes: &[u8]) -> Vec<u8> {
    let mut socket = wire.socket().await.unwrap();
    socket.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let reading = timeout(Duration::from_secs(20), socket.read_to_end(&mut answer));
    reading.await.unwrap().ok();
    answer
}

/// A fatal alert and nothing else.
fn is_alert(answer: &[u8]) -> bool {
    matches!(answer, [21, 3, _, 0, 2, 2, _])
}

/// Row T01: an alert and not a byte more, counted as a version.
#[tokio::test]
async fn old_versions_and_suites_get_an_alert_and_nothing_else() {
    let sandbox = Sandbox::start();
    let (wire, metrics) = (Wire::new(&sandbox, "commune"), Metrics::of(&sandbox));
    let mut before = metrics.count(FAILURES, "why=\"version\"").await;
    // RSA export with RC4, RSA with 3DES and AES in CBC, ECDHE with AES in CBC and in GCM.
    let suites = [0x0003, 0x000a, 0x002f, 0xc013, 0xc014, 0xc02f, 0xc030];
    // Algorithms and groups, without which TLS 1.2 is refused for another reason.
    let algorithms = [0, 13, 0, 6, 0, 4, 4, 3, 8, 4, 0, 10, 0, 4, 0, 2, 0, 29];
    for version in [0x0300, 0x0301, 0x0302, 0x0303] {
        for extensions in [&[][..], &algorithms] {
            let told = answer(&wire, &hello(version, &suites, &[0], extensions)).await;
            assert!(is_alert(&told), "{version:x}: {told:?}");
            before = metrics.grows(FAILURES, "why=\"version\"", before).await;
        }
    }
}

/// Row T12: a handshake is cut after 5 s at most, and meanwhile others connect and are answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_that_stall_are_cut_and_hold_nobody_up() {
    let sandbox = Sandbox::start();
    let (wire, metrics) = (Wire::new(&sandbox, "commune"), Metrics::of(&sandbox));
    let slow = metrics.count(FAILURES, "why=\"timeout\"").await;
    let crowd = metrics.count(FAILURES, "why=\"crowd\"").await;
    let before = Before::attack(&sandbox).await;
    let hello = Arc::new(hello(0x0303, &[0x1301], &[0], &[]));
    let mut stalled = Vec::new();
    for _ in 0..1000 {
        let socket = wire.socket().await.unwrap();
        stalled.push(tokio::spawn(stall(socket, Arc::clone(&hello))));
    }
    assert!(wire.is_let_in().await, "nobody is let in");
    for stalled in stalled {
        let took = stalled.await.unwrap();
        // 5 s, and what a busy machine adds to it.
        assert!(took < Duration::from_secs(10), "cut after {took:?}");
    }
    before.has_survived().await;
    let slow = metrics.count(FAILURES, "why=\"timeout\"").await - slow;
    let crowd = metrics.count(FAILURES, "why=\"crowd\"").await - crowd;
    // 256 at a time: the oldest give way to the youngest, which are cut by their time.
    assert!(
        slow >= 200 && slow + crowd >= 1000,
        "{slow} slow, {crowd} too many"
    );
}

/// Sends a byte each second until it is cut; how long that took.
async fn stall(mut socket: TcpStream, hello: Arc<Vec<u8>>) -> Duration {
    let begun = Instant::now();
    for byte in hello.iter() {
        if socket.write_all(&[*byte]).await.is_err() {
            break;
        }
        let mut nothing = [0];
        match timeout(Duration::from_secs(1), socket.read(&mut nothing)).await {
            Ok(_) => break,
            Err(_) => continue,
        }
    }
    begun.elapsed()
}

/// Row T13: no ticket, so no early data; compression gets an alert; no key is ever written down.
#[tokio::test]
async fn nothing_is_sent_early_compressed_or_logged() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    let file = keys.display().to_string();
    let sandbox = Sandbox::start_with(&[("SSLKEYLOGFILE", &file)]);
    let wire = Wire::new(&sandbox, "commune");
    let stream = asked(wire.connect(&[b"http/1.1"]).await.unwrap()).await;
    let (_, session) = stream.get_ref();
    assert_eq!(session.tls13_tickets_received(), 0);
    assert!(!session.is_early_data_accepted());
    let supported = [0, 43, 0, 3, 2, 3, 4];
    for compression in [&[1][..], &[1, 0]] {
        let told = answer(&wire, &hello(0x0303, &[0x1301], compression, &supported)).await;
        assert!(is_alert(&told), "{compression:?}: {told:?}");
    }
    assert!(!keys.exists(), "the keys of sessions are written down");
}

/// Row T14: no session is resumed, so a revoked certificate is seen by the next handshake.
#[tokio::test]
async fn a_session_is_never_resumed() {
    let sandbox = Sandbox::start();
    let wire = Wire::new(&sandbox, "commune");
    let mut config: ClientConfig = (*wire.config(&[b"http/1.1"])).clone();
    config.resumption = Resumption::in_memory_sessions(8);
    let connector = TlsConnector::from(Arc::new(config));
    for _ in 0..3 {
        let name = "localhost".try_into().unwrap();
        let stream = connector.connect(name, wire.socket().await.unwrap()).await;
        let stream = asked(stream.unwrap()).await;
        let kind = stream.get_ref().1.handshake_kind();
        assert_eq!(kind, Some(HandshakeKind::Full));
    }
    let (certificate, _) = sandbox.caller("commune");
    let pki = sandbox.dir().join("pki").display().to_string();
    let revoked = run(&[
        "pki",
        "--dir",
        &pki,
        "revoke",
        &certificate.display().to_string(),
    ]);
    assert_eq!(revoked.code, 0, "{revoked:?}");
    let operations = tests::Rest::plain(sandbox.text("/operations"));
    let reloaded = operations.post("/admin/config:reload", "{}", &[]).await;
    assert_eq!(reloaded.unwrap().status, 200);
    let name = "localhost".try_into().unwrap();
    let socket = wire.socket().await.unwrap();
    if let Ok(mut stream) = connector.connect(name, socket).await {
        stream.write_all(REQUEST).await.ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok();
        assert!(answer.is_empty(), "a revoked certificate is served");
    }
}

/// Asks for something and reads the answer, so that whatever comes after a handshake has come.
async fn asked<S>(mut stream: S) -> S
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    stream.write_all(REQUEST).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
    stream
}

const REQUEST: &[u8] = b"GET /v1/fields HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
