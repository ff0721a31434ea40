//! A Redis or Valkey of a test's own, which ends with it.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::{free_port, loop_until};

/// A server that keeps nothing on disk; it is killed when this is dropped.
#[derive(Debug)]
pub struct Redis {
    folder: TempDir,
    port: u16,
    server: Option<Child>,
}

impl Redis {
    /// A server that runs, on a port of its own.
    pub fn running() -> Self {
        let mut made = Self {
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
            server: None,
        };
        made.start();
        made
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Starts it, empty, also again.
    pub fn start(&mut self) {
        let server = ["redis-server", "valkey-server"]
            .into_iter()
            .find_map(|name| {
                let mut command = Command::new(name);
                command
                    .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
                    .args(["--port", &self.port.to_string(), "--dir"])
                    .arg(self.folder.path())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null());
                command.spawn().ok()
            });
        self.server = Some(server.expect("redis-server or valkey-server is installed"));
        let port = self.port;
        loop_until(Duration::from_secs(20), || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
    }

    /// Ends it as a crash does.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().ok();
            server.wait().ok();
        }
    }
}
