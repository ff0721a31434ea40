//! A gateway that has its checkpoints cosigned: by witnesses that are programs of their own, and by
//! one that misbehaves in every way that HTTP allows.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tests::{Ran, Sandbox, Stopped, loop_until, run, shell};

use crate::logs::{check, copy_tree, size_of};
use crate::witness::Witness;

/// The ground of a gateway: configuration, certificates, a log of some records, no agency.
struct Ground {
    home: Stopped,
    log: PathBuf,
    operations: String,
}

/// `lienthong serve`, ended with the test.
struct Gateway {
    child: Child,
}

impl Ground {
    /// Of a sandbox that has ended. Its description stays, so that it can be asked.
    fn new() -> Self {
        let sandbox = Sandbox::start();
        let (log, description) = (sandbox.path("/log/dir"), sandbox.description.clone());
        let operations = sandbox.text("/operations").to_owned();
        let home = sandbox.interrupt();
        std::fs::write(home.dir().join("sandbox.json"), description.to_string()).unwrap();
        Self {
            home,
            log,
            operations,
        }
    }

    fn vkeys(&self) -> Vec<String> {
        let keys = evidence::keys::PublicKeys::read(&self.log).unwrap();
        keys.log.iter().map(ToString::to_string).collect()
    }

    fn config(&self) -> PathBuf {
        self.home.dir().join("lienthong.toml")
    }

    fn policy(&self) -> PathBuf {
        self.home.dir().join("witnesses")
    }

    /// Sets the witnesses that are asked.
    fn set_policy(&self, policy: &str) {
        std::fs::write(self.policy(), policy).unwrap();
        let text = std::fs::read_to_string(self.config()).unwrap();
        let with = "[evidence]\nwitness_policy = 'witnesses'\n";
        std::fs::write(self.config(), text.replacen("[evidence]\n", with, 1)).unwrap();
    }

    fn serve(&self) -> Gateway {
        let out = |name: &str| File::create(self.home.dir().join(name)).unwrap();
        let child = Command::new(tests::program())
            .args(["serve", "--config"])
            .arg(self.config())
            .stdout(out("serve.out"))
            .stderr(out("serve.err"))
            .env("LIENTHONG_LOG", "info")
            .spawn()
            .unwrap();
        Gateway { child }
    }

    fn serve_ready(&self) -> Gateway {
        let gateway = self.serve();
        let said = self.home.dir().join("serve.out");
        loop_until(Duration::from_secs(30), || {
            let text = std::fs::read_to_string(&said).ok()?;
            text.contains("ready").then_some(())
        });
        gateway
    }

    fn complaints(&self) -> String {
        std::fs::read_to_string(self.home.dir().join("serve.err")).unwrap()
    }

    /// Asks once: there is a record, though no agency answers.
    fn ask(&self) -> Ran {
        let dir = self.home.dir().display().to_string();
        run(&["lookup", "999099000001", "--sandbox", &dir])
    }

    fn metrics(&self) -> String {
        shell(&format!("curl -s {}/metrics", self.operations)).out
    }

    /// Waits until a checkpoint of at least that size has so many signatures.
    fn signed(&self, size: u64, count: usize) {
        loop_until(Duration::from_secs(20), || {
            let text = std::fs::read_to_string(self.log.join("checkpoint")).ok()?;
            let signatures = text.lines().filter(|line| line.starts_with("— ")).count();
            (size_of(&self.log) >= size && signatures == count).then_some(())
        });
    }
}

impl Gateway {
    fn interrupt(mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }

    /// Waits until it ends by itself.
    fn ended(&mut self) -> ExitStatus {
        loop_until(Duration::from_secs(20), || self.child.try_wait().unwrap())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended before.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A witness as a policy names it, with one of its keys.
fn named(name: &str, key: &str, witness: &Witness) -> String {
    format!("witness {name} {key} {}\n", witness.url)
}

#[test]
fn a_gateway_shows_what_its_witnesses_have_cosigned() {
    let ground = Ground::new();
    let own = ground.vkeys();
    let (w1, w2) = (Witness::of("w1", &own), Witness::of("w2", &own));
    // The first one with both of its keys: it is asked once for both.
    let policy = [
        format!("log {}\nlog {}\n", own[0], own[1]),
        named("w1", &w1.vkeys[0], &w1),
        named("w1-ml-dsa", &w1.vkeys[1], &w1),
        named("w2", &w2.vkeys[0], &w2),
        "group all all w1 w1-ml-dsa w2\nquorum all\n".to_owned(),
    ];
    ground.set_policy(&policy.concat());
    let checked = run(&["check-config", ground.config().to_str().unwrap()]);
    assert_eq!(checked.code, 0, "{checked:?}");

    let before = size_of(&ground.log);
    let gateway = ground.serve_ready();
    ground.signed(before + 1, 5);
    ground.ask();
    ground.signed(before + 2, 5);
    let metrics = ground.metrics();
    let cosignatures = "audit_checkpoint_cosignatures{node=\"gw-1\"} 3\n";
    assert!(metrics.contains(cosignatures), "{metrics}");
    let (log, file) = (ground.log.to_str().unwrap(), ground.policy());
    let verify = || run(&["audit", "verify", log, "--policy", file.to_str().unwrap()]);
    let verified = verify();
    assert_eq!(verified.code, 0, "{verified:?}");
    assert!(gateway.interrupt().success());
    // The last record too, which says that it ends.
    ground.signed(before + 3, 5);
    assert_eq!(verify().code, 0);
    let all = [own, w1.vkeys.clone(), vec![w2.vkeys[0].clone()]].concat();
    if let Some(said) = check(&ground.log, &all, &[]) {
        assert!(said.unwrap().contains(" keys 5 "));
    }
}

/// Yesterday's directory, restored together with its lock store.
#[test]
fn a_gateway_whose_log_and_lock_store_were_set_back_does_not_start() {
    let ground = Ground::new();
    let own = ground.vkeys();
    let witness = Witness::of("w1", &own);
    ground.set_policy(&(named("w1", &witness.vkeys[0], &witness) + "quorum w1\n"));
    let yesterday = tempfile::tempdir().unwrap();
    let (kept, kept_lock) = (yesterday.path().join("log"), yesterday.path().join("head"));
    let lock = ground.log.with_added_extension("head");
    copy_tree(&ground.log, &kept);
    std::fs::copy(&lock, &kept_lock).unwrap();
    let before = size_of(&ground.log);
    let gateway = ground.serve_ready();
    ground.signed(before + 1, 3);
    assert!(gateway.interrupt().success());
    std::fs::remove_dir_all(&ground.log).unwrap();
    copy_tree(&kept, &ground.log);
    std::fs::copy(&kept_lock, &lock).unwrap();
    assert_eq!(ground.serve().ended().code(), Some(1));
    let complaints = ground.complaints();
    let alarm = "AuditRollbackDetected: the witness w1 ";
    assert!(complaints.contains(alarm), "{complaints}");
    let knows = format!("but it has only {before}");
    assert!(complaints.contains(&knows), "{complaints}");
    assert!(wal(&ground.log) == wal(&kept), "it was written on");
}

/// The bytes of the first segment of a write-ahead log.
fn wal(log: &Path) -> Vec<u8> {
    std::fs::read(log.join("wal/0000000000000000.seg")).unwrap()
}

/// A server that answers every connection with the same bytes.
struct Fake {
    url: String,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Fake {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let fake = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            answer: Arc::default(),
        };
        let answer = Arc::clone(&fake.answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let bytes = answer.lock().unwrap().clone();
                respond(stream, &bytes);
            }
        });
        fake
    }

    fn says(&self, answer: &str) {
        *self.answer.lock().unwrap() = answer.as_bytes().to_vec();
    }
}

fn respond(mut stream: TcpStream, bytes: &[u8]) {
    let mut request = [0; 65_536];
    // The whole of it or a part, and the other side may have gone.
    if stream.read(&mut request).is_ok() {
        stream.write_all(bytes).ok();
    }
}

#[test]
fn a_witness_that_misbehaves_delays_no_answer_until_it_knows_a_longer_log() {
    let ground = Ground::new();
    let own = ground.vkeys();
    let (fake, real) = (Fake::start(), Witness::of("w2", &own));
    let stranger = Witness::of("w1", &own);
    let w1 = format!("witness w1 {} {}\n", stranger.vkeys[0], fake.url);
    ground.set_policy(&(w1 + &named("w2", &real.vkeys[0], &real) + "quorum w2\n"));
    fake.says("SSH-2.0-OpenSSH\r\n\r\n");
    let before = size_of(&ground.log);
    let mut gateway = ground.serve_ready();
    let mut size = before + 1;
    ground.signed(size, 3);
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "— ".repeat(1 << 20));
    let untyped = "HTTP/1.1 409 No\r\ncontent-length: 5\r\n\r\n7000\n";
    // Few, because it is left alone for twice as long each time.
    for (answer, kind) in [(endless.as_str(), "unreachable"), (untyped, "conflict")] {
        let count = || failures(&ground.metrics(), kind);
        fake.says(answer);
        let (had, began) = (count(), now());
        let asked = ground.ask();
        assert!(
            began.elapsed() < Duration::from_secs(3),
            "{kind}: {asked:?}"
        );
        size += 1;
        // The other witness is not held up either.
        ground.signed(size, 3);
        assert!(began.elapsed() < Duration::from_secs(6), "{kind}");
        loop_until(Duration::from_secs(30), || (count() > had).then_some(()));
    }
    let complaints = ground.complaints();
    assert_eq!(
        complaints.matches("a witness does not cosign").count(),
        1,
        "{complaints}"
    );
    fake.says(
        "HTTP/1.1 409 No\r\ncontent-type: text/x.tlog.size\r\ncontent-length: 5\r\n\r\n7000\n",
    );
    ground.ask();
    let status = gateway.ended();
    assert!(!status.success(), "{status}");
    let complaints = ground.complaints();
    assert!(
        complaints.contains("AuditRollbackDetected: the witness w1"),
        "{complaints}"
    );
}

/// How often a question to a witness has failed in that way.
fn failures(metrics: &str, kind: &str) -> u64 {
    let series = format!("audit_witness_failures_total{{kind=\"{kind}\",node=\"gw-1\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&series));
    line.unwrap().parse().unwrap()
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "outside any runtime")]
    Instant::now()
}
