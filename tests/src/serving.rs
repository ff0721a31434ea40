//! The built program, run as `lienthong serve` on the directory of a sandbox that has ended.

use std::fs::File;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::{loop_until, program};

/// A gateway that serves; it is killed when this is dropped.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    log: PathBuf,
}

impl Serving {
    /// Starts it, and waits until it is ready.
    pub fn start(dir: &Path) -> Self {
        Self::of(&dir.join("lienthong.toml"))
    }

    /// Starts the gateway of a configuration file, and waits until it is ready. What it says goes
    /// beside that file.
    pub fn of(config: &Path) -> Self {
        Self::run(serve(config), config)
    }

    /// The same with these variables in its environment.
    pub fn told(config: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = serve(config);
        command.envs(variables.iter().copied());
        Self::run(command, config)
    }

    /// Starts the gateway of a configuration file with a socket that a supervisor keeps, as systemd
    /// hands it over.
    pub fn handed(config: &Path, socket: &TcpListener) -> Self {
        let script =
            "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" serve --config \"$1\"";
        let mut command = Command::new("bash");
        command.args(["-c", script]).arg(program()).arg(config);
        command.stdin(OwnedFd::from(socket.try_clone().unwrap()));
        Self::run(command, config)
    }

    fn run(mut command: Command, config: &Path) -> Self {
        let (out, log) = (config.with_extension("out"), config.with_extension("err"));
        let mut child = command
            .env("LIENTHONG_LOG", "info")
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .expect("the program is built");
        loop_until(Duration::from_secs(30), || {
            let said = std::fs::read_to_string(&log).unwrap();
            assert!(child.try_wait().unwrap().is_none(), "{said}");
            let text = std::fs::read_to_string(&out).ok()?;
            text.contains("ready https://localhost:").then_some(())
        });
        Self { child, log }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// True until it has ended.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_none())
    }

    /// Waits until it has logged that.
    pub fn logs(&self, what: &str) {
        loop_until(Duration::from_secs(30), || {
            let logged = std::fs::read_to_string(&self.log).unwrap();
            logged.contains(what).then_some(())
        });
    }

    /// Ends it as a supervisor does; true if it ended well.
    pub fn terminate(mut self) -> bool {
        self.signal(Signal::TERM);
        self.child.wait().unwrap().success()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if self.runs() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

fn serve(config: &Path) -> Command {
    let mut command = Command::new(program());
    command.args(["serve", "--config"]).arg(config);
    command
}
