//! Who gets through the door of the agencies' listener, and what is counted of those who do not.

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::client::Resumption;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};

use super::*;
use crate::{CallerIdentity, Why, tls, why};

/// A client whose certificate the world's authority signs as it stands.
fn spoilt(world: &World, params: &CertificateParams) -> Arc<ClientConfig> {
    let authority_key = KeyPair::from_pem(&read(&world.path("ca/ca.key"))).unwrap();
    let authority = read(&world.authority.certificate_file());
    let issuer = Issuer::from_ca_cert_pem(&authority, authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    world.client(Some((&certificate.pem(), &key.serialize_pem())))
}

fn self_signed(world: &World, params: &CertificateParams) -> Arc<ClientConfig> {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    world.client(Some((&certificate.pem(), &key.serialize_pem())))
}

#[tokio::test]
async fn a_client_of_our_authority_is_served_and_named() {
    let world = World::new();
    let client = world.client_of(&world.issue(DAY));
    let served = served(&world.server(), client).await;
    assert_eq!(served.version, Some(ProtocolVersion::TLSv1_3));
    assert_eq!(served.group, Some(NamedGroup::X25519MLKEM768));
    assert_eq!(served.alpn.as_deref(), Some(crate::ALPN_H2));
    let identity = CallerIdentity::from_certificate(&served.chain[0], &domain()).unwrap();
    assert_eq!(identity.caller.agency().as_str(), "G18");
    assert_eq!(identity.caller.system().as_str(), "tax-web");
    assert_eq!(identity.not_after.to_string(), "2026-11-21T08:00:00Z");
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let world = World::new();
    let label = refused(&world.server(), world.client(None)).await;
    assert_eq!(label, Why::NoCertificate);
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused() {
    let world = World::new();
    let mut params = leaf(&world);
    let label = refused(&world.server(), self_signed(&world, &params)).await;
    assert_eq!(label, Why::UnknownCa);
    // As the usual tools make them: an authority of its own.
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let label = refused(&world.server(), self_signed(&world, &params)).await;
    assert_eq!(label, Why::UnknownCa);
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused_even_under_the_same_name() {
    let world = World::new();
    for name in ["Another authority", "Lienthong test"] {
        let other = World::named(name).issue(DAY);
        let label = refused(&world.server(), world.client_of(&other)).await;
        assert_eq!(label, Why::UnknownCa, "{name}");
    }
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let world = World::new();
    let (server, credential) = (world.server(), world.issue(HOUR));
    world.clock.advance(HOUR * 2);
    let label = refused(&server, world.client_of(&credential)).await;
    assert_eq!(label, Why::Expired);
}

#[tokio::test]
async fn a_certificate_that_is_not_yet_valid_is_refused() {
    let world = World::new();
    world.clock.advance(DAY);
    let credential = world.issue(DAY);
    world.clock.back(DAY);
    let label = refused(&world.server(), world.client_of(&credential)).await;
    assert_eq!(label, Why::NotYetValid);
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_after_a_reload_and_its_neighbour_is_not() {
    let world = World::new();
    let (server, bad, good) = (world.server(), world.issue(DAY), world.issue(DAY));
    let open = served(&server, world.client_of(&bad)).await;
    let (file, _) = bad.save(world.dir.path(), "bad").unwrap();
    world.authority.revoke_file(&file).unwrap();
    server.verify_client(&open.chain).unwrap();
    server.reload().unwrap();
    let label = refused(&server, world.client_of(&bad)).await;
    assert_eq!(label, Why::Revoked);
    let open = server.verify_client(&open.chain).unwrap_err();
    assert_eq!(Why::from(&open), Why::Revoked);
    served(&server, world.client_of(&good)).await;
}

#[tokio::test]
async fn a_stale_revocation_list_refuses_everybody_until_it_is_renewed() {
    let world = World::new();
    let server = world.server();
    world.clock.advance(DAY * 366);
    let credential = world.authority.issue_server("gateway", LOOPBACK, DAY);
    credential
        .unwrap()
        .save(world.dir.path(), "server")
        .unwrap();
    let mut files = world.server_files();
    files.crls.clear();
    let fresh = ServerTls::load(&files, world.clock()).unwrap();
    let client = world.client_of(&world.issue(DAY));
    let open = served(&fresh, client.clone()).await;
    let stale = server.verify_client(&open.chain).unwrap_err();
    assert_eq!(Why::from(&stale), Why::Crl);
    world.authority.renew_crl().unwrap();
    server.reload().unwrap();
    served(&server, client).await;
}

#[tokio::test]
async fn a_certificate_that_is_not_for_clients_is_refused() {
    let world = World::new();
    let server = world.server();
    let mut params = leaf(&world);
    served(&server, spoilt(&world, &params)).await;
    let purposes: [&[ExtendedKeyUsagePurpose]; 3] = [
        &[],
        &[ExtendedKeyUsagePurpose::ServerAuth],
        &[ExtendedKeyUsagePurpose::Any],
    ];
    for wrong in purposes {
        params.extended_key_usages = wrong.to_vec();
        let label = refused(&server, spoilt(&world, &params)).await;
        assert_eq!(label, Why::Eku, "{wrong:?}");
    }
}

#[tokio::test]
async fn an_authority_in_the_place_of_a_client_is_refused() {
    let world = World::new();
    let mut params = leaf(&world);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let label = refused(&world.server(), spoilt(&world, &params)).await;
    assert_eq!(label, Why::Eku);
    let root = read(&world.authority.certificate_file());
    let key = read(&world.path("ca/ca.key"));
    let client = world.client(Some((&root, &key)));
    assert_eq!(refused(&world.server(), client).await, Why::Eku);
}

#[tokio::test]
async fn tls_1_2_is_not_spoken() {
    let world = World::new();
    let client = stranger(&world, &[&TLS12], Resumption::disabled());
    assert_eq!(refused(&world.server(), client).await, Why::Version);
}

/// What the server counts, and answers, when these are the first bytes of a connection.
async fn first_bytes(world: &World, bytes: &[u8]) -> (Why, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    client.write_all(bytes).await.unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    let accepted = TlsAcceptor::from(world.server().current())
        .accept(socket)
        .await;
    let label = why(&accepted.unwrap_err());
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    (label, answer)
}

#[tokio::test]
async fn what_is_no_tls_is_counted_as_such() {
    let world = World::new();
    let (label, _) = first_bytes(&world, b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(label, Why::Protocol);
}

#[tokio::test]
async fn older_versions_of_tls_get_an_alert_and_nothing_more() {
    const ALERT: u8 = 21;
    let world = World::new();
    for minor in [1, 2, 3] {
        // A ClientHello without extensions: no session id, two cipher suites, no compression.
        let mut hello = vec![22, 3, 1, 0, 47, 1, 0, 0, 43, 3, minor];
        hello.extend([7; 32]);
        hello.extend([0, 0, 4, 0xc0, 0x13, 0, 0x2f, 1, 0]);
        let (label, answer) = first_bytes(&world, &hello).await;
        assert_eq!(label, Why::Version, "TLS 1.{}", minor - 1);
        assert_eq!((answer.len(), answer[0]), (7, ALERT), "TLS 1.{}", minor - 1);
    }
}

#[tokio::test]
async fn a_session_is_never_resumed() {
    let world = World::new();
    let server = world.server();
    let client = stranger(&world, &[&TLS13], Resumption::in_memory_sessions(8));
    for _ in 0..2 {
        let served = served(&server, client.clone()).await;
        assert_ne!(served.kind, Some(HandshakeKind::Resumed));
        assert_eq!(served.chain.len(), 1);
    }
}

/// A client with a good certificate, made without `ClientTls`: as a stranger would.
fn stranger(
    world: &World,
    versions: &[&'static rustls::SupportedProtocolVersion],
    resumption: Resumption,
) -> Arc<ClientConfig> {
    let (certificate, key) = world.issue(DAY).save(world.dir.path(), "own").unwrap();
    let mut anchors = RootCertStore::empty();
    let authority = world.authority.certificate_file();
    anchors.add_parsable_certificates(crate::files::certificates(&authority).unwrap());
    let time = Arc::new(tls::TlsClock(world.clock()));
    let mut config = ClientConfig::builder_with_details(tls::provider(), time)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(anchors)
        .with_client_auth_cert(
            crate::files::certificates(&certificate).unwrap(),
            crate::files::key(&key).unwrap(),
        )
        .unwrap();
    config.resumption = resumption;
    Arc::new(config)
}
