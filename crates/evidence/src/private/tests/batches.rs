//! Batch jobs over PostgreSQL.

use postmaster::Postmaster;
use tokio::runtime::Builder;

use super::config;
use crate::private::batches::tests::suite;

pub(super) fn several_nodes_keep_jobs_in_a_table(server: &Postmaster) {
    server.create("batches").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(suite(&config(dir.path(), server, "batches")));
}
