//! A whole gateway in one line: the built program, run as `lienthong sandbox` in a directory of its
//! own, and ended by its process id.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A running sandbox.
#[derive(Debug)]
pub struct Sandbox {
    /// `sandbox.json`.
    pub description: Value,
    child: Child,
    dir: TempDir,
}

/// What a run of the program came to.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// What it printed.
    pub out: String,
    /// What it complained of.
    pub err: String,
}

impl Ran {
    /// The JSON it printed.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Sandbox {
    /// Starts a sandbox in a fresh directory.
    pub fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), &[])
    }

    /// Starts a sandbox with these variables of the environment.
    pub fn start_with(environment: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), environment)
    }

    /// Starts a sandbox with these settings of its log, as they stand in `[evidence]`.
    pub fn start_configured(evidence: &str) -> Self {
        Self::start_prepared(evidence, |_| ())
    }

    /// The same, in a directory that is prepared before.
    pub fn start_prepared(evidence: &str, prepare: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("sandbox");
        std::fs::create_dir(&place).unwrap();
        let text = format!("[evidence]\n{evidence}\n");
        std::fs::write(place.join("lienthong.toml"), text).unwrap();
        prepare(&place);
        Self::start_in(dir, &[])
    }

    /// The same with these arguments.
    pub fn start_prepared_as(arguments: &[&str], prepare: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("sandbox");
        std::fs::create_dir(&place).unwrap();
        prepare(&place);
        Self::run(dir, arguments, &[])
    }

    /// Starts a sandbox with these arguments.
    pub fn start_as(arguments: &[&str]) -> Self {
        Self::run(tempfile::tempdir().unwrap(), arguments, &[])
    }

    fn start_in(dir: TempDir, environment: &[(&str, &str)]) -> Self {
        Self::run(dir, &[], environment)
    }

    fn run(dir: TempDir, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let place = dir.path().join("sandbox");
        // A kill leaves the description of the run before.
        std::fs::remove_file(place.join("sandbox.json")).ok();
        let mut command = Command::new(program());
        let command = command
            .args(["sandbox", "--listen", "127.0.0.1:0", "--dir"])
            .arg(&place)
            .args(arguments)
            .envs(environment.iter().copied())
            .env("LIENTHONG_LOG", "info")
            .stdout(std::fs::File::create(dir.path().join("out")).unwrap())
            .stderr(std::fs::File::create(dir.path().join("err")).unwrap());
        let mut child = command.spawn().expect("the program is built");
        let description = loop_until(Duration::from_secs(60), || {
            assert!(child.try_wait().unwrap().is_none(), "{}", log(dir.path()));
            let text = std::fs::read(place.join("sandbox.json")).ok()?;
            serde_json::from_slice(&text).ok()
        });
        Self {
            description,
            child,
            dir,
        }
    }

    /// The directory of the sandbox.
    pub fn dir(&self) -> PathBuf {
        self.dir.path().join("sandbox")
    }

    /// A path of the description, such as `/log/dir`, below the directory.
    pub fn path(&self, pointer: &str) -> PathBuf {
        self.dir().join(self.text(pointer))
    }

    /// A text of the description.
    pub fn text(&self, pointer: &str) -> &str {
        let found = self.description.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("no {pointer}"))
    }

    /// What the sandbox has printed so far.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("out")).unwrap()
    }

    /// What the sandbox has logged so far.
    pub fn logged(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("err")).unwrap()
    }

    /// Runs `lienthong lookup` with these arguments against this sandbox.
    pub fn lookup(&self, arguments: &[&str]) -> Ran {
        let dir = self.dir().display().to_string();
        run(&[&["lookup", "--sandbox", &dir], arguments].concat())
    }

    /// Runs `lienthong audit verify` on the log, with receipts in a file if there is one.
    pub fn verify(&self, receipts: Option<&Path>) -> Ran {
        verify(&self.path("/log/dir"), receipts)
    }

    /// The certificate and the key of a caller.
    pub fn caller(&self, name: &str) -> (PathBuf, PathBuf) {
        let callers = self
            .description
            .pointer("/callers")
            .and_then(Value::as_array)
            .unwrap();
        let caller = callers
            .iter()
            .find(|caller| caller["name"] == name)
            .unwrap();
        let path = |key: &str| self.dir().join(caller[key].as_str().unwrap());
        (path("cert"), path("key"))
    }

    /// Ends the sandbox as Ctrl-C does, and returns its directory.
    pub fn interrupt(mut self) -> Stopped {
        self.signal(rustix::process::Signal::INT);
        let status = self.child.wait().unwrap();
        self.stopped(status.code())
    }

    /// Tells the sandbox to end, as a supervisor does.
    pub fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    /// Has the sandbox read its configuration again.
    pub fn hang_up(&self) {
        self.signal(rustix::process::Signal::HUP);
    }

    /// Waits until the sandbox ends by itself, and returns its directory.
    pub fn ended(mut self) -> Stopped {
        let status = self.child.wait().unwrap();
        self.stopped(status.code())
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the sandbox at once, as a power cut does.
    pub fn kill(mut self) -> Stopped {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.stopped(None)
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    fn stopped(mut self, code: Option<i32>) -> Stopped {
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        Stopped { code, dir }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// The directory of a sandbox that has ended.
#[derive(Debug)]
pub struct Stopped {
    /// Its exit code; none after a kill.
    pub code: Option<i32>,
    dir: TempDir,
}

impl Stopped {
    /// The directory of the sandbox.
    pub fn dir(&self) -> PathBuf {
        self.dir.path().join("sandbox")
    }

    /// What it has logged.
    pub fn logged(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("err")).unwrap()
    }

    /// Starts it again.
    pub fn restart(self) -> Sandbox {
        Sandbox::start_in(self.dir, &[])
    }
}

/// Runs the program.
pub fn run(arguments: &[&str]) -> Ran {
    let mut command = Command::new(program());
    ran(&command
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap())
}

/// Runs `lienthong audit verify` on a log.
pub fn verify(log: &Path, receipts: Option<&Path>) -> Ran {
    let log = log.display().to_string();
    let receipts = receipts.map(|file| file.display().to_string());
    let mut arguments = vec!["audit", "verify", &log];
    if let Some(file) = &receipts {
        arguments.extend(["--receipt", file]);
    }
    run(&arguments)
}

/// Runs a script in a shell.
pub fn shell(script: &str) -> Ran {
    let mut command = Command::new("bash");
    let command = command.args(["-ec", script]).stdin(Stdio::null());
    ran(&command.output().unwrap())
}

fn ran(output: &Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The program as it was built beside this test.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // A test stands a folder deeper than a program.
    let mut folders = test.ancestors().skip(1).take(2);
    let beside = folders.find_map(|folder| {
        let program = folder.join("lienthong");
        program.exists().then_some(program)
    });
    let program = beside.unwrap_or_default();
    assert!(
        program.exists(),
        "run the tests of the whole workspace: `lienthong` is not built beside {test:?}"
    );
    program
}

fn log(dir: &Path) -> String {
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap_or_default();
    format!("the sandbox ended: {}{}", read("out"), read("err"))
}

/// Looks every few milliseconds until there is something.
pub fn loop_until<T>(within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    #[expect(clippy::disallowed_methods, reason = "outside any runtime")]
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < within, "nothing within {within:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
