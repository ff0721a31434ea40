//! The simulated Ministry of Health, on its own wire.
//!
//! It is strict where the ministry is: token, unit ids, freshness and signature are checked before
//! anything is looked at. It is careless in one thing on purpose: HIV and tuberculosis tables and
//! costs are sent although nobody asks, so that a test sees the adapter drop them.

mod ministry;
mod render;
mod tokens;
mod visit;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64_simd::STANDARD;
use sim::{Handle, Prepared, Stage};

use self::ministry::Ministry;
use self::tokens::Tokens;
use super::keys::{SigningKey, VerifyingKey};
use crate::{Simulator, Site};

/// The simulator, registered.
pub(crate) const SIMULATOR: Simulator = Simulator {
    provision,
    url,
    start,
};

/// The gateway's client id and, from the sandbox's block, the unit ids of both sides.
const CLIENT_ID: &str = "lienthong-gateway";
const GATEWAY: &str = "9990000000001";
const MINISTRY: &str = "9990000000018";

/// The files below the agency's folder.
const SECRET: &str = "client-secret";
const GATEWAY_KEY: &str = "gateway-signing.key";
const GATEWAY_PUBLIC: &str = "gateway-signing.pub";
const MINISTRY_KEY: &str = "ministry-signing.key";
const MINISTRY_PUBLIC: &str = "ministry-signing.pub";

fn provision(site: &Site) -> anyhow::Result<toml::Table> {
    site.secret(SECRET)?;
    // The gateway signs every question, so it has the kind of key that costs least.
    key_pair(site, GATEWAY_KEY, GATEWAY_PUBLIC, || {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
        let der: PublicKeyX509Der<'_> = key.public_key().as_der()?;
        Ok((key.to_pkcs8v1()?.as_ref().to_vec(), der.as_ref().to_vec()))
    })?;
    key_pair(site, MINISTRY_KEY, MINISTRY_PUBLIC, || {
        let key = KeyPair::generate(KeySize::Rsa2048)?;
        let der: PublicKeyX509Der<'_> = key.public_key().as_der()?;
        let private: Pkcs8V1Der<'_> = key.as_der()?;
        Ok((private.as_ref().to_vec(), der.as_ref().to_vec()))
    })?;
    let mut stanza = toml::Table::new();
    for (key, value) in [
        ("client_id", CLIENT_ID),
        ("sender_id", GATEWAY),
        ("receiver_id", MINISTRY),
    ] {
        stanza.insert(key.into(), value.into());
    }
    for (key, file) in [
        ("client_secret_file", SECRET),
        ("signing_key_file", GATEWAY_KEY),
        ("agency_key_file", MINISTRY_PUBLIC),
    ] {
        stanza.insert(key.into(), site.stanza_path(file));
    }
    Ok(stanza)
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

fn start(stage: Stage, site: &Site) -> anyhow::Result<Handle> {
    let read = |name: &str| {
        let path = site.file(name);
        std::fs::read(&path).with_context(|| path.display().to_string())
    };
    let secret = String::from_utf8(read(SECRET)?)?;
    let ministry = Ministry {
        world: Arc::clone(&site.world),
        clock: Arc::clone(&site.clock),
        journal: Arc::clone(stage.journal()),
        knobs: Arc::clone(stage.knobs()),
        prepared: Prepared::new(site.prepared),
        tokens: Tokens::new(CLIENT_ID, secret.trim()),
        signing: SigningKey::from_pem(&read(MINISTRY_KEY)?)?,
        gateway: VerifyingKey::from_pem(&read(GATEWAY_PUBLIC)?)?,
        gateway_id: GATEWAY,
        own_id: MINISTRY,
    };
    Ok(stage.serve(Arc::new(ministry).router()))
}

/// Makes a key pair in two PEM files, unless both are there. `make` gives PKCS#8 and SPKI.
fn key_pair(
    site: &Site,
    private: &str,
    public: &str,
    make: impl FnOnce() -> anyhow::Result<(Vec<u8>, Vec<u8>)>,
) -> anyhow::Result<()> {
    let there = |name: &str| Path::exists(&site.file(name));
    if there(private) && there(public) {
        return Ok(());
    }
    let (pkcs8, spki) = make()?;
    site.write(private, &pem("PRIVATE KEY", &pkcs8))?;
    site.write(public, &pem("PUBLIC KEY", &spki))
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode_to_string(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while let Some((line, more)) = rest.split_at_checked(64) {
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    format!("{pem}{rest}\n-----END {label}-----\n")
}
