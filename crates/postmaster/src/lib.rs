//! A PostgreSQL server of a test's own, which ends with it. For tests alone.
//!
//! Scope: its programs are found, its data lie in a folder that goes with it, it listens on a port
//! of this machine, and can be stopped and started again. Not here: any client, and what stands in
//! its databases.

mod programs;

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use programs::Account;

/// The role that may do everything.
pub const OWNER: &str = "owner";
/// The password of that role.
pub const PASSWORD: &str = "synthetic";

/// A server and its data; it is stopped when this is dropped.
#[derive(Debug)]
pub struct Postmaster {
    programs: PathBuf,
    account: Option<Account>,
    folder: TempDir,
    settings: Vec<String>,
    port: u16,
    server: Option<Child>,
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Whoever is connected is told, and what was done is written.
    Fast,
    /// As a crash.
    Immediate,
}

impl Postmaster {
    /// Makes the data of a server that is not started yet; none where PostgreSQL is not installed.
    ///
    /// # Errors
    /// A program or file cannot be used.
    pub fn prepare() -> io::Result<Option<Self>> {
        let Some(programs) = programs::find() else {
            return Ok(None);
        };
        let made = Self {
            programs,
            account: programs::account()?,
            folder: tempfile::tempdir()?,
            settings: Vec::new(),
            port: free_port()?,
            server: None,
        };
        made.own(made.folder())?;
        let password = made.folder().join("password");
        fs::write(&password, PASSWORD)?;
        let status = made
            .command("initdb")
            .args(["-U", OWNER, "-A", "scram-sha-256", "-E", "UTF8"])
            .args(["--no-sync", "--locale=C", "--pwfile"])
            .arg(&password)
            .stdout(Stdio::null())
            .status()?;
        match status.success() {
            true => Ok(Some(made)),
            false => Err(io::Error::other("initdb failed")),
        }
    }

    /// A server that runs; none where PostgreSQL is not installed.
    ///
    /// # Errors
    /// As [`Postmaster::prepare`] and [`Postmaster::start`].
    pub fn running() -> io::Result<Option<Self>> {
        let mut made = Self::prepare()?;
        if let Some(server) = &mut made {
            server.start()?;
        }
        Ok(made)
    }

    /// Its folder, for files that it is to read.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file with what the server says once it runs.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder().join("log")
    }

    /// Gives a file to the account that the server runs as.
    ///
    /// # Errors
    /// The owner of the file cannot be changed.
    pub fn own(&self, path: &Path) -> io::Result<()> {
        self.account.map_or(Ok(()), |account| {
            chown(path, Some(account.user), Some(account.group))
        })
    }

    /// Makes a setting such as `ssl=on`, from the next start on.
    pub fn set(&mut self, setting: impl Into<String>) {
        self.settings.push(setting.into());
    }

    /// The port on `127.0.0.1`.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The connection string of the owner for a database.
    #[must_use]
    pub fn address(&self, database: &str) -> String {
        let port = self.port;
        format!("postgres://{OWNER}:{PASSWORD}@127.0.0.1:{port}/{database}")
    }

    /// Makes a database; it must run.
    ///
    /// # Errors
    /// The server refuses.
    pub fn create(&self, database: &str) -> io::Result<()> {
        let status = Command::new(self.programs.join("createdb"))
            .args(["-h", "127.0.0.1", "-U", OWNER, "-p"])
            .args([&self.port.to_string(), database])
            .env("PGPASSWORD", PASSWORD)
            .status()?;
        match status.success() {
            true => Ok(()),
            false => Err(io::Error::other("createdb failed")),
        }
    }

    /// Starts it, also again, and waits until it takes connections.
    ///
    /// # Errors
    /// It does not start, with what it said.
    pub fn start(&mut self) -> io::Result<()> {
        let mut command = self.command("postgres");
        command
            .args(["-p", &self.port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories=", "-c", "fsync=off"])
            .args(["-c", "shared_buffers=16MB", "-c", "lc_messages=C"]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let mut server = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let errors = server.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        self.server = Some(server);
        let mut lines = BufReader::new(errors).lines();
        let mut said = String::new();
        while !said.contains("ready to accept connections") {
            let Some(line) = lines.next() else {
                return Err(io::Error::other(said));
            };
            said.push_str(&line?);
        }
        // The rest is read by somebody, or the server would block on a full pipe.
        let mut log = File::options().append(true).create(true).open(self.log())?;
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // Of a folder that is gone nobody reads it.
                writeln!(log, "{line}").ok();
            }
        });
        Ok(())
    }

    /// Stops it and waits for its end; its data stay.
    ///
    /// # Errors
    /// It cannot be told, or waited for.
    pub fn stop(&mut self, how: Stop) -> io::Result<()> {
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        let signal = match how {
            Stop::Fast => Signal::INT,
            Stop::Immediate => Signal::QUIT,
        };
        kill_process(Pid::from_child(&server), signal)?;
        server.wait().map(drop)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.arg("-D").arg(self.folder().join("data"));
        if let Some(account) = self.account {
            account.runs(&mut command);
        }
        command.current_dir("/");
        command
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        // It gives back its shared memory; if it cannot be told, nothing else helps either.
        drop(self.stop(Stop::Fast));
    }
}

/// A port that nobody listens on.
fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.port())
}
