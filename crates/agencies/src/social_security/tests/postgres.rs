//! The suite against a real PostgreSQL that serves `view.sql`, where one is installed.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use exchange::{Field, FieldSet, SourceState};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use super::faults::until;
use super::rig::{Rig, citizen, everything, site, world};
use super::suite::{self, ASKED, COMPLETE, SOMEBODY};
use crate::Site;
use crate::social_security::sim::json_row;

/// A server of its own, which ends with it.
struct Cluster {
    server: Child,
    port: u16,
    site: Site,
    _folder: TempDir,
}

impl Cluster {
    /// Starts one; none where PostgreSQL is not installed.
    fn start() -> Option<Self> {
        let programs = programs()?;
        let folder = tempfile::tempdir().unwrap();
        let owner = unprivileged();
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let (data, password) = (folder.path().join("data"), folder.path().join("password"));
        std::fs::write(&password, PASSWORD).unwrap();
        let made = command(&programs.join("initdb"), owner)
            .args(["-U", "owner", "-A", "scram-sha-256", "--no-sync", "-E", "UTF8"])
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
            .args(["-c", "shared_buffers=16MB", "-c", "lc_messages=C", "-c", "ssl=on"])
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

    /// A connection of the owner.
    async fn owner(&self) -> Client {
        let address = format!(
            "host=127.0.0.1 port={} user=owner password={PASSWORD} dbname=postgres",
            self.port
        );
        let (client, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        client
    }

    /// The views, the gateway's password, and the citizens that are asked about.
    async fn fill(&self) -> Client {
        let owner = self.owner().await;
        let view = include_str!("../view.sql");
        owner.batch_execute(view).await.unwrap();
        let password = format!("ALTER ROLE gateway PASSWORD '{PASSWORD}'");
        owner.batch_execute(&password).await.unwrap();
        for id in ASKED {
            insert(&owner, &json_row(&world(), &citizen(id)).unwrap()).await;
        }
        owner
    }

    fn rig(&self, keys: &str) -> Rig {
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

const PASSWORD: &str = "synthetic";

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
    let credential = site.authority.issue_server("Test", &["localhost"], day).unwrap();
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
    let packaged = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let packaged = packaged.flatten().map(|version| version.path().join("bin"));
    let folders = std::env::split_paths(&path).chain(packaged);
    named.or_else(|| folders.into_iter().find(|folder| folder.join("initdb").exists()))
}

/// The account for the server if this one is root, which it refuses to run as.
fn unprivileged() -> Option<(u32, u32)> {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
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

async fn a_slow_statement_is_stopped(cluster: &Cluster, owner: &mut Client) {
    let (rig, watcher) = (cluster.rig(""), cluster.owner().await);
    rig.ask(COMPLETE, everything()).await.unwrap();
    let lock = owner.transaction().await.unwrap();
    let exclusive = "LOCK TABLE kho.nguoi IN ACCESS EXCLUSIVE MODE";
    lock.batch_execute(exclusive).await.unwrap();
    let asking = rig.ask_within(Duration::from_millis(300), COMPLETE, everything());
    let miss = asking.await.unwrap_err();
    assert_eq!(miss.state, SourceState::Timeout);
    let waiting = "SELECT count(*) FROM pg_stat_activity \
                   WHERE usename = 'gateway' AND state = 'active'";
    until("the statement is stopped", async || {
        // Not within the transaction, which would see one snapshot all the time.
        let row = watcher.query_one(waiting, &[]).await.unwrap();
        row.get::<_, i64>(0) == 0
    })
    .await;
    lock.rollback().await.unwrap();
    rig.ask(COMPLETE, everything()).await.unwrap();
}

async fn a_statement_is_stopped_by_the_server(cluster: &Cluster, owner: &mut Client) {
    let rig = cluster.rig("statement_timeout_ms = 100");
    let lock = owner.transaction().await.unwrap();
    let exclusive = "LOCK TABLE kho.nguoi IN ACCESS EXCLUSIVE MODE";
    lock.batch_execute(exclusive).await.unwrap();
    let miss = rig.ask(COMPLETE, everything()).await.unwrap_err();
    assert_eq!(miss.detail, "SQLSTATE 57014");
    lock.rollback().await.unwrap();
}

async fn a_session_that_the_server_ends_is_renewed(cluster: &Cluster, owner: &mut Client) {
    let rig = cluster.rig("");
    let watcher = cluster.owner().await;
    let lock = owner.transaction().await.unwrap();
    let exclusive = "LOCK TABLE kho.nguoi IN ACCESS EXCLUSIVE MODE";
    lock.batch_execute(exclusive).await.unwrap();
    let ending = async {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE usename = 'gateway' AND wait_event_type = 'Lock'";
        until("somebody waits", async || {
            !watcher.query(end, &[]).await.unwrap().is_empty()
        })
        .await;
        lock.rollback().await.unwrap();
    };
    let (answer, ()) = tokio::join!(rig.ask(COMPLETE, everything()), ending);
    assert_eq!(answer.unwrap().attempts, 2);
}

async fn a_host_elsewhere_is_asked_over_tls(cluster: &Cluster) {
    // Two names in one url count as elsewhere; nobody listens at the first.
    let stanza = |ca: &Path| {
        format!(
            "url = 'postgres://localhost,localhost:{}/postgres'\nuser = 'gateway'\n\
             password_file = 'password'\nca = '{}'",
            cluster.port,
            ca.display()
        )
    };
    let ca = cluster.site.authority.certificate_file();
    let rig = Rig::of(&stanza(&ca), PASSWORD);
    rig.ask(COMPLETE, everything()).await.unwrap();
    let stranger = tempfile::tempdir().unwrap();
    let ca = site(&stranger).authority.certificate_file();
    let rig = Rig::of(&stanza(&ca), PASSWORD);
    let miss = rig.ask(COMPLETE, everything()).await.unwrap_err();
    assert_eq!(miss.reason, "UPSTREAM_TLS");
}

async fn two_people_under_one_number_are_ambiguous(cluster: &Cluster, owner: &Client) {
    let rig = cluster.rig("");
    let share = "UPDATE kho.nguoi SET previous_ids = '{999099000777}' WHERE personal_id = ANY($1)";
    let both = [COMPLETE, SOMEBODY];
    assert_eq!(owner.execute(share, &[&&both[..]]).await.unwrap(), 2);
    let miss = rig.ask("999099000777", everything()).await.unwrap_err();
    assert_eq!(miss.state, SourceState::Ambiguous);
}

async fn the_role_sees_the_views_alone(cluster: &Cluster, owner: &Client) {
    let rig = cluster.rig("");
    let address = format!(
        "host=127.0.0.1 port={} user=gateway password={PASSWORD} dbname=postgres",
        cluster.port
    );
    let (gateway, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    for sql in ["SELECT 1 FROM kho.nguoi", "DELETE FROM lienthong.person_v1"] {
        assert!(gateway.batch_execute(sql).await.is_err(), "{sql}");
    }
    let columns = "REVOKE SELECT ON lienthong.person_v1 FROM gateway; GRANT SELECT \
                   (personal_id, previous_ids, as_of, gioi_tinh) ON lienthong.person_v1 TO gateway";
    owner.batch_execute(columns).await.unwrap();
    let sex = FieldSet::from_iter([Field::SocialSecuritySex]);
    rig.ask(COMPLETE, sex).await.unwrap();
    let miss = rig.ask(COMPLETE, everything()).await.unwrap_err();
    assert_eq!(miss.reason, "PERMISSION");
    let all = "GRANT SELECT ON lienthong.person_v1 TO gateway";
    owner.batch_execute(all).await.unwrap();
}

async fn a_view_of_other_types_is_no_answer(cluster: &Cluster, owner: &Client) {
    let rig = cluster.rig("");
    let sex = FieldSet::from_iter([Field::SocialSecuritySex]);
    rig.ask(COMPLETE, sex).await.unwrap();
    let replace = "DROP VIEW lienthong.person_v1; CREATE VIEW lienthong.person_v1 AS SELECT \
                   personal_id, previous_ids, as_of, gioi_tinh::text AS gioi_tinh FROM kho.nguoi; \
                   GRANT SELECT ON lienthong.person_v1 TO gateway";
    owner.batch_execute(replace).await.unwrap();
    let miss = rig.ask(COMPLETE, sex).await.unwrap_err();
    assert_eq!((miss.reason, miss.attempts), ("COLUMN_TYPE", 2));
    let miss = rig.ask(COMPLETE, everything()).await.unwrap_err();
    assert_eq!((miss.state, miss.reason), (SourceState::InvalidAnswer, "SCHEMA"));
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a test that did not run says so")]
async fn a_real_postgresql_answers_as_the_simulator_does() {
    let Some(cluster) = Cluster::start() else {
        eprintln!("no PostgreSQL here: set LIENTHONG_TEST_POSTGRES_BIN to the folder of initdb");
        return;
    };
    let mut owner = cluster.fill().await;
    suite::run(&cluster.rig("")).await;
    a_slow_statement_is_stopped(&cluster, &mut owner).await;
    a_statement_is_stopped_by_the_server(&cluster, &mut owner).await;
    a_session_that_the_server_ends_is_renewed(&cluster, &mut owner).await;
    a_host_elsewhere_is_asked_over_tls(&cluster).await;
    two_people_under_one_number_are_ambiguous(&cluster, &owner).await;
    the_role_sees_the_views_alone(&cluster, &owner).await;
    a_view_of_other_types_is_no_answer(&cluster, &owner).await;
}
