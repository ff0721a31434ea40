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
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
    // Finding primes is the slow part of a first start: both pairs at once.
    std::thread::scope(|scope| {
        let gateway = scope.spawn(|| key_pair(site, GATEWAY_KEY, GATEWAY_PUBLIC));
        key_pair(site, MINISTRY_KEY, MINISTRY_PUBLIC)?;
        let made = gateway.join();
        made.map_err(|_| anyhow::anyhow!("no key pair was made"))?
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

/// Makes an RSA key pair in two PEM files, unless both are there.
fn key_pair(site: &Site, private: &str, public: &str) -> anyhow::Result<()> {
    let there = |name: &str| Path::exists(&site.file(name));
    if there(private) && there(public) {
        return Ok(());
    }
    let key = KeyPair::generate(KeySize::Rsa2048)?;
    let der: Pkcs8V1Der<'_> = key.as_der()?;
    site.write(private, &pem("PRIVATE KEY", der.as_ref()))?;
    let der: PublicKeyX509Der<'_> = key.public_key().as_der()?;
    site.write(public, &pem("PUBLIC KEY", der.as_ref()))
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while let Some((line, more)) = rest.split_at_checked(64) {
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    format!("{pem}{rest}\n-----END {label}-----\n")
}
