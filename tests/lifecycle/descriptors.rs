//! A process that has used up its descriptors, and one that leaks none.

use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use tests::vitals::{Metrics, cpu, resident};
use tests::{Rest, Sandbox, Wire, loop_until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep, timeout};

const FIELDS: &[u8] = b"GET /v1/fields HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// How many descriptors a sandbox has open.
fn open(sandbox: &Sandbox) -> u64 {
    let all = std::fs::read_dir(format!("/proc/{}/fd", sandbox.pid())).unwrap();
    all.count() as u64
}

/// Lets a sandbox have so many descriptors; what it was allowed before.
fn allow(sandbox: &Sandbox, limit: Rlimit) -> Rlimit {
    let pid = Pid::from_raw(i32::try_from(sandbox.pid()).unwrap());
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
/// connections that are open are served, and whoever has waited is accepted when there are some again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_descriptors_it_backs_off_and_comes_back() {
    let sandbox = Sandbox::start();
    let wire = Wire::new(&sandbox, "commune");
    let mut before = wire.connect(&[b"http/1.1"]).await.unwrap();
    let few = Rlimit {
        current: Some(3),
        maximum: getrlimit(Resource::Nofile).maximum, // inherited
    };
    let allowed = allow(&sandbox, few);
    let (begun, busy) = (Instant::now(), cpu(&sandbox));
    let waits = tokio::spawn(async move {
        let mut stream = wire.connect(&[b"http/1.1"]).await.unwrap();
        answers(&mut stream).await
    });
    loop_until(Duration::from_secs(20), || {
        let times = sandbox.logged().matches("accepting failed").count();
        (times >= 5).then_some(())
    });
    assert!(answers(&mut before).await, "who was there is not served");
    let (took, busy) = (begun.elapsed(), cpu(&sandbox) - busy);
    let times = sandbox.logged().matches("accepting failed").count();
    assert!(
        times as u128 <= took.as_millis() / 50 + 2,
        "{times} in {took:?}"
    );
    assert!(
        busy < took / 2 + Duration::from_millis(200),
        "{busy:?} of {took:?}"
    );
    assert!(!waits.is_finished());
    allow(&sandbox, allowed);
    assert!(waits.await.unwrap(), "who has waited is not served");
    let answer = Rest::new(&sandbox, "commune")
        .lookup("999099000001", "ONE_STOP_DESK", "tax.status")
        .await;
    assert_eq!(answer.status, 200);
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
    let metrics = Metrics::of(&sandbox);
    let round = async || {
        let rest = Rest::new(&sandbox, "commune");
        for serial in 800..808 {
            let id = format!("999099000{serial}");
            let answer = rest.lookup(&id, "ONE_STOP_DESK", "tax.status").await;
            assert_eq!(answer.status, 200);
        }
    };
    for _ in 0..rounds / 3 {
        round().await;
    }
    let (files, tasks) = settled(&sandbox, &metrics, u64::MAX, u64::MAX).await;
    let memory = resident(&sandbox);
    for _ in 0..rounds {
        round().await;
    }
    settled(&sandbox, &metrics, files + 2, tasks + 2).await;
    let grown = resident(&sandbox).saturating_sub(memory);
    println!("grown by {grown} KiB in {rounds} rounds (full: {full})");
    assert!(grown < 16 << 10, "{grown} KiB");
}

/// Waits until no more descriptors and tasks are there than that; how many there are.
async fn settled(sandbox: &Sandbox, metrics: &Metrics, files: u64, tasks: u64) -> (u64, u64) {
    let begun = Instant::now();
    loop {
        let now = (open(sandbox), metrics.count("process_tasks", "").await);
        sleep(Duration::from_millis(200)).await;
        let again = (open(sandbox), metrics.count("process_tasks", "").await);
        if now == again && now.0 <= files && now.1 <= tasks {
            return now;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{now:?} of {files} descriptors and {tasks} tasks"
        );
    }
}
