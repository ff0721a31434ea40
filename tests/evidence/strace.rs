//! strace, with which the system calls of a process or of one of its threads fail or take long.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tests::{Sandbox, loop_until};

/// Fails if there is no strace: without it nothing would be tried.
pub(crate) fn must_be_there() {
    let mut strace = Command::new("strace");
    assert!(
        strace.arg("-V").stdout(Stdio::null()).status().is_ok(),
        "no strace here: install the package strace, as `cargo xtask test` does"
    );
}

/// Attaches strace to a process or a thread, and waits until it has.
///
/// What follows all threads begins with a stopped process: strace that comes upon a thread within a
/// `clone` takes each of its returns for a call.
pub(crate) fn follow(id: u32, trace: &Path, how: &[&str]) -> Child {
    // A file, since nobody reads along: a full pipe would hold strace, and all that it follows.
    let said = trace.with_added_extension("said");
    let mut strace = Command::new("strace")
        .args(["-qq", "-p", &id.to_string(), "-o"])
        .arg(trace)
        .args(how)
        .stderr(File::create(&said).unwrap())
        .spawn()
        .unwrap();
    let status = PathBuf::from(format!("/proc/{id}/status"));
    loop_until(Duration::from_secs(20), || {
        let text = std::fs::read_to_string(&status).unwrap();
        let mut lines = text.lines();
        if let Some(ended) = strace.try_wait().unwrap() {
            let said = std::fs::read_to_string(&said).unwrap();
            panic!("strace cannot attach ({ended}): {said}");
        }
        lines.find(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))?;
        Some(())
    });
    strace
}

/// The thread that writes the log of a sandbox, while its system calls are meddled with.
pub(crate) struct Meddled {
    strace: Child,
    /// Where strace writes.
    home: tempfile::TempDir,
}

impl Meddled {
    /// Begins; of what is injected, only calls that have to do with this path are, if there is one.
    pub(crate) fn with(sandbox: &Sandbox, inject: &str, path: Option<&Path>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let call = inject.split(':').next().unwrap();
        let (trace_calls, inject) = (format!("trace={call}"), format!("inject={inject}"));
        let mut how = vec!["-e", &trace_calls, "-e", &inject];
        how.extend(path.iter().flat_map(|path| ["-P", path.to_str().unwrap()]));
        Self {
            strace: follow(writer(sandbox), &home.path().join(TRACE), &how),
            home,
        }
    }

    /// How often it was meddled with so far.
    pub(crate) fn hits(&self) -> usize {
        let trace = std::fs::read_to_string(self.home.path().join(TRACE)).unwrap();
        let hits = trace
            .lines()
            .filter(|line| line.contains("INJECTED") || line.contains("DELAYED"));
        hits.count()
    }
}

impl Drop for Meddled {
    /// Lets the thread go.
    fn drop(&mut self) {
        leave(&mut self.strace);
    }
}

/// What strace writes, in a directory of its own.
const TRACE: &str = "trace";

/// Lets go what strace follows.
///
/// It is told again until it has ended: a signal that comes just before strace waits for something to
/// happen is noticed only when that does.
pub(crate) fn leave(strace: &mut Child) {
    loop_until(Duration::from_secs(20), || {
        if strace.try_wait().unwrap().is_some() {
            return Some(());
        }
        kill_process(Pid::from_child(strace), Signal::TERM).ok();
        None
    });
}

/// The number of the thread that writes the log.
fn writer(sandbox: &Sandbox) -> u32 {
    let tasks = format!("/proc/{}/task", sandbox.pid());
    let mut tasks = std::fs::read_dir(tasks)
        .unwrap()
        .map(|task| task.unwrap().path());
    let is_it = |task: &PathBuf| {
        let name = std::fs::read_to_string(task.join("comm")).unwrap_or_default();
        name == "evidence\n"
    };
    let task = tasks.find(is_it).unwrap();
    task.file_name().unwrap().to_str().unwrap().parse().unwrap()
}
