//! Clients below an intermediate authority: each link of the chain counts.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};

use super::*;
use crate::Why;

/// A root, an authority below it, and a server that believes the root.
struct Chain {
    world: World,
    root: Issuer<'static, KeyPair>,
    middle: Issuer<'static, KeyPair>,
    server: ServerTls,
    client: Arc<ClientConfig>,
}

fn authority(world: &World, name: &str, serial: u64, validity: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(serial));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    lasting(&mut params, world, validity);
    params
}

fn list(world: &World, issuer: &Issuer<'static, KeyPair>, revoked: &[u64]) -> String {
    let now = time::OffsetDateTime::from_unix_timestamp(world.clock.now().as_second()).unwrap();
    let params = CertificateRevocationListParams {
        this_update: now,
        next_update: now + DAY * 30,
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: revoked
            .iter()
            .map(|&serial| RevokedCertParams {
                serial_number: SerialNumber::from(serial),
                revocation_time: now,
                reason_code: None,
                invalidity_date: None,
            })
            .collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(issuer).unwrap().pem().unwrap()
}

impl Chain {
    fn new(middle_validity: Duration) -> Self {
        let world = World::new();
        let (root_key, middle_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let root = authority(&world, "Root", 1, DAY * 90);
        let root_pem = root.self_signed(&root_key).unwrap().pem();
        let root = Issuer::new(root, root_key);
        let middle = authority(&world, "Middle", 2, middle_validity);
        let middle_pem = middle.signed_by(&middle_key, &root).unwrap().pem();
        let middle = Issuer::new(middle, middle_key);
        let key = KeyPair::generate().unwrap();
        let leaf_pem = leaf(&world).signed_by(&key, &middle).unwrap().pem();
        let client = world.client(Some((&(leaf_pem + &middle_pem), &key.serialize_pem())));
        fs::write(world.path("root.pem"), root_pem).unwrap();
        fs::write(world.path("root.crl"), list(&world, &root, &[])).unwrap();
        fs::write(world.path("middle.crl"), list(&world, &middle, &[])).unwrap();
        let mut files = world.server_files();
        files.client_ca = world.path("root.pem");
        files.crls = vec![world.path("root.crl"), world.path("middle.crl")];
        let server = ServerTls::load(&files, world.clock()).unwrap();
        Self {
            world,
            root,
            middle,
            server,
            client,
        }
    }
}

#[tokio::test]
async fn a_client_below_an_intermediate_authority_is_served() {
    let chain = Chain::new(DAY);
    let served = served(&chain.server, chain.client).await;
    assert_eq!(served.chain.len(), 2);
}

#[tokio::test]
async fn an_expired_intermediate_authority_is_refused() {
    let chain = Chain::new(HOUR);
    chain.world.clock.advance(HOUR * 2);
    assert_eq!(refused(&chain.server, chain.client).await, Why::Expired);
}

#[tokio::test]
async fn a_revoked_intermediate_authority_is_refused() {
    let chain = Chain::new(DAY);
    let revoking = list(&chain.world, &chain.root, &[2]);
    fs::write(chain.world.path("root.crl"), revoking).unwrap();
    chain.server.reload().unwrap();
    assert_eq!(refused(&chain.server, chain.client).await, Why::Revoked);
}

#[tokio::test]
async fn a_list_that_an_intermediate_authority_has_not_signed_admits_nobody() {
    let chain = Chain::new(DAY);
    let mut forger = authority(&chain.world, "Middle", 2, DAY);
    forger.key_usages = chain.middle.key_usages().to_vec();
    let forger = Issuer::new(forger, KeyPair::generate().unwrap());
    fs::write(
        chain.world.path("middle.crl"),
        list(&chain.world, &forger, &[]),
    )
    .unwrap();
    chain.server.reload().unwrap();
    assert_eq!(refused(&chain.server, chain.client).await, Why::Crl);
}
