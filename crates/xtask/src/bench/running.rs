//! A process of the bench, ended when it is dropped.
//!
//! Each is started through `bench pin`, which binds its life to this process: what an interrupt or
//! a kill leaves no time to drop, the kernel ends.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::cores;

/// A process that runs.
#[derive(Debug)]
pub(super) struct Running {
    name: &'static str,
    child: Child,
    out: PathBuf,
    /// Reads what it logs; until it has ended.
    log: Option<JoinHandle<Vec<u8>>>,
}

/// A command to run through `bench pin` on these cores.
pub(super) fn pinned(bench: &Path, cores: &[usize], program: &Path) -> Command {
    let mut command = Command::new(bench);
    command
        .args(["pin", "--cores", &cores::list(cores), "--"])
        .arg(program);
    command.stdin(Stdio::null());
    command
}

impl Running {
    /// Starts a process; what it prints goes to `<name>.out` in the folder, and when it has ended
    /// the end of its log to `<name>.log`. Until then the log stays off the disk, whose syncs are
    /// being measured.
    pub(super) fn start(name: &'static str, command: &mut Command, logs: &Path) -> Result<Self> {
        let out = logs.join(name).with_extension("out");
        let child = command
            .stdout(File::create(&out)?)
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.with_context(|| format!("{name} does not start"))?;
        let log = child.stderr.take();
        let log = log.map(|log| thread::spawn(move || read_end(log)));
        Ok(Self {
            name,
            child,
            out,
            log,
        })
    }

    /// The id of the process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the process says `ready <url>`, and returns the url.
    pub(super) fn ready(&mut self) -> Result<String> {
        self.wait_for(|out| {
            let printed = std::fs::read_to_string(out).unwrap_or_default();
            // A line that has no end yet is not all there.
            let whole = printed.rsplit_once('\n')?.0;
            let url = whole.lines().find_map(|line| line.strip_prefix("ready "));
            url.map(str::to_owned)
        })
    }

    /// Waits until a file is there.
    pub(super) fn wait_for_file(&mut self, file: &Path) -> Result<()> {
        self.wait_for(|_| file.exists().then_some(()))
    }

    fn wait_for<T>(&mut self, look: impl Fn(&Path) -> Option<T>) -> Result<T> {
        for _ in 0..PATIENCE.as_millis() / STEP.as_millis() {
            if let Some(found) = look(&self.out) {
                return Ok(found);
            }
            if let Some(status) = self.child.try_wait()? {
                let last_words = self.last_words();
                bail!("{} ended early ({status}): {last_words}", self.name);
            }
            sleep(STEP);
        }
        bail!("{} is not ready after {PATIENCE:?}", self.name)
    }

    /// Waits for the process to end by itself; what it printed.
    pub(super) fn output(mut self) -> Result<String> {
        let status = self.child.wait()?;
        if !status.success() {
            let last_words = self.last_words();
            bail!("{} failed ({status}): {last_words}", self.name);
        }
        Ok(std::fs::read_to_string(&self.out)?)
    }

    /// Tells the process to end; what it printed.
    pub(super) fn end(mut self) -> Result<String> {
        self.terminate();
        Ok(std::fs::read_to_string(&self.out)?)
    }

    fn terminate(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let ended = matches!(self.child.try_wait(), Ok(Some(_)));
        if !ended && pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok()) {
            for _ in 0..GRACE.as_millis() / STEP.as_millis() {
                if matches!(self.child.try_wait(), Ok(Some(_))) {
                    return;
                }
                sleep(STEP);
            }
        }
        // Ended already, or deaf: both calls may fail, and there is nothing left to do.
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// The last line of its log, once it has ended.
    fn last_words(&mut self) -> String {
        let log = self.keep_log();
        let log = String::from_utf8_lossy(&log);
        log.lines().last().unwrap_or("it said nothing").to_owned()
    }

    /// Writes the end of its log to the disk, once it has ended.
    fn keep_log(&mut self) -> Vec<u8> {
        let Some(log) = self.log.take() else {
            return Vec::new();
        };
        let log = log.join().unwrap_or_default();
        // The log helps whoever looks for a fault; without it the measurement is as good.
        std::fs::write(self.out.with_extension("log"), &log).ok();
        log
    }
}

/// Reads to the end; what came last.
fn read_end(mut log: impl Read) -> Vec<u8> {
    let (mut end, mut chunk) = (Vec::new(), vec![0; LOG_KEPT]);
    while let Ok(read @ 1..) = log.read(&mut chunk) {
        end.extend_from_slice(chunk.get(..read).unwrap_or_default());
        end.drain(..end.len().saturating_sub(LOG_KEPT));
    }
    end
}

impl Drop for Running {
    fn drop(&mut self) {
        self.terminate();
        self.keep_log();
    }
}

/// Runs a program to its end on these cores; what it printed.
pub(super) fn run(
    name: &'static str,
    command: &mut Command,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    logs: &Path,
) -> Result<String> {
    Running::start(name, command.args(arguments), logs)?.output()
}

/// How many bytes of a log are kept.
const LOG_KEPT: usize = 64 << 10;

/// How often is looked.
const STEP: Duration = Duration::from_millis(10);

/// How long a process may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long it may take to end.
const GRACE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, logs: &Path) -> Running {
        Running::start("shell", Command::new("sh").args(["-c", script]), logs).unwrap()
    }

    #[test]
    fn a_process_is_waited_for_and_ended_by_its_id() {
        let logs = tempfile::tempdir().unwrap();
        let mut shell = shell(
            "echo ready https://localhost:1; exec sleep 600",
            logs.path(),
        );
        assert_eq!(shell.ready().unwrap(), "https://localhost:1");
        let process = PathBuf::from(format!("/proc/{}", shell.pid()));
        assert!(process.exists());
        drop(shell);
        assert!(!process.exists());
    }

    #[test]
    fn a_process_that_ends_early_is_quoted() {
        let logs = tempfile::tempdir().unwrap();
        let mut shell = shell("echo no key >&2; exit 3", logs.path());
        let error = shell.ready().unwrap_err().to_string();
        assert!(error.starts_with("shell ended early"), "{error}");
        assert!(error.ends_with("no key"), "{error}");
    }

    #[test]
    fn of_a_log_the_end_is_kept() {
        let logs = tempfile::tempdir().unwrap();
        drop(shell("seq 100000 >&2", logs.path()).output().unwrap());
        let log = std::fs::read_to_string(logs.path().join("shell.log")).unwrap();
        assert_eq!(log.len(), LOG_KEPT);
        assert!(log.ends_with("99999\n100000\n"));
    }
}
