//! The line to an agency is dead: nobody listens, nobody answers, nobody knows the name.

use std::time::Duration;

use exchange::Source;
use tests::row::{KNOWN, Row};
use tests::{Sandbox, set};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use toml::Table;
use url::Url;

use crate::scene::{only_fails, state};

/// How long a connection may take to open, and what a busy machine adds to it.
const CONNECT: Duration = Duration::from_millis(1_000 + 900);

/// A port on this machine at which connections are neither taken nor refused.
struct BlackHole {
    port: u16,
    _listener: TcpListener,
    _filling: JoinSet<Option<TcpStream>>,
}

impl BlackHole {
    /// Takes none of the connections that fill its short queue; what comes after them is dropped.
    async fn open() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut filling = JoinSet::new();
        for _ in 0..8 {
            filling.spawn(async move { TcpStream::connect(address).await.ok() });
        }
        let probe = async {
            while let Ok(Ok(taken)) =
                timeout(Duration::from_millis(300), TcpStream::connect(address)).await
            {
                filling.spawn(async move { Some(taken) });
            }
        };
        probe.await;
        Self {
            port: address.port(),
            _listener: listener,
            _filling: filling,
        }
    }
}

/// Has the gateway reach a source at another host and port.
fn moved(config: &mut Table, source: Source, to: (&str, u16)) {
    let stanza = format!("agency.{source}");
    let before = config["agency"][source.name()]["url"].as_str().unwrap();
    let mut url: Url = before.parse().unwrap();
    url.set_host(Some(to.0)).unwrap();
    url.set_port(Some(to.1)).unwrap();
    if !["127.0.0.1", "localhost"].contains(&to.0) {
        // Plain text does not leave this machine.
        if url.scheme() == "http" {
            url = url.as_str().replacen("http", "https", 1).parse().unwrap();
        }
        set(config, &stanza, "ca", "pki/ca.pem");
    }
    set(config, &stanza, "url", url.as_str());
}

/// Asks a gateway that reaches one source after another elsewhere: only that part is missing, and
/// after how long the answer came.
async fn each_elsewhere(sandbox: &Sandbox, name: &str, to: (&str, u16), states: &[&str]) {
    for source in Source::ALL {
        let node = format!("{name}-{}", source as u8);
        let row = Row::begin(sandbox, &node, &[source], |config| {
            moved(config, source, to);
        })
        .await;
        let begun = Instant::now();
        let answer = row.caller.ask(KNOWN, 4).await;
        let took = begun.elapsed();
        assert_eq!(answer.status, 200, "{source}: {}", answer.text);
        let answer = answer.json();
        assert!(states.contains(&state(&answer, source)), "{name}: {answer}");
        only_fails(&answer, source);
        println!("{name} {source}: {} in {took:?}", state(&answer, source));
        assert!(took < CONNECT, "{name} {source}: {took:?}");
        row.ends().await;
    }
}

/// Row U01: nobody listens at the port of an agency: that source is unavailable at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_is_an_unavailable_source_at_once() {
    let sandbox = Sandbox::start();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    each_elsewhere(&sandbox, "refused", ("127.0.0.1", port), &["UNAVAILABLE"]).await;
}

/// Row U01: a connection that never opens is given up after a second, whatever time is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_never_opens_is_given_up_after_a_second() {
    let sandbox = Sandbox::start();
    let hole = BlackHole::open().await;
    let states = ["UNAVAILABLE", "TIMEOUT"];
    each_elsewhere(&sandbox, "hole", ("127.0.0.1", hole.port), &states).await;
}

/// Row U01: a name that no server knows is an unavailable source within a second.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_knows_is_an_unavailable_source() {
    let sandbox = Sandbox::start();
    let states = ["UNAVAILABLE", "TIMEOUT"];
    each_elsewhere(&sandbox, "nowhere", ("nowhere.invalid", 1), &states).await;
}
