//! A witness beside a log: what it cosigns, what it refuses, and who can check it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use evidence::verify::{Directory, prove_consistency};
use evidence::witness::Request;
use rustix::process::{Pid, Signal, kill_process};
use tests::{run, shell};

use crate::logs::{Log, check};

/// `lienthong witness`, ended with the test.
pub(crate) struct Witness {
    child: Child,
    pub(crate) url: String,
    /// Its own: Ed25519, then ML-DSA-44.
    pub(crate) vkeys: Vec<String>,
    home: tempfile::TempDir,
}

impl Witness {
    fn start(log: &Log) -> Self {
        Self::of("w1", &log.vkeys())
    }

    /// A witness of that name, of the log with those keys.
    pub(crate) fn of(name: &str, log: &[String]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), name, log)
    }

    fn start_in(home: tempfile::TempDir, name: &str, log: &[String]) -> Self {
        let mut child = Command::new(tests::program())
            .args([
                "witness",
                "--name",
                &format!("witness.example/{name}"),
                "--listen",
                "127.0.0.1:0",
            ])
            .args(["--log", &log[0], "--log", &log[1]])
            .arg("--dir")
            .arg(home.path().join("witness"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let (mut vkeys, mut url) = (Vec::new(), None);
        for line in said.lines().map_while(Result::ok) {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["witness", _, key, _] => vkeys.push(key.to_owned()),
                ["ready", at] => {
                    url = Some(at.to_owned());
                    break;
                }
                _ => panic!("{line}"),
            }
        }
        Self {
            child,
            url: url.unwrap(),
            vkeys,
            home,
        }
    }

    /// Sends a request: status, type and body of the answer.
    fn ask(&self, request: &str) -> (String, String) {
        let (file, out) = (
            self.home.path().join("request"),
            self.home.path().join("answer"),
        );
        std::fs::write(&file, request).unwrap();
        let ran = shell(&format!(
            "curl -s -o {} -w '%{{http_code}} %{{content_type}}' --data-binary @{} {}/add-checkpoint",
            out.display(),
            file.display(),
            self.url
        ));
        assert_eq!(ran.code, 0, "{ran:?}");
        (ran.out, std::fs::read_to_string(out).unwrap())
    }

    fn again(mut self, log: &Log) -> Self {
        self.end();
        let home = std::mem::replace(&mut self.home, tempfile::tempdir().unwrap());
        Self::start_in(home, "w1", &log.vkeys())
    }

    fn end(&mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        // It may have been ended before.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A request for the latest checkpoint of a log, from an older size.
fn request(dir: &Path, old: u64) -> String {
    let (checkpoint, proof) = prove_consistency(&mut Directory(dir.to_owned()), old).unwrap();
    let request = Request {
        old,
        proof: proof.unwrap_or_default(),
        checkpoint,
    };
    request.to_string()
}

#[tokio::test]
async fn a_witness_cosigns_what_continues_and_others_check_it() {
    let log = Log::new();
    let mut witness = Witness::start(&log);
    let mut open = log.open(0).await;
    let mut old = 0;
    for size in [200, 256, 700] {
        open.grow(size).await;
        let (status, lines) = witness.ask(&request(log.dir(), old));
        assert!(status.starts_with("200 "), "{status} {lines}");
        assert_eq!(lines.lines().count(), 2, "{lines}");
        old = size;
        witness = witness.again(&log);
    }
    open.crash();

    let (status, lines) = witness.ask(&request(log.dir(), 700));
    assert!(status.starts_with("200 "), "{status}");
    let file = log.dir().join("checkpoint");
    let bare = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{bare}{lines}")).unwrap();
    std::fs::copy(&file, log.config.lock_file()).unwrap();
    let all = [log.vkeys(), witness.vkeys.clone()].concat();
    if let Some(said) = check(log.dir(), &all, &[]) {
        assert!(said.unwrap().contains(" keys 4 "));
    }
    let policy = log.dir().with_added_extension("policy");
    let stranger = Log::new();
    let other = Witness::start(&stranger);
    let both = format!(
        "log {}\nwitness w1 {}\nwitness w2 {}\n",
        all[0], all[2], other.vkeys[0]
    );
    let (dir, file) = (log.dir().to_str().unwrap(), policy.to_str().unwrap());
    for (quorum, code) in [
        ("group g any w1 w2\nquorum g\n", 0),
        ("quorum w1\n", 0),
        ("quorum w2\n", 1),
    ] {
        std::fs::write(&policy, format!("{both}{quorum}")).unwrap();
        let ran = run(&["audit", "verify", dir, "--policy", file]);
        assert_eq!(ran.code, code, "{quorum}: {ran:?}");
        assert_eq!(ran.err.contains("too few witnesses"), code == 1, "{ran:?}");
    }
}

#[tokio::test]
async fn a_witness_refuses_as_the_protocol_says() {
    let log = Log::new();
    let witness = Witness::start(&log);
    let mut open = log.open(0).await;
    open.grow(20).await;
    assert!(witness.ask(&request(log.dir(), 0)).0.starts_with("200 "));
    open.grow(30).await;
    open.crash();
    let good = request(log.dir(), 20);
    let stale = witness.ask(&request(log.dir(), 0));
    assert_eq!(
        stale,
        ("409 text/x.tlog.size".to_owned(), "20\n".to_owned())
    );
    for (request, status) in [
        (good.replacen("old 20", "old 31", 1), "400 "),
        (good.replacen("old 20", "older 20", 1), "400 "),
        (good.replacen("gw-1/2026h2\n", "gw-1/2027h1\n", 1), "404 "),
        (good.replacen("\n30\n", "\n31\n", 1), "403 "),
        (
            request(log.dir(), 20).replacen(
                "old 20\n",
                "old 20\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
                1,
            ),
            "422 ",
        ),
        ("x".repeat(2 << 20), "413 "),
    ] {
        let (said, body) = witness.ask(&request);
        assert!(said.starts_with(status), "{status}: {said} {body}");
    }
    assert!(witness.ask(&good).0.starts_with("200 "));
}
