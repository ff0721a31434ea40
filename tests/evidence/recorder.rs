//! The program `recorder`, run whole or under strace: all of it, or one thread from its beginning.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tests::loop_until;

use crate::strace::{follow, leave};

/// A thread of the recorder: its name, as far as the kernel keeps that, and its place among those of
/// that name in the order in which they begin, from 1 on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Thread {
    pub(crate) name: String,
    pub(crate) place: usize,
}

/// What of a run is traced, and how.
#[derive(Clone, Copy)]
pub(crate) enum Traced<'a> {
    Nothing,
    /// Every thread, with its name.
    All(&'a [&'a str]),
    /// One alone.
    One(&'a Thread, &'a [&'a str]),
}

/// A run of the recorder.
pub(crate) struct Run {
    pub(crate) receipts: Vec<String>,
    /// What strace wrote.
    pub(crate) trace: String,
}

/// Runs the recorder; strace follows from before anything is done to the log.
pub(crate) fn record(home: &Path, arguments: &[&str], traced: Traced<'_>) -> Run {
    let mut recorder = Recorder::spawn(home, arguments);
    let mut said = BufReader::new(recorder.0.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    let trace = home.join("trace");
    let follower = match traced {
        Traced::Nothing => {
            recorder.begin();
            None
        }
        Traced::All(how) => {
            let how = [&["-f", "--decode-pids=comm"], how].concat();
            Some(recorder.follow_all(&trace, &how))
        }
        Traced::One(thread, how) => recorder.follow_one(thread, &trace, how),
    };
    let mut receipts = String::new();
    said.read_to_string(&mut receipts).unwrap();
    recorder.0.wait().unwrap();
    if let Some(mut follower) = follower {
        follower.wait().unwrap();
    }
    Run {
        receipts: receipts.lines().map(str::to_owned).collect(),
        trace: std::fs::read_to_string(trace).unwrap_or_default(),
    }
}

/// The process; ended when the test is.
struct Recorder(Child);

impl Recorder {
    fn spawn(home: &Path, arguments: &[&str]) -> Self {
        let recorder = Command::new(env!("CARGO_BIN_EXE_recorder"))
            .arg(home.join("log"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        Self(recorder.unwrap())
    }

    /// Lets it open the log.
    fn begin(&mut self) {
        let mut stdin: ChildStdin = self.0.stdin.take().unwrap();
        stdin.write_all(b"\n").unwrap();
    }

    /// Follows what comes of the thread that it begins with, from before anything is done to the log.
    fn follow_all(&mut self, trace: &Path, how: &[&str]) -> Child {
        self.signal(Signal::STOP);
        loop_until(Duration::from_secs(20), || self.is_stopped().then_some(()));
        let follower = follow(self.0.id(), trace, how);
        self.begin();
        self.signal(Signal::CONT);
        follower
    }

    /// Follows one thread from where it has its name; none if the process ends before.
    ///
    /// Every thread that names itself is stopped, and the process with it, until the one comes: so it
    /// has made no call of its own when strace has it alone.
    fn follow_one(&mut self, thread: &Thread, trace: &Path, how: &[&str]) -> Option<Child> {
        if thread.name == MAIN {
            return Some(self.follow_all(trace, how));
        }
        let stops = trace.with_file_name("stops");
        let stop = ["-f", "-e", "trace=prctl", "-e", "inject=prctl:signal=STOP"];
        let mut stopper = self.follow_all(&stops, &stop);
        let mut handled = 0;
        let found = loop_until(Duration::from_secs(60), || {
            if self.0.try_wait().unwrap().is_some() {
                return Some(None);
            }
            let text = std::fs::read_to_string(&stops).unwrap_or_default();
            let stopped = text.matches("--- SIGSTOP").count();
            if stopped <= handled || !self.is_stopped() {
                return None;
            }
            handled = stopped;
            let named = named(&text, &thread.name);
            assert!(named.len() <= thread.place, "it has begun already");
            if named.len() == thread.place {
                return Some(named.last().copied());
            }
            self.signal(Signal::CONT);
            None
        });
        leave(&mut stopper);
        let follower = follow(found?, trace, how);
        self.signal(Signal::CONT);
        Some(follower)
    }

    fn is_stopped(&self) -> bool {
        self.tasks().iter().all(|task| {
            let path = format!("/proc/{}/task/{task}/stat", self.0.id());
            let stat = std::fs::read_to_string(path).unwrap_or_default();
            // The name, in parentheses, comes before.
            let state = stat.rsplit(") ").next().and_then(|it| it.chars().next());
            matches!(state, Some('T' | 't'))
        })
    }

    fn tasks(&self) -> Vec<u32> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.0.id()));
        let tasks = tasks.into_iter().flatten().flatten();
        let numbers = tasks.filter_map(|task| task.file_name().to_str()?.parse().ok());
        numbers.collect()
    }

    fn signal(&self, signal: Signal) {
        // It may have ended.
        kill_process(Pid::from_child(&self.0), signal).ok();
    }
}

/// The numbers of the threads that have given themselves that name, in their order, by what strace wrote:
/// `4711 prctl(PR_SET_NAME, "evidence") = 0`.
fn named(trace: &str, name: &str) -> Vec<u32> {
    let named = trace.lines().filter_map(|line| {
        let (number, call) = line.split_once(' ')?;
        let given = call.trim_start().strip_prefix("prctl(PR_SET_NAME, \"")?;
        let given = given.split('"').next()?;
        // The kernel keeps fifteen letters.
        let kept = given.get(..15).unwrap_or(given);
        (kept == name).then(|| number.parse().unwrap())
    });
    named.collect()
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The thread that the process begins with.
pub(crate) const MAIN: &str = "recorder";
