//! A stage over real sockets: faults, control listener, TLS, and its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use axum::routing::post;
use bytes::Bytes;
use exchange::{CitizenId, Clock, Source};
use http::Response;
use jiff::Timestamp;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::{Error, Fuse, Handle, Stage, StageConfig};
use crate::{Asked, FaultKind, Means, misbehave};

const ANSWER: &str = "an answer that is long enough to be cut in two, được";

/// A clock that stands.
#[derive(Debug)]
struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// A simulator whose questions are bare personal numbers.
async fn stage() -> Stage {
    Stage::bind(&StageConfig::loopback(Source::Tax))
        .await
        .unwrap()
}

fn router(stage: &Stage) -> Router {
    let (journal, knobs) = (stage.journal().clone(), stage.knobs().clone());
    let answer = move |Extension(fuse): Extension<Fuse>, body: String| async move {
        let id = CitizenId::from_agency(&body).unwrap();
        let fault = knobs.decide(&id);
        journal.record(|| Asked::new(Timestamp::UNIX_EPOCH, "ask", Some(&id)));
        let prepared = Response::new(Bytes::from_static(ANSWER.as_bytes()));
        let means = Means {
            fuse: &fuse,
            again: knobs.again(),
            journal: &journal,
            clock: &Epoch,
        };
        misbehave(fault, prepared, means).await
    };
    Router::new().route("/", post(answer))
}

async fn simulator() -> Handle {
    let stage = stage().await;
    let router = router(&stage);
    stage.serve(router)
}

/// Sends one request and reads until the connection ends: what came, and how it ended.
async fn talk<S>(mut stream: S, head: &str, body: &str) -> (String, io::Result<()>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let length = body.len();
    let request = format!(
        "{head} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    let ended = stream.read_to_end(&mut read).await.map(|_| ());
    (String::from_utf8_lossy(&read).into_owned(), ended)
}

async fn request(address: SocketAddr, head: &str, body: &str) -> (String, io::Result<()>) {
    talk(TcpStream::connect(address).await.unwrap(), head, body).await
}

async fn ask(simulator: &Handle, serial: &str) -> (String, io::Result<()>) {
    request(simulator.address(), "POST /", &format!("999099{serial}")).await
}

#[tokio::test]
async fn without_a_fault_the_prepared_answer_is_given_and_recorded() {
    let simulator = simulator().await;
    let (answer, ended) = ask(&simulator, "000001").await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with(ANSWER),
        "{answer}"
    );
    assert!(ended.is_ok());
    let asked = simulator.journal().entries();
    assert_eq!(asked[0].subject.as_deref(), Some("999099000001"));
    simulator.stop().await;
}

#[tokio::test]
async fn faults_that_are_answers_have_their_status_and_time_to_come_again() {
    let simulator = simulator().await;
    for (serial, status, retry_after) in [
        ("000114", "500", None),
        ("000174", "429", Some("retry-after: 3\r\n")),
        ("000184", "503", Some("retry-after: 30\r\n")),
    ] {
        let (answer, _) = ask(&simulator, serial).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        assert!(
            retry_after.is_none_or(|line| answer.contains(line)),
            "{answer}"
        );
        assert!(!answer.contains(ANSWER));
    }
    simulator.stop().await;
}

#[tokio::test]
async fn garbage_is_a_success_without_sense() {
    let simulator = simulator().await;
    let (answer, ended) = ask(&simulator, "000134").await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("garbage"),
        "{answer}"
    );
    assert!(!answer.contains(ANSWER) && ended.is_ok());
    simulator.stop().await;
}

#[tokio::test]
async fn a_reset_cuts_the_body_in_two() {
    let simulator = simulator().await;
    let (answer, ended) = ask(&simulator, "000124").await;
    let promised = format!("content-length: {}\r\n", ANSWER.len());
    assert!(answer.contains(&promised), "{answer}");
    assert!(answer.ends_with(&ANSWER[..ANSWER.len() / 2]), "{answer}");
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    simulator.stop().await;
}

#[tokio::test]
async fn a_slow_answer_comes_after_two_seconds() {
    let simulator = simulator().await;
    let start = Instant::now();
    let (answer, _) = ask(&simulator, "000164").await;
    assert!(answer.ends_with(ANSWER) && start.elapsed() >= Duration::from_secs(2));
    simulator.stop().await;
}

#[tokio::test]
async fn a_hung_question_is_not_answered_and_does_not_hinder_the_end() {
    let simulator = simulator().await;
    let hung = timeout(Duration::from_millis(200), ask(&simulator, "000104")).await;
    assert!(hung.is_err());
    let address = simulator.address();
    let mut open = TcpStream::connect(address).await.unwrap();
    let question = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 12\r\n\r\n999099000104";
    open.write_all(question).await.unwrap();
    while simulator.journal().total() < 2 {
        tokio::task::yield_now().await;
    }
    timeout(Duration::from_secs(5), simulator.stop())
        .await
        .unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn knobs_and_journal_are_reached_over_the_control_listener() {
    let simulator = simulator().await;
    let control = simulator.control_address();
    let (healthy, _) = request(control, "GET /healthz", "").await;
    assert!(healthy.ends_with("ok\n"), "{healthy}");
    let settings = r#"{"faults":[{"fault":"server_error","count":1}]}"#;
    let (set, _) = request(control, "PUT /knobs", settings).await;
    assert!(
        set.starts_with("HTTP/1.1 200") && set.contains(r#""count":1"#),
        "{set}"
    );
    assert!(
        ask(&simulator, "001000")
            .await
            .0
            .starts_with("HTTP/1.1 500")
    );
    assert!(
        ask(&simulator, "001000")
            .await
            .0
            .starts_with("HTTP/1.1 200")
    );
    let (journal, _) = request(control, "GET /journal", "").await;
    assert!(
        journal.contains(r#""total":2"#) && journal.contains("999099001000"),
        "{journal}"
    );
    let (cleared, _) = request(control, "DELETE /journal", "").await;
    assert!(cleared.starts_with("HTTP/1.1 204"), "{cleared}");
    assert_eq!(simulator.journal().total(), 0);
    simulator.stop().await;
}

/// Sets one fault for everybody, and asks.
async fn spoilt(simulator: &Handle, fault: FaultKind) -> (String, io::Result<()>) {
    let settings = format!(r#"{{"faults": [{{"fault": "{}"}}]}}"#, fault.name());
    let settings = serde_json::from_str(&settings).unwrap();
    simulator.knobs().set(&settings).unwrap();
    ask(simulator, "001000").await
}

#[tokio::test]
async fn a_reset_comes_in_each_phase_of_an_answer() {
    let simulator = simulator().await;
    for (fault, seen) in [
        (FaultKind::ResetBeforeHead, None),
        (FaultKind::ResetAfterHead, Some("")),
        (FaultKind::ResetMidBody, Some(&ANSWER[..ANSWER.len() / 2])),
        (FaultKind::ResetAfterBody, Some(ANSWER)),
    ] {
        // Kept alive, so that a whole answer does not end the connection by itself.
        let mut stream = TcpStream::connect(simulator.address()).await.unwrap();
        let settings = format!(r#"{{"faults": [{{"fault": "{}"}}]}}"#, fault.name());
        let settings = serde_json::from_str(&settings).unwrap();
        simulator.knobs().set(&settings).unwrap();
        let question = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 12\r\n\r\n999099001000";
        stream.write_all(question).await.unwrap();
        let mut read = Vec::new();
        let ended = stream.read_to_end(&mut read).await;
        assert_eq!(
            ended.unwrap_err().kind(),
            io::ErrorKind::ConnectionReset,
            "{fault:?}"
        );
        let read = String::from_utf8(read).unwrap();
        let body = read.split_once("\r\n\r\n").map(|(_, body)| body);
        assert_eq!(body, seen, "{fault:?}");
    }
    simulator.stop().await;
}

#[tokio::test]
async fn a_reset_on_accept_leaves_no_time_to_ask() {
    let simulator = simulator().await;
    let settings = r#"{"faults": [{"fault": "reset_on_accept", "count": 1}]}"#;
    let settings = serde_json::from_str(settings).unwrap();
    simulator.knobs().set(&settings).unwrap();
    let mut stream = TcpStream::connect(simulator.address()).await.unwrap();
    assert!(stream.read_to_end(&mut Vec::new()).await.is_err());
    assert_eq!(simulator.journal().total(), 0);
    let (answer, _) = ask(&simulator, "001000").await;
    assert!(answer.ends_with(ANSWER), "{answer}");
    simulator.stop().await;
}

#[tokio::test]
async fn bodies_lie_about_what_they_are() {
    let simulator = simulator().await;
    let (cut, ended) = spoilt(&simulator, FaultKind::Truncated).await;
    assert!(
        cut.ends_with(&ANSWER[..ANSWER.len() / 2]) && ended.is_ok(),
        "{cut}"
    );
    let (large, _) = spoilt(&simulator, FaultKind::Oversize).await;
    assert!(large.len() > 50 << 20 && large.contains(ANSWER));
    let (bomb, _) = spoilt(&simulator, FaultKind::Bomb).await;
    assert!(bomb.contains("content-encoding: gzip\r\n"));
    let (plain, _) = spoilt(&simulator, FaultKind::WrongContentType).await;
    assert!(plain.contains("content-type: text/plain"), "{plain}");
    let (letters, _) = spoilt(&simulator, FaultKind::Vni).await;
    assert!(letters.contains(char::REPLACEMENT_CHARACTER), "{letters}");
    simulator.stop().await;
}

#[tokio::test]
async fn the_end_of_a_session_is_said_once_in_each_of_its_forms() {
    let simulator = simulator().await;
    for (fault, form) in [
        (FaultKind::LoginPage, "type=\"password\""),
        (FaultKind::LoginRedirect, "location: /login"),
        (FaultKind::Unauthorized, "HTTP/1.1 401"),
    ] {
        let (said, _) = spoilt(&simulator, fault).await;
        assert!(said.contains(form), "{fault:?}: {said}");
        let (answer, _) = ask(&simulator, "001000").await;
        assert!(answer.ends_with(ANSWER), "{fault:?}: {answer}");
    }
    simulator.stop().await;
}

#[tokio::test]
async fn a_drip_and_a_hung_body_begin_and_do_not_end() {
    let simulator = simulator().await;
    for fault in [FaultKind::Drip, FaultKind::HangAfterHead] {
        let asked = timeout(Duration::from_millis(1_500), spoilt(&simulator, fault)).await;
        assert!(asked.is_err(), "{fault:?}");
    }
    simulator.stop().await;
}

#[tokio::test]
async fn who_leaves_a_question_that_hangs_is_noted() {
    let simulator = simulator().await;
    let left = timeout(Duration::from_millis(100), ask(&simulator, "000104")).await;
    assert!(left.is_err());
    let noted = async {
        while simulator.journal().total() < 2 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), noted).await.unwrap();
    let operations = simulator.journal().entries();
    let operations = operations.iter().map(|it| it.operation.as_str());
    assert_eq!(operations.collect::<Vec<_>>(), ["ask", "cancel"]);
    simulator.stop().await;
}

#[tokio::test]
async fn when_to_come_again_is_said_in_every_form() {
    let simulator = simulator().await;
    for (again, said) in [
        (r#"{"seconds": 1000000000}"#, "retry-after: 1000000000\r\n"),
        (
            r#"{"date": 60}"#,
            "retry-after: Thu, 01 Jan 1970 00:01:00 GMT\r\n",
        ),
        (r#""garbage""#, "retry-after: khi nào xong\r\n"),
    ] {
        let settings = format!(r#"{{"again": {again}}}"#);
        let settings = serde_json::from_str(&settings).unwrap();
        simulator.knobs().set(&settings).unwrap();
        let (answer, _) = ask(&simulator, "000174").await;
        assert!(answer.contains(said), "{answer}");
    }
    simulator.stop().await;
}

#[tokio::test]
async fn what_a_wire_cannot_say_is_refused_and_not_offered() {
    let stage = stage().await;
    stage.knobs().withhold(&[FaultKind::Bomb]);
    let router = router(&stage);
    let simulator = stage.serve(router);
    let control = simulator.control_address();
    let (offered, _) = request(control, "GET /faults", "").await;
    assert!(
        offered.contains("\"hang\"") && !offered.contains("\"bomb\""),
        "{offered}"
    );
    let bomb = r#"{"faults":[{"fault":"bomb"}]}"#;
    let (refused, _) = request(control, "PUT /knobs", bomb).await;
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
    simulator.stop().await;
}

#[tokio::test]
async fn wrong_knobs_are_refused() {
    let simulator = simulator().await;
    let control = simulator.control_address();
    for wrong in [
        r#"{"faults":[{"fault":"nonsense"}]}"#,
        r#"{"unknown":1}"#,
        r#"{"faults":[{"fault":"hang","probability":2}]}"#,
    ] {
        let (answer, _) = request(control, "PUT /knobs", wrong).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert!(simulator.knobs().settings().faults.is_empty());
    simulator.stop().await;
}

#[tokio::test]
async fn the_control_listener_refuses_to_leave_loopback() {
    let mut config = StageConfig::loopback(Source::Tax);
    config.control = "0.0.0.0:0".parse().unwrap();
    let refused = Stage::bind(&config).await;
    assert!(matches!(refused, Err(Error::ControlNotLoopback(_))));
}

#[tokio::test]
async fn a_wire_that_is_not_http_gets_the_bare_connection() {
    let simulator = stage().await.serve_raw(|mut connection| async move {
        let mut word = [0; 4];
        if connection.stream.read_exact(&mut word).await.is_ok() {
            connection.stream.fuse().blow();
        }
    });
    let mut client = TcpStream::connect(simulator.address()).await.unwrap();
    client.write_all(b"ping").await.unwrap();
    let ended = client.read_to_end(&mut Vec::new()).await;
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    simulator.stop().await;
}

#[tokio::test]
async fn a_library_that_owns_the_socket_is_cut_off_by_the_fuse() {
    let simulator = stage().await.serve_tcp(|mut socket, fuse| async move {
        let mut word = [0; 4];
        if socket.read_exact(&mut word).await.is_ok() {
            fuse.blow();
            std::future::pending::<()>().await;
        }
    });
    let mut client = TcpStream::connect(simulator.address()).await.unwrap();
    client.write_all(b"ping").await.unwrap();
    let ended = client.read_to_end(&mut Vec::new()).await;
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    simulator.stop().await;
}

#[tokio::test]
async fn answers_and_resets_pass_through_tls() {
    let (server, client) = tls();
    let stage = stage().await;
    let router = router(&stage);
    let simulator = stage.serve_tls(router, server);
    let connect = async || {
        let stream = TcpStream::connect(simulator.address()).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = tokio_rustls::TlsConnector::from(client.clone());
        connector.connect(name, stream).await.unwrap()
    };
    let (answer, _) = talk(connect().await, "POST /", "999099000001").await;
    assert!(answer.ends_with(ANSWER), "{answer}");
    let (cut, ended) = talk(connect().await, "POST /", "999099000124").await;
    assert!(ended.is_err() && !cut.contains(ANSWER), "{cut}");
    simulator.stop().await;
}

fn tls() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(server), Arc::new(client))
}
