//! Whom a client of ours believes: the gateway towards an agency.

use rustls::version::TLS12;

use super::*;
use crate::{Error, files, tls};

fn client(world: &World, versions: TlsVersions) -> Arc<ClientConfig> {
    let identity = world.issue(DAY).save(world.dir.path(), "out").unwrap();
    let files = ClientFiles {
        ca: world.authority.certificate_file(),
        identity: Some(identity),
        versions,
    };
    let tls = ClientTls::load(&files, world.clock()).unwrap();
    tls.config(&[crate::ALPN_HTTP11])
}

/// An agency that has nothing newer than TLS 1.2.
fn old_agency(world: &World) -> Arc<ServerConfig> {
    let time = Arc::new(tls::TlsClock(world.clock()));
    let config = ServerConfig::builder_with_details(tls::provider(), time)
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            files::certificates(&world.path("server.pem")).unwrap(),
            files::key(&world.path("server.key")).unwrap(),
        );
    Arc::new(config.unwrap())
}

#[tokio::test]
async fn an_agency_with_a_certificate_of_its_own_is_called() {
    let world = World::new();
    let (agency, system) = tax_web();
    let issued = world
        .authority
        .issue_agency_server(&agency, &system, &["tax.localhost"], DAY);
    issued.unwrap().save(world.dir.path(), "server").unwrap();
    let server = world.server().current();
    let client = client(&world, TlsVersions::Tls13);
    let (served, called) = connect(server, client, "tax.localhost").await;
    called.unwrap();
    assert_eq!(served.unwrap().alpn.as_deref(), Some(crate::ALPN_HTTP11));
}

#[tokio::test]
async fn a_server_of_another_name_or_authority_or_time_is_not_believed() {
    let world = World::new();
    let server = world.server().current();
    let own = client(&world, TlsVersions::Tls13);
    for host in ["localhost", "127.0.0.1", "::1"] {
        let (_, called) = connect(server.clone(), own.clone(), host).await;
        called.unwrap();
    }
    let (_, called) = connect(server.clone(), own.clone(), "other.example").await;
    assert!(called.is_err());
    let stranger = client(&World::named("Another authority"), TlsVersions::Tls13);
    let (_, called) = connect(server.clone(), stranger, "localhost").await;
    assert!(called.is_err());
    world.clock.advance(DAY * 91);
    let (_, called) = connect(server, own, "localhost").await;
    assert!(called.is_err());
}

#[tokio::test]
async fn tls_1_2_is_spoken_only_where_it_is_allowed() {
    let world = World::new();
    let strict = client(&world, TlsVersions::Tls13);
    let (_, called) = connect(old_agency(&world), strict, "localhost").await;
    assert!(called.is_err());
    let lenient = client(&world, TlsVersions::Tls12Aead);
    let (served, called) = connect(old_agency(&world), lenient, "localhost").await;
    called.unwrap();
    assert_eq!(served.unwrap().version, Some(ProtocolVersion::TLSv1_2));
}

#[test]
fn the_key_of_another_certificate_is_refused() {
    let world = World::new();
    let (certificate, _) = world.issue(DAY).save(world.dir.path(), "one").unwrap();
    let (_, key) = world.issue(DAY).save(world.dir.path(), "two").unwrap();
    let files = ClientFiles {
        ca: world.authority.certificate_file(),
        identity: Some((certificate, key)),
        versions: TlsVersions::Tls13,
    };
    let error = ClientTls::load(&files, world.clock()).unwrap_err();
    assert!(matches!(error, Error::KeyMismatch { .. }), "{error:?}");
}
