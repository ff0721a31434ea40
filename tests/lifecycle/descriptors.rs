//! A process that has used up its descriptors, and one that leaks none.

use std::time::Duration;

use api::v1::LookupCitizenRequest;
use exchange::Source;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use tests::row::{KNOWN, Row};
use tests::vitals::{Metrics, cpu, growth, resident_of};
use tests::{Node, Rest, Sandbox, Unary, Wire, everything, loop_until, question};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep, timeout};
use tonic::Code;

const FIELDS: &[u8] = b"GET /v1/fields HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// How many entries a folder of a process has.
fn entries(pid: u32, folder: &str) -> u64 {
    let all = std::fs::read_dir(format!("/proc/{pid}/{folder}")).unwrap();
    all.count() as u64
}

/// Lets a process have so many descriptors; what it was allowed before.
fn allow(pid: u32, limit: Rlimit) -> Rlimit {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap());
    prlimit(pid, Resource::Nofile, limit).unwrap()
}

/// True if a request on this connection is answered.
async fn answers<S>(stream: &mut S) -> bool
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    stream.write_all(FIELDS).await.unwrap();
    let mut head = [0; 15];
    let read = timeout(Duration::from_secs(20), stream.read_exact(&mut head)).await;
    read.is_ok_and(|read| read.is_ok()) && &head == b"HTTP/1.1 200 OK"
}

/// Row L10: without a descriptor left nothing is accepted, and the loop waits instead of spinning;
/// connections that are open are served, questions and their records with them, and whoever has waited is
/// accepted when there are some again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_descriptors_it_backs_off_and_comes_back() {
    let sandbox = Sandbox::start();
    // Of its connections to agencies each source has one: two who ask at once would want more.
    let row = Row::begin(&sandbox, "descriptors", &Source::ALL, |_| ()).await;
    let gateway = &row.gateway;
    let wire = Wire::at(&sandbox, "commune", gateway.port());
    let mut before = wire.connect(&[b"http/1.1"]).await.unwrap();
    let few = Rlimit {
        current: Some(3),
        maximum: getrlimit(Resource::Nofile).maximum, // inherited
    };
    let allowed = allow(gateway.pid(), few);
    let (begun, busy) = (Instant::now(), cpu(gateway.pid()));
    let waits = tokio::spawn(async move {
        let mut stream = wire.connect(&[b"http/1.1"]).await.unwrap();
        answers(&mut stream).await
    });
    loop_until(Duration::from_secs(20), || {
        let times = gateway.logged().matches("accepting failed").count();
        (times >= 5).then_some(())
    });
    assert!(answers(&mut before).await, "who was there is not served");
    let asked = row.caller.ask(KNOWN, 10).await.json();
    assert_eq!(asked["completeness"], "COMPLETENESS_COMPLETE", "{asked}");
    let (took, busy) = (begun.elapsed(), cpu(gateway.pid()) - busy);
    let times = gateway.logged().matches("accepting failed").count();
    assert!(
        times as u128 <= took.as_millis() / 50 + 2,
        "{times} in {took:?}"
    );
    assert!(
        busy < took / 2 + Duration::from_millis(200),
        "{busy:?} of {took:?}"
    );
    assert!(!waits.is_finished());
    allow(gateway.pid(), allowed);
    assert!(waits.await.unwrap(), "who has waited is not served");
    assert_eq!(row.caller.ask(KNOWN, 10).await.status, 200);
    row.ends().await;
}

/// Row L10: connection after connection and question after question leave nothing behind:
/// descriptors, tasks and memory are as many as before.
#[tokio::test]
async fn connections_and_questions_leave_nothing_behind() {
    let (rounds, full) = match std::env::var_os("LIENTHONG_TEST_FULL") {
        Some(_) => (2_000, true),
        None => (30, false),
    };
    let sandbox = Sandbox::start();
    let row = Row::begin(&sandbox, "rounds", &[], |_| ()).await;
    let (metrics, pid) = (Metrics::at(&row.gateway.operations), row.gateway.pid());
    let round = async || {
        let caller = row.other(&sandbox, "commune");
        for serial in 800..808 {
            let id = format!("999099000{serial}");
            let question = question(&id, "ONE_STOP_DESK", &everything());
            assert_eq!(caller.put(&question, 10).await.status, 200);
        }
    };
    for _ in 0..rounds / 3 {
        round().await;
    }
    let (files, tasks) = settled(pid, &metrics, u64::MAX, u64::MAX).await;
    let memory = resident_of(pid);
    for _ in 0..rounds {
        round().await;
    }
    settled(pid, &metrics, files + 2, tasks + 2).await;
    let grown = resident_of(pid).saturating_sub(memory);
    println!("grown by {grown} KiB in {rounds} rounds (full: {full})");
    assert!(grown < 16 << 10, "{grown} KiB");
    row.ends().await;
}

/// What a process has.
#[derive(Clone, Copy, Debug)]
struct Has {
    files: u64,
    threads: u64,
    tasks: u64,
    resident_kib: u64,
}

impl Has {
    async fn now(pid: u32, metrics: &Metrics) -> Self {
        Self {
            files: entries(pid, "fd"),
            threads: entries(pid, "task"),
            tasks: metrics.count("process_tasks", "").await,
            resident_kib: resident_of(pid),
        }
    }
}

/// Row L10: over a day (`LIENTHONG_TEST_FULL`; some seconds else) of connections, questions and callers
/// who leave, descriptors, threads, tasks and memory stay level, once the process is warm.
#[tokio::test]
async fn a_day_of_questions_leaves_every_slope_flat() {
    let (lasts, pause, most_kib) = match std::env::var_os("LIENTHONG_TEST_FULL") {
        Some(_) => (
            Duration::from_secs(24 * 3_600),
            Duration::from_secs(5),
            32_768.0,
        ),
        None => (Duration::from_secs(24), Duration::ZERO, 8_192.0),
    };
    let sandbox = Sandbox::start();
    // The journals of the simulators would grow beside it.
    let node = Node::beside(&sandbox, "gw-2", |_| ());
    let serving = node.start();
    let metrics = Metrics::at(&node.operations);
    let wire = Wire::at(&sandbox, "commune", node.port);
    let (begun, mut looks, mut asked) = (Instant::now(), Vec::new(), 0);
    while begun.elapsed() < lasts {
        let rest = Rest::at(&node.url, &sandbox, "commune");
        let grpc = Unary::open(&wire).await;
        for serial in 800..808 {
            let id = format!("999099000{serial}");
            let question = question(&id, "ONE_STOP_DESK", &everything());
            if serial % 2 == 0 {
                let body = question.to_string();
                let answer = rest.post("/v1/citizens:lookup", body, &[]).await.unwrap();
                assert_eq!(answer.status, 200);
            } else {
                let message: LookupCitizenRequest = serde_json::from_value(question).unwrap();
                let told = grpc.call("CitizenService/LookupCitizen", &[], &message);
                assert_eq!(told.await.unwrap().status.code(), Code::Ok);
            }
            asked += 1;
        }
        let mut leaves = wire.connect(&[b"http/1.1"]).await.unwrap();
        leaves.write_all(FIELDS).await.unwrap();
        drop(leaves);
        if begun.elapsed() > lasts / 3 {
            looks.push(Has::now(serving.pid(), &metrics).await);
        }
        sleep(pause).await;
    }
    let (first, last) = (looks[0], looks[looks.len() - 1]);
    println!(
        "{asked} questions; of {} looks the first {first:?}, the last {last:?}",
        looks.len()
    );
    let grown = |what: fn(&Has) -> u64| {
        let each: Vec<f64> = looks.iter().map(|it| what(it) as f64).collect();
        growth(&each)
    };
    for (name, most, grown) in [
        ("descriptors", 4.0, grown(|it| it.files)),
        ("threads", 4.0, grown(|it| it.threads)),
        ("tasks", 4.0, grown(|it| it.tasks)),
        ("KiB", most_kib, grown(|it| it.resident_kib)),
    ] {
        println!("{name}: {grown:.1} more");
        assert!(grown < most, "{grown} {name} more: {looks:?}");
    }
}

/// Waits until no more descriptors and tasks are there than that; how many there are.
async fn settled(pid: u32, metrics: &Metrics, files: u64, tasks: u64) -> (u64, u64) {
    let (begun, mut least) = (Instant::now(), (u64::MAX, u64::MAX));
    loop {
        // Another caller goes on asking: the least of some looks is what is there always.
        for _ in 0..LOOKS {
            let tasks = metrics.count("process_tasks", "").await;
            least = (entries(pid, "fd").min(least.0), tasks.min(least.1));
            sleep(Duration::from_millis(10)).await;
        }
        if least.0 <= files && least.1 <= tasks {
            return least;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{least:?} of {files} descriptors and {tasks} tasks"
        );
    }
}

/// Enough to meet a moment between two questions.
const LOOKS: usize = 20;
