//! Callers who leave before their answer.

use std::net::SocketAddr;
use std::time::Duration;

use api::v1::LookupCitizenRequest;
use exchange::Source;
use prost::Message as _;
use serde_json::json;
use tests::frames::{Frames, block, flag, frame, get, kind, reset};
use tests::vitals::Metrics;
use tests::{Node, Rest, Sandbox, Wire, everything, question};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::client::TlsStream;

/// What the gateway does on a line to an agency.
#[derive(Debug)]
enum Does {
    Sends(Vec<u8>),
    Closes,
}

/// A line to an agency that passes on every byte, and tells what the gateway does.
struct Line {
    source: Source,
    address: SocketAddr,
    seen: UnboundedReceiver<(Instant, Does)>,
    control: Rest,
}

impl Line {
    async fn to(sandbox: &Sandbox, source: Source) -> Self {
        let agency = address(sandbox.text(&format!("/agencies/{source}/url")));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, seen) = unbounded_channel();
        tokio::spawn(async move {
            while let Ok((ours, _)) = listener.accept().await {
                tokio::spawn(pass_on(ours, agency, tell.clone()));
            }
        });
        let control = Rest::plain(sandbox.text(&format!("/agencies/{source}/control")));
        if source == Source::CivilStatus {
            // A dossier of theirs that hangs is looked at now and then, and holds no line.
            let knobs = json!({"faults": [{"fault": "hang_after_head", "subject": AT_ONCE}]});
            assert_eq!(control.put("/knobs", &knobs).await.status, 200);
        }
        Self {
            source,
            address,
            seen,
            control,
        }
    }

    /// Has a gateway reach the agency through here, and wait long for it.
    fn lead(&self, config: &mut toml::Table) {
        let agency = config["agency"][self.source.name()].as_table_mut().unwrap();
        let mut url: url::Url = agency["url"].as_str().unwrap().parse().unwrap();
        url.set_port(Some(self.address.port())).unwrap();
        agency.insert("url".to_owned(), url.to_string().into());
        agency.insert("timeout_ms".to_owned(), 14_000.into());
    }

    /// The one about whom this agency never answers.
    fn hangs(&self) -> String {
        match self.source {
            Source::CivilStatus => AT_ONCE.to_owned(),
            source => format!("99909900010{}", source as u8),
        }
    }

    /// How often it was asked about that one.
    async fn asked(&self) -> usize {
        let journal = self.control.get("/journal").await.unwrap().text;
        journal.matches(&self.hangs()).count()
    }

    /// Forgets what was seen.
    fn forget(&mut self) {
        while self.seen.try_recv().is_ok() {}
    }

    /// When the gateway does something that is looked for.
    async fn sees(&mut self, wanted: impl Fn(&Does) -> bool) -> Instant {
        let looking = async {
            loop {
                let (at, does) = self.seen.recv().await.unwrap();
                if wanted(&does) {
                    return at;
                }
            }
        };
        let found = timeout(Duration::from_secs(5), looking).await;
        found.unwrap_or_else(|_| panic!("{}: it is still asked", self.source))
    }

    /// When the gateway takes the question back, as that wire says it.
    async fn taken_back(&mut self) -> Instant {
        let source = self.source;
        let sent = |does: &Does, what: &[u8]| match does {
            Does::Sends(bytes) => bytes.windows(what.len()).any(|it| it == what),
            Does::Closes => false,
        };
        self.sees(|does| match source {
            Source::Tax => sent(does, &RESET),
            Source::SocialSecurity => sent(does, &CANCEL),
            Source::Population | Source::Health | Source::CivilStatus => {
                matches!(does, Does::Closes)
            }
        })
        .await
    }
}

async fn pass_on(gateway: TcpStream, agency: SocketAddr, tell: UnboundedSender<(Instant, Does)>) {
    let agency = TcpStream::connect(agency).await.unwrap();
    let (mut from_gateway, mut to_gateway) = gateway.into_split();
    let (mut from_agency, mut to_agency) = agency.into_split();
    let back = tokio::spawn(async move { copy(&mut from_agency, &mut to_gateway).await.ok() });
    let mut bytes = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from_gateway.read(&mut bytes).await {
        let sent = bytes[..read].to_vec();
        tell.send((Instant::now(), Does::Sends(sent))).ok();
        to_agency.write_all(&bytes[..read]).await.ok();
    }
    tell.send((Instant::now(), Does::Closes)).ok();
    to_agency.shutdown().await.ok();
    back.await.unwrap();
}

/// The address in a URL.
fn address(url: &str) -> SocketAddr {
    let url: url::Url = url.parse().unwrap();
    SocketAddr::from(([127, 0, 0, 1], url.port().unwrap()))
}

/// Somebody who asks about one citizen, and leaves.
enum Caller {
    /// Closes the connection, over HTTP/1.
    Closes(Wire, Option<Box<TlsStream<TcpStream>>>),
    /// Resets the stream, over gRPC, and keeps the connection.
    Resets(Frames, u32),
}

impl Caller {
    async fn all(wire: &Wire) -> [Self; 2] {
        let frames = Frames::open(wire, &[]).await;
        [Self::Closes(wire.clone(), None), Self::Resets(frames, 1)]
    }

    async fn ask(&mut self, question: &serde_json::Value) {
        match self {
            Self::Closes(wire, connection) => {
                let mut stream = wire.connect(&[b"http/1.1"]).await.unwrap();
                stream.write_all(&lookup(question)).await.unwrap();
                stream.flush().await.unwrap();
                *connection = Some(Box::new(stream));
            }
            Self::Resets(frames, stream) => {
                let head = block(&LOOKUP);
                let head = frame(kind::HEADERS, flag::END_HEADERS, *stream, &head);
                let message = frame(kind::DATA, flag::END_STREAM, *stream, &message(question));
                assert!(frames.send(&[head, message].concat()).await);
            }
        }
    }

    async fn leave(&mut self) {
        match self {
            Self::Closes(_, connection) => *connection = None,
            Self::Resets(frames, stream) => {
                assert!(frames.send(&reset(*stream, CANCELLED)).await);
                *stream += 2;
            }
        }
    }

    /// Whoever keeps a connection is answered on it.
    async fn goes_on(self) {
        if let Self::Resets(mut frames, stream) = self {
            let end = flag::END_HEADERS | flag::END_STREAM;
            let fields = frame(kind::HEADERS, end, stream, &block(&get("/v1/fields")));
            assert!(frames.send(&fields).await);
            let answered = frames.until(|it| it.stream == stream && it.kind == kind::DATA);
            assert!(answered.await.is_some(), "the connection has gone");
        }
    }
}

/// Row L05: when a caller leaves, by closing a connection or by resetting a stream of one that lives,
/// each agency is asked no longer within 50 ms, as its wire says that; the attempt stays on record;
/// and no task is left of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_leaves_ends_the_question_to_the_agency_at_once() {
    let sandbox = Sandbox::start();
    let mut lines = Vec::new();
    for source in Source::ALL {
        lines.push(Line::to(&sandbox, source).await);
    }
    let node = Node::beside(&sandbox, "gw-2", |config| {
        lines.iter().for_each(|line| line.lead(config));
    });
    let serving = node.start();
    let metrics = Metrics::at(&node.operations);
    let wire = Wire::at(&sandbox, "commune", node.port);
    // The sessions with the agencies are there, and whatever is made once.
    let rest = Rest::at(&node.url, &sandbox, "commune");
    let everything = everything();
    let answer = rest.lookup("999099000001", "ONE_STOP_DESK", &everything);
    assert_eq!(answer.await.status, 200);
    let tasks = metrics.count("process_tasks", "").await;

    let (mut took, mut asking) = (Vec::new(), Vec::new());
    for line in &mut lines {
        let question = question(&line.hangs(), "ONE_STOP_DESK", &field(line.source));
        for mut caller in Caller::all(&wire).await {
            for _ in 0..ROUNDS {
                let before = line.asked().await;
                line.forget();
                let begun = Instant::now();
                caller.ask(&question).await;
                asking.push(line.sees(|does| matches!(does, Does::Sends(_))).await - begun);
                while line.asked().await == before {
                    sleep(Duration::from_millis(5)).await;
                }
                line.forget();
                let left = Instant::now();
                caller.leave().await;
                took.push((line.taken_back().await - left, line.source));
            }
            caller.goes_on().await;
        }
    }
    // What a machine with other work adds is what it adds to the way there.
    let noise = asking.iter().max().unwrap();
    println!("the agencies are asked no longer after {took:?}, and were within {noise:?}");
    let most = Duration::from_millis(50) + *noise;
    assert!(took.iter().all(|(took, _)| *took < most), "{took:?}");

    let begun = Instant::now();
    // What is in progress is looked at ten times a second.
    while metrics.count("process_tasks", "").await > tasks + 2
        || metrics.count("gateway_calls", "").await > 0
    {
        assert!(begun.elapsed() < Duration::from_secs(10), "tasks are left");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(serving.terminate());
    let leaves = tests::leaves(&node.log);
    let accesses: Vec<_> = leaves.iter().filter(|it| it["t"] == "ACCESS").collect();
    let abandoned = accesses.iter().filter(|it| it["dec"] == "ABANDONED");
    assert_eq!(
        (accesses.len(), abandoned.count()),
        (took.len() + 1, took.len())
    );
}

/// The question over HTTP/1.
fn lookup(question: &serde_json::Value) -> Vec<u8> {
    let body = question.to_string();
    let head = format!(
        "POST /v1/citizens:lookup HTTP/1.1\r\nhost: localhost\r\nprefer: wait=15\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

/// The question over gRPC.
fn message(question: &serde_json::Value) -> Vec<u8> {
    let message: LookupCitizenRequest = serde_json::from_value(question.clone()).unwrap();
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], &message].concat()
}

/// A field of a source.
fn field(source: Source) -> String {
    let all = everything();
    let member = match source {
        Source::Population => "population.",
        Source::Health => "health.",
        Source::CivilStatus => "civilStatus.",
        Source::Tax => "tax.",
        Source::SocialSecurity => "socialSecurity.",
    };
    let field = all.split(',').find(|path| path.starts_with(member));
    field.unwrap().to_owned()
}

/// The head of a question over gRPC.
const LOOKUP: [(&str, &str); 7] = [
    (":method", "POST"),
    (":scheme", "https"),
    (":authority", "localhost"),
    (":path", "/lienthong.v1.CitizenService/LookupCitizen"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
    ("grpc-timeout", "15S"),
];
/// `CANCEL` of HTTP/2.
const CANCELLED: u32 = 8;
/// How a TLS record begins that is as long as a `RST_STREAM` and no other frame of a question: 9 bytes
/// of head, 4 of code, 1 of type, 16 of seal.
const RESET: [u8; 5] = [0x17, 0x03, 0x03, 0x00, 9 + 4 + 1 + 16];
/// How a `CancelRequest` of PostgreSQL begins: its length, and 80877102.
const CANCEL: [u8; 8] = [0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e];
/// Whose civil status is answered at once.
const AT_ONCE: &str = "999099001240";
/// How often each caller leaves each agency.
const ROUNDS: usize = 3;
