//! The suite, and what only a database can show, against a real PostgreSQL that serves `view.sql`.

use std::path::Path;
use std::time::Duration;

use exchange::{Field, FieldSet, SourceState};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::cluster::{Cluster, PASSWORD};
use super::faults::until;
use super::rig::{Rig, everything, site};
use super::suite::{self, COMPLETE, SOMEBODY};
use crate::social_security::link::{Unanswered, rows};

async fn a_slow_statement_is_stopped(cluster: &Cluster, owner: &mut Client) {
    let (rig, watcher) = (cluster.rig(""), cluster.connect("owner").await);
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
    let watcher = cluster.connect("owner").await;
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
             password_file = 'password'\nca = '{}'\nlocal = true",
            cluster.port,
            ca.display()
        )
    };
    let ca = cluster.site.authority.certificate_file();
    let rig = Rig::of(&stanza(&ca), PASSWORD);
    rig.ask(COMPLETE, everything()).await.unwrap();
    // Names count by where they are found, and that is here, which must be said.
    let unsaid = stanza(&ca).replace("local = true", "");
    let rig = Rig::of(&unsaid, PASSWORD);
    let miss = rig.ask(COMPLETE, everything()).await.unwrap_err();
    assert_eq!(miss.reason, "ADDRESS_REFUSED");
    let stranger = tempfile::tempdir().unwrap();
    let ca = site(stranger.path()).authority.certificate_file();
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

async fn a_row_without_end_is_no_answer(cluster: &Cluster, owner: &Client) {
    let rig = cluster.rig("");
    let blow_up = "UPDATE kho.nguoi SET so_so_cu = repeat('0', 2000000) WHERE personal_id = $1";
    owner.execute(blow_up, &[&SOMEBODY]).await.unwrap();
    let miss = rig.ask(SOMEBODY, everything()).await.unwrap_err();
    assert_eq!(miss.reason, "TOO_LARGE");
}

async fn rows_without_end_are_no_answer(owner: &Client) {
    let many = "SELECT 1 FROM generate_series(1, $1::text::int)";
    let statement = owner.prepare_typed(many, &[Type::TEXT]).await.unwrap();
    assert_eq!(rows(owner, &statement, "1000").await.unwrap().len(), 1_000);
    let many = rows(owner, &statement, "1000000").await;
    assert!(matches!(many, Err(Unanswered::TooLarge)), "{many:?}");
}

async fn the_role_sees_the_views_alone(cluster: &Cluster, owner: &Client) {
    let rig = cluster.rig("");
    let gateway = cluster.connect("gateway").await;
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
    assert_eq!(
        (miss.state, miss.reason),
        (SourceState::InvalidAnswer, "SCHEMA")
    );
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
    a_row_without_end_is_no_answer(&cluster, &owner).await;
    rows_without_end_are_no_answer(&owner).await;
    the_role_sees_the_views_alone(&cluster, &owner).await;
    a_view_of_other_types_is_no_answer(&cluster, &owner).await;
}
