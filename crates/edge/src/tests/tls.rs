//! Who gets in, and who does not.

use identity::{TrustDomain, Why};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::world::short;
use super::*;
use crate::TurnedAway;

/// True if the other side closes without a byte of an answer.
async fn is_closed(mut stream: impl tokio::io::AsyncRead + Unpin) -> bool {
    !matches!(stream.read(&mut [0; 64]).await, Ok(1..))
}

#[tokio::test]
async fn no_certificate_no_handshake() {
    let world = World::new().await;
    let client = Client::showing(&world, None);
    // In TLS 1.3 the client's side is done before it learns that it is refused.
    if let Ok(stream) = client.connect(b"h2").await {
        assert!(is_closed(stream).await);
    }
    let why = world.seen.turned_away().await;
    assert_eq!(why, TurnedAway::Tls(Why::NoCertificate));
}

#[tokio::test]
async fn a_stalled_handshake_is_cut_and_others_are_served_meanwhile() {
    let world = World::with(|config| short(&mut config.limits)).await;
    let mut stalled = TcpStream::connect(world.running.address()).await.unwrap();
    stalled.write_all(&[22]).await.unwrap();
    let client = Client::of(&world, "desk");
    let answer = client.post("/v1/citizens:lookup", &question(KNOWN)).await;
    assert_eq!(answer.status, 200);
    assert!(is_closed(stalled).await);
    assert_eq!(world.seen.turned_away().await, TurnedAway::Slow);
}

#[tokio::test]
async fn one_handshake_too_many_cuts_the_oldest() {
    let world = World::with(|config| config.limits.handshakes = 1).await;
    let stalled = TcpStream::connect(world.running.address()).await.unwrap();
    let client = Client::of(&world, "desk");
    client.connect(b"h2").await.unwrap();
    assert!(is_closed(stalled).await);
    assert_eq!(world.seen.turned_away().await, TurnedAway::Crowd);
}

#[tokio::test]
async fn a_certificate_has_so_many_connections_and_no_more() {
    let world = World::with(|config| config.limits.connections_per_certificate = 1).await;
    let client = Client::of(&world, "desk");
    let mut first = client.http1().await;
    first.ready().await.unwrap();
    let asked = client::request(http::Method::GET, "/v1/fields", "").header("host", "localhost");
    let answer = first.send_request(asked.finish()).await.unwrap();
    assert_eq!(answer.status(), 200);
    let second = client.connect(b"h2").await.unwrap();
    assert!(is_closed(second).await);
    assert_eq!(world.seen.turned_away().await, TurnedAway::PerCertificate);
    let other = Client::of(&world, "poor");
    let asked = client::request(http::Method::GET, "/v1/fields", "");
    assert_eq!(other.send(asked.finish()).await.status, 200);
}

#[tokio::test]
async fn a_revoked_certificate_loses_its_connection_at_the_next_recheck() {
    let world = World::new().await;
    let (certificate, key) = world.credential("desk");
    let client = Client::showing(&world, Some((certificate.clone(), key)));
    let mut open = client.http2().await;
    let asked = || client::request(http::Method::GET, "/v1/fields", "").finish();
    let answer = open.send_request(asked()).await.unwrap();
    assert_eq!(Answer::read(answer).await.status, 200);
    world.authority.revoke_file(&certificate).unwrap();
    world.tls.reload().unwrap();
    world.recheck.now();
    while open.ready().await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(open.send_request(asked()).await.is_err());
}

#[tokio::test]
async fn a_certificate_of_another_trust_domain_names_no_caller() {
    let other = TrustDomain::parse("other.example").unwrap();
    let world = World::of(other, gate::Synthetic::Served, |_| {}).await;
    let stream = Client::of(&world, "desk").connect(b"h2").await.unwrap();
    assert!(is_closed(stream).await);
    assert_eq!(world.seen.turned_away().await, TurnedAway::Nameless);
}
