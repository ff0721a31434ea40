//! Keyring and index over both databases: one suite; then what only a server can show.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use postmaster::Postmaster;

use super::access::Access;
use super::postgres::Postgres;
use super::sql::{Database, Durability};
use super::sqlite::Sqlite;
use crate::Config;

mod batches;
mod request_ids;
mod secrets;
mod server;
pub(super) mod suite;

/// Opens one and the same database, again and again.
type Opens<'a> = &'a dyn Fn() -> Box<dyn Database>;

#[test]
fn sqlite_keeps_keyring_and_index() {
    for run in suite::ALL {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("any.db");
        run(&|| Box::new(Sqlite::open(&path, Durability::Full).unwrap()));
    }
}

/// A server for everything that is tested of one, since it takes a second or two to make.
#[test]
#[expect(clippy::print_stderr, reason = "a test that did not run says so")]
fn postgresql_keeps_keyring_index_and_lock_store() {
    let Some(mut server) = Postmaster::running().unwrap() else {
        eprintln!("no PostgreSQL here: set LIENTHONG_TEST_POSTGRES_BIN to the folder of initdb");
        return;
    };
    for (number, run) in suite::ALL.iter().enumerate() {
        let name = format!("suite_{number}");
        server.create(&name).unwrap();
        run(&|| open(&server, &name));
    }
    server::tables_are_made_once_by_many(&server);
    server::a_key_that_is_in_use_is_erased_when_the_change_is_over(&server);
    server::an_erasure_between_keys_and_index_leaves_no_mark(&server);
    server::a_statement_that_takes_too_long_ends(&server);
    server::the_nodes_have_one_master_key(&server);
    server::the_lock_store_is_replaced_by_one_of_two(&server);
    batches::several_nodes_keep_jobs_in_a_table(&server);
    request_ids::a_claim_is_seen_by_the_other_node(&server);
    request_ids::of_two_that_claim_at_once_one_is_granted(&server);
    request_ids::a_claim_of_a_node_that_is_gone_ends(&server);
    request_ids::old_rows_are_removed(&server);
    request_ids::of_too_many_rows_the_oldest_are_removed(&server);
    request_ids::without_the_server_nobody_waits(&mut server);
    server::a_password_goes_under_tls_alone(&mut server);
    server::what_was_lost_is_opened_anew(&mut server);
}

fn open(server: &Postmaster, name: &str) -> Box<dyn Database> {
    let dir = tempfile::tempdir().unwrap();
    let access = access(&config(dir.path(), server, name));
    let db = Postgres::open(&access, Durability::Full, super::databases::PATIENCE);
    Box::new(db.unwrap())
}

fn access(config: &Config) -> Access {
    Access::read(config).unwrap().unwrap()
}

/// The settings of a node with a database.
fn config(dir: &Path, server: &Postmaster, name: &str) -> Config {
    secret(dir, &server.address(name))
}

fn secret(dir: &Path, address: &str) -> Config {
    let file = dir.join("database");
    std::fs::write(&file, address).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    Config {
        database: Some(file),
        ..Config::new(dir.join("log"), "audit.gw.example/gw-1/2026h1", "gw-1")
    }
}
