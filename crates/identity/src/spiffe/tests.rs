//! Names of certificates: accepted in one spelling, refused in every other.

use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair, SanType, string::Ia5String};

use super::*;

fn domain() -> TrustDomain {
    TrustDomain::parse("lienthong.example").unwrap()
}

fn parse(uri: &str) -> Result<SpiffeId, Violation> {
    SpiffeId::parse(uri, &domain())
}

/// A self-signed certificate with these alternative names.
fn certificate(names: &[SanType]) -> CertificateDer<'static> {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names.to_vec();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, GOOD);
    params.serial_number = Some(vec![0x00, 0xab, 0x01].into());
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().into()
}

fn uri(text: &str) -> SanType {
    SanType::URI(Ia5String::try_from(text).unwrap())
}

fn dns(text: &str) -> SanType {
    SanType::DnsName(Ia5String::try_from(text).unwrap())
}

fn identify(names: &[SanType]) -> Result<CallerIdentity, Violation> {
    CallerIdentity::from_certificate(&certificate(names), &domain())
}

const GOOD: &str = "spiffe://lienthong.example/agency/G18/system/tax-web";

#[test]
fn a_certificate_with_one_proper_uri_names_its_caller() {
    let der = certificate(&[dns("tax.example"), uri(GOOD)]);
    let identity = CallerIdentity::from_certificate(&der, &domain()).unwrap();
    assert_eq!(identity.caller.agency().as_str(), "G18");
    assert_eq!(identity.caller.system().as_str(), "tax-web");
    let fingerprint = hex::encode(digest::digest(&digest::SHA256, &der));
    assert_eq!(identity.caller.certificate(), fingerprint);
    assert_eq!(&*identity.serial, "ab01");
    assert_eq!(identity.not_after.to_string(), "4096-01-01T00:00:00Z");
}

#[test]
fn a_common_name_or_a_dns_name_names_nobody() {
    assert_eq!(identify(&[]), Err(Violation::NoUri));
    assert_eq!(
        identify(&[dns("G18.lienthong.example")]),
        Err(Violation::NoUri)
    );
}

#[test]
fn two_uris_name_nobody_even_if_one_is_proper() {
    for other in [GOOD, "https://tax.example/", "spiffe://other.example/x"] {
        let both = identify(&[uri(GOOD), uri(other)]);
        assert_eq!(both, Err(Violation::SeveralUris(2)), "{other}");
        let both = identify(&[uri(other), uri(GOOD)]);
        assert_eq!(both, Err(Violation::SeveralUris(2)), "{other}");
    }
}

#[test]
fn a_nul_in_the_name_is_refused() {
    let name = format!("{GOOD}\0.evil.example");
    assert_eq!(identify(&[uri(&name)]), Err(Violation::Character('\0')));
}

#[test]
fn bytes_behind_a_certificate_are_refused() {
    let mut der = certificate(&[uri(GOOD)]).to_vec();
    der.push(0);
    let identity = CallerIdentity::from_certificate(&der.into(), &domain());
    assert_eq!(identity, Err(Violation::Unreadable));
}

const SPELLINGS: &[(&str, Violation)] = &[
    ("", Violation::Scheme),
    (
        "SPIFFE://lienthong.example/agency/G18/system/web",
        Violation::Scheme,
    ),
    (
        "https://lienthong.example/agency/G18/system/web",
        Violation::Scheme,
    ),
    (
        " spiffe://lienthong.example/agency/G18/system/web",
        Violation::Scheme,
    ),
    (
        "spiffe:/lienthong.example/agency/G18/system/web",
        Violation::Scheme,
    ),
    ("spiffe://lienthong.example", Violation::TrustDomain),
    ("spiffe:///agency/G18/system/web", Violation::TrustDomain),
    (
        "spiffe://lienthong.example./agency/G18/system/web",
        Violation::TrustDomain,
    ),
    (
        "spiffe://Lienthong.example/agency/G18/system/web",
        Violation::TrustDomain,
    ),
    (
        "spiffe://x.lienthong.example/agency/G18/system/web",
        Violation::TrustDomain,
    ),
    (
        "spiffe://other.example/agency/G18/system/web",
        Violation::TrustDomain,
    ),
    (
        "spiffe://l\u{456}enthong.example/agency/G18/system/web",
        Violation::Character('\u{456}'),
    ),
    (
        "spiffe://a@lienthong.example/agency/G18/system/web",
        Violation::Character('@'),
    ),
    (
        "spiffe://lienthong.example:443/agency/G18/system/web",
        Violation::Character(':'),
    ),
    (
        "spiffe://lienthong.example/agency/G%318/system/web",
        Violation::Character('%'),
    ),
    (
        "spiffe://lienthong.example/agency/*/system/web",
        Violation::Character('*'),
    ),
    (
        "spiffe://lienthong.example/agency/G18/system/web?a=b",
        Violation::Character('?'),
    ),
    (
        "spiffe://lienthong.example/agency/G18/system/web#a",
        Violation::Character('#'),
    ),
    (
        "spiffe://lienthong.example/agency/G18/system/web\n",
        Violation::Character('\n'),
    ),
    ("spiffe://lienthong.example/", Violation::Path),
    (
        "spiffe://lienthong.example//agency/G18/system/web",
        Violation::Path,
    ),
    (
        "spiffe://lienthong.example/agency/G18/system/web/",
        Violation::Path,
    ),
    (
        "spiffe://lienthong.example/agency/G18/system/web/more",
        Violation::Path,
    ),
    (
        "spiffe://lienthong.example/agency/G18/system/",
        Violation::Path,
    ),
    (
        "spiffe://lienthong.example/agency//system/web",
        Violation::Path,
    ),
    (
        "spiffe://lienthong.example/agency/../system/web",
        Violation::Path,
    ),
    ("spiffe://lienthong.example/agency/G18", Violation::Path),
    (
        "spiffe://lienthong.example/Agency/G18/system/web",
        Violation::Path,
    ),
    (
        "spiffe://lienthong.example/system/web/agency/G18",
        Violation::Path,
    ),
];

#[test]
fn every_other_spelling_is_refused_for_its_reason() {
    for (uri, violation) in SPELLINGS {
        assert_eq!(parse(uri), Err(*violation), "{uri}");
    }
}

#[test]
fn a_trust_domain_has_one_spelling() {
    for wrong in [
        "",
        "A.example",
        ".example",
        "example.",
        "a b",
        "a/b",
        "é",
        "a:1",
        "*",
    ] {
        assert!(TrustDomain::parse(wrong).is_none(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn every_agency_and_system_comes_back_as_it_was_spelt(
        agency in "[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}",
        system in "[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}",
    ) {
        let uri = format!("spiffe://lienthong.example/agency/{agency}/system/{system}");
        let id = parse(&uri).unwrap();
        prop_assert_eq!(id.agency.as_str(), agency);
        prop_assert_eq!(id.system.as_str(), system);
        prop_assert_eq!(id.uri(&domain()), uri);
    }

    #[test]
    fn what_is_accepted_is_spelt_the_same_way(
        uri in "(spiffe|SPIFFE|http)?:?//?(lienthong|x)\\.example[.:/]?/agency/[G%/.?]{0,4}/system/[w*/#. ]{0,4}/?",
    ) {
        if let Ok(id) = parse(&uri) {
            prop_assert_eq!(id.uri(&domain()), uri);
        }
    }

    #[test]
    fn no_character_can_be_smuggled_in(at in 0..=GOOD.len(), character in any::<char>()) {
        prop_assume!(!character.is_ascii_alphanumeric() && !"._-".contains(character));
        let mut uri = GOOD.to_owned();
        uri.insert(at, character);
        prop_assert!(parse(&uri).is_err());
    }

    #[test]
    fn arbitrary_bytes_are_no_certificate(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let identity = CallerIdentity::from_certificate(&bytes.into(), &domain());
        prop_assert_eq!(identity, Err(Violation::Unreadable));
    }
}
