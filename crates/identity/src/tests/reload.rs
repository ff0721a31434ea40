//! What may take the place of the files in force, and what may not.

use super::*;
use crate::{CrlProblem, Error};

/// Puts something in the place of a file in force: the reload is refused, and what was in force
/// still admits a client.
async fn refused(world: &World, server: &ServerTls, spoil: impl FnOnce()) -> Error {
    let before = server.current();
    let client = world.client_of(&world.issue(DAY));
    spoil();
    let error = server.reload().unwrap_err();
    assert!(Arc::ptr_eq(&before, &server.current()));
    let (served, _) = connect(server.current(), client, "localhost").await;
    served.unwrap();
    error
}

#[tokio::test]
async fn a_new_certificate_serves_the_next_connection() {
    let world = World::new();
    let server = world.server();
    let before = server.lifetimes();
    let renewed = world.authority.issue_server("gateway", LOOPBACK, DAY * 120);
    renewed.unwrap().save(world.dir.path(), "server").unwrap();
    server.reload().unwrap();
    assert!(server.lifetimes().certificate_not_after > before.certificate_not_after);
    let client = world.client_of(&world.issue(DAY));
    let (served, called) = connect(server.current(), client, "127.0.0.1").await;
    served.unwrap();
    called.unwrap();
}

#[tokio::test]
async fn the_key_of_another_certificate_is_refused() {
    let world = World::new();
    let other = world.issue(DAY).key_pem();
    let error = refused(&world, &world.server(), || {
        fs::write(world.path("server.key"), other).unwrap();
    })
    .await;
    assert!(matches!(error, Error::KeyMismatch { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("server.key") && text.contains("server.pem"),
        "{text}"
    );
}

#[tokio::test]
async fn a_missing_or_empty_or_half_written_file_is_refused_by_name() {
    for name in ["server.pem", "server.key", "ca/ca.pem", "ca/ca.crl"] {
        let world = World::new();
        let (server, path) = (world.server(), world.path(name));
        let whole = read(&path);
        for part in ["", &whole[..whole.len() / 2]] {
            let error = refused(&world, &server, || fs::write(&path, part).unwrap()).await;
            assert!(matches!(error, Error::Pem { .. }), "{name}: {error:?}");
            assert!(error.to_string().contains(name), "{error}");
            fs::write(&path, &whole).unwrap();
        }
        fs::remove_file(&path).unwrap();
        let error = server.reload().unwrap_err();
        assert!(matches!(error, Error::Read { .. }), "{name}: {error:?}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn a_server_certificate_out_of_date_is_refused() {
    let world = World::new();
    let old = world.authority.issue_server("gateway", LOOPBACK, HOUR);
    world.clock.advance(HOUR);
    let error = refused(&world, &world.server(), || {
        old.unwrap().save(world.dir.path(), "server").unwrap();
    })
    .await;
    assert!(matches!(error, Error::Expired { .. }), "{error:?}");
}

#[tokio::test]
async fn a_list_of_another_authority_is_refused() {
    let world = World::new();
    let other = World::named("Another authority");
    let error = refused(&world, &world.server(), || {
        fs::copy(other.authority.crl_file(), world.authority.crl_file()).unwrap();
    })
    .await;
    let Error::CrlMissing { authority, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(authority, "CN=Lienthong test");
}

#[tokio::test]
async fn a_list_that_its_authority_has_not_signed_is_refused() {
    let world = World::new();
    let other = World::new();
    let error = refused(&world, &world.server(), || {
        fs::copy(other.authority.crl_file(), world.authority.crl_file()).unwrap();
    })
    .await;
    assert_eq!(problem(&error), Some(CrlProblem::Signature));
}

#[tokio::test]
async fn a_list_in_der_is_taken_and_a_half_of_it_is_not() {
    let world = World::new();
    let server = world.server();
    let path = world.authority.crl_file();
    let der = crate::files::crls(&path).unwrap().remove(0);
    fs::write(&path, &der).unwrap();
    server.reload().unwrap();
    let error = refused(&world, &server, || {
        fs::write(&path, &der[..der.len() / 2]).unwrap();
    })
    .await;
    assert_eq!(problem(&error), Some(CrlProblem::Damaged));
}

#[test]
fn a_list_out_of_date_is_refused() {
    let world = World::new();
    let renewed = world.authority.issue_server("gateway", LOOPBACK, DAY * 500);
    renewed.unwrap().save(world.dir.path(), "server").unwrap();
    let server = world.server();
    world.clock.advance(DAY * 365);
    let error = server.reload().unwrap_err();
    let end = world.clock.now();
    assert_eq!(problem(&error), Some(CrlProblem::Expired(end)));
    assert_eq!(server.lifetimes().crl_next_update, Some(end));
}

#[test]
fn without_lists_nothing_becomes_stale() {
    let world = World::new();
    let mut files = world.server_files();
    files.crls.clear();
    let server = ServerTls::load(&files, world.clock()).unwrap();
    assert_eq!(server.lifetimes().crl_next_update, None);
}

fn problem(error: &Error) -> Option<CrlProblem> {
    let Error::Crl { problem, .. } = error else {
        return None;
    };
    Some(*problem)
}
