//! Behind a balancer that passes TLS through, and says where connections come from.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use exchange::SystemClock;
use identity::{ClientFiles, ClientTls, TlsVersions};
use tests::{Sandbox, Serving};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A connection over IPv4 from 192.0.2.9, port 1234, to 192.0.2.1, port 8443, as the specification of
/// the PROXY protocol spells it.
const HEADER: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x09\xc0\x00\x02\x01\x04\xd2\x20\xfb";

/// The status line of the answer to whoever sends this before TLS; empty if nobody answers.
async fn answer(dir: &Path, before: &[u8], port: u16) -> String {
    let caller = |end| dir.join("pki/callers").join(format!("commune.{end}"));
    let files = ClientFiles {
        ca: dir.join("pki/ca.pem"),
        identity: Some((caller("pem"), caller("key"))),
        versions: TlsVersions::Tls13,
    };
    let tls = ClientTls::load(&files, Arc::new(SystemClock)).unwrap();
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    socket.write_all(before).await.unwrap();
    let connector = TlsConnector::from(tls.config(&[b"http/1.1"]));
    let name = "localhost".try_into().unwrap();
    let Ok(mut stream) = connector.connect(name, socket).await else {
        return String::new();
    };
    let request = b"GET /v1/fields HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    let text = String::from_utf8_lossy(&answer);
    text.lines().next().unwrap_or_default().to_owned()
}

/// Starts a gateway that takes loopback for the network of its balancers, or not; and its port.
fn serve(dir: &Path, balancers: &str) -> (Serving, u16) {
    let text = fs::read_to_string(dir.join("lienthong.toml")).unwrap();
    let stanza = format!("[edge]\nproxy_protocol_from = [{balancers}]\n");
    let behind = text.replacen("[edge]\n", &stanza, 1);
    assert_ne!(behind, text);
    let config = dir.join("behind.toml");
    fs::write(&config, behind).unwrap();
    let serving = Serving::of(&config);
    let said = fs::read_to_string(config.with_extension("out")).unwrap();
    let port = said.split("ready https://localhost:").nth(1).unwrap();
    let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
    (serving, digits.parse().unwrap())
}

#[tokio::test]
async fn only_balancers_say_where_connections_come_from() {
    let ended = Sandbox::start().interrupt();
    let dir = ended.dir();
    let (serving, port) = serve(&dir, "\"127.0.0.0/8\"");
    assert_eq!(answer(&dir, HEADER, port).await, "HTTP/1.1 200 OK");
    assert_eq!(answer(&dir, b"", port).await, "", "it must say so");
    serving.logs("a balancer does not say where a connection comes from");
    // What fails behind a balancer is told with the address that it names.
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    socket.write_all(HEADER).await.unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    serving.logs("192.0.2.9:1234");
    assert!(serving.terminate());

    let (serving, port) = serve(&dir, "\"10.0.0.0/8\"");
    assert_eq!(answer(&dir, HEADER, port).await, "", "it is no balancer");
    assert_eq!(answer(&dir, b"", port).await, "HTTP/1.1 200 OK");
    assert!(serving.terminate());
}
