//! A real PostgreSQL of a test's own, with the views and the citizens that are asked about.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use super::rig::{Rig, citizen, site, world};
use super::suite::ASKED;
use crate::Site;
use crate::social_security::sim::json_row;

/// A server of its own, which ends with it.
pub(super) struct Cluster {
    server: Child,
    pub(super) port: u16,
    pub(super) site: Site,
    _folder: TempDir,
}

impl Cluster {
    /// Starts one; none where PostgreSQL is not installed.
    pub(super) fn start() -> Option<Self> {
        let programs = programs()?;
        let folder = tempfile::tempdir().unwrap();
        let owner = unprivileged();
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let (data, password) = (folder.path().join("data"), folder.path().join("password"));
        std::fs::write(&password, PASSWORD).unwrap();
        let made = command(&programs.join("initdb"), owner)
            .args(["-U", "owner", "-A", "scram-sha-256", "-E", "UTF8"])
            .arg("--no-sync")
            .args(["--locale=C", "--pwfile"])
            .arg(&password)
            .arg("-D")
            .arg(&data)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success());
        let site = site(&folder);
        let (certificate, key) = certify(&site, folder.path(), owner);
        let port = free_port();
        let mut server = command(&programs.join("postgres"), owner)
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories=", "-c", "fsync=off"])
            .args(["-c", "shared_buffers=16MB", "-c", "lc_messages=C"])
            .args(["-c", "ssl=on"])
            .args(["-c", &format!("ssl_cert_file={}", certificate.display())])
            .args(["-c", &format!("ssl_key_file={}", key.display())])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
        let mut said = String::new();
        while !said.contains("ready to accept connections") {
            let line = lines.next().unwrap_or_else(|| panic!("no server: {said}"));
            said.push_str(&line.unwrap());
        }
        // The rest is read by somebody, or the server would block on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self {
            server,
            port,
            site,
            _folder: folder,
        })
    }

    /// A connection of a role.
    pub(super) async fn connect(&self, role: &str) -> Client {
        let address = format!(
            "host=127.0.0.1 port={} user={role} password={PASSWORD} dbname=postgres",
            self.port
        );
        let (client, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        client
    }

    /// The views, the gateway's password, and the citizens that are asked about.
    pub(super) async fn fill(&self) -> Client {
        let owner = self.connect("owner").await;
        let view = include_str!("../view.sql");
        owner.batch_execute(view).await.unwrap();
        let password = format!("ALTER ROLE gateway PASSWORD '{PASSWORD}'");
        owner.batch_execute(&password).await.unwrap();
        for id in ASKED {
            insert(&owner, &json_row(&world(), &citizen(id)).unwrap()).await;
        }
        owner
    }

    pub(super) fn rig(&self, keys: &str) -> Rig {
        let port = self.port;
        let stanza = format!(
            "url = 'postgres://127.0.0.1:{port}/postgres'\nuser = 'gateway'\n\
             password_file = 'password'\n{keys}"
        );
        Rig::of(&stanza, PASSWORD)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A fast shutdown, so that the server gives back its shared memory.
        let pid = self.server.id().to_string();
        let asked = Command::new("kill").args(["-INT", &pid]).status();
        if !asked.is_ok_and(|status| status.success()) {
            drop(self.server.kill());
        }
        drop(self.server.wait());
    }
}

/// The password of every role.
pub(super) const PASSWORD: &str = "synthetic";

/// One person: the row of `kho.nguoi`, then the rows of each list.
async fn insert(owner: &Client, row: &Value) {
    let id = row["personal_id"].as_str().unwrap();
    let mut person = row.clone();
    person["as_of"] = json!("2026-10-01T08:00:00+07:00");
    let sql = "INSERT INTO kho.nguoi SELECT * FROM json_populate_record(NULL::kho.nguoi, $1)";
    owner.execute(sql, &[&person]).await.unwrap();
    for list in ["qua_trinh", "che_do", "the_bhyt", "tro_giup", "ho_ngheo"] {
        let mut rows = row[list].clone();
        for row in rows.as_array_mut().into_iter().flatten() {
            row["personal_id"] = json!(id);
        }
        let sql = format!(
            "INSERT INTO kho.{list} SELECT * FROM json_populate_recordset(NULL::kho.{list}, $1)"
        );
        if rows.is_array() {
            owner.execute(&sql, &[&rows]).await.unwrap();
        }
    }
}

/// A certificate of the server, and its key, which the server insists on owning.
fn certify(site: &Site, folder: &Path, owner: Option<(u32, u32)>) -> (PathBuf, PathBuf) {
    let day = Duration::from_secs(86_400);
    let credential = site
        .authority
        .issue_server("Test", &["localhost"], day)
        .unwrap();
    let (certificate, key) = credential.save(folder, "server").unwrap();
    if let Some((user, group)) = owner {
        chown(&certificate, Some(user), Some(group)).unwrap();
        chown(&key, Some(user), Some(group)).unwrap();
    }
    (certificate, key)
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// The folder of `initdb` and `postgres`.
fn programs() -> Option<PathBuf> {
    let named = std::env::var_os("LIENTHONG_TEST_POSTGRES_BIN").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let packaged = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let packaged = packaged.flatten().map(|version| version.path().join("bin"));
    let folders = std::env::split_paths(&path).chain(packaged);
    named.or_else(|| {
        folders
            .into_iter()
            .find(|folder| folder.join("initdb").exists())
    })
}

/// The account for the server if this one is root, which it refuses to run as.
fn unprivileged() -> Option<(u32, u32)> {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let line = accounts
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut parts = line.split(':').skip(2).map(|part| part.parse().ok());
        Some((parts.next()??, parts.next()??))
    };
    Some(find("postgres").or_else(|| find("nobody")).unwrap())
}

fn command(program: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command.current_dir("/");
    command
}
