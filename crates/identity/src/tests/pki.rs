//! The development CA: its files, what it signs, and what it revokes.

use std::os::unix::fs::PermissionsExt;
use std::thread;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    PKCS_RSA_SHA256, RsaKeySize, SanType,
};
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::*;
use crate::pki::Profile;
use crate::{CallerIdentity, Error, Violation, files, spiffe};

const URI: &str = "spiffe://lienthong.example/agency/H05/system/desk";

fn request(params: &CertificateParams) -> String {
    let key = KeyPair::generate().unwrap();
    params.serialize_request(&key).unwrap().pem().unwrap()
}

fn asking_for(uri: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
    params
}

fn der(pem: &str) -> CertificateDer<'static> {
    use rustls_pki_types::pem::PemObject;
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn revoked(world: &World) -> Vec<String> {
    let list = files::crls(&world.authority.crl_file()).unwrap().remove(0);
    let (_, list) = CertificateRevocationList::from_der(&list).unwrap();
    list.iter_revoked_certificates()
        .map(|revoked| hex::encode(revoked.raw_serial()))
        .collect()
}

#[test]
fn private_keys_are_readable_by_their_owner_alone() {
    let world = World::new();
    for name in ["ca/ca.key", "server.key"] {
        let mode = fs::metadata(world.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn an_authority_is_never_overwritten() {
    let world = World::new();
    let key = read(&world.path("ca/ca.key"));
    let again = Authority::create(&world.path("ca"), "Again", &domain(), world.clock());
    assert!(matches!(again.unwrap_err(), Error::Exists { .. }));
    let over = world.issue(DAY).save(&world.path("ca"), "ca");
    assert!(matches!(over.unwrap_err(), Error::Name { .. }));
    assert_eq!(read(&world.path("ca/ca.key")), key);
}

#[test]
fn an_authority_comes_back_from_its_directory() {
    let world = World::new();
    let loaded = Authority::load(&world.path("ca"), world.clock()).unwrap();
    assert_eq!(loaded.trust_domain(), &domain());
    let names: Vec<_> = loaded.issued().unwrap();
    assert_eq!(names[0].name, "gateway");
    assert_eq!(names[0].profile, Profile::Server);
}

#[test]
fn an_authority_with_the_key_of_another_is_refused() {
    let (world, other) = (World::new(), World::new());
    fs::copy(other.path("ca/ca.key"), world.path("ca/ca.key")).unwrap();
    let loaded = Authority::load(&world.path("ca"), world.clock());
    assert!(matches!(loaded.unwrap_err(), Error::KeyMismatch { .. }));
}

#[test]
fn a_certificate_never_outlives_its_authority() {
    let world = World::new();
    let credential = world.issue(DAY * 5000);
    let leaf = der(credential.certificate_pem());
    let root = files::certificates(&world.authority.certificate_file()).unwrap();
    assert_eq!(
        spiffe::not_after(&spiffe::parse(&leaf).unwrap()),
        spiffe::not_after(&spiffe::parse(&root[0]).unwrap()),
    );
}

#[test]
fn every_issued_certificate_stands_in_the_index_under_its_serial_number() {
    let world = World::new();
    let credential = world.issue(DAY);
    let leaf = der(credential.certificate_pem());
    let identity = CallerIdentity::from_certificate(&leaf, &domain()).unwrap();
    let entries = world.authority.issued().unwrap();
    let entry = entries.last().unwrap();
    assert_eq!(entry.serial, *identity.serial);
    assert_eq!(entry.not_after, identity.not_after);
    assert_eq!(
        entry.name,
        "spiffe://lienthong.example/agency/G18/system/tax-web"
    );
}

#[test]
fn a_request_gets_its_key_and_its_id_and_nothing_else() {
    let world = World::new();
    let mut params = asking_for(URI);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
        .distinguished_name
        .push(DnType::CommonName, "Another");
    let bank = SanType::DnsName("bank.example".try_into().unwrap());
    params.subject_alt_names.push(bank);
    let signed = world.authority.sign_csr(&request(&params), DAY).unwrap();
    let der = der(&signed);
    let identity = CallerIdentity::from_certificate(&der, &domain()).unwrap();
    assert_eq!(identity.caller.agency().as_str(), "H05");
    let certificate = spiffe::parse(&der).unwrap();
    assert!(!certificate.is_ca());
    assert_eq!(certificate.subject().to_string(), "O=H05, CN=desk");
    let purposes = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(purposes.client_auth && !purposes.server_auth);
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    assert_eq!(names.value.general_names.len(), 1);
}

#[test]
fn requests_of_other_tools_and_keys_are_signed() {
    let world = World::new();
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let pem = asking_for(URI)
        .serialize_request(&key)
        .unwrap()
        .pem()
        .unwrap();
    let pem = pem.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST");
    let signed = world.authority.sign_csr(&pem, DAY).unwrap();
    CallerIdentity::from_certificate(&der(&signed), &domain()).unwrap();
}

#[test]
fn a_request_for_an_id_that_is_not_ours_is_refused() {
    let world = World::new();
    let refusal = |params: &CertificateParams| {
        let error = world.authority.sign_csr(&request(params), DAY).unwrap_err();
        let Error::Identity { source } = error else {
            panic!("{error:?}");
        };
        source
    };
    let foreign = "spiffe://other.example/agency/H05/system/desk";
    assert_eq!(refusal(&asking_for(foreign)), Violation::TrustDomain);
    assert_eq!(refusal(&CertificateParams::default()), Violation::NoUri);
    let mut two = asking_for(URI);
    two.subject_alt_names
        .push(SanType::URI(foreign.try_into().unwrap()));
    assert_eq!(refusal(&two), Violation::SeveralUris(2));
    assert_eq!(world.authority.issued().unwrap().len(), 1);
}

#[test]
fn a_request_that_its_key_has_not_signed_is_refused() {
    let world = World::new();
    let pem = request(&asking_for(URI));
    let mut forged = pem.clone().into_bytes();
    // A letter of the signature, which ends the request.
    let at = pem.find("\n-----END").unwrap() - 12;
    forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    for wrong in ["", "no PEM", &forged] {
        let error = world.authority.sign_csr(wrong, DAY).unwrap_err();
        assert!(matches!(error, Error::Request { .. }), "{error:?}");
    }
    world.authority.sign_csr(&pem, DAY).unwrap();
}

#[test]
fn revoking_puts_the_certificate_on_the_list_once() {
    let world = World::new();
    assert!(revoked(&world).is_empty());
    let (file, _) = world.issue(DAY).save(world.dir.path(), "one").unwrap();
    world.issue(DAY);
    world.authority.revoke_file(&file).unwrap();
    let serial = world.authority.issued().unwrap()[1].serial.clone();
    let at = world.clock.now();
    world.clock.advance(HOUR);
    world
        .authority
        .revoke(&serial.to_ascii_uppercase())
        .unwrap();
    assert_eq!(revoked(&world), [serial]);
    let entries = world.authority.issued().unwrap();
    let times: Vec<_> = entries.iter().map(|entry| entry.revoked).collect();
    assert_eq!(times, [None, Some(at), None]);
}

#[test]
fn what_was_never_issued_cannot_be_revoked() {
    let (world, other) = (World::new(), World::new());
    let (file, _) = other.issue(DAY).save(world.dir.path(), "other").unwrap();
    let error = world.authority.revoke_file(&file).unwrap_err();
    assert!(matches!(error, Error::NotIssued { .. }), "{error:?}");
}

#[test]
fn programs_that_issue_and_revoke_at_once_lose_nothing() {
    let world = World::new();
    thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            let world = &world;
            scope.spawn(move || {
                let own = Authority::load(&world.path("ca"), world.clock()).unwrap();
                for _ in 0..5 {
                    let (agency, system) = tax_web();
                    let issued = own.issue_client(&agency, &system, DAY).unwrap();
                    let (file, _) = issued.save(world.dir.path(), name).unwrap();
                    own.revoke_file(&file).unwrap();
                }
            });
        }
    });
    assert_eq!(world.authority.issued().unwrap().len(), 21);
    assert_eq!(revoked(&world).len(), 20);
}

#[test]
fn a_damaged_line_of_the_index_is_named() {
    let world = World::new();
    let path = world.path("ca/issued.csv");
    let whole = read(&path);
    for damage in [
        "half a line",
        "2026-11-20T08:00:00Z,revoked,00ff,client,x,y\n",
    ] {
        fs::write(&path, format!("{whole}{damage}")).unwrap();
        let error = world.authority.issued().unwrap_err();
        assert!(matches!(error, Error::Index { line: 3, .. }), "{error:?}");
    }
}

#[test]
fn names_and_hosts_that_no_certificate_may_carry_are_refused() {
    let world = World::new();
    let issue = |name: &str, host: &str| world.authority.issue_server(name, &[host], DAY);
    for host in [
        "",
        "*.example",
        "example.",
        "a b",
        "host:443",
        "http://host",
    ] {
        let error = issue("gateway", host).unwrap_err();
        assert!(matches!(error, Error::Name { .. }), "{host}: {error:?}");
    }
    let nowhere = world.authority.issue_server("gateway", &[], DAY);
    assert!(matches!(nowhere.unwrap_err(), Error::Name { .. }));
    for name in ["", "line\nbreak", &"x".repeat(65)] {
        let error = issue(name, "localhost").unwrap_err();
        assert!(matches!(error, Error::Name { .. }), "{name}: {error:?}");
    }
}

#[test]
fn debug_shows_no_private_key() {
    let world = World::new();
    let shown = format!("{:?} {:?}", world.issue(DAY), world.authority);
    assert!(!shown.contains("PRIVATE"), "{shown}");
}
