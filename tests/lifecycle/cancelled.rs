//! Callers who leave before their answer.

use std::time::Duration;

use api::v1::LookupCitizenRequest;
use exchange::{Clock as _, Source, SystemClock};
use jiff::Timestamp;
use prost::Message as _;
use serde_json::{Value, json};
use tests::frames::{Frames, block, code, flag, frame, get, kind, post, reset};
use tests::row::Row;
use tests::vitals::Metrics;
use tests::{Rest, Sandbox, Wire, field_of, question};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use tokio_rustls::client::TlsStream;

/// A simulated agency that never answers about one citizen.
struct Agency {
    source: Source,
    control: Rest,
}

impl Agency {
    async fn hanging(sandbox: &Sandbox, source: Source) -> Self {
        let control = Rest::plain(sandbox.text(&format!("/agencies/{source}/control")));
        let hangs = json!({"faults": [{"fault": "hang", "subject": CITIZEN}]});
        assert_eq!(control.put("/knobs", &hangs).await.status, 200);
        Self { source, control }
    }

    /// What it has noted.
    async fn journal(&self) -> Vec<Value> {
        let journal = self.control.get("/journal").await.unwrap().json();
        journal["entries"].as_array().unwrap().clone()
    }

    /// How often it was asked about the citizen.
    async fn asked(&self) -> usize {
        let journal = self.journal().await;
        journal.iter().filter(|it| it["subject"] == CITIZEN).count()
    }

    /// When it noted that a question was taken back; no other than `before` are.
    async fn taken_back(&self, before: usize) -> Timestamp {
        let begun = Instant::now();
        loop {
            let journal = self.journal().await;
            let mut cancelled = journal.iter().filter(|it| it["operation"] == "cancel");
            if let Some(entry) = cancelled.nth(before) {
                assert!(cancelled.next().is_none(), "{}: {journal:?}", self.source);
                return entry["time"].as_str().unwrap().parse().unwrap();
            }
            let waited = begun.elapsed();
            assert!(waited < PATIENCE, "{} is still asked", self.source);
            sleep(LOOK).await;
        }
    }
}

/// Somebody who asks about one citizen, and leaves.
enum Caller {
    /// Closes the connection: REST over HTTP/1.
    Closes(Box<Wire>, Option<Box<TlsStream<TcpStream>>>),
    /// Resets the stream, and keeps the connection: gRPC, or REST over HTTP/2.
    Resets(Frames, u32, Door),
}

/// What is spoken over HTTP/2.
#[derive(Clone, Copy, Debug)]
enum Door {
    Grpc,
    Rest,
}

impl Caller {
    async fn all(wire: &Wire) -> [Self; 3] {
        let [grpc, rest] = [Frames::open(wire, &[]).await, Frames::open(wire, &[]).await];
        [
            Self::Closes(Box::new(wire.clone()), None),
            Self::Resets(grpc, 1, Door::Grpc),
            Self::Resets(rest, 1, Door::Rest),
        ]
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Closes(..) => "REST over HTTP/1",
            Self::Resets(_, _, Door::Grpc) => "gRPC",
            Self::Resets(_, _, Door::Rest) => "REST over HTTP/2",
        }
    }

    async fn ask(&mut self, question: &Value) {
        match self {
            Self::Closes(wire, connection) => {
                let mut stream = wire.connect(&[b"http/1.1"]).await.unwrap();
                stream.write_all(&over_http1(question)).await.unwrap();
                stream.flush().await.unwrap();
                *connection = Some(Box::new(stream));
            }
            Self::Resets(frames, stream, door) => {
                let (head, body) = match door {
                    Door::Grpc => (GRPC.to_vec(), message(question)),
                    Door::Rest => {
                        let mut head = post("/v1/citizens:lookup");
                        head.push(("prefer", "wait=15"));
                        (head, question.to_string().into_bytes())
                    }
                };
                let head = frame(kind::HEADERS, flag::END_HEADERS, *stream, &block(&head));
                let body = frame(kind::DATA, flag::END_STREAM, *stream, &body);
                assert!(frames.send(&[head, body].concat()).await);
            }
        }
    }

    async fn leave(&mut self) {
        match self {
            Self::Closes(_, connection) => *connection = None,
            Self::Resets(frames, stream, _) => {
                assert!(frames.send(&reset(*stream, code::CANCEL)).await);
                *stream += 2;
            }
        }
    }

    /// Whoever keeps a connection is answered on it.
    async fn goes_on(self) {
        if let Self::Resets(mut frames, stream, _) = self {
            let end = flag::END_HEADERS | flag::END_STREAM;
            let fields = frame(kind::HEADERS, end, stream, &block(&get("/v1/fields")));
            assert!(frames.send(&fields).await);
            let answered = frames.until(|it| it.stream == stream && it.kind == kind::DATA);
            assert!(answered.await.is_some(), "the connection has gone");
        }
    }
}

/// Row L05: when a caller leaves, over either door, by closing a connection or by resetting a stream of
/// one that lives, every agency sees within 50 ms that it is asked no longer; the attempt stays on
/// record; and no call and no task is left of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_leaves_ends_the_question_to_the_agency_at_once() {
    let sandbox = Sandbox::start();
    let mut agencies = Vec::new();
    for source in Source::ALL {
        agencies.push(Agency::hanging(&sandbox, source).await);
    }
    // The sessions with the agencies are there then, and whatever is made once.
    let row = Row::begin(&sandbox, "gw-2", &Source::ALL, |config| {
        for (_, agency) in config["agency"].as_table_mut().unwrap() {
            let agency = agency.as_table_mut().unwrap();
            agency.insert("timeout_ms".to_owned(), 14_000.into());
        }
    })
    .await;
    let metrics = Metrics::at(&row.gateway.operations);
    let wire = Wire::at(&sandbox, "commune", row.gateway.port());
    let tasks = metrics.count("process_tasks", "").await;

    let mut left = 0;
    for agency in &agencies {
        let asked = question(CITIZEN, "ONE_STOP_DESK", field_of(agency.source));
        let mut before = 0;
        for mut caller in Caller::all(&wire).await {
            let mut took = Vec::new();
            for _ in 0..ROUNDS {
                caller.ask(&asked).await;
                while agency.asked().await == before {
                    sleep(LOOK).await;
                }
                let leaves = SystemClock.now();
                caller.leave().await;
                let taken_back = agency.taken_back(before).await;
                took.push(Duration::try_from(taken_back - leaves).unwrap());
                before += 1;
            }
            took.sort_unstable();
            let who = format!("{}, {}", agency.source, caller.name());
            println!("{who}: asked no longer after {took:?}");
            // The other half may have met a machine with other work.
            assert!(took[ROUNDS / 2] < AT_ONCE, "{who}: {took:?}");
            assert!(took[ROUNDS - 1] < AT_ONCE * 10, "{who}: {took:?}");
            caller.goes_on().await;
            left += ROUNDS;
        }
    }

    let begun = Instant::now();
    // What is in progress is looked at ten times a second.
    while metrics.count("process_tasks", "").await > tasks + 2
        || metrics.count("gateway_calls", "").await > 0
    {
        assert!(begun.elapsed() < PATIENCE, "tasks are left");
        sleep(Duration::from_millis(50)).await;
    }
    // Of these no answer was told.
    let log = row.ends_with(left..=left).await;
    let leaves = tests::leaves(&log);
    let accesses: Vec<_> = leaves.iter().filter(|it| it["t"] == "ACCESS").collect();
    let abandoned = accesses.iter().filter(|it| it["dec"] == "ABANDONED");
    assert_eq!((accesses.len(), abandoned.count()), (left + 1, left));
}

fn over_http1(question: &Value) -> Vec<u8> {
    let body = question.to_string();
    let head = format!(
        "POST /v1/citizens:lookup HTTP/1.1\r\nhost: localhost\r\nprefer: wait=15\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

fn message(question: &Value) -> Vec<u8> {
    let message: LookupCitizenRequest = serde_json::from_value(question.clone()).unwrap();
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], &message].concat()
}

/// The head of a question over gRPC.
const GRPC: [(&str, &str); 7] = [
    (":method", "POST"),
    (":scheme", "https"),
    (":authority", "localhost"),
    (":path", "/lienthong.v1.CitizenService/LookupCitizen"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
    ("grpc-timeout", "15S"),
];
/// Asked about here; their civil status is answered at once, without a dossier.
const CITIZEN: &str = "999099001240";
const AT_ONCE: Duration = Duration::from_millis(50);
/// How often each caller leaves each agency.
const ROUNDS: usize = 5;
const LOOK: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(10);
