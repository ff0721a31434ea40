//! A real PostgreSQL of a test's own, with the views and the citizens that are asked about.

use std::time::Duration;

use postmaster::Postmaster;
use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls};

use super::rig::{Rig, citizen, site, world};
use super::suite::ASKED;
use crate::Site;
use crate::social_security::sim::json_row;

/// A server of its own, which ends with it.
pub(super) struct Cluster {
    pub(super) port: u16,
    pub(super) site: Site,
    _server: Postmaster,
}

impl Cluster {
    /// Starts one; none where PostgreSQL is not installed.
    pub(super) fn start() -> Option<Self> {
        let mut server = Postmaster::prepare().unwrap()?;
        let site = site(server.folder());
        certify(&site, &mut server);
        server.start().unwrap();
        Some(Self {
            port: server.port(),
            site,
            _server: server,
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

/// The password of every role.
pub(super) const PASSWORD: &str = postmaster::PASSWORD;

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
fn certify(site: &Site, server: &mut Postmaster) {
    let day = Duration::from_secs(86_400);
    let credential = site
        .authority
        .issue_server("Test", &["localhost"], day)
        .unwrap();
    let (certificate, key) = credential.save(server.folder(), "server").unwrap();
    for file in [&certificate, &key] {
        server.own(file).unwrap();
    }
    server.set("ssl=on");
    server.set(format!("ssl_cert_file={}", certificate.display()));
    server.set(format!("ssl_key_file={}", key.display()));
}
